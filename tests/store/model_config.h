// ModelConfig: everything that a sequence of the model test varies beside its steps.
#pragma once

#include "tests/store/model_random.h"

#include <tidemark/options.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace tidemark::store {

// What a sequence is about. Opening a store costs as much as a hundred steps, so most sequences
// open few.
enum class ModelShape {
  kShort,     // one restart or none
  kRestarts,  // several
  kLarge,     // more entries than fit in memory
  kLong,      // hundreds of steps, many restarts
};

struct ModelConfig {
  ModelShape shape{};
  size_t steps = 0;
  size_t restarts = 0;
  // At the end every retained checkpoint is restored and compared, not only one of them.
  bool restores_all = false;

  uint64_t memory_budget_bytes = 0;
  // What a neighbour, another store of the same runtime, leaves of the budget; 0: there is none.
  uint64_t room_bytes = 0;
  bool spills = false;  // epochs are larger than that: there are few checkpoints
  std::chrono::milliseconds stall_timeout{};
  uint32_t max_parallelism = 0;  // 1: maps lie side by side; many: nearly none do
  uint64_t tables = 0;
  uint64_t keys = 0;
  size_t value_bytes_max = 0;
  size_t epoch_bytes_max = 0;  // a checkpoint is made when an epoch has written so much
  bool long_keys = false;
  uint64_t inline_bytes = 0;
  uint32_t write_back_segments = 0;
  uint32_t log_merge_segments = 0;
  uint32_t keep_last = 0;
  Compression compression{};
  Verification verification{};
  bool deny_links = false;
  bool hide_locks = false;
  bool cuts_power = false;  // some restarts are after a cut

  static ModelConfig Random(ModelRandom& random);
  std::string ToString() const;
};

}  // namespace tidemark::store
