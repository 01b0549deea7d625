// The merge under write-back, replay and log merge: many record streams of one table into one.
#pragma once

#include "format/record.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace tidemark::compaction {

// Merges streams of one table: ascending keys, one point record a key, the newest epoch's, after
// the range deletes that begin there. It is an insert only if the oldest record of the key was one,
// and a delete vanishes only then. Merge operands above the newest put or delete are folded into it
// (then it is a put), or into one operand. A range delete drops the point records of its keys that
// are of epochs below its own; it is passed on itself, because it also covers what is below all of
// these streams.
//
// Records at or below `after_epoch` are passed over: they are applied already, and replaying them
// onto a later state would bring old values back. Of two streams that hold the same
// key at the same epoch, the first one is newer. Errors of the inputs pass through;
// IncompatibleFormat (`record-expiry`) for values that expire, which this version does not write.
// Memory: what the inputs hold, and the range deletes that overlap at one key.
std::unique_ptr<format::RecordStream> MergeNewest(
    std::vector<std::unique_ptr<format::RecordStream>> inputs, uint64_t after_epoch);

}  // namespace tidemark::compaction
