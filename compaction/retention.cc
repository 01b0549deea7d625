#include "compaction/retention.h"

#include <algorithm>

namespace tidemark::compaction {

std::vector<uint64_t> CheckpointsToDrop(const format::Manifest& manifest,
                                        const RetentionPolicy& policy, const Commit& commit) {
  std::vector<uint64_t> drop;
  std::vector<const format::Checkpoint*> stay;
  for (const format::Checkpoint& checkpoint : manifest.checkpoints) {
    if (commit.branches && checkpoint.at.epoch > commit.stands_on_epoch) {
      drop.push_back(checkpoint.id);
    } else {
      stay.push_back(&checkpoint);
    }
  }
  if (commit.keep_present) return drop;
  const int64_t oldest_ms = commit.time_ms - policy.keep_within.count();
  const auto is_pinned = [&](const format::Checkpoint& checkpoint) {
    return std::find(commit.pinned.begin(), commit.pinned.end(), checkpoint.at) !=
           commit.pinned.end();
  };
  const size_t keep_last = commit.pins_unknown ? kRetainedMax : policy.keep_last;
  for (size_t i = 0; i + keep_last <= stay.size(); ++i) {
    const bool is_young = policy.keep_within.count() > 0 && stay[i]->time_ms >= oldest_ms;
    if (is_young && stay.size() - i < kRetainedMax) break;  // times ascend
    if (!is_pinned(*stay[i])) drop.push_back(stay[i]->id);
  }
  return drop;
}

}  // namespace tidemark::compaction
