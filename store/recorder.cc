#include "store/recorder.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace tidemark {

size_t Histogram::BucketOf(std::chrono::nanoseconds duration) {
  const auto ns = static_cast<uint64_t>(std::max<int64_t>(duration.count(), 0));
  return std::min(static_cast<size_t>(std::bit_width(ns)), kBuckets - 1);
}

std::chrono::nanoseconds Histogram::QuantileBound(double quantile) const {
  const auto wanted =
      static_cast<uint64_t>(std::ceil(std::clamp(quantile, 0.0, 1.0) * static_cast<double>(count)));
  uint64_t seen = 0;
  for (size_t bucket = 0; bucket + 1 < kBuckets; ++bucket) {
    seen += buckets[bucket];
    if (seen > 0 && seen >= wanted) return std::min(UpperBound(bucket), max);
  }
  return max;
}

}  // namespace tidemark

namespace tidemark::store {

namespace {

uint64_t Nanoseconds(std::chrono::nanoseconds duration) {
  return static_cast<uint64_t>(std::max<int64_t>(duration.count(), 0));
}

std::chrono::nanoseconds AsDuration(const Counter& nanoseconds) {
  return std::chrono::nanoseconds(static_cast<int64_t>(nanoseconds.Get()));
}

}  // namespace

void HistogramRecorder::Record(std::chrono::nanoseconds duration) {
  buckets_[Histogram::BucketOf(duration)].Add();
  sum_ns_.Add(Nanoseconds(duration));
  max_ns_.Set(std::max(max_ns_.Get(), Nanoseconds(duration)));
}

Histogram HistogramRecorder::Get() const {
  Histogram histogram;
  for (size_t i = 0; i < buckets_.size(); ++i)
    histogram.count += histogram.buckets[i] = buckets_[i].Get();
  histogram.sum = AsDuration(sum_ns_);
  histogram.max = AsDuration(max_ns_);
  return histogram;
}

// The host's code must not end the library's threads, nor leave a write half done.
template <class F>
void Recorder::Tell(F&& call) noexcept {
  if (listener_ == nullptr) return;
  try {
    call(*listener_);
  } catch (...) {
    CallbackThrew();
  }
}

void Recorder::StallBegins() {
  stalls_.Add();
  Tell([](EventListener& listener) { listener.OnStallBegin(); });
}

void Recorder::StallEnds(std::chrono::nanoseconds waited) {
  stall_ns_.Add(Nanoseconds(waited));
  Tell([&](EventListener& listener) { listener.OnStallEnd(waited); });
}

void Recorder::SlowedDown(std::chrono::nanoseconds delay) {
  slowdowns_.Add();
  slowdown_ns_.Add(Nanoseconds(delay));
}

void Recorder::Spilled(uint64_t bytes, std::chrono::nanoseconds took) {
  spills_.Add();
  spilled_bytes_.Add(bytes);
  spill_ns_.Add(Nanoseconds(took));
}

void Recorder::Restored(const RestoreReport& report) {
  if (const auto& checkpoint = report.checkpoint) {
    std::lock_guard lock(mutex_);
    last_ = {checkpoint->id, checkpoint->epoch, checkpoint->time};
  }
  for (const Status& damaged : report.damaged_manifests) Damage(damaged);
  for (const RestoreReport::Skipped& skipped : report.skipped) {
    Damage(skipped.reason);
    Tell([&](EventListener& listener) { listener.OnFallback(skipped); });
  }
}

void Recorder::CheckpointDecided(const CheckpointOutcome& outcome,
                                 std::chrono::system_clock::time_point time) {
  if (!outcome.status.ok()) {
    failed_.Add();
    Damage(outcome.status);
    Tell([&](EventListener& listener) { listener.OnCheckpointFailed(outcome); });
    return;
  }
  completed_.Add();
  log_bytes_.Add(outcome.statistics.log_bytes);
  durable_.Record(outcome.statistics.durable);
  {
    std::lock_guard lock(mutex_);
    last_ = {outcome.id, outcome.statistics.epoch, time};
  }
  Tell([&](EventListener& listener) { listener.OnCheckpointCompleted(outcome); });
}

void Recorder::WriteBackEnded(const Result<compaction::WriteBackStatistics>& outcome,
                              std::chrono::nanoseconds took) {
  write_back_ns_.Add(Nanoseconds(took));
  if (!outcome.has_value()) return write_back_failures_.Add();
  write_backs_.Add();
  write_back_records_.Add(outcome->records);
  write_back_bytes_.Add(outcome->bytes);
}

void Recorder::BasePublished(uint64_t bytes) {
  bases_.Add();
  base_bytes_.Add(bytes);
}

void Recorder::LogMerged(uint64_t bytes) {
  log_merges_.Add();
  log_merge_bytes_.Add(bytes);
}

void Recorder::CheckpointRequested(const RequestInfo& request) {
  Tell([&](EventListener& listener) { listener.OnCheckpointRequested(request); });
}

void Recorder::StoreFailed(const Status& status) {
  if (status.code() == StatusCode::kFenced)
    Tell([&](EventListener& listener) { listener.OnFenced(status); });
  Damage(status);
}

void Recorder::Damage(const Status& status) {
  if (status.code() == StatusCode::kCorruption)
    Tell([&](EventListener& listener) { listener.OnCorruption(status); });
}

StoreMetrics Recorder::Snapshot() const {
  StoreMetrics metrics;
  metrics.stalls = stalls_.Get();
  metrics.stall_time = AsDuration(stall_ns_);
  metrics.slowdowns = slowdowns_.Get();
  metrics.slowdown_time = AsDuration(slowdown_ns_);
  metrics.spills = spills_.Get();
  metrics.spilled_bytes = spilled_bytes_.Get();
  metrics.spill_time = AsDuration(spill_ns_);
  metrics.checkpoints_completed = completed_.Get();
  metrics.checkpoints_failed = failed_.Get();
  metrics.barrier = barrier_.Get();
  // One may be decided before its barrier's caller has come to count it.
  const uint64_t decided = metrics.checkpoints_completed + metrics.checkpoints_failed;
  metrics.checkpoints_in_flight = std::max(metrics.barrier.count, decided) - decided;
  metrics.durable = durable_.Get();
  metrics.log_bytes = log_bytes_.Get();
  metrics.write_backs = write_backs_.Get();
  metrics.write_back_failures = write_back_failures_.Get();
  metrics.write_back_records = write_back_records_.Get();
  metrics.write_back_bytes = write_back_bytes_.Get();
  metrics.write_back_time = AsDuration(write_back_ns_);
  metrics.bases_published = bases_.Get();
  metrics.base_bytes = base_bytes_.Get();
  metrics.log_merges = log_merges_.Get();
  metrics.log_merge_bytes = log_merge_bytes_.Get();
  metrics.table_compactions = table_compactions_.Get();
  metrics.listener_exceptions = listener_exceptions_.load(std::memory_order_relaxed);
  std::lock_guard lock(mutex_);
  metrics.last_checkpoint = last_;
  return metrics;
}

}  // namespace tidemark::store
