// MemoryBudget: the bytes that all stores of a runtime may hold.
//
// Thread safety: all members may be called concurrently.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace tidemark::store {

// RocksDB's share of the budget, for the blocks that cold reads and write-backs touch.
constexpr uint64_t BlockCacheBytes(uint64_t budget) {
  return std::clamp(budget / 8, uint64_t{2} << 20, uint64_t{512} << 20);
}

class MemoryBudget {
 public:
  explicit MemoryBudget(uint64_t limit_bytes) : limit_bytes_(limit_bytes) {}

  uint64_t limit_bytes() const noexcept { return limit_bytes_; }
  uint64_t used_bytes() const noexcept { return used_bytes_.load(std::memory_order_relaxed); }
  bool HasRoomFor(uint64_t bytes) const noexcept { return used_bytes() + bytes <= limit_bytes_; }
  // Takes the bytes if there is room for them.
  bool TryAdd(uint64_t bytes) noexcept {
    uint64_t used = used_bytes();
    do {
      if (used + bytes > limit_bytes_) return false;
    } while (!used_bytes_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
    return true;
  }
  // What is taken must be given back.
  void Add(int64_t bytes) noexcept {
    used_bytes_.fetch_add(static_cast<uint64_t>(bytes), std::memory_order_relaxed);
  }

 private:
  const uint64_t limit_bytes_;
  std::atomic<uint64_t> used_bytes_{0};
};

}  // namespace tidemark::store
