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
#include <optional>
#include <vector>

namespace tidemark::store {

class ChunkSource;

class Arena {
 public:
  // For small budgets, and for those that can do with whole huge pages. Powers of two.
  static constexpr size_t kSmallChunkBytes = size_t{64} << 10;
  static constexpr size_t kHugeChunkBytes = size_t{2} << 20;

  // Huge chunks may come from a source, which outlives this.
  explicit Arena(size_t chunk_bytes = kSmallChunkBytes, ChunkSource* source = nullptr);
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // The size class of a block for `bytes`; kLarge for a block of its own.
  static constexpr uint8_t kLarge = 127;
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

  // What a block is for: an entry, which Visit finds, or a table of such.
  enum class Use : uint8_t { kEntry, kTable };

  // True if Allocate(bytes, use) needs no memory from the system.
  bool HasRoomFor(size_t bytes, Use use = Use::kEntry) const;
  // What Allocate(bytes) takes from the system when HasRoomFor is false.
  size_t GrowthFor(size_t bytes) const;

  // A block of Capacity(SizeClass(bytes), bytes), 16-byte aligned. Throws std::bad_alloc when the
  // system has none. The second word of an entry must never be kFreeMark.
  void* Allocate(size_t bytes, Use use = Use::kEntry);
  // `size_class` as of the allocation.
  void Free(void* block, uint8_t size_class);

  // Calls visit(void*) for the entries that follow those where the last call stopped: all chunks
  // and large blocks stand in a ring. Ends when it returns false, after the block that it was
  // called with, when `bytes` were gone over, and where a round ends, so that it meets none twice.
  // It must neither allocate nor free. Returns about the bytes gone over, 0 if the ring is empty.
  // `only`: passes over the chunks of all other size classes.
  template <class F>
  size_t Visit(size_t bytes, std::optional<uint8_t> only, F&& visit);
  // Memory goes back to the system by chunks. Closes the next chunk, or large block, of a ring of
  // its own to allocation, if may_go(void*) is true for all of its entries, which are for the
  // caller to free: then it goes. False if it is not, or the ring is empty. There is one at a time.
  template <class F>
  bool CloseChunk(F&& may_go);
  bool has_closed_chunk() const noexcept { return closed_ != nullptr; }
  // Calls visit(void*) for so many of its entries, from where the last call stopped, as long as it
  // returns true.
  template <class F>
  void VisitClosed(size_t entries, F&& visit);
  // There may be blocks in it again.
  void ReopenChunk();
  // How many CloseChunk go around.
  size_t ring_size() const noexcept { return ring_.size(); }
  // Whether a round begins.
  bool IsAtBegin() const noexcept { return hand_ == 0 && hand_offset_ == 0; }
  // Gives chunks back to the system that are kept to save a trip to it.
  void DropSpare();

  // Taken from the system and not given back.
  uint64_t reserved_bytes() const noexcept { return reserved_bytes_.Get(); }
  // In blocks that are allocated; the rest of what is reserved waits in chunks for blocks to come.
  uint64_t allocated_bytes() const noexcept { return allocated_bytes_.Get(); }

 private:
  static constexpr uintptr_t kFreeMark = ~uintptr_t{0};
  static constexpr size_t kVisitAhead = 8;
  struct FreeBlock {
    FreeBlock* next;
    uintptr_t mark = kFreeMark;
  };
  // At the start of every chunk, which is aligned to its size: a block finds its chunk by masking.
  // And before a large block, which is a chunk with one block.
  struct Chunk {
    Chunk* previous = nullptr;
    Chunk* next = nullptr;
    FreeBlock* free = nullptr;
    size_t block_bytes = 0;
    size_t unused_offset = 0;  // blocks from here on were never handed out
    size_t ring_position = 0;  // of those of entries
    uint32_t live = 0;
    uint8_t size_class = 0;
    Use use = Use::kEntry;
    bool linked = false;
    bool closed = false;

    bool HasRoom(size_t chunk_bytes) const {
      return free != nullptr || unused_offset + block_bytes <= chunk_bytes;
    }
  };
  static constexpr size_t kChunkHeaderBytes = (sizeof(Chunk) + 63) & ~size_t{63};
  // Classes: multiples of 16 up to 128, then four steps a doubling.
  static constexpr size_t kSmallMax = size_t{32} << 10;
  static constexpr int kClasses = 8 + 4 * 8;
  static_assert(kClasses <= kLarge);
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
  Chunk* ChunkOf(void* block, uint8_t size_class) const {
    char* bytes = static_cast<char*>(block);
    const size_t offset = size_class == kLarge
                              ? kChunkHeaderBytes
                              : reinterpret_cast<uintptr_t>(block) & (chunk_bytes_ - 1);
    return reinterpret_cast<Chunk*>(bytes - offset);
  }
  Chunk*& OpenChunk(uint8_t size_class, Use use) {
    return open_[static_cast<size_t>(use)][size_class];
  }
  Chunk* OpenChunk(uint8_t size_class, Use use) const {
    return open_[static_cast<size_t>(use)][size_class];
  }
  void* TakeChunk();
  Chunk* NewChunk(uint8_t size_class, Use use);
  Chunk* NewLarge(size_t block_bytes, Use use);
  Chunk* MakeChunk(void* memory, uint8_t size_class, size_t block_bytes, Use use);
  void Return(Chunk* chunk);
  void Unlink(Chunk* chunk);
  void Link(Chunk* chunk);
  void JoinRing(Chunk* chunk);
  void LeaveRing(Chunk* chunk);
  // Calls visit for entries from `offset` on, which it moves, until it returns false.
  template <class F>
  bool VisitBlocks(const Chunk& chunk, size_t& offset, size_t entries, F&& visit) const;
  // Where Visit goes on after this chunk.
  void MoveHand() {
    hand_offset_ = 0;
    if (++hand_ >= ring_.size()) hand_ = 0;
  }

  const size_t chunk_bytes_;
  const size_t small_bytes_max_;   // larger blocks come from the system one by one
  ChunkSource* const source_;      // null: chunks are mapped here
  Chunk* open_[2][kClasses] = {};  // chunks with a free block, doubly linked, by use and class
  std::vector<Chunk*> ring_;       // of entries
  size_t hand_ = 0;  // the chunk where Visit goes on, and where in it, 0: at its first
  size_t hand_offset_ = 0;
  Chunk* closed_ = nullptr;  // of the ring, and where VisitClosed goes on
  size_t closed_offset_ = 0;
  size_t next_to_close_ = 0;  // in the ring
  std::vector<void*> spare_;  // a few empty chunks, to save the trips to the system
  Counter reserved_bytes_;
  Counter allocated_bytes_;
};

template <class F>
size_t Arena::Visit(size_t bytes, std::optional<uint8_t> only, F&& visit) {
  size_t done = 0;
  while (done < bytes && !ring_.empty()) {
    const Chunk* chunk = ring_[hand_];
    if (only && chunk->size_class != *only) {
      MoveHand(), ++done;
      if (IsAtBegin()) break;
      continue;
    }
    char* begin = reinterpret_cast<char*>(ring_[hand_]);
    size_t offset = hand_offset_ == 0 ? kChunkHeaderBytes : hand_offset_;
    bool goes_on = true;
    for (; offset < chunk->unused_offset && done < bytes && goes_on; offset += chunk->block_bytes) {
      __builtin_prefetch(begin + offset + kVisitAhead * chunk->block_bytes);
      done += chunk->block_bytes;
      auto* block = reinterpret_cast<FreeBlock*>(begin + offset);
      if (block->mark != kFreeMark) goes_on = visit(static_cast<void*>(block));
    }
    hand_offset_ = offset;
    if (offset >= chunk->unused_offset) MoveHand(), ++done;
    if (!goes_on || IsAtBegin()) break;
  }
  return done;
}

template <class F>
bool Arena::CloseChunk(F&& may_go) {
  if (ring_.empty() || closed_ != nullptr) return false;
  if (next_to_close_ >= ring_.size()) next_to_close_ = 0;
  Chunk* chunk = ring_[next_to_close_++];
  size_t offset = kChunkHeaderBytes;
  if (!VisitBlocks(*chunk, offset, SIZE_MAX, may_go)) return false;
  if (chunk->linked) Unlink(chunk);
  chunk->closed = true;
  closed_ = chunk;
  closed_offset_ = kChunkHeaderBytes;
  return true;
}

template <class F>
void Arena::VisitClosed(size_t entries, F&& visit) {
  if (closed_ != nullptr) (void)VisitBlocks(*closed_, closed_offset_, entries, visit);
}

template <class F>
bool Arena::VisitBlocks(const Chunk& chunk, size_t& offset, size_t entries, F&& visit) const {
  char* const begin = const_cast<char*>(reinterpret_cast<const char*>(&chunk));
  for (; offset < chunk.unused_offset && entries > 0; offset += chunk.block_bytes) {
    __builtin_prefetch(begin + offset + kVisitAhead * chunk.block_bytes);
    auto* block = reinterpret_cast<FreeBlock*>(begin + offset);
    if (block->mark == kFreeMark) continue;
    --entries;
    if (!visit(static_cast<void*>(block))) return false;
  }
  return true;
}

}  // namespace tidemark::store
