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
class SegmentStream final : public format::RecordStream {
 public:
  using OpenIterator = std::function<rocksdb::Iterator*(const rocksdb::ReadOptions&)>;
  using ToStatus = Status (*)(const rocksdb::Status&, std::string_view doing);

  // `owner` holds what the iterator reads. `where` says what that is, for messages.
  SegmentStream(std::shared_ptr<const void> owner, const OpenIterator& open, ToStatus to_status,
                std::string_view where, uint64_t last_epoch, uint32_t table_id);

  Result<bool> Next() override;

 private:
  Result<bool> FindRecord();
  Result<bool> NextFrame();

  const std::shared_ptr<const void> owner_;
  const ToStatus to_status_;
  const std::string where_;
  const std::string first_key_;
  const std::optional<std::string> end_key_;
  rocksdb::Slice upper_bound_;
  std::unique_ptr<rocksdb::Iterator> frames_;
  format::BatchReader batch_;
  bool started_ = false;
  bool ended_ = false;
  bool in_frame_ = false;
  Status failed_;
};

}  // namespace tidemark::storage
