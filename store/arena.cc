#include "store/arena.h"

#include <sys/mman.h>

#include <cassert>
#include <cstdlib>
#include <new>

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
  bool linked = false;

  bool HasRoom(size_t chunk_bytes) const {
    return free != nullptr || unused_offset + block_bytes <= chunk_bytes;
  }
};

namespace {

constexpr size_t kSpareChunksMax = 4;

}  // namespace

void* Arena::TakeChunk() {
  void* memory = std::aligned_alloc(chunk_bytes_, chunk_bytes_);
  if (memory == nullptr) throw std::bad_alloc();
  if (chunk_bytes_ == kHugeChunkBytes) madvise(memory, chunk_bytes_, MADV_HUGEPAGE);  // best effort
  reserved_bytes_.Add(chunk_bytes_);
  return memory;
}

Arena::~Arena() {
  // Versions are trivially destructible; blocks that are still live belong to open or full chunks.
  // The store frees them one by one before (StoreCore::FreeAll), so that only empty chunks remain.
  for (void* chunk : spare_) std::free(chunk);
}

Arena::Chunk* Arena::ChunkOf(void* block) const {
  return reinterpret_cast<Chunk*>(reinterpret_cast<uintptr_t>(block) & ~(chunk_bytes_ - 1));
}

bool Arena::HasRoomFor(size_t bytes) const {
  return bytes <= small_bytes_max_ && (open_[ClassOf(bytes)] != nullptr || !spare_.empty());
}

size_t Arena::GrowthFor(size_t bytes) const {
  return bytes <= small_bytes_max_ ? chunk_bytes_ : Capacity(kLarge, bytes);
}

void Arena::Link(Chunk* chunk) {
  Chunk*& head = open_[chunk->size_class];
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
    open_[chunk->size_class] = chunk->next;
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
  Chunk* chunk = ChunkOf(block);
  assert(chunk->size_class == size_class);
  auto* free_block = new (block) FreeBlock{chunk->free};
  chunk->free = free_block;
  allocated_bytes_.Subtract(chunk->block_bytes);
  if (!chunk->linked) Link(chunk);
  if (--chunk->live > 0) return;
  Unlink(chunk);
  if (spare_.size() < kSpareChunksMax) {
    spare_.push_back(chunk);
  } else {
    std::free(chunk);
    reserved_bytes_.Subtract(chunk_bytes_);
  }
}

}  // namespace tidemark::store
