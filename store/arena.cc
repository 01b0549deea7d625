#include "store/arena.h"

#include "store/chunk_source.h"

#include <cassert>
#include <cstdlib>
#include <new>
#include <utility>

namespace tidemark::store {

namespace {

constexpr size_t kSpareChunksMax = 4;

}  // namespace

Arena::Arena(size_t chunk_bytes, ChunkSource* source)
    : chunk_bytes_(chunk_bytes),
      small_bytes_max_(chunk_bytes == kHugeChunkBytes ? kSmallMax : kSmallMax / 4),
      source_(source) {
  assert(source == nullptr || chunk_bytes == ChunkSource::kChunkBytes);
}

void* Arena::TakeChunk() {
  void* memory = source_ != nullptr ? source_->Take() : MapChunk(chunk_bytes_);
  reserved_bytes_.Add(chunk_bytes_);
  return memory;
}

Arena::~Arena() {
  // Versions are trivially destructible; blocks that are still live belong to open or full chunks.
  // The store frees them one by one before (StoreCore::FreeAll), so that only empty chunks remain.
  DropSpare();
}

bool Arena::HasRoomFor(size_t bytes, Use use) const {
  return bytes <= small_bytes_max_ &&
         (OpenChunk(SizeClass(bytes), use) != nullptr || !spare_.empty());
}

size_t Arena::GrowthFor(size_t bytes) const {
  return bytes <= small_bytes_max_ ? chunk_bytes_ : Capacity(kLarge, bytes) + kChunkHeaderBytes;
}

void Arena::DropSpare() {
  for (void* chunk : std::exchange(spare_, {})) {
    UnmapChunk(chunk, chunk_bytes_);
    reserved_bytes_.Subtract(chunk_bytes_);
  }
}

void Arena::Link(Chunk* chunk) {
  Chunk*& head = OpenChunk(chunk->size_class, chunk->use);
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
    OpenChunk(chunk->size_class, chunk->use) = chunk->next;
  }
  if (chunk->next != nullptr) chunk->next->previous = chunk->previous;
  chunk->linked = false;
}

void Arena::JoinRing(Chunk* chunk) {
  if (chunk->use != Use::kEntry) return;
  chunk->ring_position = ring_.size();
  ring_.push_back(chunk);
}

// The last one takes its place.
void Arena::LeaveRing(Chunk* chunk) {
  if (chunk->use != Use::kEntry) return;
  if (chunk->ring_position == hand_) hand_offset_ = 0;
  if (ring_.size() - 1 == hand_) hand_ = hand_offset_ = 0;
  ring_[chunk->ring_position] = ring_.back();
  ring_[chunk->ring_position]->ring_position = chunk->ring_position;
  ring_.pop_back();
}

// In its memory, and in the ring.
Arena::Chunk* Arena::MakeChunk(void* memory, uint8_t size_class, size_t block_bytes, Use use) {
  auto* chunk = new (memory) Chunk;
  chunk->size_class = size_class;
  chunk->use = use;
  chunk->block_bytes = block_bytes;
  chunk->unused_offset = kChunkHeaderBytes;
  JoinRing(chunk);
  return chunk;
}

Arena::Chunk* Arena::NewChunk(uint8_t size_class, Use use) {
  void* memory = nullptr;
  if (!spare_.empty()) {
    memory = spare_.back();
    spare_.pop_back();
  } else {
    memory = TakeChunk();
  }
  Chunk* chunk = MakeChunk(memory, size_class, ClassBytes(size_class), use);
  Link(chunk);
  return chunk;
}

Arena::Chunk* Arena::NewLarge(size_t block_bytes, Use use) {
  void* memory = std::malloc(kChunkHeaderBytes + block_bytes);
  if (memory == nullptr) throw std::bad_alloc();
  reserved_bytes_.Add(kChunkHeaderBytes + block_bytes);
  return MakeChunk(memory, kLarge, block_bytes, use);
}

void* Arena::Allocate(size_t bytes, Use use) {
  const uint8_t size_class = SizeClass(bytes);
  Chunk* chunk = size_class == kLarge ? nullptr : OpenChunk(size_class, use);
  if (chunk == nullptr) {
    chunk =
        size_class == kLarge ? NewLarge(Capacity(kLarge, bytes), use) : NewChunk(size_class, use);
  }
  void* block = chunk->free;
  if (block != nullptr) {
    chunk->free = chunk->free->next;
  } else {
    block = reinterpret_cast<char*>(chunk) + chunk->unused_offset;
    chunk->unused_offset += chunk->block_bytes;
  }
  ++chunk->live;
  allocated_bytes_.Add(chunk->block_bytes);
  if (chunk->linked && !chunk->HasRoom(chunk_bytes_)) Unlink(chunk);
  return block;
}

void Arena::Free(void* block, uint8_t size_class) {
  Chunk* chunk = ChunkOf(block, size_class);
  assert(chunk->size_class == size_class);
  allocated_bytes_.Subtract(chunk->block_bytes);
  if (--chunk->live == 0) return Return(chunk);
  chunk->free = new (block) FreeBlock{chunk->free};
  if (!chunk->linked && !chunk->closed) Link(chunk);
}

void Arena::ReopenChunk() {
  Chunk* chunk = std::exchange(closed_, nullptr);
  if (chunk == nullptr) return;
  chunk->closed = false;
  if (chunk->size_class != kLarge && chunk->HasRoom(chunk_bytes_)) Link(chunk);
}

// It has no blocks any more.
void Arena::Return(Chunk* chunk) {
  LeaveRing(chunk);
  if (chunk == closed_) closed_ = nullptr;
  if (chunk->size_class == kLarge) {
    reserved_bytes_.Subtract(kChunkHeaderBytes + chunk->block_bytes);
    return std::free(chunk);
  }
  if (chunk->linked) Unlink(chunk);
  spare_.push_back(chunk);
  if (spare_.size() <= kSpareChunksMax) return;
  UnmapChunk(spare_.back(), chunk_bytes_);
  spare_.pop_back();
  reserved_bytes_.Subtract(chunk_bytes_);
}

}  // namespace tidemark::store
