#include "store/index.h"

#include "format/key.h"

#include <cassert>
#include <cstring>

namespace tidemark::store {

namespace {

// Seven eighths: linear probing stays short, and tables of one cache line's worth of slots fill
// well.
bool IsFull(uint32_t used, uint32_t slots) { return used * 8 >= slots * 7; }

constexpr size_t kCacheLineBytes = 64;

uint64_t Load64(const char* bytes) {
  uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof(word));
  return word;
}

// Most keys have 8 to 16 bytes: two words, which may overlap.
bool AreEqual(const char* a, const char* b, size_t size) {
  constexpr size_t kWord = sizeof(uint64_t);
  if (size < kWord || size > 2 * kWord) return std::memcmp(a, b, size) == 0;
  return ((Load64(a) ^ Load64(b)) | (Load64(a + size - kWord) ^ Load64(b + size - kWord))) == 0;
}

}  // namespace

alignas(64) const uint64_t Index::kNoSlots[1] = {0};

uint64_t Index::HashOfUserKey(const Version& version) {
  return format::HashKey(format::UserKey(version.key()));
}

Index::Index(Arena& arena, HashFunction hash_of) : arena_(arena), hash_of_(hash_of) {
  directory_.push_back(NewTable(kSlotsMin, 0));
}

Index::~Index() { FreeTables(); }

void Index::FreeTables() {
  for (size_t i = 0; i < directory_.size();) {
    SubTable* table = directory_[i];
    i = NextDistinct(i);
    FreeTable(table);
  }
}

void Index::Clear() {
  FreeTables();
  directory_.assign(1, NewTable(kSlotsMin, 0));
  depth_ = 0;
  size_ = 0;
}

Index::SubTable* Index::NewTable(uint32_t slots, uint32_t depth) {
  auto* table = new SubTable{slots - 1, 0, depth, NewSlots(slots)};
  memory_bytes_.Add(sizeof(SubTable));
  return table;
}

void Index::FreeTable(SubTable* table) {
  FreeSlots(*table);
  memory_bytes_.Subtract(sizeof(SubTable));
  delete table;
}

uint64_t* Index::NewSlots(uint32_t slots) {
  const size_t bytes = slots * sizeof(uint64_t);
  auto* const memory = static_cast<uint64_t*>(arena_.Allocate(bytes, Arena::Use::kTable));
  std::memset(memory, 0, bytes);
  memory_bytes_.Add(bytes);
  return memory;
}

void Index::FreeSlots(const SubTable& table) {
  if (table.slots == kNoSlots) return;
  const size_t bytes = (table.mask + uint64_t{1}) * sizeof(uint64_t);
  memory_bytes_.Subtract(bytes);
  arena_.Free(table.slots, arena_.SizeClass(bytes));
}

Version* Index::Find(uint64_t hash, std::string_view user_key) const {
  return FindIf(hash, [user_key](const Version& version) {
    // Where the value lies depends on what is read here: another miss, which would come after it.
    __builtin_prefetch(reinterpret_cast<const char*>(&version) + kCacheLineBytes);
    return version.user_key_size == user_key.size() &&
           AreEqual(version.key_data() + format::kKeyGroupBytes, user_key.data(), user_key.size());
  });
}

void Index::Place(SubTable& table, uint64_t slot) const {
  uint32_t i = HomeOf(slot, table.mask);
  while (table.slots[i] != 0) i = (i + 1) & table.mask;
  table.slots[i] = slot;
  ++table.used;
}

void Index::Insert(uint64_t hash, Version* version) {
  while (true) {
    SubTable& table = TableOf(hash);
    if (!IsFull(table.used + 1, table.mask + 1)) {
      Place(table, TagOf(hash) | PointerBits(version));
      ++size_;
      return;
    }
    if (table.mask + 1 < kSlotsMax || table.depth >= kDepthMax) {
      Grow(hash);
    } else {
      Split(hash);
    }
  }
}

size_t Index::GrowthFor(uint64_t hash) const {
  const SubTable& table = TableOf(hash);
  if (!IsFull(table.used + 1, table.mask + 1)) return 0;
  const bool splits = table.mask + 1 >= kSlotsMax && table.depth < kDepthMax;
  const size_t bytes = (splits ? kSlotsMax : size_t{GrownSlots(table)}) * sizeof(uint64_t);
  const size_t growth = arena_.HasRoomFor(bytes, Arena::Use::kTable) ? 0 : arena_.GrowthFor(bytes);
  return splits ? 2 * growth : growth;
}

uint32_t Index::SlotOf(const SubTable& table, uint64_t hash, const Version* version) const {
  uint32_t i = PositionOf(hash) & table.mask;
  while (PointerOf(table.slots[i]) != version) {
    assert(table.slots[i] != 0);
    i = (i + 1) & table.mask;
  }
  return i;
}

void Index::Replace(uint64_t hash, const Version* from, Version* to) {
  SubTable& table = TableOf(hash);
  table.slots[SlotOf(table, hash, from)] = TagOf(hash) | PointerBits(to);
}

void Index::Erase(uint64_t hash, const Version* version) {
  SubTable& table = TableOf(hash);
  EraseSlot(table, SlotOf(table, hash, version));
}

// Backward shift: every entry of the run after the hole that may stand in the hole moves there, so
// that no tombstones are needed.
void Index::EraseSlot(SubTable& table, uint32_t hole) {
  for (uint32_t i = (hole + 1) & table.mask; table.slots[i] != 0; i = (i + 1) & table.mask) {
    const uint32_t home = HomeOf(table.slots[i], table.mask);
    if (((i - home) & table.mask) >= ((i - hole) & table.mask)) {
      table.slots[hole] = table.slots[i];
      hole = i;
    }
  }
  table.slots[hole] = 0;
  --table.used;
  --size_;
  if (table.mask >= kSlotsMin && table.used * 8 <= table.mask) [[unlikely]]
    Shrink(table);
}

// Needs nothing from the system: this is called to give memory back. A quarter of the slots are
// less than half full then.
void Index::Shrink(SubTable& table) {
  const SubTable old = table;
  table.used = 0;
  if (old.used == 0) {
    table.slots = const_cast<uint64_t*>(kNoSlots);  // never written to
    table.mask = 0;
    return FreeSlots(old);
  }
  const uint32_t slots = std::max(kSlotsMin, (old.mask + 1) / 4);
  if (!arena_.HasRoomFor(slots * sizeof(uint64_t), Arena::Use::kTable)) {
    table.used = old.used;
    return;
  }
  table.slots = NewSlots(slots);
  table.mask = slots - 1;
  for (uint32_t i = 0; i <= old.mask; ++i)
    if (old.slots[i] != 0) Place(table, old.slots[i]);
  FreeSlots(old);
}

void Index::Grow(uint64_t hash) {
  const size_t at = depth_ == 0 ? 0 : hash >> (64 - depth_);
  SubTable* old = directory_[at];
  SubTable* grown = NewTable(GrownSlots(*old), old->depth);
  for (uint32_t i = 0; i <= old->mask; ++i) {
    if (old->slots[i] != 0) Place(*grown, old->slots[i]);
  }
  const size_t span = size_t{1} << (depth_ - old->depth);
  const size_t first = at & ~(span - 1);
  for (size_t i = first; i < first + span; ++i) directory_[i] = grown;
  FreeTable(old);
}

void Index::Split(uint64_t hash) {
  if (TableOf(hash).depth == depth_) {
    std::vector<SubTable*> doubled(directory_.size() * 2);
    for (size_t i = 0; i < directory_.size(); ++i)
      doubled[2 * i] = doubled[2 * i + 1] = directory_[i];
    directory_ = std::move(doubled);
    ++depth_;
  }
  const size_t at = hash >> (64 - depth_);
  SubTable* old = directory_[at];
  const uint32_t depth = old->depth + 1;
  SubTable* halves[2] = {NewTable(kSlotsMax, depth), NewTable(kSlotsMax, depth)};
  for (uint32_t i = 0; i <= old->mask; ++i) {
    __builtin_prefetch(PointerOf(old->slots[(i + 8) & old->mask]));
    if (old->slots[i] == 0) continue;
    const uint64_t entry_hash = hash_of_(*PointerOf(old->slots[i]));
    Place(*halves[(entry_hash >> (64 - depth)) & 1], old->slots[i]);
  }
  const size_t span = size_t{1} << (depth_ - old->depth);
  const size_t first = at & ~(span - 1);
  for (size_t i = 0; i < span; ++i) directory_[first + i] = halves[i >= span / 2 ? 1 : 0];
  FreeTable(old);
}

}  // namespace tidemark::store
