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

#include <absl/container/btree_map.h>

#include <cstdint>
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
  // Remembers the entry whose newest version in the cache this is; null: what lies below, as of
  // now. False if the scan has ended instead, and is gone from the table: for an error of reading
  // that, or because the store has no room for a block of PreImageBytes, or of what was read, and
  // kPlaceBytes.
  bool Remember(std::string_view stored_key, const Version* newest);
  static size_t PreImageBytes(std::string_view stored_key, const Version* newest);
  static constexpr size_t kPlaceBytes = 48;  // of a pre-image, in the map of them
  static Status Outgrown();
  // Range deletes that were rolled back, and that it was made after, go on for it.
  void Hide(const std::shared_ptr<const RangeSet>& ranges);
  // Whether it has still to show something of this range.
  bool IsAhead(const Range& range) const;
  // Lets go of everything; Next returns `why` from now on.
  void Fail(Status why);
  // Beside the arena, where pre-images are; not 0 if it remembers anything.
  uint64_t memory_bytes() const noexcept { return memory_bytes_; }

 private:
  struct ByKey {
    using is_transparent = void;
    static std::string_view KeyOf(std::string_view stored_key) { return stored_key; }
    static std::string_view KeyOf(const Version* image) { return image->key(); }
    template <class A, class B>
    bool operator()(const A& a, const B& b) const {
      return KeyOf(a) < KeyOf(b);
    }
  };
  // Versions of no index, which eviction passes over, and the view that has the value, if it is not
  // in the version itself. In the arena, as they come and go by megabytes, and what malloc has once
  // held it seldom gives back.
  using PreImages = absl::btree_map<Version*, std::shared_ptr<const storage::StateView>, ByKey>;

  Result<bool> MoveToNearest();
  Result<bool> ReadPreImage(const PreImages::value_type& image);
  Status Keep(std::string_view stored_key, const Version* newest);
  Version* NewPreImage(std::string_view stored_key, std::optional<std::string_view> value);
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
