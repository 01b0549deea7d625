// SegmentStream: the records of one table in a segment, frame by frame, out of whatever holds its
// entries: the change log's database, or a segment file.
#pragma once

#include "format/change_batch.h"

#include <rocksdb/iterator.h>
#include <rocksdb/options.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace tidemark::storage {

// The first possible key after everything of `epoch`, and of one table in its segment; nullopt if
// there is none.
std::optional<std::string> SegmentKeyAfter(uint64_t epoch);
std::optional<std::string> SegmentKeyAfter(uint64_t epoch, uint32_t table_id);

// Memory: one frame, as it is stored and as it is read.
class SegmentStream final : public format::SkippingStream {
 public:
  using OpenIterator = std::function<rocksdb::Iterator*(const rocksdb::ReadOptions&)>;
  using ToStatus = Status (*)(const rocksdb::Status&, std::string_view doing);

  // `owner` holds what the iterator reads. `where` says what that is, for messages.
  SegmentStream(std::shared_ptr<const void> owner, const OpenIterator& open, ToStatus to_status,
                std::string_view where, uint64_t last_epoch, uint32_t table_id);

  Result<bool> Next() override;
  Status SkipTo(std::string_view key) override;

 private:
  Result<bool> FindRecord();
  Status NextFrame();
  Status OpenFrame();
  Status SeekFrameOf(std::string_view key);

  const std::shared_ptr<const void> owner_;
  const ToStatus to_status_;
  const std::string where_;
  const uint64_t last_epoch_;
  const uint32_t table_id_;
  const std::string first_key_;
  const std::optional<std::string> end_key_;
  rocksdb::Slice upper_bound_;
  std::unique_ptr<rocksdb::Iterator> frames_;
  format::BatchReader batch_;
  bool started_ = false;
  bool ended_ = false;
  bool in_frame_ = false;
  std::string skip_to_;          // records before it are passed over
  bool is_before_next_ = false;  // record_ is what Next will move to
  Status failed_;
};

}  // namespace tidemark::storage
