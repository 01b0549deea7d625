// KeyTree: newest versions in the order of their keys, which have their first bytes in common.
//
// An entry is small, as there are as many as entries of a table: the version, and the eight bytes
// of its key that come behind the common ones, so most comparisons stay inside the tree's nodes.
//
// Thread safety: the store's writer thread only.
#pragma once

#include "store/sorted_fill.h"
#include "store/version.h"

#include <absl/container/btree_set.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <string>
#include <string_view>

namespace tidemark::store {

class KeyTree {
 public:
  // Of a stored key, behind the `common` bytes: eight bytes that sort as it does.
  static uint64_t PrefixOf(std::string_view stored_key, size_t common);

  class Entry {
   public:
    Entry(uint64_t prefix, Version* version) {
      link = version;
      std::memcpy(prefix_.data(), &prefix, sizeof(prefix));
    }
    uint64_t prefix() const {
      uint64_t prefix = 0;
      std::memcpy(&prefix, prefix_.data(), sizeof(prefix));
      return prefix;
    }
    Version* version() const { return link; }
    friend bool operator<(const Entry& a, const Entry& b) {
      const uint64_t of_a = a.prefix();
      const uint64_t of_b = b.prefix();
      return of_a != of_b ? of_a < of_b : a.version()->key() < b.version()->key();
    }

    mutable VersionLink link;  // of this key, whichever is the newest

   private:
    std::array<uint16_t, sizeof(uint64_t) / sizeof(uint16_t)> prefix_{};
  };

  // `common`: how many bytes of the stored keys are the same. What the nodes take is added to
  // `memory_bytes`, which outlives this.
  KeyTree(size_t common, uint64_t* memory_bytes);

  // Fills an empty one with the versions that `each` gives, about `count` of them, of different
  // keys. They are sorted first, which takes an entry for each until it is in the tree.
  void Fill(size_t count, const EachVersion& each);
  void Insert(Version* version);  // of a key that is not there
  // Of a key that is.
  void Erase(const Version* version);
  void Replace(const Version* from, Version* to);

  size_t size() const noexcept { return tree_.size(); }
  // Calls visit(Version*) for all of them in order.
  template <class F>
  void ForEach(F&& visit) const {
    for (const Entry& entry : tree_) visit(entry.version());
  }
  // About what one more entry may take: a split on the way down to it.
  static constexpr size_t kGrowthBytes = 1024;

 private:
  struct Key {
    uint64_t prefix;
    std::string_view stored;
  };
  struct Less {
    using is_transparent = void;
    bool operator()(const Entry& a, const Entry& b) const { return a < b; }
    bool operator()(const Entry& a, const Key& b) const {
      const uint64_t of_a = a.prefix();
      return of_a != b.prefix ? of_a < b.prefix : a.version()->key() < b.stored;
    }
    bool operator()(const Key& a, const Entry& b) const {
      const uint64_t of_b = b.prefix();
      return of_b != a.prefix ? a.prefix < of_b : a.stored < b.version()->key();
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

  Tree::iterator Find(const Version* version);

  const size_t common_;
  Tree tree_;

 public:
  // A place in a tree, void when an entry comes or goes.
  class Cursor {
   public:
    // It stays among the keys that have the common bytes of `stored_key`.
    Cursor(const KeyTree& tree, std::string_view stored_key)
        : tree_(&tree), common_(stored_key.substr(0, tree.common_)) {
      StandAt(tree.tree_.end());
    }
    void SeekAtOrAfter(std::string_view stored_key);
    // Null at either end.
    const Version* here() const { return at_ == tree_->tree_.end() ? nullptr : at_->version(); }
    void Next();  // not at the end
    void Previous();

   private:
    void StandAt(Tree::const_iterator at) {
      at_ = ahead_ = at;
      in_front_ = 0;
    }

    const KeyTree* tree_;
    std::string common_;
    Tree::const_iterator at_;
    Tree::const_iterator ahead_;  // whose versions are fetched, so many entries in front
    int in_front_ = 0;
  };
};

}  // namespace tidemark::store
