// Arena: memory for versions and index tables, in size classes carved from chunks; a chunk whose
// last block is freed goes back to the system. What malloc would do, but counted exactly, without
// locks, with neighbours in time as neighbours in memory, and on huge pages where the budget is
// large: a look-up in hundreds of megabytes misses the TLB several times otherwise, which costs as
// much as the look-up.
//
// Thread safety: the store's writer thread only; reserved_bytes and allocated_bytes any.
#pragma once

#include "store/counter.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tidemark::store {

class Arena {
 public:
  // For small budgets, and for those that can do with whole huge pages. Powers of two.
  static constexpr size_t kSmallChunkBytes = size_t{64} << 10;
  static constexpr size_t kHugeChunkBytes = size_t{2} << 20;

  explicit Arena(size_t chunk_bytes = kSmallChunkBytes)
      : chunk_bytes_(chunk_bytes),
        small_bytes_max_(chunk_bytes == kHugeChunkBytes ? kSmallMax : kSmallMax / 4) {}
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // The size class of a block for `bytes`; kLarge for a block of its own.
  static constexpr uint8_t kLarge = 255;
  uint8_t SizeClass(size_t bytes) const {
    return bytes <= small_bytes_max_ ? static_cast<uint8_t>(ClassOf(bytes)) : kLarge;
  }
  // What a block of that class holds; `bytes` matters for kLarge, whose blocks are whole pages, and
  // an eighth larger from one size to the next, so that a value which grows bit by bit is not
  // copied too often.
  static size_t Capacity(uint8_t size_class, size_t bytes) {
    if (size_class != kLarge) return ClassBytes(size_class);
    const size_t step = std::max(size_t{4096}, std::bit_floor(bytes) / 8);
    return (bytes + step - 1) & ~(step - 1);
  }

  // True if Allocate(bytes) needs no memory from the system.
  bool HasRoomFor(size_t bytes) const;
  // What Allocate(bytes) takes from the system when HasRoomFor is false.
  size_t GrowthFor(size_t bytes) const;

  // A block of Capacity(SizeClass(bytes), bytes), 16-byte aligned. Throws std::bad_alloc when the
  // system has none.
  void* Allocate(size_t bytes);
  // `size_class` of the allocation; `bytes`, for kLarge, with the same capacity as was asked for.
  void Free(void* block, uint8_t size_class, size_t bytes);

  // Chooses about this part of the chunks, other ones than last time, to be given back: their free
  // blocks are not handed out any more, until StopHollowing. The caller frees what it can there.
  // Returns which part it is.
  double StartHollowing(double part);
  void StopHollowing();
  // Whether a block lies in such a chunk, or is a large one that is as good as chosen.
  bool IsHollowed(const void* block, uint8_t size_class) const {
    if (hollowed_portions_ == 0) return false;
    if (size_class == kLarge)
      return IsHollowed(static_cast<uint32_t>(
                            reinterpret_cast<uintptr_t>(block) / 4096 * 0x9e3779b97f4a7c15 >> 40) %
                        kPortions);
    return IsHollowed(ChunkOf(block));
  }

  // Taken from the system and not given back.
  uint64_t reserved_bytes() const noexcept { return reserved_bytes_.Get(); }
  // In blocks that are allocated; the rest of what is reserved waits in chunks for blocks to come.
  uint64_t allocated_bytes() const noexcept { return allocated_bytes_.Get(); }

 private:
  struct Chunk;
  struct FreeBlock {
    FreeBlock* next;
  };
  static constexpr uint32_t kPortions = 16;  // of all chunks, which take turns
  // Classes: multiples of 16 up to 128, then four steps a doubling.
  static constexpr size_t kSmallMax = size_t{32} << 10;
  static constexpr int kClasses = 8 + 4 * 8;
  static constexpr int ClassOf(size_t bytes) {
    if (bytes <= 128) return bytes == 0 ? 0 : static_cast<int>((bytes + 15) / 16) - 1;
    const int log = std::bit_width(bytes - 1) - 1;  // bytes in (2^log, 2^(log+1)]
    const size_t step = size_t{1} << (log - 2);
    return 8 + (log - 7) * 4 + static_cast<int>((bytes - (size_t{1} << log) + step - 1) / step) - 1;
  }
  static constexpr size_t ClassBytes(int size_class) {
    if (size_class < 8) return static_cast<size_t>(size_class + 1) * 16;
    const int log = 7 + (size_class - 8) / 4;
    return (size_t{1} << log) +
           (size_t{1} << (log - 2)) * static_cast<size_t>((size_class - 8) % 4 + 1);
  }
  const Chunk* ChunkOf(const void* block) const {
    const size_t offset = reinterpret_cast<uintptr_t>(block) & (chunk_bytes_ - 1);
    return reinterpret_cast<const Chunk*>(static_cast<const char*>(block) - offset);
  }
  bool IsHollowed(const Chunk* chunk) const;
  bool IsHollowed(uint32_t portion) const {
    return (portion + kPortions - first_hollowed_) % kPortions < hollowed_portions_;
  }
  uint32_t NextPortion();
  Chunk*& ListOf(const Chunk* chunk);
  void SetHollowed(uint32_t first, uint32_t portions);
  void* TakeChunk();
  void Unlink(Chunk* chunk);
  void Link(Chunk* chunk);

  const size_t chunk_bytes_;
  const size_t small_bytes_max_;  // larger blocks come from the system one by one
  Chunk* open_[kClasses] = {};    // chunks with a free block, doubly linked
  Chunk* hollowed_ = nullptr;     // the same, of those to be given back
  uint32_t chunks_in_[kPortions] = {};
  uint32_t next_portion_ = 0;
  uint32_t first_hollowed_ = 0;
  uint32_t hollowed_portions_ = 0;
  uint32_t hollowed_last_ = 0;  // portions of the last time
  std::vector<void*> spare_;    // a few empty chunks, to save the trips to the system
  Counter reserved_bytes_;
  Counter allocated_bytes_;
};

}  // namespace tidemark::store
