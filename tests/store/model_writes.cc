// ModelRun's writes.
#include "tests/store/model_run.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace tidemark::store {

namespace {

std::string Short(const std::string& key) {
  std::string text = key.size() <= 20 ? key : key.substr(0, 5) + "...";
  for (char& c : text) c = c < ' ' ? '.' : c;
  return text.size() == key.size() ? text : text + "(" + std::to_string(key.size()) + ")";
}

// What keys of the partition of that name begin with.
std::string PartitionOf(const std::string& name) {
  return std::string{'\0', static_cast<char>(name.size())} + name;
}
// Entries of a filled prefix, at least: more than a range delete removes one by one.
constexpr uint64_t kFilled = 260;

std::string Place(const std::string& key, const std::string& table) {
  return "`" + Short(key) + "` of " + table;
}

}  // namespace

template <class Write>
void ModelRun::Carry(ModelRandom& random, Write&& write) {
  Carry(random, std::forward<Write>(write), [] {});
}

template <class Write, class Settle>
void ModelRun::Carry(ModelRandom& random, Write&& write, Settle&& settle) {
  Status status = write();
  const bool no_memory = status.name() == "memory-budget";
  const bool no_spill = world_.has_fault() && (status.code() == StatusCode::kUnavailable ||
                                               status.code() == StatusCode::kResourceExhausted);
  if (no_memory || no_spill) {
    world_.Note("refused: " + status.ToString());
    ++world_.counts().refused_writes;
    fault_steps_ = 0;
    world_.ClearFaults();
    settle();
    // A neighbour may leave less than a chunk for each size class in use.
    world_.LeaveRoom(0);
    CheckpointSoon(random, true);
    world_.Drain();
    status = write();
    world_.LeaveRoom(plan_.config.room_bytes);
  }
  world_.Expect(status, "write");
}

void ModelRun::Put(ModelRandom& random) {
  const Target target = RandomTarget(random);
  const std::string key = RandomKey(random, target.content);
  const ModelValue value = RandomValue(random);
  world_.Note("put " + std::to_string(value->size()) + " bytes into " + Place(key, target.name));
  Carry(random, [&] { return target.table->Put(key, *value); });
  target.content.entries[key] = value;
  CountWrite(value->size() + key.size());
}

// A view of one entry's value as the value of another.
void ModelRun::PutView(ModelRandom& random) {
  const Target target = RandomTarget(random);
  auto& entries = target.content.entries;
  const auto from = entries.lower_bound(RandomKey(random, target.content));
  if (from == entries.end()) return;
  const std::string key = RandomKey(random, target.content);
  world_.Note("put what `" + Short(from->first) + "` has into " + Place(key, target.name));
  const ModelValue value = from->second;
  const std::string from_key = from->first;
  Carry(random, [&]() -> Status {
    const auto view = target.table->Get(from_key);
    world_.Expect(view.error(), "get");
    world_.Expect(view->has_value() && **view == *value, "the value of " + Short(from_key));
    return target.table->Put(key, **view);
  });
  entries[key] = value;
  CountWrite(value->size() + key.size());
}

void ModelRun::Delete(ModelRandom& random) {
  const Target target = RandomTarget(random);
  const std::string key = RandomKey(random, target.content);
  world_.Note("delete " + Place(key, target.name));
  Carry(random, [&] { return target.table->Delete(key); });
  target.content.entries.erase(key);
  CountWrite(100);
}

void ModelRun::Update(ModelRandom& random) {
  struct Change {
    const std::string* expected;  // null: absent
    const std::string* value;     // null: the change fails
    bool matches = false;
  };
  const Target target = RandomTarget(random);
  auto& entries = target.content.entries;
  const std::string key = RandomKey(random, target.content);
  const ModelValue value = random.Chance(8) ? nullptr : RandomValue(random);
  world_.Note((value ? "update " : "update in vain ") + Place(key, target.name));
  const auto found = entries.find(key);
  Change change{found == entries.end() ? nullptr : found->second.get(), value.get()};
  const auto run = [](void* context,
                      const std::optional<std::string_view>& got) -> Result<std::string_view> {
    auto& c = *static_cast<Change*>(context);
    c.matches = got.has_value() == (c.expected != nullptr) && (!got || *got == *c.expected);
    if (c.value == nullptr) return Status(StatusCode::kUnsupported, "in-vain", "the change fails");
    return std::string_view(*c.value);
  };
  Carry(random, [&] {
    Status status = target.table->Update(key, run, &change);
    world_.Expect(change.matches,
                  "update got something else than the value of " + Place(key, target.name));
    return status.name() == "in-vain" ? Status() : status;
  });
  if (value == nullptr) return;
  entries[key] = value;
  CountWrite(value->size() + key.size());
}

void ModelRun::Mutable(ModelRandom& random) {
  const Target target = RandomTarget(random);
  const std::string key = RandomKey(random, target.content);
  world_.Note("change in place " + Place(key, target.name));
  const auto found = target.content.entries.find(key);
  std::span<char> bytes;
  Carry(random, [&]() -> Status {
    auto got = target.table->Mutable(key);
    if (got.has_value()) bytes = *got;
    return got.error();
  });
  world_.Expect((bytes.data() != nullptr) == (found != target.content.entries.end()),
                "mutable of " + Place(key, target.name));
  if (bytes.data() == nullptr) return;
  world_.Expect(std::string_view(bytes.data(), bytes.size()) == *found->second,
                "mutable's value of " + Place(key, target.name));
  if (bytes.empty()) return;
  std::string changed = *found->second;
  const size_t at = random.Below(changed.size());
  bytes[at] = changed[at] = static_cast<char>(random());
  CountWrite(changed.size() + key.size());
  found->second = std::make_shared<const std::string>(std::move(changed));
}

// To a list; values stay below twice the usual length.
void ModelRun::Append(ModelRandom& random) {
  const Target target =
      RandomTargetThat([](TableKind kind) { return kind == TableKind::kList; }, random);
  if (target.content.kind != TableKind::kList) return;
  const std::string key = RandomKey(random, target.content);
  const ModelValue bytes = RandomValue(random);
  auto& entries = target.content.entries;
  const auto found = entries.find(key);
  const std::string before = found == entries.end() ? "" : *found->second;
  if (before.size() > world_.config().value_bytes_max) return;
  world_.Note("append " + std::to_string(bytes->size()) + " bytes to " + Place(key, target.name));
  Carry(random, [&] { return target.table->Append(key, *bytes); });
  entries[key] = std::make_shared<const std::string>(before + *bytes);
  ++world_.counts().appended;
  CountWrite(bytes->size() + key.size());
}

// To the entry that an iterator stands at, by the iterator's view of its key.
void ModelRun::WriteAtIterator(ModelRandom& random) {
  ModelScans& scans = world_.scans();
  if (scans.size() == 0) return;
  const size_t which = random.Below(scans.size());
  const auto key_view = scans.KeyOf(which);
  for (auto& [name, content] : world_.oracle().current()) {
    if (!key_view || content.incarnation != scans.IncarnationOf(which)) continue;
    const std::string key(*key_view);
    const auto& table = world_.Table(name);
    const ModelValue value = random.Chance(3) ? nullptr : RandomValue(random);
    world_.Note((value ? "put at an iterator " : "delete at an iterator ") + Place(key, name));
    Carry(random, [&] { return value ? table->Put(*key_view, *value) : table->Delete(*key_view); });
    value ? void(content.entries[key] = value) : void(content.entries.erase(key));
    return CountWrite((value ? value->size() : 100) + key.size());
  }
}

// Many small entries side by side.
void ModelRun::Fill(ModelRandom& random) {
  const Target target = RandomTargetThat(IsOrdered, random);
  const std::string partition =
      target.content.kind == TableKind::kMap ? RandomPartition(random) : "";
  FillFrom(partition + "key", target, random);
}

void ModelRun::FillFrom(const std::string& prefix, const Target& target, ModelRandom& random) {
  const uint64_t count = kFilled + random.Below(100);
  world_.Note("put " + std::to_string(count) + " entries from " + Place(prefix, target.name) +
              "0 on");
  for (uint64_t i = 0; i < count; ++i) {
    const std::string key = prefix + std::to_string(i);
    const auto value = std::make_shared<const std::string>(std::to_string(random.Below(1'000)));
    Carry(random, [&] { return target.table->Put(key, *value); });
    target.content.entries[key] = value;
  }
  CountWrite(count * 100);
}

void ModelRun::DeleteRange(ModelRandom& random) {
  const Target target = RandomTargetThat(IsOrdered, random);
  if (IsOrdered(target.content.kind))
    DeleteRangeOf(target, RandomRange(random, target.content), random);
}

// Two large maps side by side: cleared in either order, or filled so that the next time has them.
void ModelRun::Neighbours(ModelRandom& random) {
  const Target target =
      RandomTargetThat([](TableKind kind) { return kind == TableKind::kMap; }, random);
  if (target.content.kind != TableKind::kMap) return;
  const std::array neighbours = {PartitionOf("p"), PartitionOf("q")};
  const auto& entries = target.content.entries;
  const bool are_filled = std::ranges::all_of(neighbours, [&](const std::string& partition) {
    return entries.contains(partition + "key" + std::to_string(kFilled - 1));
  });
  const size_t first = random.Below(neighbours.size());
  for (const std::string& partition : {neighbours[first], neighbours[1 - first]}) {
    if (are_filled)
      DeleteRangeOf(target, {.prefix = partition}, random);
    else
      FillFrom(partition + "key", target, random);
  }
}

void ModelRun::DeleteRangeOf(const Target& target, const ScanOptions& range, ModelRandom& random) {
  const auto removed = [&](const auto& entry) { return ModelScans::IsIn(range, entry.first); };
  world_.Note("delete a range of " + target.name + ": " + ModelScans::Describe(range));
  const auto settle = [&] {  // one by one, a part of them may be gone
    std::erase_if(target.content.entries, [&](const auto& entry) {
      return removed(entry) && !target.table->Get(entry.first).value();
    });
  };
  Carry(
      random, [&] { return TableCore::DeleteRange(target.table, range); }, settle);
  const auto count = std::erase_if(target.content.entries, removed);
  CountWrite(100 * count);
}

// ---- Choices ----

ModelRun::Target ModelRun::RandomTarget(ModelRandom& random) {
  const std::string name = "table " + std::to_string(random.Below(world_.config().tables));
  const TableKind kind = random.OneOf({TableKind::kBytes, TableKind::kOrderedBytes,
                                       TableKind::kOrderedBytes, TableKind::kValue, TableKind::kMap,
                                       TableKind::kMap, TableKind::kList, TableKind::kList});
  ModelTable& content = world_.oracle().Table(name, kind, random.Chance(3));
  return {name, content, world_.Table(name)};
}

// A few tries; then it may be any.
ModelRun::Target ModelRun::RandomTargetThat(bool (*is_wanted)(TableKind), ModelRandom& random) {
  for (int tries = 0; tries < 3; ++tries) {
    const Target target = RandomTarget(random);
    if (is_wanted(target.content.kind)) return target;
  }
  return RandomTarget(random);
}

// Half of the time one that is there, if there is any: near a random one, or the first.
std::string ModelRun::RandomKey(ModelRandom& random, const ModelTable& content) const {
  std::string key = "key" + std::to_string(random.Below(world_.config().keys));
  if (random.Chance(100)) key = std::string(random.Below(10), '\0');
  if (world_.config().long_keys && random.Chance(300)) key = std::string(60'000, 'k');
  if (content.kind == TableKind::kMap) key = RandomPartition(random) + key;
  if (content.entries.empty() || random.Chance(2)) return key;
  const auto near = content.entries.lower_bound(key);
  return near != content.entries.end() ? near->first : content.entries.begin()->first;
}

// They differ in length, and one is empty.
std::string ModelRun::RandomPartition(ModelRandom& random) {
  return PartitionOf(std::string(random.Below(3), static_cast<char>('p' + random.Below(2))));
}

ScanOptions ModelRun::RandomRange(ModelRandom& random, const ModelTable& content) const {
  ScanOptions range;
  if (content.kind == TableKind::kMap) range.prefix = RandomPartition(random);
  if (random.Chance(4)) range.prefix += "key" + std::to_string(random.Below(10));
  if (random.Chance(4)) range.from = RandomKey(random, content);
  if (random.Chance(4)) range.to = RandomKey(random, content);
  return range;
}

ModelValue ModelRun::RandomValue(ModelRandom& random) const {
  if (random.Chance(20)) return std::make_shared<const std::string>();
  std::string value(random.Below(world_.config().value_bytes_max + 1),
                    static_cast<char>('a' + random.Below(26)));
  // Half of it does not compress.
  for (size_t i = value.size() / 2; i + 8 <= value.size(); i += 8) {
    const uint64_t bits = random();
    std::memcpy(value.data() + i, &bits, sizeof(bits));
  }
  return std::make_shared<const std::string>(std::move(value));
}

}  // namespace tidemark::store
