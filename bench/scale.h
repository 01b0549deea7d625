// Scale: how large the workloads are. The environment variable SCALE chooses.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tidemark::bench {

struct Scale {
  std::string_view name;
  uint64_t keys;           // of the state
  uint64_t updates;        // timed operations
  uint64_t epoch_divisor;  // operations an epoch, as the variant's name says, are divided by this
  int repetitions;         // unless --benchmark_repetitions is given
  uint64_t memory_budget_bytes;
  bool measures;  // false: figures mean nothing, only the hashes count
};

inline constexpr Scale kScales[] = {
    // A test: seconds, even under sanitizers.
    {"smoke", 2'000, 10'000, 100, 1, uint64_t{32} << 20, false},
    // `make bench`: all rows within 15 minutes on 2 cores.
    {"default", 1'000'000, 1'000'000, 1, 5, uint64_t{512} << 20, true},
    // The sizes that results are quoted for.
    {"full", 1'000'000, 4'000'000, 1, 5, uint64_t{512} << 20, true},
};

// The one of that name; the default one for an empty name; nullptr if there is none.
constexpr const Scale* FindScale(std::string_view name) {
  if (name.empty()) name = "default";
  for (const Scale& scale : kScales) {
    if (scale.name == name) return &scale;
  }
  return nullptr;
}

}  // namespace tidemark::bench
