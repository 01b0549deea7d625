// Retention: which checkpoints a commit drops. Pure.
#pragma once

#include "format/manifest.h"

#include <chrono>
#include <cstdint>
#include <span>
#include <vector>

namespace tidemark::compaction {

// However young they are: a list costs memory, and a commit of each checkpoint that it names.
constexpr size_t kRetainedMax = 10'000;

struct RetentionPolicy {
  uint32_t keep_last = 1;                   // the newest ones, the one that is committed counted
  std::chrono::milliseconds keep_within{};  // ... and those that are not older than this
};

struct Commit {
  int64_t time_ms = 0;  // of the new checkpoint, Unix milliseconds
  // The first commit of an attempt drops the checkpoints after the epoch that it stands on.
  bool branches = false;
  uint64_t stands_on_epoch = 0;
  // Only what it branches off goes: kFast before its hashes are done.
  bool keep_present = false;
  // Where pinned checkpoints stand: of these too only what it branches off goes.
  std::span<const format::EpochIdentity> pinned{};
  // There are pins that could not be read: nothing is old as long as there is room in the list.
  bool pins_unknown = false;
};

// The ids that a commit drops: first those that it abandons, then the oldest that the policy does
// not keep.
std::vector<uint64_t> CheckpointsToDrop(const format::Manifest& manifest,
                                        const RetentionPolicy& policy, const Commit& commit);

}  // namespace tidemark::compaction
