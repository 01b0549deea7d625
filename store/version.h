// Version: one value of one key as of one epoch, the unit of the state cache.
//
//   [Version, 40 bytes][stored key][padding to 8][value]
//
// The newest version of a key is what the index points to; `older` leads to the one of an earlier
// epoch that write-back has not merged yet, `newer` back. A version is *sealed* from the barrier
// that closes its epoch on: its key, value, op, epoch and seal flags do not change until the writer
// has released the epoch, so background threads read them without a lock. The links and the
// writer's flags belong to the writer at all times; no other thread reads them.
//
// A version is *clean* once its epoch is released: RocksDB holds its value, and the writer may
// evict it or change it in place.
//
// A *copy* is no change of the state: a read has made it of what lies below, merge operands folded
// into one value. It is on no list, always its key's newest, and may go at any time; what it was
// made of in memory is `older`.
#pragma once

#include "format/record.h"
#include "store/arena.h"

#include <cstdint>
#include <string_view>

namespace tidemark::store {

struct Version {
  uint64_t epoch = 0;
  Version* older = nullptr;  // writer only
  Version* newer = nullptr;  // writer only
  uint32_t value_size = 0;
  uint32_t key_size = 0;  // of the stored key
  // In its table's dirty list, while its epoch is the current one; from its release on, and in
  // copies, the number of its table. Writer only.
  uint32_t place = 0;
  format::Op op = format::Op::kPut;  // kPut, kDelete or kMerge
  bool absent_before = false;        // the key is known to have been absent before this epoch
  uint8_t referenced = 0;            // for CLOCK; writer only
  uint8_t size_class = 0;            // the arena's

  static constexpr size_t ValueOffset(size_t key_size) {
    return (sizeof(Version) + key_size + 7) & ~size_t{7};
  }
  static constexpr size_t BytesFor(size_t key_size, size_t value_size) {
    return ValueOffset(key_size) + value_size;
  }

  size_t bytes() const { return BytesFor(key_size, value_size); }
  // Whether a value of `size` bytes may take this one's place. A large block's capacity is known by
  // what it holds, so there it must stay the same.
  bool Fits(size_t size) const {
    const size_t needed = BytesFor(key_size, size);
    const size_t capacity = Arena::Capacity(size_class, bytes());
    return size_class == Arena::kLarge ? Arena::Capacity(size_class, needed) == capacity
                                       : needed <= capacity;
  }
  char* key_data() { return reinterpret_cast<char*>(this) + sizeof(Version); }
  const char* key_data() const { return reinterpret_cast<const char*>(this) + sizeof(Version); }
  char* value_data() { return reinterpret_cast<char*>(this) + ValueOffset(key_size); }
  const char* value_data() const {
    return reinterpret_cast<const char*>(this) + ValueOffset(key_size);
  }
  std::string_view key() const { return {key_data(), key_size}; }
  std::string_view value() const { return {value_data(), value_size}; }
  // For kMerge too, whose value is an operand only.
  bool present() const { return op != format::Op::kDelete; }

  // In the epoch of a copy, so that it is neither the current one nor clean.
  static constexpr uint64_t kCopyBit = uint64_t{1} << 63;
  bool is_copy() const { return (epoch & kCopyBit) != 0; }

  // In the epoch of a mark, which is a copy of nothing: that the cache holds all of a partition of
  // a map, if the generation of the table's marks is added; that there is too much of it.
  static constexpr uint64_t kMark = kCopyBit | uint64_t{1} << 62;
  static constexpr uint64_t kLargeMark = kMark | uint64_t{1} << 61;
  bool is_mark() const { return (epoch & kMark) == kMark; }

  // Whether the change log needs it: a key that came and went inside one epoch leaves no trace.
  bool vanished() const { return op == format::Op::kDelete && absent_before; }
  format::Op log_op() const {
    if (op != format::Op::kPut) return op;
    return absent_before ? format::Op::kInsert : format::Op::kPut;
  }
};
static_assert(sizeof(Version) == 40);

}  // namespace tidemark::store
