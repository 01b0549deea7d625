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

// A version with the first eight bytes of its key, so that most comparisons stay inside the array.
struct SortedVersion {
  uint64_t prefix;
  const Version* version;
};

struct SealedPart {
  uint32_t table_id = 0;
  std::vector<Version*>
      versions;  // in the order of their first change; constant from the barrier on
  std::vector<SortedVersion>
      sorted;  // by key, without those that vanished; made once by the commit lane or replay
  // Deleted before all of these; null: none. `epoch` is theirs.
  std::shared_ptr<const RangeSet> ranges;
  uint64_t epoch = 0;

  // Changes that were moved out of memory, older than `versions`; null: none.
  std::shared_ptr<const storage::SpilledEpoch> spilled;

  // Sorted, and nothing left.
  bool empty() const noexcept { return sorted.empty() && ranges == nullptr && spilled == nullptr; }
};

struct SealedEpoch {
  // Constant after the barrier.
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

// The records of a sorted part, ascending. The epoch must outlive the stream.
std::unique_ptr<format::RecordStream> StreamOf(const SealedPart& part);

}  // namespace tidemark::store
