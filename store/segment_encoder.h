// From a sealed epoch to the entries of its segment.
#pragma once

#include "format/segment_builder.h"
#include "store/sealed_epoch.h"

#include <tidemark/options.h>
#include <tidemark/status.h>

namespace tidemark::store {

// Encodes the (sorted) epoch: the header, then the batches of every table, ascending. Memory: one
// batch. Errors: those of the codec, of reading what was spilled, and of the sink.
Status EncodeSegment(const SealedEpoch& epoch, const format::SegmentHeader& header,
                     Compression codec, int level, const format::SegmentSink& sink);

}  // namespace tidemark::store
