// Layers: what lies below the cache of a store: epochs that were moved out of memory, the newest
// first, over RocksDB's view. A range delete hides what is older than itself.
//
// Thread safety: the store's writer thread.
#pragma once

#include "storage/live_database.h"
#include "storage/spill.h"
#include "store/range_deletes.h"

#include <tidemark/status.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark::store {

// What they hold of a key.
struct Below {
  std::optional<std::string_view> value;  // nullopt: absent
  uint64_t spilled_epoch = 0;             // of the newest spilled record of it; 0: there is none
  bool range_deleted = false;             // absent because of a range delete, below all records
};

// The range deletes of a table that a reader sees: its own, and those that were rolled back after
// the reader was made.
struct VisibleRanges {
  const RangeDeletes* own = nullptr;
  const std::vector<std::shared_ptr<const RangeSet>>* rolled_back = nullptr;

  bool empty() const { return own->empty() && (rolled_back == nullptr || rolled_back->empty()); }
  // One that is newer than `epoch` and covers the key, or null.
  const RangeSet::value_type* Find(std::string_view stored_key, uint64_t epoch) const;
};

class Layers {
 public:
  const std::shared_ptr<const storage::StateView>& view() const noexcept { return view_; }
  bool has_spilled() const noexcept { return !spilled_.empty(); }
  // Rises whenever something else is to be read: cursors of before are to be made anew.
  uint64_t generation() const noexcept { return generation_; }

  // RocksDB has all epochs up to that of the view.
  void SetView(std::shared_ptr<const storage::StateView> view);
  // What the epoch has spilled, or null.
  std::shared_ptr<storage::SpilledEpoch> FindSpilled(uint64_t epoch) const;
  void AddSpilled(std::shared_ptr<storage::SpilledEpoch> spilled);
  void DropSpilled(uint64_t epoch);
  // A range delete has come or gone.
  void Touch() noexcept { ++generation_; }
  void Clear();

  // `buffer` gets the value; `current` is the epoch that goes on. Errors: those of RocksDB.
  Result<Below> Read(uint32_t table_id, std::string_view stored_key, const RangeDeletes& ranges,
                     uint64_t current, std::string* buffer) const;
  // A cursor over [from, to) with stored keys and values, as long as generation() stays.
  std::unique_ptr<storage::StateCursor> NewCursor(uint32_t table_id, std::string_view from,
                                                  std::string_view to, const VisibleRanges& ranges,
                                                  uint64_t current) const;

 private:
  Result<Below> ReadSpilled(uint32_t table_id, std::string_view stored_key,
                            const RangeDeletes& ranges, uint64_t current,
                            std::string* buffer) const;

  std::shared_ptr<const storage::StateView> view_;
  std::vector<std::shared_ptr<storage::SpilledEpoch>> spilled_;  // newest first
  uint64_t generation_ = 1;
};

}  // namespace tidemark::store
