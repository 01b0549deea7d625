#include "format/segment_builder.h"

#include <utility>

namespace tidemark::format {

namespace {

Status FinishBatch(uint64_t last_epoch, uint32_t table_id, BatchEncoder& encoder,
                   const SegmentSink& sink) {
  SegmentEntry entry;
  entry.key = EncodeSegmentKey(last_epoch, table_id, encoder.first_key());
  TIDEMARK_RETURN_IF_ERROR(encoder.Finish(table_id, &entry.frame));
  return sink(std::move(entry));
}

}  // namespace

// A batch never ends between two records of a key: their batches would have one name.
Result<RecordTotals> EncodeTable(uint64_t last_epoch, uint32_t table_id, RecordStream& records,
                                 BatchEncoder& encoder, const SegmentSink& sink) {
  RecordTotals totals;
  while (true) {
    TIDEMARK_ASSIGN_OR_RETURN(const bool more, records.Next());
    if (!more) break;
    const Record& record = records.record();
    if (encoder.raw_bytes() >= kBatchTargetBytes && encoder.last_key() != record.key)
      TIDEMARK_RETURN_IF_ERROR(FinishBatch(last_epoch, table_id, encoder, sink));
    encoder.Add(record);
    ++totals.records;
    totals.bytes += record.key.size() + record.value.size();
  }
  if (!encoder.empty()) TIDEMARK_RETURN_IF_ERROR(FinishBatch(last_epoch, table_id, encoder, sink));
  return totals;
}

}  // namespace tidemark::format
