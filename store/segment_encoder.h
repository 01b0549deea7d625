// From a sealed epoch to the entries of its segment.
#pragma once

#include "format/segment.h"
#include "store/sealed_epoch.h"

#include <tidemark/options.h>
#include <tidemark/status.h>

#include <functional>

namespace tidemark::store {

// Where the entries of a segment go, one after the other.
using SegmentSink = std::function<Status(format::SegmentEntry)>;

// Encodes the (sorted) epoch: the header, then the batches of every table, ascending. Memory: one
// batch. Errors: those of the codec, of reading what was spilled, and of the sink.
Status EncodeSegment(const SealedEpoch& epoch, const format::SegmentHeader& header,
                     Compression codec, int level, const SegmentSink& sink);

}  // namespace tidemark::store
