// Version: one value of one key as of one epoch, the unit of the state cache.
//
//   [Version, 32 bytes][stored key][padding to 8][value]
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

#include "format/key.h"
#include "format/record.h"
#include "store/arena.h"

#include <cstdint>
#include <string_view>

namespace tidemark::store {

struct Version;

// A pointer to a version in 6 bytes: user space has addresses of 48 bits, which the index relies on
// too.
class VersionLink {
 public:
  VersionLink& operator=(Version* version) {
    const auto bits = reinterpret_cast<uintptr_t>(version);
    low_ = static_cast<uint16_t>(bits);
    middle_ = static_cast<uint16_t>(bits >> 16);
    high_ = static_cast<uint16_t>(bits >> 32);
    return *this;
  }
  operator Version*() const {  // NOLINT(google-explicit-constructor)
    // NOLINTNEXTLINE(performance-no-int-to-ptr): the saved bytes are worth it
    return reinterpret_cast<Version*>(uintptr_t{high_} << 32 | uintptr_t{middle_} << 16 | low_);
  }
  Version* operator->() const { return *this; }

 private:
  uint16_t low_ = 0;
  uint16_t middle_ = 0;
  uint16_t high_ = 0;
};

// Small, as there are as many as entries: what the writer alone reads shares no memory with what
// others read, so that they need no lock.
struct Version {
  uint64_t epoch = 0;
  VersionLink older;                     // writer only
  uint16_t user_key_size = 0;            // of the stored key without its group
  VersionLink newer;                     // writer only
  uint8_t size_class : 7 = 0;            // the arena's; writer only
  uint8_t referenced : 1 = 0;            // for CLOCK; writer only
  uint8_t : 0;                           // what follows is another memory location: readers' too
  format::Op op : 7 = format::Op::kPut;  // kPut, kDelete or kMerge
  bool absent_before : 1 = false;        // the key is known to have been absent before this epoch
  uint32_t value_size = 0;
  // In its table's dirty list, while its epoch is the current one; from its release on, and in
  // copies, the number of its table. Writer only.
  uint32_t place = 0;

  static constexpr size_t ValueOffset(size_t key_size) {
    return (sizeof(Version) + key_size + 7) & ~size_t{7};
  }
  static constexpr size_t BytesFor(size_t key_size, size_t value_size) {
    return ValueOffset(key_size) + value_size;
  }

  // Of the stored key.
  size_t key_size() const { return user_key_size + format::kKeyGroupBytes; }
  void set_key_size(size_t stored) {
    user_key_size = static_cast<uint16_t>(stored - format::kKeyGroupBytes);
  }
  size_t bytes() const { return BytesFor(key_size(), value_size); }
  // Whether a value of `size` bytes may take this one's place. A large block's capacity is known by
  // what it holds, so there it must stay the same.
  bool Fits(size_t size) const {
    const size_t needed = BytesFor(key_size(), size);
    const size_t capacity = Arena::Capacity(size_class, bytes());
    return size_class == Arena::kLarge ? Arena::Capacity(size_class, needed) == capacity
                                       : needed <= capacity;
  }
  char* key_data() { return reinterpret_cast<char*>(this) + sizeof(Version); }
  const char* key_data() const { return reinterpret_cast<const char*>(this) + sizeof(Version); }
  char* value_data() { return reinterpret_cast<char*>(this) + ValueOffset(key_size()); }
  const char* value_data() const {
    return reinterpret_cast<const char*>(this) + ValueOffset(key_size());
  }
  std::string_view key() const { return {key_data(), key_size()}; }
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
static_assert(sizeof(Version) == 32);

}  // namespace tidemark::store
