// Policy: when to write back, when to publish a new base, which checkpoints to drop. Pure
// functions.
#pragma once

#include "format/manifest.h"

#include <cstdint>
#include <vector>

namespace tidemark::compaction {

struct WriteBackPolicy {
  uint64_t bytes = 0;     // unapplied and durable, that start a write-back
  uint64_t segments = 0;  // ... or so many epochs
};
constexpr bool ShouldWriteBack(const WriteBackPolicy& policy, uint64_t bytes, uint64_t segments) {
  return segments > 0 && (bytes >= policy.bytes || segments >= policy.segments);
}

// Where a link costs nothing every write-back is published, so restore replays little. Where a base
// must be copied, it waits until the log behind it has grown to half of what a new base may have to
// put: space stays within 1.5x of the state, and each byte of state is put a bounded number of
// times.
constexpr uint64_t kRebaseLogBytesMin = uint64_t{64} << 20;
constexpr bool ShouldRebase(bool links_are_free, uint64_t log_bytes_since_base,
                            uint64_t live_bytes) {
  if (links_are_free) return true;
  return log_bytes_since_base >= kRebaseLogBytesMin && log_bytes_since_base >= live_bytes / 2;
}

// The ids that a commit drops: those after `stands_on_epoch` on the first commit of a branch
// (`branches`), and the oldest beyond `keep_last`, the new one counted. While `keep_present` is set
// (kFast before its hashes are done) the oldest stay.
inline std::vector<uint64_t> CheckpointsToDrop(const format::Manifest& manifest, uint32_t keep_last,
                                               bool branches, uint64_t stands_on_epoch,
                                               bool keep_present) {
  std::vector<uint64_t> drop;
  std::vector<uint64_t> stay;
  for (const format::Checkpoint& checkpoint : manifest.checkpoints) {
    (branches && checkpoint.at.epoch > stands_on_epoch ? drop : stay).push_back(checkpoint.id);
  }
  if (!keep_present && stay.size() + 1 > keep_last) {
    drop.insert(drop.end(), stay.begin(), stay.end() - (keep_last - 1));
  }
  return drop;
}

}  // namespace tidemark::compaction
