// PartitionIndex: the newest versions of a table of partitions, those of each partition in the
// order of their keys. Between partitions there is no order.
//
// A hash table leads to what a partition has: the version itself where that is one; up to kRunMax
// of them in a run, 6 bytes each, which is sorted when somebody looks; a KeyTree where they are
// more. So a change waits for two cache misses or three, however many partitions there are, and
// adding to a run reads no keys.
//
// Thread safety: the store's writer thread only.
#pragma once

#include "store/index.h"
#include "store/key_tree.h"
#include "store/partition_block.h"
#include "store/sorted_fill.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tidemark::store {

using RoomCheck = std::function<bool(size_t bytes)>;

class PartitionIndex {
 public:
  static constexpr size_t kRunMax = 256;
  // What is in a partition with a longer name is a tree: a run is copied as it grows.
  static constexpr size_t kNameMax = 1024;

  PartitionIndex();
  // Reads the versions that are there.
  ~PartitionIndex();
  PartitionIndex(const PartitionIndex&) = delete;
  PartitionIndex& operator=(const PartitionIndex&) = delete;

  // Fills an empty one with the versions that `each` gives, about `count` of them, of different
  // keys, as long as has_room(bytes) is true: whether it may take so much beside what it has, which
  // is asked every few partitions and before large ones. Returns whether it was to the end.
  bool Fill(size_t count, const EachVersion& each, const RoomCheck& has_room);
  // A key that is not there.
  void Insert(Version* version);
  // A key that is.
  void Erase(const Version* version);
  void Replace(const Version* from, Version* to);

  size_t size() const noexcept { return size_; }
  // What inserting this key would take from the system.
  size_t GrowthFor(std::string_view user_key) const;
  uint64_t memory_bytes() const noexcept {
    return tables_.reserved_bytes() + block_bytes_ + tree_bytes_;
  }

  // A place in a partition, void when an entry of the index comes or goes.
  class Cursor {
   public:
    // It stays in the partition of `stored_key`.
    Cursor(const PartitionIndex& index, std::string_view stored_key);
    void SeekAtOrAfter(std::string_view stored_key);
    // Null at either end.
    const Version* here() const;
    void Next();  // not at the end
    void Previous();

   private:
    const PartitionIndex* index_;
    std::string name_;  // of the partition, as its stored keys begin
    uint64_t hash_;
    // What the partition has: a tree, or so many entries, in a run unless it is one.
    std::optional<KeyTree::Cursor> tree_;
    const VersionLink* run_ = nullptr;
    uint32_t count_ = 0;
    uint32_t at_ = 0;
  };

 private:
  // What there is of a partition, null if there is nothing.
  Version* Find(uint64_t hash, std::string_view name) const;
  static size_t CapacityFor(size_t name_size, size_t links);
  PartitionBlock* NewBlock(const Version& first, uint64_t kind, size_t links, size_t bytes);
  void Free(PartitionBlock* block);
  PartitionBlock* MakeRun(std::span<const VersionLink> links, size_t sorted);
  PartitionBlock* MakeTree(size_t count, const EachVersion& each, const Version& first);
  // What stands for `links`: the version itself, a run, of which the first `sorted` are in order,
  // or a tree.
  Version* Make(std::span<const VersionLink> links, size_t sorted);
  // That in the place of `from`, which is freed unless it is a version.
  void Put(uint64_t hash, Version* from, std::span<const VersionLink> links, size_t sorted);
  void EraseOfRun(uint64_t hash, PartitionBlock* run, const Version* version);
  void EraseOfTree(uint64_t hash, PartitionBlock* holder, const Version* version);

  // Beside the cache's: where memory is short, a chunk of that has to be emptied of entries first.
  Arena tables_{Arena::kSmallChunkBytes};
  Index slots_;
  size_t size_ = 0;
  uint64_t block_bytes_ = 0;
  uint64_t tree_bytes_ = 0;
};

}  // namespace tidemark::store
