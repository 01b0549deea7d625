// The fewest checkpoints that free so many bytes when they go. Pure; behind PlanPrune.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace tidemark::compaction {

// A file, by the first and the last of the checkpoints (counted from 0) that need it. It goes when
// all from the one to the other go.
struct FileSpan {
  size_t first = 0;
  size_t last = 0;
  uint64_t bytes = 0;
};

// Indexes of the checkpoints to drop, ascending: as few as there can be, and of those the ones that
// free most. `may_go` says of each checkpoint whether it may be chosen. nullopt: it would take more
// than `steps_max` steps to find them, or all of them together free too little.
std::optional<std::vector<size_t>> SmallestPrune(std::span<const FileSpan> files,
                                                 const std::vector<bool>& may_go,
                                                 uint64_t free_bytes, uint64_t steps_max);

}  // namespace tidemark::compaction
