// Epochs larger than memory.
#include "tests/public/state_history.h"
#include "tests/public/store_fixture.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace tidemark::test {
namespace {

namespace fs = std::filesystem;

using Listing = std::map<std::string, uintmax_t>;  // sizes of files

std::optional<Listing> List(const std::string& directory) {
  Listing listing;
  std::error_code error;
  for (fs::recursive_directory_iterator it(directory, error), end; !error && it != end;
       it.increment(error)) {
    if (it->is_regular_file(error)) listing.emplace(it->path().string(), it->file_size(error));
  }
  return error ? std::nullopt : std::optional(listing);
}

// Of a store that is open: RocksDB may replace files by others while they are being copied.
void CopyAtOneMoment(const std::string& from, const std::string& to) {
  for (int tries = 0; tries < 1'000; ++tries) {
    const auto before = List(from);
    std::error_code error;
    fs::remove_all(to);
    fs::copy(from, to, fs::copy_options::recursive, error);
    if (!error && before && before == List(from)) return;
  }
  FAIL() << from << " does not come to rest";
}

std::string Key(uint64_t number) { return "key" + std::to_string(number); }

class SpillTest : public StoreFixture {
 protected:
  SpillTest() : StoreFixture(16 * kMiB) {}
  void SetUp() override {
    options_.keep_last = 100;
    Open();
  }
  static std::string Value(uint64_t number, size_t bytes = 1'000) {
    std::string value = std::to_string(number);
    value.resize(bytes, static_cast<char>('a' + number % 26));
    return value;
  }
  // 40 MB.
  void PutMuch(Table& table, uint64_t seed) {
    for (uint64_t i = 0; i < 40'000; ++i) ASSERT_TRUE(table.Put(Key(i), Value(i + seed)).ok());
  }
  void ExpectMuch(Table& table, uint64_t seed) {
    for (uint64_t i = 0; i < 40'000; i += 97) ASSERT_EQ(Read(table, Key(i)), Value(i + seed));
    size_t entries = 0;
    EXPECT_OK(table.ForEach([&](std::string_view key, std::string_view value) {
      const uint64_t number = std::stoull(std::string(key.substr(3)));
      EXPECT_EQ(value, Value(number + seed));
      return ++entries > 0;
    }));
    EXPECT_EQ(entries, 40'000);
  }
};

TEST_F(SpillTest, AnEpochLargerThanMemoryIsReadSavedAndRestored) {
  Table table = Open("t");
  PutMuch(table, 0);
  EXPECT_GT(store_->Metrics().spills, 1);
  EXPECT_GT(store_->Metrics().spilled_bytes, 100'000);
  ExpectMuch(table, 0);
  EXPECT_OK(Save(1));
  ExpectMuch(table, 0);
  EXPECT_OK(store_->Drain());
  ExpectMuch(table, 0);
  Reopen();
  table = Open("t");
  ExpectMuch(table, 0);
  EXPECT_LE(store_->Metrics().budget_used_bytes, store_->Metrics().budget_limit_bytes);
}

TEST_F(SpillTest, RollbackDropsWhatWasSpilled) {
  Table table = Open("t");
  PutMuch(table, 0);
  EXPECT_OK(Save(1));
  PutMuch(table, 7);
  EXPECT_OK(table.Put("more", "1"));
  ASSERT_EQ(Read(table, Key(5)), Value(12));
  EXPECT_OK(store_->Rollback());
  ExpectMuch(table, 0);
  PutMuch(table, 9);
  EXPECT_OK(Save(2));
  Reopen();
  table = Open("t");
  ExpectMuch(table, 9);
}

// Once: what had spilled of a list counted for its limit only until memory had a part of it again,
// so one epoch could add twice as much; of the largest limit more than a frame holds, and then no
// checkpoint ever succeeded again.
TEST_F(SpillTest, TheLimitOfAListHoldsWhateverHasSpilled) {
  options_.value_bytes_max = uint64_t{1} << 20;
  Reopen();
  Table table = Open("t");
  Table lists = Open("lists", {.kind = TableKind::kList});
  const std::string part((uint64_t{1} << 20) - 1'000, 'x');
  EXPECT_OK(lists.Append("k", part));
  EXPECT_OK(lists.Append("replaced", part));
  PutMuch(table, 0);
  ASSERT_GT(store_->Metrics().spills, 0u);
  EXPECT_OK(lists.Append("k", "1"));
  EXPECT_EQ(lists.Append("k", part).name(), "value-too-long");
  EXPECT_EQ(lists.Append("k", std::string(1'000, 'y')).name(), "value-too-long");
  EXPECT_OK(lists.Append("k", std::string(999, 'y')));
  EXPECT_OK(lists.Delete("replaced"));
  EXPECT_OK(lists.Append("replaced", part));
  EXPECT_OK(Save(1));
  EXPECT_EQ(Read(lists, "k"), part + "1" + std::string(999, 'y'));
  EXPECT_EQ(Read(lists, "replaced"), part);
}

// Once: the families of spilled epochs that a crash leaves have more levels than the change log's
// options, so RocksDB refused to open the directory, and everything was fetched anew.
TEST_F(SpillTest, WhatACrashLeavesOfItIsDroppedAndTheRestReused) {
  Table table = Open("t");
  PutMuch(table, 0);
  EXPECT_OK(Save(1));
  EXPECT_OK(store_->Drain());
  PutMuch(table, 7);
  ASSERT_GT(store_->Metrics().spills, 2);
  const std::string directory = options_.directory;
  CopyAtOneMoment(directory, directory + "-crashed");  // closing would drop what was spilled
  EXPECT_OK(store_->Close());
  store_.reset();
  options_.directory = directory + "-crashed";
  Open();
  EXPECT_TRUE(store_->restored().reused_live_database);
  table = Open("t");
  ExpectMuch(table, 0);
}

TEST_F(SpillTest, ARestartFindsNothingOfIt) {
  Table table = Open("t");
  PutMuch(table, 0);
  EXPECT_OK(Save(1));
  PutMuch(table, 7);
  Reopen();
  table = Open("t");
  ExpectMuch(table, 0);
}

// A key that was deleted and put again in an epoch that spilled between: it had a value before the
// epoch, so its record is no insert, and a later delete must not vanish with it.
TEST_F(SpillTest, WhatIsAbsentInASpilledRunWasNotAbsentBefore) {
  options_.write_back_bytes = uint64_t{1} << 34;  // both epochs in one write-back
  Reopen();
  Table table = Open("t");
  for (const char* key : {"read before", "k"}) EXPECT_OK(table.Put(key, "old"));
  EXPECT_OK(Save(1));
  EXPECT_OK(store_->Drain());
  for (const char* key : {"read before", "k"}) EXPECT_OK(table.Delete(key));
  PutMuch(table, 0);
  EXPECT_EQ(Read(table, "read before"), std::nullopt);
  for (const char* key : {"read before", "k"}) {
    EXPECT_OK(table.Update(
        key, [](auto) -> Result<std::string_view> { return std::string_view("new"); }));
  }
  PutMuch(table, 1);
  EXPECT_OK(Save(2));
  for (const char* key : {"read before", "k"}) EXPECT_OK(table.Delete(key));
  EXPECT_OK(Save(3));
  EXPECT_OK(store_->Drain());
  Reopen();
  table = Open("t");
  for (const char* key : {"read before", "k"}) EXPECT_EQ(Read(table, key), std::nullopt) << key;
}

// Random operations on three kinds of tables, most of them in epochs that do not fit.
class SpillModelTest : public SpillTest, public ::testing::WithParamInterface<uint32_t> {
 protected:
  using State = std::map<std::string, Content>;
  struct Held {
    Iterator iterator;
    Content expected;
    bool reverse;
  };

  void OpenTables() {
    tables_.clear();
    tables_.emplace("hashed", Open("hashed"));
    tables_.emplace("ordered", Open("ordered", {.kind = TableKind::kOrderedBytes}));
    tables_.emplace("list", Open("list", {.kind = TableKind::kList}));
  }

  void Step() {
    const char* names[] = {"hashed", "ordered", "list"};
    const std::string name = names[random_() % 3];
    Table& table = tables_.at(name);
    Content& content = current_[name];
    const std::string key = Key(random_() % 400);
    switch (random_() % 20) {
      case 0:
        return Moment();
      case 1:
      case 2:
        EXPECT_OK(table.Delete(key));
        content.erase(key);
        return;
      case 3:
      case 4:
      case 5:
        ASSERT_EQ(Read(table, key), Expected(content, key)) << key << " of " << name;
        return;
      case 6:
        return Update(table, content, key);
      case 7:
        return Mutable(table, content, key);
      case 8:
        if (name != "ordered" || random_() % 4 != 0) return PutMany(table, content);
        return DeleteRange(table, content);
      case 9:
      case 10:
        if (name == "ordered") return Scan(table, content);
        [[fallthrough]];
      default:
        const std::string value = Value(random_(), random_() % 20'000);
        if (name == "list" && random_() % 4 != 0) {
          EXPECT_OK(table.Append(key, value.substr(0, 3'000)));
          content[key] += value.substr(0, 3'000);
        } else {
          EXPECT_OK(table.Put(key, value));
          content[key] = value;
        }
    }
  }

  // 2 MB.
  void PutMany(Table& table, Content& content) {
    for (int i = 0; i < 200; ++i) {
      const std::string key = Key(random_() % 400);
      content[key] = Value(random_(), 10'000);
      ASSERT_TRUE(table.Put(key, content[key]).ok());
    }
  }

  static std::optional<std::string> Expected(const Content& content, const std::string& key) {
    const auto found = content.find(key);
    return found == content.end() ? std::nullopt : std::optional(found->second);
  }

  void Update(Table& table, Content& content, const std::string& key) {
    const auto expected = Expected(content, key);
    const std::string value = Value(random_(), random_() % 20'000);
    EXPECT_OK(
        table.Update(key, [&](std::optional<std::string_view> current) -> Result<std::string_view> {
          EXPECT_EQ(current, expected);
          return std::string_view(value);
        }));
    content[key] = value;
  }

  void Mutable(Table& table, Content& content, const std::string& key) {
    const auto expected = Expected(content, key);
    const auto bytes = table.Mutable(key).value();
    ASSERT_EQ(bytes.data() != nullptr, expected.has_value());
    if (bytes.empty()) return;
    ASSERT_EQ(std::string_view(bytes.data(), bytes.size()), *expected);
    bytes[0] = content[key][0] = static_cast<char>(random_());
  }

  void DeleteRange(Table& table, Content& content) {
    std::string from = Key(random_() % 400);
    std::string to = Key(random_() % 400);
    if (from > to) std::swap(from, to);
    EXPECT_OK(table.DeleteRange({.from = from, .to = to}));
    content.erase(content.lower_bound(from), content.lower_bound(to));
  }

  void Scan(Table& table, const Content& content) {
    if (held_.size() < 3) {
      const bool reverse = random_() % 2 == 0;
      held_.push_back({table.Scan({.reverse = reverse}).value(), content, reverse});
    }
    Held& held = held_[random_() % held_.size()];
    for (uint64_t steps = random_() % 100; steps > 0; --steps) {
      const auto more = held.iterator.Next();
      // Where what it would have to remember does not fit, it gives up.
      if (!more.has_value()) {
        EXPECT_EQ(more.error().name(), "scan-outgrown") << more.error().ToString();
      }
      if (!more.has_value() || !*more) {
        EXPECT_TRUE(!more.has_value() || held.expected.empty());
        held_.erase(held_.begin() + (&held - held_.data()));
        return;
      }
      ASSERT_FALSE(held.expected.empty());
      const auto next = held.reverse ? std::prev(held.expected.end()) : held.expected.begin();
      ASSERT_EQ(held.iterator.key(), next->first);
      ASSERT_EQ(held.iterator.value(), next->second) << next->first;
      held.expected.erase(next);
    }
  }

  void Moment() {
    switch (random_() % 50) {
      case 0:
        EXPECT_OK(store_->Drain());
        break;
      case 1:
        EXPECT_OK(store_->Rollback());
        history_.RolledBack();
        break;
      case 2: {
        const auto checkpoint = history_.RandomCheckpoint(random_);
        if (!checkpoint) break;
        held_.clear();
        spills_ += store_->Metrics().spills;
        Reopen(checkpoint);
        OpenTables();
        history_.Restored(*checkpoint);
        break;
      }
      case 3:
      case 4:
        EXPECT_OK(Save(history_.NextId()));
        history_.Saved();
        history_.Keep(3);
        break;
      default:
        return;
    }
    CompareAll();
  }

  void CompareAll() {
    for (auto& [name, table] : tables_) ASSERT_TRUE(Read(table) == current_[name]) << name;
    const StoreMetrics metrics = store_->Metrics();
    EXPECT_LE(metrics.budget_used_bytes, metrics.budget_limit_bytes);
  }

  std::mt19937 random_{GetParam()};
  std::map<std::string, Table> tables_;
  StateHistory<State> history_;
  State& current_ = history_.current();
  std::vector<Held> held_;
  uint64_t spills_ = 0;
};

TEST_P(SpillModelTest, Invariant02EpochsLargerThanMemorySurviveEverything) {
  OpenTables();
  for (int i = 0; i < 1'500 && !HasFatalFailure(); ++i) Step();
  CompareAll();
  held_.clear();
  EXPECT_GT(spills_ + store_->Metrics().spills, 0);
}

INSTANTIATE_TEST_SUITE_P(Seeds, SpillModelTest, ::testing::Range(0U, 6U));

}  // namespace
}  // namespace tidemark::test
