// PartitionBlock: what the index of partitions has of one where that is not a single version.
#pragma once

#include "format/key.h"
#include "store/key_tree.h"
#include "store/version.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace tidemark::store {

// What malloc takes for a block of so many bytes.
constexpr size_t kMallocBytes = sizeof(void*);
constexpr size_t TakenFor(size_t bytes) {
  constexpr size_t kStep = 16;
  return (bytes + kMallocBytes + kStep - 1) / kStep * kStep;
}

// A run, or the holder of a tree: what is there instead of a version, in whose place it begins with
// what is no epoch.
//
//   [PartitionBlock, 16 bytes][key group and name][padding to 2][links, or pointer to the tree]
struct PartitionBlock {
  static constexpr uint64_t kRun = Version::kMark | 1;
  static constexpr uint64_t kTree = Version::kMark | 2;

  static constexpr size_t kPointerBytes = sizeof(void*);

  uint64_t kind;
  uint16_t count;     // of links
  uint16_t sorted;    // so many of them from the first on
  uint16_t capacity;  // in links; 0: a tree
  uint16_t name_size;

  static size_t LinksOffset(size_t name_size) {
    constexpr size_t kStep = alignof(VersionLink);
    return (sizeof(PartitionBlock) + format::kKeyGroupBytes + name_size + kStep - 1) / kStep *
           kStep;
  }
  static size_t BytesFor(size_t name_size, size_t links) {
    return LinksOffset(name_size) + links * sizeof(VersionLink);
  }

  // Null if it is a version.
  static PartitionBlock* At(const Version* entry) {
    uint64_t kind = 0;
    std::memcpy(&kind, entry, sizeof(kind));
    return (kind & Version::kMark) == Version::kMark
               ? reinterpret_cast<PartitionBlock*>(const_cast<Version*>(entry))
               : nullptr;
  }
  // As slots lead to it.
  Version* AsEntry() { return reinterpret_cast<Version*>(this); }

  char* data() { return reinterpret_cast<char*>(this); }
  const char* data() const { return reinterpret_cast<const char*>(this); }
  std::string_view stored_name() const {
    return {data() + sizeof(PartitionBlock), format::kKeyGroupBytes + size_t{name_size}};
  }
  bool is_tree() const { return kind == kTree; }
  std::span<VersionLink> links() {
    return {reinterpret_cast<VersionLink*>(data() + LinksOffset(name_size)), count};
  }
  std::span<const VersionLink> links() const { return const_cast<PartitionBlock*>(this)->links(); }
  KeyTree* tree() const {
    KeyTree* tree = nullptr;
    std::memcpy(&tree, data() + LinksOffset(name_size), kPointerBytes);
    return tree;
  }
  void set_tree(KeyTree* tree) {
    std::memcpy(data() + LinksOffset(name_size), &tree, kPointerBytes);
  }
  size_t taken_bytes() const {
    if (!is_tree()) return TakenFor(BytesFor(name_size, capacity));
    return TakenFor(LinksOffset(name_size) + kPointerBytes) + TakenFor(sizeof(KeyTree));
  }
};

static_assert(sizeof(PartitionBlock) == 16);

}  // namespace tidemark::store
