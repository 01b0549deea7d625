// From a sealed epoch to the entries of its segment.
#pragma once

#include "format/segment.h"
#include "store/sealed_epoch.h"

#include <tidemark/options.h>
#include <tidemark/status.h>

#include <vector>

namespace tidemark::store {

// Encodes the (sorted) epoch: the header, then the batches of every table, ascending. Memory: the
// encoded bytes. Errors: those of the codec.
Result<std::vector<format::SegmentEntry>> EncodeSegment(const SealedEpoch& epoch,
                                                        const format::SegmentHeader& header,
                                                        Compression codec, int level);

}  // namespace tidemark::store
