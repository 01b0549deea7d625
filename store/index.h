// Index: stored key -> newest version, an extendible hash table of small open-addressing
// sub-tables.
//
// A slot is 8 bytes: 20 bits of the hash, its tag, and a pointer without its 4 lowest bits, as
// what it leads to lies at a multiple of 16. The tag has the bits that say where the look-up of an
// entry begins, so that entries are moved without reading their keys, each of which would be a
// cache miss. A sub-table grows alone, at first by doubling, then by splitting in two, so no single
// insert ever rehashes more than kSlotsMax slots, however many keys there are. One that has become
// nearly empty shrinks, as far as that needs no memory, and has none at all where it is empty and
// no smaller block is at hand: a table whose entries were evicted would else keep what others lack.
//
//   hash   63 ... 64-depth | 35 ... 28 | 27 ... 16 | 15 ... 0
//          directory         tag         tag, slot   left to the key group
//
// Thread safety: the store's writer thread only; memory_bytes any.
#pragma once

#include "store/counter.h"
#include "store/version.h"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace tidemark::store {

class Index {
 public:
  static constexpr uint32_t kSlotsMin = 16;
  static constexpr uint32_t kSlotsMax = 4096;
  // Keys made to collide cannot blow up the directory: beyond this depth sub-tables double instead.
  static constexpr uint32_t kDepthMax = 22;

  // The hash by which an entry is found. Called where slots do not tell it.
  using HashFunction = uint64_t (*)(const Version& version);
  static uint64_t HashOfUserKey(const Version& version);

  // `arena` outlives the index.
  explicit Index(Arena& arena, HashFunction hash_of = HashOfUserKey);
  ~Index();
  Index(const Index&) = delete;
  Index& operator=(const Index&) = delete;

  // The version of the user key with this hash, or nullptr. Two stored keys with one user key are
  // of one group, so groups need no comparing.
  Version* Find(uint64_t hash, std::string_view user_key) const;
  // The one with this hash for which is_it(const Version&) is true, or nullptr.
  template <class F>
  Version* FindIf(uint64_t hash, F&& is_it) const;
  // Brings the slot where the look-up of this hash begins nearer.
  void Prefetch(uint64_t hash) const {
    const SubTable& table = TableOf(hash);
    __builtin_prefetch(table.slots + (PositionOf(hash) & table.mask));
  }
  // Adds a key that is not there.
  void Insert(uint64_t hash, Version* version);
  // Makes the slot of `from` (which must be there) point to `to`, of the same key.
  void Replace(uint64_t hash, const Version* from, Version* to);
  // Removes the slot of `version`, which must be there.
  void Erase(uint64_t hash, const Version* version);

  // Removes all slots, and gives their memory back.
  void Clear();

  // What inserting a key with this hash would take from the system.
  size_t GrowthFor(uint64_t hash) const;

  size_t size() const noexcept { return size_; }
  uint64_t memory_bytes() const noexcept { return memory_bytes_.Get(); }

  // Calls visit(Version*) for every entry; no changes meanwhile.
  template <class F>
  void ForEach(F&& visit) const {
    for (size_t i = 0; i < directory_.size(); i = NextDistinct(i)) {
      const SubTable& table = *directory_[i];
      for (uint32_t slot = 0; slot <= table.mask; ++slot) {
        if (table.slots[slot] != 0) visit(PointerOf(table.slots[slot]));
      }
    }
  }

 private:
  struct SubTable {
    uint32_t mask = 0;
    uint32_t used = 0;
    uint32_t depth = 0;
    uint64_t* slots = nullptr;
  };

  static constexpr int kTagBits = 20;
  static constexpr int kPointerBits = 64 - kTagBits;
  static constexpr uint64_t kPointerMask = (uint64_t{1} << kPointerBits) - 1;
  static Version* PointerOf(uint64_t slot) {
    // NOLINTNEXTLINE(performance-no-int-to-ptr): half the size of a slot is worth it
    return reinterpret_cast<Version*>((slot & kPointerMask) << 4);
  }
  static uint64_t PointerBits(const Version* version) {
    return reinterpret_cast<uintptr_t>(version) >> 4;
  }
  static uint64_t TagOf(uint64_t hash) { return (hash >> 16) << kPointerBits; }
  static uint32_t PositionOf(uint64_t hash) { return static_cast<uint32_t>(hash >> 16); }
  // Where the look-up of the entry in this slot begins. Only in tables that keys made to collide
  // have blown up the tag has too few bits for it.
  uint32_t HomeOf(uint64_t slot, uint32_t mask) const {
    if (mask >> kTagBits == 0) [[likely]]
      return static_cast<uint32_t>(slot >> kPointerBits) & mask;
    return PositionOf(hash_of_(*PointerOf(slot))) & mask;
  }
  SubTable& TableOf(uint64_t hash) const {
    return *directory_[depth_ == 0 ? 0 : hash >> (64 - depth_)];
  }
  // Neighbours in the directory may share a sub-table: where the next other one begins.
  size_t NextDistinct(size_t i) const {
    const size_t span = size_t{1} << (depth_ - directory_[i]->depth);
    return (i & ~(span - 1)) + span;
  }

  SubTable* NewTable(uint32_t slots, uint32_t depth);
  void FreeTable(SubTable* table);
  void FreeTables();
  void Place(SubTable& table, uint64_t slot) const;
  uint32_t SlotOf(const SubTable& table, uint64_t hash, const Version* version) const;
  void EraseSlot(SubTable& table, uint32_t slot);
  uint64_t* NewSlots(uint32_t slots);
  void FreeSlots(const SubTable& table);
  void Shrink(SubTable& table);
  // Slots of the next larger table.
  static uint32_t GrownSlots(const SubTable& table) {
    return std::max(kSlotsMin, 2 * (table.mask + 1));
  }
  void Grow(uint64_t hash);
  void Split(uint64_t hash);

  // Of a table without memory: one that is always free, and full for whoever inserts.
  alignas(64) static const uint64_t kNoSlots[1];

  Arena& arena_;
  const HashFunction hash_of_;
  std::vector<SubTable*> directory_;
  uint32_t depth_ = 0;
  size_t size_ = 0;
  Counter memory_bytes_;
};

template <class F>
Version* Index::FindIf(uint64_t hash, F&& is_it) const {
  const SubTable& table = TableOf(hash);
  const uint64_t tag = TagOf(hash);
  for (uint32_t i = PositionOf(hash) & table.mask;; i = (i + 1) & table.mask) {
    const uint64_t slot = table.slots[i];
    if (slot == 0) return nullptr;
    if ((slot & ~kPointerMask) != tag) continue;
    Version* version = PointerOf(slot);
    if (is_it(std::as_const(*version))) return version;
  }
}

}  // namespace tidemark::store
