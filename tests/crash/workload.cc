#include "tests/crash/workload.h"

#include <algorithm>
#include <charconv>

namespace tidemark::test {
namespace {

constexpr const char* kTables[] = {"counts", "profiles", "sessions"};

// Half of it says where it comes from, half does not compress.
std::string MakeValue(Random& random, uint64_t bytes, uint64_t round) {
  std::string value = "round " + std::to_string(round) + " ";
  value.resize(std::max<uint64_t>(value.size(), bytes / 2), '.');
  while (value.size() < bytes) value.push_back(static_cast<char>(random.Next()));
  return value;
}

ChangeKind MakeKind(Random& random) {
  const uint64_t dice = random.Below(10);
  if (dice < 5) return ChangeKind::kPut;
  return dice < 8 ? ChangeKind::kUpdate : ChangeKind::kDelete;
}

uint64_t ChangesIn(Random& random, const RoundShape& shape) {
  const uint64_t dice = random.Below(16);
  if (dice == 0) return 0;
  return dice == 1 ? shape.changes * 10 : 1 + random.Below(2 * shape.changes);
}

uint64_t BytesOf(Random& random, const RoundShape& shape) {
  return random.OneIn(50) ? 20 * shape.value_bytes_max : random.Below(shape.value_bytes_max + 1);
}

uint64_t Number(std::string_view text) {
  uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::string Shortened(const std::string& value) {
  return std::to_string(value.size()) + " bytes `" + value.substr(0, 24) + "`";
}

std::string DifferenceOfRows(const Rows& expected, const Rows& found) {
  for (const auto& [key, value] : expected) {
    const auto row = found.find(key);
    if (row == found.end()) return key + ": expected " + Shortened(value) + ", got no such key";
    if (row->second != value)
      return key + ": expected " + Shortened(value) + ", got " + Shortened(row->second);
  }
  for (const auto& [key, value] : found)
    if (!expected.contains(key)) return key + ": expected no such key, got " + Shortened(value);
  return {};
}

}  // namespace

uint64_t Random::Next() {
  uint64_t z = state_ += 0x9E3779B97F4A7C15;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

std::vector<Change> ChangesOfRound(uint64_t seed, uint64_t round, const RoundShape& shape) {
  Random random(seed * 1'000'003 + round);
  std::vector<Change> changes;
  const uint64_t count = ChangesIn(random, shape);
  const uint64_t rollback = random.OneIn(8) ? random.Below(count + 1) : count + 1;
  for (uint64_t i = 0; i < count; ++i) {
    if (i == rollback) changes.push_back({ChangeKind::kRollback, {}, {}, {}});
    Change change;
    change.kind = MakeKind(random);
    // The last table comes late: a checkpoint must know which tables there were.
    change.table = kTables[random.Below(round < 10 ? 2 : 3)];
    change.key = "key-" + std::to_string(random.Below(shape.keys));
    if (change.kind != ChangeKind::kDelete)
      change.value = MakeValue(random, BytesOf(random, shape), round);
    changes.push_back(std::move(change));
  }
  return changes;
}

std::vector<Change> ChangesRolledBack() {
  std::vector<Change> changes{{ChangeKind::kPut, "counts", "rolled back", "never there"}};
  constexpr ChangeKind kKinds[] = {ChangeKind::kPut, ChangeKind::kUpdate, ChangeKind::kDelete};
  for (uint64_t i = 0; i < kSmallRounds.keys; ++i)
    changes.push_back({kKinds[i % 3], kTables[i % 2], "key-" + std::to_string(i), "rolled back"});
  changes.push_back({ChangeKind::kRollback, {}, {}, {}});
  return changes;
}

std::string Updated(const std::optional<std::string_view>& before, std::string_view with) {
  uint64_t hash = 14695981039346656037U;  // FNV-1a
  for (const char c : before.value_or("none")) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  }
  return "after " + std::to_string(hash) + ": " + std::string(with);
}

void ApplyRound(const std::vector<Change>& changes, Content* content) {
  auto first = changes.begin();
  for (auto change = changes.begin(); change != changes.end(); ++change)
    if (change->kind == ChangeKind::kRollback) first = change + 1;
  for (auto change = first; change != changes.end(); ++change) {
    Rows& rows = (*content)[change->table];
    const auto row = rows.find(change->key);
    if (change->kind == ChangeKind::kDelete) {
      if (row != rows.end()) rows.erase(row);
    } else if (change->kind == ChangeKind::kPut) {
      rows[change->key] = change->value;
    } else {
      const auto before =
          row == rows.end() ? std::nullopt : std::optional<std::string_view>(row->second);
      rows[change->key] = Updated(before, change->value);
    }
  }
  std::erase_if(*content, [](const auto& table) { return table.second.empty(); });
}

const Rows& LargeRows() {
  static const Rows rows = [] {
    Rows made;
    for (int i = 0; i < 150; ++i)
      made["large-" + std::to_string(i)] = std::string(100'000, static_cast<char>('a' + i % 26));
    return made;
  }();
  return rows;
}

std::vector<Change> ChangesOfLargeRows(ChangeKind kind) {
  std::vector<Change> changes;
  for (const auto& [key, value] : LargeRows()) changes.push_back({kind, "counts", key, value});
  return changes;
}

std::vector<Change> LargeChangesRolledBack() {
  std::vector<Change> changes = ChangesOfLargeRows(ChangeKind::kPut);
  for (size_t i = 0; i < changes.size(); ++i) {
    changes[i].value.assign(changes[i].value.size(), '-');
    if (i % 2 == 0) changes[i].key += " rolled back";
  }
  changes.push_back({ChangeKind::kRollback, {}, {}, {}});
  return changes;
}

void History::Continue(uint64_t first_round, uint64_t seed) {
  seeds_.erase(seeds_.lower_bound(first_round), seeds_.end());
  seeds_.emplace(first_round, seed);
}

uint64_t History::SeedOf(uint64_t round) const {
  const auto after = seeds_.upper_bound(round);
  return after == seeds_.begin() ? 0 : std::prev(after)->second;
}

Content History::After(uint64_t round, const RoundShape& shape) const {
  Content content;
  for (uint64_t r = 1; r <= round; ++r) ApplyRound(ChangesOfRound(SeedOf(r), r, shape), &content);
  return content;
}

std::string History::Encode() const {
  std::string text;
  for (const auto& [round, seed] : seeds_)
    text += std::to_string(round) + ":" + std::to_string(seed) + ",";
  return text;
}

History History::Decode(std::string_view text) {
  History history;
  while (!text.empty()) {
    const std::string_view entry = text.substr(0, text.find(','));
    const size_t colon = entry.find(':');
    history.seeds_.emplace(Number(entry.substr(0, colon)), Number(entry.substr(colon + 1)));
    text.remove_prefix(std::min(entry.size() + 1, text.size()));
  }
  return history;
}

std::string Difference(const Content& expected, const Content& found) {
  for (const auto& [name, rows] : expected) {
    const auto table = found.find(name);
    if (table == found.end())
      return "table " + name + ": expected " + std::to_string(rows.size()) + " rows, got none";
    const std::string difference = DifferenceOfRows(rows, table->second);
    if (!difference.empty()) return "table " + name + ", " + difference;
  }
  for (const auto& [name, rows] : found)
    if (!expected.contains(name))
      return "table " + name + ": expected no rows, got " + std::to_string(rows.size());
  return {};
}

}  // namespace tidemark::test
