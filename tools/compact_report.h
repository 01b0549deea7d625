// What `ckpt-inspect compact` expects and has done, as text and as JSON.
#pragma once

#include "storage/pins.h"
#include "tools/catalog.h"

#include <tidemark/compact.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tidemark::tools {

// Of one subtask, from its list alone.
struct CompactEstimate {
  uint32_t subtask = 0;
  std::optional<uint64_t> checkpoint;  // the newest; unset: there is none, and nothing to do
  CompactedSubtask::Footprint before;
  uint64_t read_bytes = 0;     // all files of the newest checkpoint
  uint64_t written_bytes = 0;  // a new base, at most about: what is dead in there goes
  uint64_t freed_bytes = 0;    // of files that only the newest checkpoint needs
  uint64_t records = 0;        // in the log, which a restore would replay
};
CompactEstimate EstimateCompaction(const format::Manifest& list,
                                   const std::vector<format::Pin>& pins);

struct CompactRun {
  bool dry_run = false;
  std::vector<CompactEstimate> estimates;  // ascending subtasks
  std::vector<CompactedSubtask> done;      // ascending
  std::optional<Status> error;             // what ended it
};

std::string EstimateAsText(const CompactRun& run, const Style& style);
std::string CompactedAsText(const CompactRun& run, const Style& style);
// The whole document.
void CompactAsJson(const Catalog& catalog, const CompactRun& run, std::string* out);

}  // namespace tidemark::tools
