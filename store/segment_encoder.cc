#include "store/segment_encoder.h"

#include "format/change_batch.h"

#include <algorithm>

namespace tidemark::store {

namespace {

Status FinishBatch(uint64_t last_epoch, uint32_t table_id, format::BatchEncoder& encoder,
                   const SegmentSink& sink) {
  format::SegmentEntry entry;
  entry.key = format::EncodeSegmentKey(last_epoch, table_id, encoder.first_key());
  TIDEMARK_RETURN_IF_ERROR(encoder.Finish(table_id, &entry.frame));
  return sink(std::move(entry));
}

// A batch never ends between two records of a key: their batches would have one name.
Status EncodePart(uint64_t last_epoch, const SealedPart& part, format::BatchEncoder& encoder,
                  const SegmentSink& sink) {
  const auto records = StreamOf(part);
  while (true) {
    TIDEMARK_ASSIGN_OR_RETURN(const bool more, records->Next());
    if (!more) break;
    const format::Record& record = records->record();
    if (encoder.raw_bytes() >= format::kBatchTargetBytes && encoder.last_key() != record.key) {
      TIDEMARK_RETURN_IF_ERROR(FinishBatch(last_epoch, part.table_id, encoder, sink));
    }
    encoder.Add(record);
  }
  return encoder.empty() ? Status() : FinishBatch(last_epoch, part.table_id, encoder, sink);
}

}  // namespace

Status EncodeSegment(const SealedEpoch& epoch, const format::SegmentHeader& header,
                     Compression codec, int level, const SegmentSink& sink) {
  std::vector<const SealedPart*> parts;
  for (const SealedPart& part : epoch.parts) {
    if (!part.empty()) parts.push_back(&part);
  }
  std::sort(parts.begin(), parts.end(), [](auto* a, auto* b) { return a->table_id < b->table_id; });

  format::SegmentHeader complete = header;
  complete.first_epoch = epoch.first_epoch;
  complete.last_epoch = epoch.last_epoch;
  complete.records = epoch.records;
  complete.net_change_bytes = epoch.net_change_bytes;
  complete.counts = epoch.counts;
  for (const SealedPart* part : parts) complete.tables.push_back(part->table_id);

  TIDEMARK_RETURN_IF_ERROR(sink(
      {format::EncodeSegmentKey(epoch.last_epoch, 0, ""), format::EncodeSegmentHeader(complete)}));
  format::BatchEncoder encoder(codec, level);
  for (const SealedPart* part : parts) {
    TIDEMARK_RETURN_IF_ERROR(EncodePart(epoch.last_epoch, *part, encoder, sink));
  }
  return {};
}

}  // namespace tidemark::store
