// Jobs on one value a key: all keys are put, then some are read, or read, changed and written.
#pragma once

#include "bench/job.h"

#include <cstdint>
#include <vector>

namespace tidemark::bench {

enum class ValueOperation { kGet, kUpdate };

// A job that puts the values of `keys` keys, then applies `operation` to the keys with the numbers
// `drawn`. The caller says after how many operations there are checkpoints, and the budget.
Job MakeValueJob(ValueOperation operation, uint64_t keys, std::vector<uint32_t> drawn);

}  // namespace tidemark::bench
