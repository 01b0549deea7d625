// Write-back: the changes of durable epochs, merged and ingested into the state database in bulk.
#pragma once

#include "format/record.h"
#include "format/segment.h"
#include "storage/live_database.h"

#include <tidemark/status.h>

#include <cstdint>
#include <memory>
#include <vector>

namespace tidemark::compaction {

// The changes of one table, one stream an epoch or segment.
struct TableChanges {
  uint32_t table_id = 0;
  std::vector<std::unique_ptr<format::RecordStream>> streams;
};

struct WriteBackStatistics {
  uint64_t records = 0;
  uint64_t bytes = 0;  // of the SSTs
};

// Whether merging and writing take turns on the caller's thread, or each has one.
enum class WriteBackThreads : uint8_t { kOne, kTwo };

// Moves `live` from its mark to `mark`: merges the streams, which must hold every change of the
// epochs between, writes SSTs and ingests them together with the mark. Blocks. On error the
// database stands at its old mark, and the call may be repeated with new streams.
Result<WriteBackStatistics> WriteBack(storage::LiveDatabase& live,
                                      std::vector<TableChanges> changes,
                                      const format::AppliedMark& mark,
                                      WriteBackThreads threads = WriteBackThreads::kOne);

}  // namespace tidemark::compaction
