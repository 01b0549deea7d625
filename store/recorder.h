// Recorder: what happens in a store, counted for StateStore::Metrics and told to the host's
// EventListener. What others know already (memory, the budget, each table's look-ups)
// StoreCore::Metrics adds.
//
// Thread safety: each member says who calls it; Snapshot may be called concurrently with all.
#pragma once

#include "compaction/write_back.h"
#include "store/counter.h"

#include <tidemark/metrics.h>
#include <tidemark/options.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>

namespace tidemark::store {

// Thread safety: Record from one thread at a time, Get from any.
class HistogramRecorder {
 public:
  void Record(std::chrono::nanoseconds duration);
  Histogram Get() const;

 private:
  std::array<Counter, Histogram::kBuckets> buckets_;
  Counter sum_ns_;
  Counter max_ns_;
};

class Recorder {
 public:
  // `listener` may be null.
  explicit Recorder(std::shared_ptr<EventListener> listener) : listener_(std::move(listener)) {}

  // The writer's.
  void BarrierTook(std::chrono::nanoseconds duration) { barrier_.Record(duration); }
  void StallBegins();
  void StallEnds(std::chrono::nanoseconds waited);
  void SlowedDown(std::chrono::nanoseconds delay);
  void Spilled(uint64_t bytes, std::chrono::nanoseconds took);

  // The thread that opens the store, before there are others.
  void Restored(const RestoreReport& report);

  // The commit thread's. `time` is that of a completed one.
  void CheckpointDecided(const CheckpointOutcome& outcome,
                         std::chrono::system_clock::time_point time);

  // The maintenance lane's.
  void WriteBackEnded(const Result<compaction::WriteBackStatistics>& outcome,
                      std::chrono::nanoseconds took);
  void BasePublished(uint64_t bytes);
  void LogMerged(uint64_t bytes);
  // Tells OnCheckpointRequested.
  void CheckpointRequested(const RequestInfo& request);
  void TableCompacted() { table_compactions_.Add(); }

  // Any thread's. The store works no more: tells OnFenced or OnCorruption.
  void StoreFailed(const Status& status);
  // Tells OnCorruption if it is one.
  void Damage(const Status& status);
  void CallbackThrew() { listener_exceptions_.fetch_add(1, std::memory_order_relaxed); }

  StoreMetrics Snapshot() const;

 private:
  template <class F>
  void Tell(F&& call) noexcept;

  const std::shared_ptr<EventListener> listener_;
  std::atomic<uint64_t> listener_exceptions_{0};

  // The writer's.
  Counter stalls_;
  Counter stall_ns_;
  Counter slowdowns_;
  Counter slowdown_ns_;
  Counter spills_;
  Counter spilled_bytes_;
  Counter spill_ns_;
  HistogramRecorder barrier_;

  // The commit thread's.
  Counter completed_;
  Counter failed_;
  Counter log_bytes_;
  HistogramRecorder durable_;
  mutable std::mutex mutex_;
  std::optional<StoreMetrics::Checkpoint> last_;  // protected by mutex_

  // The maintenance lane's.
  Counter write_backs_;
  Counter write_back_failures_;
  Counter write_back_records_;
  Counter write_back_bytes_;
  Counter write_back_ns_;
  Counter bases_;
  Counter base_bytes_;
  Counter log_merges_;
  Counter log_merge_bytes_;
  Counter table_compactions_;
};

}  // namespace tidemark::store
