// StateShape: what `state` is made of, and how much of it is data, for the planner.
#pragma once

#include "format/checksum.h"

#include <cstdint>
#include <vector>

namespace tidemark::storage {

struct TableShape {
  uint32_t table_id = 0;
  uint64_t bytes = 0;  // of its SSTs
  // About what it would take, compacted.
  uint64_t live_bytes = 0;
};

// As the manifest knows it: FileMeta::checksum is that of a file's content.
struct SstContent {
  format::Checksum128 checksum;
  uint64_t bytes = 0;
};

struct StateShape {
  std::vector<TableShape> tables;  // ascending
  std::vector<SstContent> ssts;    // all of them, in no order
  // RocksDB is rewriting files, or about to. Not after an I/O error, until an ingestion succeeds.
  bool compacting = false;
  // Nobody reads the state as it was before the last ingestion, so a compaction can drop all that
  // this has replaced.
  bool settled = true;
  // Its files can be exported: not between an I/O error of RocksDB and the next ingestion that
  // succeeds.
  bool exportable = true;
};

}  // namespace tidemark::storage
