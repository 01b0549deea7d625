#include "store/segment_encoder.h"

#include "format/change_batch.h"

#include <algorithm>

namespace tidemark::store {

Status EncodeSegment(const SealedEpoch& epoch, const format::SegmentHeader& header,
                     Compression codec, int level, const format::SegmentSink& sink) {
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
    const auto records = StreamOf(*part);
    TIDEMARK_RETURN_IF_ERROR(
        format::EncodeTable(epoch.last_epoch, part->table_id, *records, encoder, sink).error());
  }
  return {};
}

}  // namespace tidemark::store
