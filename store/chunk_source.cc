#include "store/chunk_source.h"

#include "store/executor.h"

#include <sys/mman.h>

#include <cstdint>
#include <new>

namespace tidemark::store {

namespace {

constexpr size_t kPageBytes = 4096;

// Null if the system has none.
char* TryMap(size_t bytes) noexcept {
  void* memory =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, /*fd=*/-1, 0);
  return memory == MAP_FAILED ? nullptr : static_cast<char*>(memory);
}

// Not from malloc, whose headers would leave a hole as large as a chunk between any two of them.
// Mostly it lies beside the last one, and so is aligned at once.
char* TryMapAligned(size_t bytes) noexcept {
  char* memory = TryMap(bytes);
  if (memory == nullptr || reinterpret_cast<uintptr_t>(memory) % bytes == 0) return memory;
  munmap(memory, bytes);
  memory = TryMap(2 * bytes);
  if (memory == nullptr) return nullptr;
  const size_t before = (bytes - reinterpret_cast<uintptr_t>(memory) % bytes) % bytes;
  if (before > 0) munmap(memory, before);
  munmap(memory + before + bytes, bytes - before);
  return memory + before;
}

char* TryMapChunk(size_t bytes) noexcept {
  char* chunk = TryMapAligned(bytes);
  if (chunk != nullptr && bytes == Arena::kHugeChunkBytes)
    madvise(chunk, bytes, MADV_HUGEPAGE);  // best effort
  return chunk;
}

// By touching it, page by page, and not by MADV_POPULATE_WRITE: that holds the lock of the whole
// address space as long as it takes, and the writer's own mmap and munmap would wait for it.
void Populate(char* chunk) noexcept {
  for (size_t offset = 0; offset < ChunkSource::kChunkBytes; offset += kPageBytes)
    *static_cast<volatile char*>(chunk + offset) = 0;
}

}  // namespace

void* MapChunk(size_t bytes) {
  void* chunk = TryMapChunk(bytes);
  if (chunk == nullptr) throw std::bad_alloc();
  return chunk;
}

void UnmapChunk(void* chunk, size_t bytes) noexcept { munmap(chunk, bytes); }

ChunkSource::ChunkSource(MemoryBudget& budget, bool ahead) : budget_(budget) {
  ready_.reserve(kReadyMax);
  if (!ahead) return;
  budget_.SetSpares([this] { return GiveBack(); });
  thread_ = std::thread([this] { Run(); });
}

ChunkSource::~ChunkSource() {
  if (!thread_.joinable()) return;
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
  GiveBack();
}

void* ChunkSource::Take() {
  if (!thread_.joinable()) return MapChunk(kChunkBytes);
  void* chunk = nullptr;
  {
    std::lock_guard lock(mutex_);
    wanted_ = true;
    if (!ready_.empty()) {
      chunk = ready_.back();
      ready_.pop_back();
      NoteHeld();
      budget_.Add(-static_cast<int64_t>(kChunkBytes));
    }
  }
  wake_.notify_one();
  return chunk != nullptr ? chunk : MapChunk(kChunkBytes);
}

bool ChunkSource::GiveBack() noexcept {
  if (held_bytes() == 0) return false;
  std::unique_lock lock(mutex_);
  wanted_ = false;
  // One that is being made counts already, and takes milliseconds.
  made_.wait(lock, [this] { return !making_; });
  for (void* chunk : ready_) UnmapChunk(chunk, kChunkBytes);
  budget_.Add(-static_cast<int64_t>(ready_.size() * kChunkBytes));
  ready_.clear();
  NoteHeld();
  return true;
}

void ChunkSource::Run() {
  BecomeBackgroundThread("tidemark-chunks");
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopping_ || wanted_; });
    if (stopping_) return;
    if (ready_.size() == kReadyMax || !MakeOneReady(lock)) wanted_ = false;
  }
}

bool ChunkSource::MakeOneReady(std::unique_lock<std::mutex>& lock) {
  // Before it counts: so who finds no room because of it also finds that this holds it.
  making_ = true;
  NoteHeld();
  char* chunk = nullptr;
  if (budget_.TryAddSpare(kChunkBytes)) {
    lock.unlock();
    chunk = TryMapChunk(kChunkBytes);
    if (chunk != nullptr) Populate(chunk);
    lock.lock();
    if (chunk == nullptr) budget_.Add(-static_cast<int64_t>(kChunkBytes));
  }
  making_ = false;
  if (chunk != nullptr) ready_.push_back(chunk);
  NoteHeld();
  made_.notify_all();
  return chunk != nullptr;
}

void ChunkSource::NoteHeld() noexcept {
  held_bytes_.store((ready_.size() + (making_ ? 1 : 0)) * kChunkBytes, std::memory_order_release);
}

}  // namespace tidemark::store
