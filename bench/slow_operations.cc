#include "bench/slow_operations.h"

#include <sys/resource.h>
#include <time.h>

#include <cmath>

namespace tidemark::bench {
namespace {

int64_t ThreadProcessorNanoseconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

double Microseconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double, std::micro>(time).count();
}

}  // namespace

SlowOperations::Sample SlowOperations::Look() const {
  const StoreMetrics metrics = store_.Metrics();
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  return {.index_bytes = metrics.index_bytes,
          .waited_ns = (metrics.stall_time + metrics.slowdown_time).count(),
          .preempted = usage.ru_nivcsw,
          .slept = usage.ru_nvcsw,
          .page_faults = usage.ru_minflt + usage.ru_majflt,
          .processor_ns = ThreadProcessorNanoseconds()};
}

void SlowOperations::EndWindow() {
  const Sample now = Look();
  if (window_max_ > max_) {
    max_ = window_max_;
    at_max_ = {.index_bytes = now.index_bytes > before_.index_bytes
                                  ? now.index_bytes - before_.index_bytes
                                  : 0,
               .waited_ns = now.waited_ns - before_.waited_ns,
               .preempted = now.preempted - before_.preempted,
               .slept = now.slept - before_.slept,
               .page_faults = now.page_faults - before_.page_faults,
               .processor_ns = now.processor_ns - before_.processor_ns};
  }
  in_window_ = 0;
  window_max_ = {};
  before_ = Look();
}

double SlowOperations::QuantileUs(double fraction) const {
  uint64_t all = 0;
  for (const uint64_t count : buckets_) all += count;
  const auto rank = static_cast<uint64_t>(std::ceil(fraction * static_cast<double>(all)));
  uint64_t seen = 0;
  for (uint64_t bucket = 0; bucket < buckets_.size(); ++bucket) {
    seen += buckets_[bucket];
    if (seen >= rank && seen > 0) return static_cast<double>(UpperBoundOf(bucket)) * 1e-3;
  }
  return 0;
}

void SlowOperations::AddTo(Counters& counters) const {
  counters.emplace_back("op_p50_us", QuantileUs(0.5));
  counters.emplace_back("op_p99_us", QuantileUs(0.99));
  counters.emplace_back("op_p999_us", QuantileUs(0.999));
  counters.emplace_back("op_p9999_us", QuantileUs(0.9999));
  counters.emplace_back("op_max_us", Microseconds(max_));
  counters.emplace_back("ops_over_1ms", over_1ms_);
  counters.emplace_back("ops_over_5ms", over_5ms_);
  counters.emplace_back("op_max_index_bytes", at_max_.index_bytes);
  counters.emplace_back("op_max_waited_us", static_cast<double>(at_max_.waited_ns) * 1e-3);
  counters.emplace_back("op_max_preempted", at_max_.preempted);
  counters.emplace_back("op_max_slept", at_max_.slept);
  counters.emplace_back("op_max_page_faults", at_max_.page_faults);
  counters.emplace_back("op_max_cpu_us", static_cast<double>(at_max_.processor_ns) * 1e-3);
  counters.emplace_back("clock_ns", ClockNanoseconds());
}

double SlowOperations::ClockNanoseconds() {
  constexpr int kReadings = 100'000;
  const auto begin = std::chrono::steady_clock::now();
  auto end = begin;
  for (int i = 0; i < kReadings; ++i) end = std::chrono::steady_clock::now();
  // Between the two readings of an operation there is one reading's time.
  return std::chrono::duration<double, std::nano>(end - begin).count() / kReadings;
}

}  // namespace tidemark::bench
