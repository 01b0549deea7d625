// RecordList: a record stream over records in memory, for tests.
#pragma once

#include "format/record.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tidemark::compaction {

struct OwnedRecord {
  std::string key;
  std::string value;
  uint64_t epoch = 0;
  format::Op op = format::Op::kPut;
  uint64_t expiry_ms = 0;
  friend bool operator==(const OwnedRecord&, const OwnedRecord&) = default;
};

class RecordList final : public format::RecordStream {
 public:
  // `end`: what comes after the last record, the end or an error.
  explicit RecordList(std::vector<OwnedRecord> records, Status end = {})
      : records_(std::move(records)), end_(std::move(end)) {}

  Result<bool> Next() override {
    // As a file's buffer would be: the views of the last record are gone.
    current_.reset();
    if (next_ == records_.size()) {
      if (!end_.ok()) return end_;
      return false;
    }
    current_ = std::make_unique<OwnedRecord>(records_[next_++]);
    record_ = {current_->key, current_->value, current_->epoch, current_->expiry_ms, current_->op};
    return true;
  }

 private:
  const std::vector<OwnedRecord> records_;
  const Status end_;
  size_t next_ = 0;
  std::unique_ptr<OwnedRecord> current_;
};

inline std::unique_ptr<format::RecordStream> StreamOf(std::vector<OwnedRecord> records,
                                                      Status end = {}) {
  return std::make_unique<RecordList>(std::move(records), std::move(end));
}

}  // namespace tidemark::compaction
