#include "store/arena.h"

#include <sys/mman.h>

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <new>
#include <numeric>
#include <utility>

namespace tidemark::store {

// At the start of every chunk, which is aligned to its size: a block finds its chunk by masking.
struct Arena::Chunk {
  Chunk* previous = nullptr;
  Chunk* next = nullptr;
  FreeBlock* free = nullptr;
  uint32_t unused_offset = 0;  // blocks from here on were never handed out
  uint32_t block_bytes = 0;
  uint32_t live = 0;
  int32_t size_class = 0;
  uint32_t portion = 0;
  bool linked = false;

  bool HasRoom(size_t chunk_bytes) const {
    return free != nullptr || unused_offset + block_bytes <= chunk_bytes;
  }
};

namespace {

constexpr size_t kSpareChunksMax = 4;

void* Map(size_t bytes) {
  void* memory =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, /*fd=*/-1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  return memory;
}

// Not from malloc, whose headers would leave a hole as large as a chunk between any two of them.
// Mostly it lies beside the last one, and so is aligned at once.
void* MapAligned(size_t bytes) {
  void* memory = Map(bytes);
  if (reinterpret_cast<uintptr_t>(memory) % bytes == 0) return memory;
  munmap(memory, bytes);
  memory = Map(2 * bytes);
  const size_t before = (bytes - reinterpret_cast<uintptr_t>(memory) % bytes) % bytes;
  char* aligned = static_cast<char*>(memory) + before;
  if (before > 0) munmap(memory, before);
  munmap(aligned + bytes, bytes - before);
  return aligned;
}

}  // namespace

void* Arena::TakeChunk() {
  void* memory = MapAligned(chunk_bytes_);
  if (chunk_bytes_ == kHugeChunkBytes) madvise(memory, chunk_bytes_, MADV_HUGEPAGE);  // best effort
  reserved_bytes_.Add(chunk_bytes_);
  return memory;
}

Arena::~Arena() {
  // Versions are trivially destructible; blocks that are still live belong to open or full chunks.
  // The store frees them one by one before (StoreCore::FreeAll), so that only empty chunks remain.
  for (void* chunk : spare_) munmap(chunk, chunk_bytes_);
}

bool Arena::IsHollowed(const Chunk* chunk) const { return IsHollowed(chunk->portion); }

Arena::Chunk*& Arena::ListOf(const Chunk* chunk) {
  return IsHollowed(chunk) ? hollowed_ : open_[chunk->size_class];
}

// A new chunk is not one of those that are given back.
uint32_t Arena::NextPortion() {
  for (uint32_t tries = 0; tries < kPortions; ++tries) {
    next_portion_ = (next_portion_ + 1) % kPortions;
    if (!IsHollowed(next_portion_)) break;
  }
  return next_portion_;
}

double Arena::StartHollowing(double part) {
  const uint32_t first = (first_hollowed_ + hollowed_last_) % kPortions;
  const double all = std::accumulate(chunks_in_, chunks_in_ + kPortions, 0.0);
  double chosen = 0;
  uint32_t portions = 0;
  // Never all of them: what is allocated meanwhile needs a chunk.
  while ((chosen < part * all || portions == 0) && portions < kPortions - 1)
    chosen += chunks_in_[(first + portions++) % kPortions];
  SetHollowed(first, portions);
  for (void* chunk : std::exchange(spare_, {})) {
    munmap(chunk, chunk_bytes_);
    reserved_bytes_.Subtract(chunk_bytes_);
  }
  return all > 0 ? chosen / all : 1;
}

void Arena::StopHollowing() { SetHollowed(first_hollowed_, 0); }

// Chunks change their lists.
void Arena::SetHollowed(uint32_t first, uint32_t portions) {
  std::vector<Chunk*> linked;
  const auto take = [&](Chunk*& list) {
    for (Chunk* chunk = list; chunk != nullptr; chunk = chunk->next) linked.push_back(chunk);
    list = nullptr;
  };
  for (Chunk*& list : open_) take(list);
  take(hollowed_);
  if (hollowed_portions_ != 0) hollowed_last_ = hollowed_portions_;
  first_hollowed_ = first;
  hollowed_portions_ = portions;
  for (Chunk* chunk : linked) Link(chunk);
}

bool Arena::HasRoomFor(size_t bytes) const {
  return bytes <= small_bytes_max_ && (open_[ClassOf(bytes)] != nullptr || !spare_.empty());
}

size_t Arena::GrowthFor(size_t bytes) const {
  return bytes <= small_bytes_max_ ? chunk_bytes_ : Capacity(kLarge, bytes);
}

void Arena::Link(Chunk* chunk) {
  Chunk*& head = ListOf(chunk);
  chunk->previous = nullptr;
  chunk->next = head;
  if (head != nullptr) head->previous = chunk;
  head = chunk;
  chunk->linked = true;
}

void Arena::Unlink(Chunk* chunk) {
  if (chunk->previous != nullptr) {
    chunk->previous->next = chunk->next;
  } else {
    ListOf(chunk) = chunk->next;
  }
  if (chunk->next != nullptr) chunk->next->previous = chunk->previous;
  chunk->linked = false;
}

void* Arena::Allocate(size_t bytes) {
  if (bytes > small_bytes_max_) {
    const size_t block_bytes = Capacity(kLarge, bytes);
    void* block = std::malloc(block_bytes);
    if (block == nullptr) throw std::bad_alloc();
    reserved_bytes_.Add(block_bytes);
    allocated_bytes_.Add(block_bytes);
    return block;
  }
  const int size_class = ClassOf(bytes);
  Chunk* chunk = open_[size_class];
  if (chunk == nullptr) {
    void* memory;
    if (!spare_.empty()) {
      memory = spare_.back();
      spare_.pop_back();
    } else {
      memory = TakeChunk();
    }
    chunk = new (memory) Chunk;
    chunk->size_class = size_class;
    chunk->portion = NextPortion();
    ++chunks_in_[chunk->portion];
    chunk->block_bytes = static_cast<uint32_t>(ClassBytes(size_class));
    chunk->unused_offset = (sizeof(Chunk) + 63) & ~size_t{63};
    Link(chunk);
  }
  void* block;
  if (chunk->free != nullptr) {
    block = chunk->free;
    chunk->free = chunk->free->next;
  } else {
    block = reinterpret_cast<char*>(chunk) + chunk->unused_offset;
    chunk->unused_offset += chunk->block_bytes;
  }
  ++chunk->live;
  allocated_bytes_.Add(chunk->block_bytes);
  if (!chunk->HasRoom(chunk_bytes_)) Unlink(chunk);
  return block;
}

void Arena::Free(void* block, uint8_t size_class, size_t bytes) {
  if (size_class == kLarge) {
    reserved_bytes_.Subtract(Capacity(kLarge, bytes));
    allocated_bytes_.Subtract(Capacity(kLarge, bytes));
    std::free(block);
    return;
  }
  auto* chunk = const_cast<Chunk*>(ChunkOf(block));
  assert(chunk->size_class == size_class);
  auto* free_block = new (block) FreeBlock{chunk->free};
  chunk->free = free_block;
  allocated_bytes_.Subtract(chunk->block_bytes);
  if (!chunk->linked) Link(chunk);
  if (--chunk->live > 0) return;
  Unlink(chunk);
  --chunks_in_[chunk->portion];
  if (spare_.size() < kSpareChunksMax && hollowed_portions_ == 0) {
    spare_.push_back(chunk);
  } else {
    munmap(chunk, chunk_bytes_);
    reserved_bytes_.Subtract(chunk_bytes_);
  }
}

}  // namespace tidemark::store
