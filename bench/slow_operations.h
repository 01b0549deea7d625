// SlowOperations: how long each of millions of operations took, and what the slowest were about.
//
// An operation costs two readings of the clock and one bucket. What a slow one was about is told by
// counters of the kernel and of the store, as they moved in its window: that begins at most some
// hundred operations before it, which take less than it, and ends with it.
#pragma once

#include "bench/row.h"

#include <tidemark/store.h>

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

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
  // Begins a window: what has been done since the last operation counts for none.
  void Resume() {
    in_window_ = 0;
    before_ = Look();
  }

  // Quantiles, counts, and what the slow operations were about.
  void AddTo(Counters& counters) const;

  // What one reading of the clock takes, and so what Time adds to an operation.
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
  struct Slow {
    std::chrono::nanoseconds took;
    Sample moved;
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
    ++in_window_;
    if (took > kSlow) {
      AddSlow(took);
    } else if (in_window_ == kWindow) {
      Resume();
    }
  }
  void AddSlow(std::chrono::nanoseconds took);
  Sample Look() const;
  double QuantileUs(double fraction) const;
  void AddSlowest(Counters& counters) const;
  // How many operations took longer than `limit`, and of how many of them what may be the cause.
  void AddCauses(const std::string& name, std::chrono::nanoseconds limit, Counters& counters) const;

  const StateStore& store_;
  std::array<uint64_t, 64 * kSteps> buckets_{};
  uint64_t in_window_ = 0;
  Sample before_;
  std::vector<Slow> slow_;
};

}  // namespace tidemark::bench
