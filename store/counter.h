// Counter: a number that one thread changes and any thread reads.
//
// Thread safety: Get from any thread; the rest from one thread at a time. No locked instruction:
// to the thread that counts it is a plain addition.
#pragma once

#include <atomic>
#include <cstdint>

namespace tidemark::store {

class Counter {
 public:
  void Add(uint64_t n = 1) noexcept { Set(Get() + n); }
  void Subtract(uint64_t n) noexcept { Set(Get() - n); }
  void Set(uint64_t n) noexcept { value_.store(n, std::memory_order_relaxed); }
  uint64_t Get() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

}  // namespace tidemark::store
