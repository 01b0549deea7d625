// Jobs on one value a key: all keys are put, then some are read, or read, changed and written.
#pragma once

#include "bench/job.h"
#include "bench/scale.h"

#include <cstdint>
#include <vector>

namespace tidemark::bench {

enum class ValueOperation { kGet, kUpdate };

// A job that puts the values of `keys` keys, then applies `operation` to the keys with the numbers
// `drawn`. The caller says after how many operations there are checkpoints, and the budget.
Job MakeValueJob(ValueOperation operation, uint64_t keys, std::vector<uint32_t> drawn);

// DrawUniform or DrawZipf.
using Draw = std::vector<uint32_t> (*)(uint64_t keys, uint64_t count);

// Such a job on a state that fits in the scale's budget. `epoch`: operations, at scales that
// measure.
Job MakeResidentJob(ValueOperation operation, Draw draw, const Size& size, uint64_t epoch,
                    const Scale& scale);

}  // namespace tidemark::bench
