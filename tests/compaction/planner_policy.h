// What the planner's tests ask of it.
#pragma once

#include "compaction/planner.h"

#include <cstdint>

namespace tidemark::compaction {

inline constexpr uint64_t kKiB = uint64_t{1} << 10;
inline constexpr uint64_t kMiB = uint64_t{1} << 20;

inline Policy SomePolicy() {
  return {.write_back_bytes = 64 * kMiB,
          .write_back_epochs = 256,
          .space_amplification_max = 1.5,
          .restore_budget_s = 10};
}

}  // namespace tidemark::compaction
