#include "storage/segment_stream.h"

#include "format/segment.h"
#include "storage/rocksdb_options.h"

#include <limits>
#include <utility>

namespace tidemark::storage {

std::optional<std::string> SegmentKeyAfter(uint64_t epoch) {
  if (epoch == std::numeric_limits<uint64_t>::max()) return std::nullopt;
  return format::EncodeSegmentKey(epoch + 1, 0, "");
}

std::optional<std::string> SegmentKeyAfter(uint64_t epoch, uint32_t table_id) {
  if (table_id == std::numeric_limits<uint32_t>::max()) return SegmentKeyAfter(epoch);
  return format::EncodeSegmentKey(epoch, table_id + 1, "");
}

SegmentStream::SegmentStream(std::shared_ptr<const void> owner, const OpenIterator& open,
                             ToStatus to_status, std::string_view where, uint64_t last_epoch,
                             uint32_t table_id)
    : owner_(std::move(owner)),
      to_status_(to_status),
      where_(std::string(where) + ", segment of epoch " + std::to_string(last_epoch) + ", table " +
             std::to_string(table_id)),
      first_key_(format::EncodeSegmentKey(last_epoch, table_id, "")),
      end_key_(SegmentKeyAfter(last_epoch, table_id)) {
  rocksdb::ReadOptions options = ScanOptions();
  if (end_key_) {
    upper_bound_ = *end_key_;
    options.iterate_upper_bound = &upper_bound_;
  }
  frames_.reset(open(options));
}

Result<bool> SegmentStream::Next() {
  if (!failed_.ok()) return failed_;
  Result<bool> found = FindRecord();
  if (!found.has_value()) failed_ = found.error();
  return found;
}

Result<bool> SegmentStream::FindRecord() {
  while (true) {
    if (in_frame_) {
      TIDEMARK_ASSIGN_OR_RETURN(const bool more, batch_.Next());
      if (more) {
        record_ = batch_.record();
        return true;
      }
    }
    TIDEMARK_ASSIGN_OR_RETURN(in_frame_, NextFrame());
    if (!in_frame_) return false;
  }
}

Result<bool> SegmentStream::NextFrame() {
  if (ended_) return false;
  if (!started_) {
    frames_->Seek(first_key_);
    started_ = true;
  } else {
    frames_->Next();
  }
  ended_ = !frames_->Valid();
  if (ended_) {
    TIDEMARK_RETURN_IF_ERROR(to_status_(frames_->status(), "read " + where_));
    return false;
  }
  TIDEMARK_RETURN_IF_ERROR(batch_.Open(frames_->value().ToStringView(), where_));
  return true;
}

}  // namespace tidemark::storage
