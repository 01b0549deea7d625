// OrderedIndex: the newest versions of a table in key order, beside the hash index, for tables that
// are scanned.
//
// An entry has the version and eight bytes that sort as its key does, so most comparisons stay
// inside the tree's nodes. In a table of partitions those bytes are a hash of the partition: order
// matters within a partition only, and partitions with a common prefix would otherwise be told
// apart by reading their versions.
//
// Thread safety: the store's writer thread only.
#pragma once

#include "store/version.h"

#include <absl/container/btree_set.h>

#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>
#include <string_view>
#include <vector>

namespace tidemark::store {

// What an ordered index sorts by.
enum class KeyOrder : uint8_t { kByKey, kByPartition };

class OrderedIndex {
 private:
  struct Entry {
    uint64_t prefix;
    mutable Version* version;  // of this key, whichever is the newest
  };
  struct Key {
    uint64_t prefix;
    std::string_view stored;
  };
  struct Less {
    using is_transparent = void;
    bool operator()(const Entry& a, const Entry& b) const {
      return a.prefix != b.prefix ? a.prefix < b.prefix : a.version->key() < b.version->key();
    }
    bool operator()(const Entry& a, const Key& b) const {
      return a.prefix != b.prefix ? a.prefix < b.prefix : a.version->key() < b.stored;
    }
    bool operator()(const Key& a, const Entry& b) const {
      return a.prefix != b.prefix ? a.prefix < b.prefix : a.stored < b.version->key();
    }
  };
  // Counts what the tree takes.
  template <class T>
  struct Allocator {
    using value_type = T;
    explicit Allocator(uint64_t* counter) : bytes(counter) {}
    template <class U>
    Allocator(const Allocator<U>& other)
        : bytes(other.bytes) {}  // NOLINT(google-explicit-constructor)
    T* allocate(size_t n) {
      *bytes += n * sizeof(T);
      return static_cast<T*>(::operator new(n * sizeof(T)));
    }
    void deallocate(T* memory, size_t n) {
      *bytes -= n * sizeof(T);
      ::operator delete(memory);
    }
    friend bool operator==(const Allocator& a, const Allocator& b) { return a.bytes == b.bytes; }
    uint64_t* bytes;
  };
  using Tree = absl::btree_set<Entry, Less, Allocator<Entry>>;

 public:
  explicit OrderedIndex(KeyOrder order) : order_(order) {}
  OrderedIndex(const OrderedIndex&) = delete;
  OrderedIndex& operator=(const OrderedIndex&) = delete;

  // Fills an empty one with versions of different keys, in any order; for as long as it takes it
  // needs kFillBytes for each.
  static constexpr size_t kFillBytes = 2 * sizeof(Entry) + 4;
  void Fill(std::vector<Version*> versions);
  // A key that is not there.
  void Insert(Version* version);
  // A key that is.
  void Erase(const Version* version);
  void Replace(const Version* from, Version* to);

  size_t size() const noexcept { return tree_.size(); }
  uint64_t memory_bytes() const noexcept { return memory_bytes_; }
  // About what one more entry may take: a split on the way down to it.
  static constexpr size_t kGrowthBytes = 1024;

  // A place in the index that finds itself again after changes.
  class Cursor {
   public:
    // It stays in the key group of `stored_key`, in a table of partitions in its partition.
    Cursor(const OrderedIndex& index, std::string_view stored_key);
    void SeekAtOrAfter(std::string_view stored_key);
    void SeekBefore(std::string_view stored_key);
    // The newest version of the entry that it stands at, null at either end. This and what moves on
    // need valid().
    const Version* here() const { return at_ == index_.tree_.end() ? nullptr : at_->version; }
    void Next();  // not at the end
    void Previous();
    // No entry has come or gone since the last Seek.
    bool valid() const { return generation_ == index_.generation_; }

   private:
    Key KeyOf(std::string_view stored_key) const;

    const OrderedIndex& index_;
    const uint16_t group_;
    const std::optional<uint64_t> partition_;
    Tree::const_iterator at_;
    uint64_t generation_ = 0;
  };

 private:
  Key KeyOf(std::string_view stored_key) const { return {PrefixOf(stored_key), stored_key}; }
  uint64_t PrefixOf(std::string_view stored_key) const;

  const KeyOrder order_;
  uint64_t memory_bytes_ = 0;
  uint64_t generation_ = 1;
  Tree tree_{Less(), Allocator<Entry>(&memory_bytes_)};
};

}  // namespace tidemark::store
