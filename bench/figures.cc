#include "bench/figures.h"

namespace tidemark::bench {
namespace {

template <class Unit>
std::vector<double> In(const std::vector<std::chrono::nanoseconds>& durations) {
  std::vector<double> numbers;
  numbers.reserve(durations.size());
  for (const std::chrono::duration<double, Unit> duration : durations) {
    numbers.push_back(duration.count());
  }
  return numbers;
}

}  // namespace

void AddTimings(uint64_t operations_done, const Timings& timings, Counters& counters) {
  const auto operations = static_cast<double>(operations_done);
  counters.emplace_back("sustained_ops_s",
                        operations / SecondsBetween(timings.start, timings.drained));
  counters.emplace_back("burst_ops_s",
                        operations / SecondsBetween(timings.start, timings.last_operation));
  counters.emplace_back("cpu_s_per_mop",
                        (timings.drained.cpu_s - timings.start.cpu_s) / (operations * 1e-6));
  const std::vector<double> barrier_us = In<std::micro>(timings.barriers);
  counters.emplace_back("barrier_p50_us", Quantile(barrier_us, 0.5));
  counters.emplace_back("barrier_p99_us", Quantile(barrier_us, 0.99));
  counters.emplace_back("barrier_p999_us", Quantile(barrier_us, 0.999));
  counters.emplace_back("barrier_max_us", Quantile(barrier_us, 1));
  counters.emplace_back("written_bytes", timings.written_bytes());
}

void AddEngineFigures(const EngineFigures& figures, Counters& counters) {
  if (!figures.durable.empty()) {
    const std::vector<double> durable_ms = In<std::milli>(figures.durable);
    counters.emplace_back("durable_p50_ms", Quantile(durable_ms, 0.5));
    counters.emplace_back("durable_p99_ms", Quantile(durable_ms, 0.99));
  }
  if (figures.published_bytes) counters.emplace_back("published_bytes", *figures.published_bytes);
  if (figures.log_bytes) counters.emplace_back("log_bytes", *figures.log_bytes);
  if (figures.segments) counters.emplace_back("segments", *figures.segments);
  if (figures.stall_s) counters.emplace_back("stall_s", *figures.stall_s);
}

void AddUsage(const DirectoryUsage& usage, Counters& counters) {
  counters.emplace_back("retained_bytes", usage.bytes);
  counters.emplace_back("files", usage.files);
}

}  // namespace tidemark::bench
