// From the records of a table to the entries of a segment.
#pragma once

#include "format/change_batch.h"
#include "format/record.h"
#include "format/segment.h"

#include <tidemark/status.h>

#include <cstdint>
#include <functional>

namespace tidemark::format {

// Where the entries of a segment go, one after the other.
using SegmentSink = std::function<Status(SegmentEntry)>;

struct RecordTotals {
  uint64_t records = 0;
  uint64_t bytes = 0;  // keys and values
};

// Encodes the records of one table into batches for the segment that ends at `last_epoch`, and
// counts them. `encoder` is empty before and after. Memory: one batch. Errors: those of the stream,
// the encoder and the sink.
Result<RecordTotals> EncodeTable(uint64_t last_epoch, uint32_t table_id, RecordStream& records,
                                 BatchEncoder& encoder, const SegmentSink& sink);

}  // namespace tidemark::format
