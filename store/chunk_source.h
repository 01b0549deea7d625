// ChunkSource: huge chunks for the arenas of a runtime's stores, some of them ready to be used.
//
// The first touch of a chunk makes the kernel zero two megabytes, which a virtual machine may have
// to get from its host besides: milliseconds, of a write that should take one. So a thread of its
// own does it ahead, for the next few chunks; the executor's may be at a compaction for seconds.
// Who finds no chunk ready maps one himself.
//
// What waits here counts in the budget. It is there for speed alone: it is made only while plenty
// is free, and goes as soon as anybody finds no room.
//
// Thread safety: all members may be called concurrently.
#pragma once

#include "store/memory_budget.h"

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <thread>
#include <vector>

namespace tidemark::store {

// Memory from the system, aligned to its size, which is a power of two; all zeros. MapChunk throws
// std::bad_alloc when the system has none.
void* MapChunk(size_t bytes);
void UnmapChunk(void* chunk, size_t bytes) noexcept;

class ChunkSource {
 public:
  static constexpr size_t kChunkBytes = Arena::kHugeChunkBytes;
  static constexpr size_t kReadyMax = 4;

  // `ahead`: whether there is a thread that makes chunks ready. The budget outlives this.
  ChunkSource(MemoryBudget& budget, bool ahead);
  ~ChunkSource();
  ChunkSource(const ChunkSource&) = delete;
  ChunkSource& operator=(const ChunkSource&) = delete;

  // One of kChunkBytes, as of MapChunk and UnmapChunk, which the caller counts from here on.
  void* Take();
  // Gives all that is ready back to the system, and makes nothing ready until the next Take. False
  // if this held nothing.
  bool GiveBack() noexcept;

  // What of the budget this has.
  uint64_t held_bytes() const noexcept { return held_bytes_.load(std::memory_order_acquire); }

 private:
  void Run();
  // `lock` is of mutex_, and is let go while it takes long. False if there was no room.
  bool MakeOneReady(std::unique_lock<std::mutex>& lock);
  void NoteHeld() noexcept;

  MemoryBudget& budget_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable made_;
  std::vector<void*> ready_;  // protected by mutex_
  bool making_ = false;       // ... one more, outside of mutex_
  bool wanted_ = false;       // ... a chunk was taken since the thread last looked
  bool stopping_ = false;     // ...
  std::atomic<uint64_t> held_bytes_{0};
  std::thread thread_;
};

}  // namespace tidemark::store
