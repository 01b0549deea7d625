// Counters out of what a run has measured: their names stand here, so that they are the same in all
// workloads.
#pragma once

#include "bench/engine.h"
#include "bench/measure.h"
#include "bench/row.h"

#include <chrono>
#include <cstdint>
#include <vector>

namespace tidemark::bench {

struct Timings {
  ProcessSample start;
  ProcessSample last_operation;  // before the drain
  ProcessSample drained;
  std::vector<std::chrono::nanoseconds> barriers;

  uint64_t written_bytes() const { return drained.written_bytes - start.written_bytes; }
};

// Speed, what the processor and the callers of checkpoints paid for it, and what was written.
void AddTimings(uint64_t operations, const Timings& timings, Counters& counters);

// What only the engine knows.
void AddEngineFigures(const EngineFigures& figures, Counters& counters);

void AddUsage(const DirectoryUsage& usage, Counters& counters);

constexpr double Ratio(uint64_t part, uint64_t of) {
  return static_cast<double>(part) / static_cast<double>(of);
}

}  // namespace tidemark::bench
