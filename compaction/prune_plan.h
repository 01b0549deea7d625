// PrunePlan: which checkpoints of a repository go when it is pruned, what that frees, and why the
// others stay. Pure: `ckpt-inspect prune` shows the plan before it does anything.
//
// A checkpoint is the same id in all subtasks, and is restored from all of them. So it goes in all
// of them or in none, and rules that count (the last three, one a day) count complete ones: those
// that every subtask has.
#pragma once

#include "format/manifest.h"
#include "format/pin.h"

#include <tidemark/status.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark::compaction {

struct PruneRules {
  // What stays; what several of these keep stays once. Periods are of UTC, weeks begin on Mondays,
  // and the newest of a period stands for it.
  uint32_t keep_last = 0;
  // Not older than the newest by more than this: time during which no job ran makes nothing old.
  std::optional<std::chrono::milliseconds> keep_within{};
  uint32_t keep_hourly = 0;  // of so many hours that have a checkpoint
  uint32_t keep_daily = 0;
  uint32_t keep_weekly = 0;
  // Or: just these go. Not together with anything else.
  std::vector<uint64_t> ids{};
  // Of what the rules above do not keep, as few as free so much, so none for 0; unset: all of it.
  std::optional<uint64_t> free_bytes{};
};

enum class KeptBy : uint8_t {
  kNewest,          // of a subtask
  kNewestComplete,  // what a job would restore
  kPin,             // the detail is its name
  kLast,
  kWithin,
  kHourly,  // the detail is the period
  kDaily,
  kWeekly,
  kNotNamed,   // others were
  kNotNeeded,  // enough is freed without it
};
struct KeepReason {
  KeptBy by = KeptBy::kNewest;
  std::string detail{};
  friend bool operator==(const KeepReason&, const KeepReason&) = default;
};

struct PlannedCheckpoint {
  uint64_t id = 0;
  int64_t time_ms = 0;             // the latest of its subtasks'
  std::vector<uint32_t> subtasks;  // that have it, ascending
  std::vector<KeepReason> kept_by;

  bool goes() const noexcept { return kept_by.empty(); }
};

struct PlannedFile {
  uint32_t subtask = 0;
  std::string name;  // relative to the subtask's folder
  uint64_t bytes = 0;
};

struct PrunePlan {
  std::vector<PlannedCheckpoint> checkpoints;  // all, ascending ids
  std::vector<PlannedFile> files;              // that go, see FilesFreed
  uint64_t freed_bytes = 0;
  // With PruneRules::free_bytes: whether it is known that no smaller set would do. If hundreds out
  // of thousands have to go, the oldest do.
  bool is_smallest = true;
};

// `lists` of the subtasks, ascending; `pins` all that there are. InvalidArgument (`prune-rules`:
// none, or they contradict each other); NotFound (`checkpoint-not-found`); Busy (`checkpoint-kept`:
// one that is asked to go is the newest or pinned; `prune-free`: there is not so much to free).
// `steps_max` bounds the search for the smallest set: the default is five seconds, and 160 MiB.
Result<PrunePlan> PlanPrune(std::span<const format::Manifest* const> lists,
                            std::span<const format::Pin> pins, const PruneRules& rules,
                            uint64_t steps_max = 2'000'000'000);

}  // namespace tidemark::compaction
