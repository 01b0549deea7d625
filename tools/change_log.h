// ChangeLog: the records of the segments that a subtask's list retains, each epoch once.
//
// A list often has several segments of an epoch: that of its checkpoint, and those that it was
// merged into. A merged one keeps of each key the newest record only, so of an epoch that segment
// tells most which ends soonest; it is read for the epochs that no other one tells more of. One
// segment is open at a time, however long the log is.
#pragma once

#include "storage/checkpoint_files.h"
#include "tools/catalog.h"
#include "tools/scratch.h"

#include <cstdint>
#include <functional>
#include <vector>

namespace tidemark::tools {

// Both ends included.
struct EpochRange {
  uint64_t first = 1;
  uint64_t last = UINT64_MAX;
};

struct LogPiece {
  uint64_t file = 0;  // FileMeta::id
  EpochRange epochs;
};
// What to read of a list, ascending; epochs that no segment has are in no piece.
std::vector<LogPiece> PlanPieces(const format::Manifest& list, const EpochRange& range);

struct LogVisitor {
  // No segment has these epochs any more; a base has them. An error ends the reading.
  std::function<Status(const format::Manifest& list, const EpochRange& epochs)> gap;
  // False ends the reading.
  std::function<Result<bool>(const format::Manifest& list, const format::TableMeta& table,
                             const format::Record& record)>
      record;
  // Whether to read a table at all.
  std::function<bool(const format::TableMeta& table)> wants;
};

// Visits records by piece, in one by tables and keys. A segment that is gone is looked for again
// in the newest list, as its writer may have dropped or merged it meanwhile. Errors: of a segment;
// Unavailable (`manifest-moving`); the visitor's.
Status ReadChangeLog(const Catalog& catalog, const Subtask& subtask, const EpochRange& range,
                     Scratch* scratch, const LogVisitor& visitor);

}  // namespace tidemark::tools
