// Scale: how large the workloads are. The environment variable SCALE chooses.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tidemark::bench {

struct Size {
  uint64_t keys;        // of the state
  uint64_t operations;  // timed; larger ones count as several
};

// A state of which checkpoint after checkpoint changes a part.
struct ChurnSize {
  uint64_t keys;
  uint64_t checkpoints;  // timed
  uint64_t changes;      // from one of them to the next
};

struct WindowSize {
  uint64_t keys_per_second;  // of event time
  uint64_t seconds;
};

struct BatchSize {
  uint64_t batches;
  uint64_t rows;  // of each
};

struct LogMergeSize {
  uint64_t segments;
  uint64_t records;  // of each
};

struct RestoreSize {
  uint64_t keys;
  uint64_t changes;  // in each segment
  int repetitions;   // of each kind of restore in a run
};

struct Scale {
  std::string_view name;
  Size value_update;
  Size flink;
  Size cold_values;
  uint64_t fill_keys;
  BatchSize micro_batch;
  WindowSize window_churn;
  ChurnSize steady_update;  // and LocalUpdate
  Size short_epochs;
  ChurnSize restore_budget;
  ChurnSize many_checkpoints;
  ChurnSize inspect;  // all of its checkpoints are retained
  LogMergeSize log_merge;
  ChurnSize commit_ladder;  // changes: the most that a variant may make
  ChurnSize barrier_pause;  // of the largest variant; others have a tenth of the keys, a hundredth
  RestoreSize restore;
  ChurnSize delta_size;
  ChurnSize embeddings;  // `changes` is not used: a part of all keys
  Size zero_copy_read;   // keys of values of 200 bytes; a tenth as many of 4 KB
  uint64_t nexmark_events;
  uint64_t checkpoints_retained;  // by many_checkpoints, before those that are timed
  uint64_t epoch_divisor;  // operations an epoch, where a variant fixes them, are so many less
  int repetitions;         // unless --benchmark_repetitions is given
  int repetitions_of_long_rows;  // unless --benchmark_repetitions is given
  int repetitions_of_byte_rows;  // unless --benchmark_repetitions is given
  uint64_t memory_budget_bytes;  // where the workload does not say otherwise
  bool measures;                 // false: figures mean nothing, only the hashes count

  // Of peers other than rocksdb, unless --benchmark_repetitions is given.
  int repetitions_of_other_peers;
};

inline constexpr Scale kScales[] = {
    // A test: seconds, even under sanitizers.
    {.name = "smoke",
     .value_update = {2'000, 10'000},
     .flink = {1'000, 10'000},
     .cold_values = {20'000, 10'000},
     .fill_keys = 10'000,
     .micro_batch = {20, 100},
     .window_churn = {100, 12},
     .steady_update = {4'000, 20, 200},
     .short_epochs = {2'000, 10'000},
     .restore_budget = {4'000, 20, 200},
     .many_checkpoints = {1'000, 20, 100},
     .inspect = {2'000, 40, 20},
     .log_merge = {10, 100},
     .commit_ladder = {1'000, 20, 1'000},
     .barrier_pause = {10'000, 20, 200},
     .restore = {2'000, 50, 1},
     .delta_size = {2'000, 4, 500},
     .embeddings = {4'000, 3, 0},
     .zero_copy_read = {1'000, 10'000},
     .nexmark_events = 20'000,
     .checkpoints_retained = 40,
     .epoch_divisor = 100,
     .repetitions = 1,
     .repetitions_of_long_rows = 1,
     .repetitions_of_byte_rows = 1,
     .memory_budget_bytes = uint64_t{32} << 20,
     .measures = false,
     .repetitions_of_other_peers = 1},
    // `make bench`.
    {.name = "default",
     .value_update = {1'000'000, 1'000'000},
     .flink = {50'000, 400'000},
     .cold_values = {2'000'000, 500'000},
     .fill_keys = 2'000'000,
     .micro_batch = {100, 10'000},
     .window_churn = {10'000, 40},
     .steady_update = {1'000'000, 100, 20'000},
     .short_epochs = {500'000, 1'000'000},
     .restore_budget = {1'000'000, 60, 20'000},
     .many_checkpoints = {100'000, 200, 100},
     .inspect = {1'000'000, 1'000, 100},
     .log_merge = {100, 10'000},
     .commit_ladder = {1'000'000, 100, 1'000'000},
     .barrier_pause = {1'000'000, 100, 10'000},
     .restore = {500'000, 500, 3},
     .delta_size = {200'000, 4, 50'000},
     .embeddings = {200'000, 3, 0},
     .zero_copy_read = {50'000, 500'000},
     .nexmark_events = 500'000,
     .checkpoints_retained = 1'000,
     .epoch_divisor = 1,
     .repetitions = 5,
     .repetitions_of_long_rows = 3,
     .repetitions_of_byte_rows = 1,
     .memory_budget_bytes = uint64_t{512} << 20,
     .measures = true,
     .repetitions_of_other_peers = 1},
    // The sizes that results are quoted for.
    {.name = "full",
     .value_update = {1'000'000, 4'000'000},
     .flink = {500'000, 2'000'000},
     .cold_values = {20'000'000, 2'000'000},
     .fill_keys = 10'000'000,
     .micro_batch = {1'000, 10'000},
     .window_churn = {10'000, 300},
     .steady_update = {4'000'000, 500, 20'000},
     .short_epochs = {1'000'000, 10'000'000},
     .restore_budget = {10'000'000, 300, 50'000},
     .many_checkpoints = {100'000, 500, 100},
     .inspect = {10'000'000, 10'000, 100},
     .log_merge = {100, 10'000},
     .commit_ladder = {1'000'000, 500, 1'000'000},
     .barrier_pause = {10'000'000, 500, 10'000},
     .restore = {10'000'000, 10'000, 5},
     .delta_size = {1'000'000, 10, 200'000},
     .embeddings = {2'000'000, 5, 0},
     .zero_copy_read = {100'000, 4'000'000},
     .nexmark_events = 10'000'000,
     .checkpoints_retained = 10'000,
     .epoch_divisor = 1,
     .repetitions = 5,
     .repetitions_of_long_rows = 3,
     .repetitions_of_byte_rows = 3,
     .memory_budget_bytes = uint64_t{512} << 20,
     .measures = true,
     .repetitions_of_other_peers = 3},
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
