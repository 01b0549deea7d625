#include "bench/slow_operations.h"

#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <cmath>
#include <string>

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

void SlowOperations::AddSlow(std::chrono::nanoseconds took) {
  const Sample now = Look();
  // An index that shrinks wraps around, which is as well.
  slow_.push_back({took,
                   {.index_bytes = now.index_bytes - before_.index_bytes,
                    .waited_ns = now.waited_ns - before_.waited_ns,
                    .preempted = now.preempted - before_.preempted,
                    .slept = now.slept - before_.slept,
                    .page_faults = now.page_faults - before_.page_faults,
                    .processor_ns = now.processor_ns - before_.processor_ns}});
  Resume();
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
  AddSlowest(counters);
  AddCauses("ops_over_1ms", kSlow, counters);
  AddCauses("ops_over_5ms", kTooSlow, counters);
  counters.emplace_back("clock_ns", ClockNanoseconds());
}

// The quantile where none was slow.
void SlowOperations::AddSlowest(Counters& counters) const {
  const auto slowest = std::max_element(
      slow_.begin(), slow_.end(), [](const Slow& a, const Slow& b) { return a.took < b.took; });
  counters.emplace_back("op_max_us",
                        slowest == slow_.end() ? QuantileUs(1) : Microseconds(slowest->took));
  if (slowest == slow_.end()) return;
  const Sample& moved = slowest->moved;
  counters.emplace_back("op_max_cpu_us", static_cast<double>(moved.processor_ns) * 1e-3);
  counters.emplace_back("op_max_preempted", moved.preempted);
  counters.emplace_back("op_max_page_faults", moved.page_faults);
  counters.emplace_back("op_max_index_bytes", moved.index_bytes);
}

void SlowOperations::AddCauses(const std::string& name, std::chrono::nanoseconds limit,
                               Counters& counters) const {
  const auto add = [&](const char* cause, const auto& is_one) {
    counters.emplace_back(name + cause,
                          std::count_if(slow_.begin(), slow_.end(), [&](const Slow& slow) {
                            return slow.took > limit && is_one(slow);
                          }));
  };
  add("", [](const Slow&) { return true; });
  add("_off_cpu", [](const Slow& slow) {
    return std::chrono::nanoseconds(slow.moved.processor_ns) < slow.took / 2;
  });
  add("_preempted", [](const Slow& slow) { return slow.moved.preempted > 0; });
  add("_slept", [](const Slow& slow) { return slow.moved.slept > 0; });
  add("_waited", [](const Slow& slow) { return slow.moved.waited_ns > 0; });
  add("_page_faults", [](const Slow& slow) { return slow.moved.page_faults > 0; });
  add("_index_grew", [](const Slow& slow) { return slow.moved.index_bytes != 0; });
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
