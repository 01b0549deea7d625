// OrderedIndex: the newest versions of a table in key order, beside the hash index, for tables that
// are scanned: one KeyTree, or in a table of partitions a PartitionIndex.
//
// Thread safety: the store's writer thread only.
#pragma once

#include "store/key_tree.h"
#include "store/partition_index.h"
#include "store/sorted_fill.h"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <variant>

namespace tidemark::store {

// What an ordered index sorts by.
enum class KeyOrder : uint8_t { kByKey, kByPartition };

class OrderedIndex {
 public:
  explicit OrderedIndex(KeyOrder order);
  OrderedIndex(const OrderedIndex&) = delete;
  OrderedIndex& operator=(const OrderedIndex&) = delete;

  // Fills an empty one with the versions that `each` gives, about `count` of them, of different
  // keys. Of partitions as long as there is room, which is asked now and then; returns whether it
  // was to the end, else the index is of no use.
  bool Fill(size_t count, const EachVersion& each, const RoomCheck& has_room);
  // About what that takes for each of them, while it runs: what is sorted goes as the index grows.
  // Of partitions, where they have some ten each; `has_room` is for all others.
  static constexpr size_t FillBytes(KeyOrder order) {
    return order == KeyOrder::kByKey ? sizeof(KeyTree::Entry) * 5 / 4 : 14;
  }
  // A key that is not there.
  void Insert(Version* version);
  // A key that is.
  void Erase(const Version* version);
  void Replace(const Version* from, Version* to);

  size_t size() const noexcept;
  uint64_t memory_bytes() const noexcept;
  // What inserting this key would take from the system, about.
  size_t GrowthFor(std::string_view user_key) const;

  // A place in the index that finds itself again after changes.
  class Cursor {
   public:
    // It stays in the key group of `stored_key`, in a table of partitions in its partition.
    Cursor(const OrderedIndex& index, std::string_view stored_key);
    void SeekAtOrAfter(std::string_view stored_key);
    void SeekBefore(std::string_view stored_key);
    // The newest version of the entry that it stands at, null at either end. This and what moves on
    // need valid().
    const Version* here() const;
    void Next();  // not at the end
    void Previous();
    // No entry has come or gone since the last Seek.
    bool valid() const { return generation_ == index_.generation_; }

   private:
    using Place = std::variant<KeyTree::Cursor, PartitionIndex::Cursor>;

    const OrderedIndex& index_;
    Place at_;
    uint64_t generation_ = 0;
  };

 private:
  uint64_t tree_bytes_ = 0;
  uint64_t generation_ = 1;
  std::variant<KeyTree, PartitionIndex> index_;
};

}  // namespace tidemark::store
