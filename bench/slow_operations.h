// SlowOperations: how long each of millions of operations took, and what the slowest were about.
//
// An operation costs two readings of the clock and one bucket. What an operation may have waited
// for is looked at after every window of some hundred operations: counters of the kernel and of the
// store that have moved since the window's begin.
#pragma once

#include "bench/row.h"

#include <tidemark/store.h>

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstdint>

namespace tidemark::bench {

// Thread safety: the thread whose operations are measured.
class SlowOperations {
 public:
  static constexpr uint64_t kWindow = 256;

  // `store` outlives this.
  explicit SlowOperations(const StateStore& store) : store_(store), before_(Look()) {}

  template <class Operation>
  void Time(const Operation& operation) {
    const auto begin = std::chrono::steady_clock::now();
    operation();
    Add(std::chrono::steady_clock::now() - begin);
  }
  // What has been done since the last operation counts for no window.
  void Resume() { before_ = Look(); }

  // Quantiles and counts; what the window of the slowest operation saw.
  void AddTo(Counters& counters) const;

  // Nanoseconds that Time adds to what an operation takes.
  static double ClockNanoseconds();

 private:
  // Totals, or what of them moved in a window.
  struct Sample {
    uint64_t index_bytes = 0;  // of the store
    int64_t waited_ns = 0;     // the same: stalls and slowdowns
    int64_t preempted = 0;     // times that the kernel gave the processor to another thread
    int64_t slept = 0;         // times that this thread gave it up, to wait for a lock say
    int64_t page_faults = 0;
    int64_t processor_ns = 0;
  };
  // Sixteen buckets from one power of two to the next: a quantile is at most a sixteenth too large.
  static constexpr int kStepBits = 4;
  static constexpr uint64_t kSteps = uint64_t{1} << kStepBits;
  static constexpr std::chrono::milliseconds kSlow{1};
  static constexpr std::chrono::milliseconds kTooSlow{5};

  static constexpr uint64_t BucketOf(uint64_t ns) {
    const int shift = std::max(static_cast<int>(std::bit_width(ns)) - 1 - kStepBits, 0);
    return static_cast<uint64_t>(shift) * kSteps + (ns >> shift);
  }
  static constexpr uint64_t UpperBoundOf(uint64_t bucket) {
    if (bucket < 2 * kSteps) return bucket;
    const uint64_t shift = bucket / kSteps - 1;
    return ((bucket - shift * kSteps + 1) << shift) - 1;
  }

  void Add(std::chrono::nanoseconds took) {
    ++buckets_[BucketOf(static_cast<uint64_t>(took.count()))];
    window_max_ = std::max(window_max_, took);
    over_1ms_ += took > kSlow;
    over_5ms_ += took > kTooSlow;
    if (++in_window_ == kWindow) EndWindow();
  }
  void EndWindow();
  Sample Look() const;
  double QuantileUs(double fraction) const;

  const StateStore& store_;
  std::array<uint64_t, 64 * kSteps> buckets_{};
  uint64_t over_1ms_ = 0;
  uint64_t over_5ms_ = 0;
  // The window that goes on.
  uint64_t in_window_ = 0;
  std::chrono::nanoseconds window_max_{};
  Sample before_;
  // Of the slowest operation so far, and what moved in its window.
  std::chrono::nanoseconds max_{};
  Sample at_max_;
};

}  // namespace tidemark::bench
