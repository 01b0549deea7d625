// CheckpointTicket: what PendingCheckpoint shows of a checkpoint on its way.
//
// Thread safety: all members may be called concurrently.
#pragma once

#include <tidemark/options.h>
#include <tidemark/status.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace tidemark::store {

struct CheckpointTicket {
  CheckpointTicket(uint64_t checkpoint_id, CheckpointOptions checkpoint_options,
                   std::shared_ptr<const std::vector<uint32_t>> table_ids)
      : id(checkpoint_id), options(std::move(checkpoint_options)), tables(std::move(table_ids)) {}

  // Constant after construction.
  const uint64_t id;
  const CheckpointOptions options;
  const std::shared_ptr<const std::vector<uint32_t>> tables;  // ids at the barrier, ascending
  const std::chrono::steady_clock::time_point barrier_at = std::chrono::steady_clock::now();

  std::chrono::nanoseconds SinceBarrier() const {
    return std::chrono::steady_clock::now() - barrier_at;
  }

  void SetBarrierDuration(std::chrono::nanoseconds duration) {
    std::lock_guard lock(mutex);
    statistics.barrier = duration;
  }
  // Zero while the barrier's caller has not returned yet.
  std::chrono::nanoseconds barrier_duration() const {
    std::lock_guard lock(mutex);
    return statistics.barrier;
  }
  // Decides the outcome and tells the callback. False if that threw. Once.
  bool Decide(const Status& outcome, CheckpointStatistics took) noexcept {
    {
      std::lock_guard lock(mutex);
      took.barrier = statistics.barrier;
      statistics = took;
      status = outcome;
    }
    try {
      if (options.on_complete) options.on_complete({id, outcome, took});
    } catch (...) {
      return false;
    }
    return true;
  }
  // Lets go whoever waits. Once, after that.
  void Finish() {
    {
      std::lock_guard lock(mutex);
      done = true;
    }
    decided.notify_all();
  }

  mutable std::mutex mutex;
  mutable std::condition_variable decided;
  bool done = false;  // protected by mutex, as the rest
  Status status;
  CheckpointStatistics statistics;
};

}  // namespace tidemark::store
