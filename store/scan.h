// ScanCore: what is behind an Iterator: the entries of a range of one table as of the scan's
// creation.
//
// A scan reads what the table holds now, cache over RocksDB, and remembers beside it the pre-image
// of every entry that has changed since it was made and that it has not shown yet. So what it shows
// does not depend on which versions the cache still has, nor on an old RocksDB snapshot: it moves
// to the newest view whenever there is one, and neither eviction nor release has to know that it is
// there.
//
//   shown entry = pre-image, if there is one; else the cache's newest version; else RocksDB's
//
// Thread safety: the store's writer thread only.
#pragma once

#include "storage/live_database.h"
#include "store/layers.h"
#include "store/ordered_index.h"
#include "store/range_deletes.h"
#include "store/table_keys.h"

#include <tidemark/scan.h>
#include <tidemark/status.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark::store {

class TableCore;

class ScanCore {
 public:
  using Range = StoredRange;

  // Registers with the table, whose ordered index must be there.
  ScanCore(std::shared_ptr<TableCore> table, Range range, bool reverse);
  ~ScanCore();
  ScanCore(const ScanCore&) = delete;
  ScanCore& operator=(const ScanCore&) = delete;

  // The members of Iterator; see there.
  Result<bool> Next();
  std::string_view key() const;
  std::string_view value() const { return value_; }
  void Close();

  // For the table, before an entry changes: whether the scan has still to show it and does not
  // remember it.
  bool Wants(std::string_view stored_key) const;
  // What remembering takes.
  static size_t BytesFor(std::string_view stored_key, const Version* newest);
  // Remembers the entry whose newest version in the cache this is; null: what lies below, as of
  // now. Errors of reading that, which end the scan.
  Status Remember(std::string_view stored_key, const Version* newest);
  // Range deletes that were rolled back, and that it was made after, go on for it.
  void Hide(const std::shared_ptr<const RangeSet>& ranges);
  // Whether it has still to show something of this range.
  bool IsAhead(const Range& range) const;
  // Lets go of everything; Next returns `why` from now on.
  void Fail(Status why);
  uint64_t memory_bytes() const noexcept { return memory_bytes_; }

 private:
  struct PreImage {
    std::shared_ptr<const storage::StateView> view;  // that has the value; null: `value` is it
    std::optional<std::string> value;                // nullopt: absent
    size_t bytes = 0;
  };
  using PreImages = std::map<std::string, PreImage, std::less<>>;

  Result<bool> MoveToNearest();
  Result<bool> ReadPreImage(const PreImage& image);
  Status ShowStored(std::string_view stored_value);
  Status SettleBelow();
  VisibleRanges ranges() const;
  void ForgetShown();
  void End(Status why);
  void SettleMemory();
  PreImages::const_iterator NearestPreImage() const;
  bool IsAhead(std::string_view stored_key) const;
  bool IsHidden(std::string_view stored_key) const;
  bool IsNearer(std::string_view a, std::string_view b) const { return reverse_ ? a > b : a < b; }
  void SetPosition(std::string_view stored_key);

  const std::shared_ptr<TableCore> table_;
  const Range range_;
  const bool reverse_;

  Status status_;  // why it shows nothing any more
  bool done_ = false;
  // What is still to be shown lies at or after this (forward) or before it (reverse). Forward it is
  // the key shown last with a zero byte appended, which is the least key after it.
  std::string bound_;
  std::string_view value_;
  std::string value_buffer_;

  OrderedIndex::Cursor memory_;
  bool memory_shown_ = false;  // where `memory_` stands was shown: move on
  bool is_complete_ = false;   // all that it may show is in memory, as of marks_seen_
  uint64_t marks_seen_ = UINT64_MAX;
  std::unique_ptr<storage::StateCursor> below_;  // null where it is complete
  uint64_t below_generation_ = 0;                // of the layers that it goes over
  bool below_shown_ = false;
  PreImages images_;
  std::vector<std::shared_ptr<const RangeSet>> hidden_;
  uint64_t memory_bytes_ = 0;
};

}  // namespace tidemark::store
