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
      last_epoch_(last_epoch),
      table_id_(table_id),
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
  if (std::exchange(is_before_next_, false)) return true;
  while (true) {
    while (in_frame_) {
      TIDEMARK_ASSIGN_OR_RETURN(in_frame_, batch_.Next());
      if (!in_frame_) break;
      record_ = batch_.record();
      if (record_.key >= skip_to_) return true;
    }
    TIDEMARK_RETURN_IF_ERROR(NextFrame());
    if (!in_frame_) return false;
  }
}

// To pass over the rest of a frame is faster than to find and check it anew.
Status SegmentStream::SkipTo(std::string_view key) {
  if (!failed_.ok()) return failed_;
  skip_to_ = key;
  if (is_before_next_ && record_.key >= skip_to_) return {};
  is_before_next_ = false;
  while (in_frame_) {
    TIDEMARK_ASSIGN_OR_RETURN(in_frame_, batch_.Next());
    if (!in_frame_) break;
    record_ = batch_.record();
    if (record_.key < skip_to_) continue;
    is_before_next_ = true;
    return {};
  }
  if (ended_) return {};
  failed_ = SeekFrameOf(key);
  return failed_;
}

// The key of a frame is that of its first record, so the frame is the last one at or below it; or
// the one after that, if that was passed already.
Status SegmentStream::SeekFrameOf(std::string_view key) {
  const std::string passed = started_ ? frames_->key().ToString() : "";
  started_ = true;
  frames_->SeekForPrev(format::EncodeSegmentKey(last_epoch_, table_id_, key));
  if (!frames_->Valid() || frames_->key().compare(first_key_) < 0) {
    frames_->Seek(first_key_);
  } else if (frames_->key() == passed) {
    frames_->Next();
  }
  return OpenFrame();
}

Status SegmentStream::NextFrame() {
  if (ended_) return {};
  if (!started_) {
    frames_->Seek(first_key_);
    started_ = true;
  } else {
    frames_->Next();
  }
  return OpenFrame();
}

Status SegmentStream::OpenFrame() {
  ended_ = !frames_->Valid();
  if (ended_) return to_status_(frames_->status(), "read " + where_);
  TIDEMARK_RETURN_IF_ERROR(batch_.Open(frames_->value().ToStringView(), where_));
  in_frame_ = true;
  return {};
}

}  // namespace tidemark::storage
