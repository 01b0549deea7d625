// LayeredCursor: several layers as one: of the records of a key the newest counts, what a newer
// range delete covers is absent, merge operands are put at the end of what is below them.
//
// Thread safety: one thread at a time.
#pragma once

#include "storage/live_database.h"
#include "store/layers.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark::store {

class LayeredCursor final : public storage::StateCursor {
 public:
  struct Source {
    std::unique_ptr<storage::StateCursor> cursor;
    uint64_t epoch = 0;
    bool is_spilled = false;    // its values are spilled records, else stored values
    bool can_be_hidden = true;  // by range deletes
    // While it stands at a key that one hides.
    const RangeSet::value_type* hidden_by = nullptr;
  };

  // Newest first. What `ranges` points to outlives the cursor and does not change.
  LayeredCursor(std::vector<Source> newest_first, const VisibleRanges& ranges)
      : sources_(std::move(newest_first)), ranges_(ranges) {}

  void SeekAtOrAfter(std::string_view stored_key) override;
  void SeekBefore(std::string_view stored_key) override;
  void Next() override { Move(); }
  void Previous() override { Move(); }
  bool valid() const override { return valid_; }
  Status status() const override { return status_; }
  std::string_view key() const override { return key_; }
  std::string_view value() const override { return value_; }

 private:
  // Goes on in the direction of the last seek.
  void Move();
  void Advance();
  void Settle();
  bool FindNearest();
  Result<bool> Resolve();
  void Fail(Status status);

  std::vector<Source> sources_;
  const VisibleRanges ranges_;
  bool reverse_ = false;
  bool valid_ = false;
  Status status_;
  std::string key_;
  std::string_view value_;
  std::string joined_;
};

}  // namespace tidemark::store
