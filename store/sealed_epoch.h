// SealedEpoch: what a barrier hands to the background: the versions that an epoch changed. Also
// what replay makes of a segment at restore.
//
// Life: barrier (or replay) -> commit lane sorts, encodes, publishes -> maintenance lane merges it
// into RocksDB -> the writer releases it, freeing the versions that newer ones superseded.
#pragma once

#include "format/manifest.h"
#include "format/record.h"
#include "format/segment.h"
#include "storage/spill.h"
#include "store/range_deletes.h"
#include "store/version.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace tidemark::store {

// What Sort needs for each version.
constexpr size_t kSortEntryBytes = 16;

struct SealedPart {
  uint32_t table_id = 0;
  // In the order of their first change; from Sort on first those that vanished, then the others
  // ascending by key. Of two of one key, which a replayed range delete makes, the older one has
  // vanished: so released in this order it goes before the one that is on top of it.
  std::vector<Version*> versions;
  size_t records = 0;  // from Sort on: the others
  // Deleted before all of these; null: none. `epoch` is theirs.
  std::shared_ptr<const RangeSet> ranges;
  uint64_t epoch = 0;

  // Changes that were moved out of memory, older than `versions`; null: none.
  std::shared_ptr<const storage::SpilledEpoch> spilled;

  // Sorted, and nothing left.
  bool empty() const noexcept { return records == 0 && ranges == nullptr && spilled == nullptr; }
};

struct SealedEpoch {
  // Constant after the barrier, but for what Sort does to the parts.
  uint64_t first_epoch = 0;
  uint64_t last_epoch = 0;  // the same, but for a merged segment that was replayed
  std::vector<SealedPart> parts;
  std::vector<format::TableMeta> tables_created;
  format::TableCounts counts{};  // of its tables that keep count, at its end
  std::shared_ptr<const std::vector<uint32_t>>
      tables;          // ids of all tables there are at its end, ascending
  uint64_t bytes = 0;  // of memory that its versions hold

  // The commit lane's.
  bool is_sorted = false;
  uint64_t records = 0;
  uint64_t net_change_bytes = 0;
  uint64_t largest_value_bytes = 0;

  // Set before it is handed to the maintenance lane: who published it.
  format::EpochIdentity identity;
};

// Sorts every part by key and counts records and bytes, for which it reads what was spilled.
// Idempotent; after an error it may be called again.
Status Sort(SealedEpoch& epoch);
// What that takes at the most: its parts are sorted one after the other. The same before and after.
uint64_t SortBytes(const SealedEpoch& epoch);

// The records of a sorted part, ascending. The epoch must outlive the stream.
std::unique_ptr<format::RecordStream> StreamOf(const SealedPart& part);

}  // namespace tidemark::store
