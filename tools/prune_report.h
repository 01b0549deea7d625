// What `ckpt-inspect prune` says, as text and as JSON.
#pragma once

#include "compaction/prune_plan.h"
#include "tools/catalog.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace tidemark::tools {

struct PruneRun {
  compaction::PruneRules rules;
  std::string keep_within;  // as it was given
  compaction::PrunePlan plan;
  bool dry_run = false;
  // Subtasks where it did not work out, and why.
  std::vector<std::pair<uint32_t, Status>> failed;

  uint64_t Dropped() const;
};

// A line for each checkpoint, and what goes.
std::string PruneAsText(const PruneRun& run, const Style& style);
// The whole document.
void PruneAsJson(const Catalog& catalog, const PruneRun& run, std::string* out);

}  // namespace tidemark::tools
