// What a process has used, and figures drawn from samples.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace tidemark::bench {

// A moment in the life of this process.
struct ProcessSample {
  std::chrono::steady_clock::time_point time;
  double cpu_s = 0;            // user and system, of all threads
  uint64_t written_bytes = 0;  // field `write_bytes` of /proc/self/io: what was sent towards a disk
};
// Throws std::runtime_error if /proc/self/io cannot be read.
ProcessSample SampleProcess();

// Blocks until for 50 ms no other thread of this process has been running, or waiting for a disk,
// when looked at. The sample is of the beginning of these. So drained is what is idle, whatever an
// engine says of itself. Throws std::runtime_error if the threads cannot be seen.
ProcessSample AwaitIdleThreads();

// How long `work()` takes.
template <class Work>
std::chrono::nanoseconds TimeOf(const Work& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::steady_clock::now() - begin;
}

double SecondsBetween(const ProcessSample& from, const ProcessSample& to);

// The largest resident set of this process so far, 0 if unknown.
uint64_t PeakRssBytes();

struct DirectoryUsage {
  uint64_t bytes = 0;
  uint64_t files = 0;
};
// All files below `path`; one with several links counts once, because it takes its space once.
// Those that vanish meanwhile do not count.
DirectoryUsage UsageOf(const std::string& path);

// The smallest sample that at least `fraction` of all samples do not exceed; 0 without samples.
double Quantile(std::vector<double> samples, double fraction);
inline double Median(std::vector<double> samples) { return Quantile(std::move(samples), 0.5); }

}  // namespace tidemark::bench
