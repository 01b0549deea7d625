// Planner: what maintenance does next. A pure function of what there is, what things cost here, and
// what the user asked for: no I/O, no clock, no memory of its own.
//
// Maintenance asks after each step again, so that every decision is made on what the one before it
// has led to. Nothing due means that all bounds of the policy hold, or that nothing can be done for
// them.
#pragma once

#include "storage/state_shape.h"

#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <vector>

namespace tidemark::compaction {

struct Policy {
  // Unapplied and durable: bytes in memory, or so many epochs, that start a write-back.
  uint64_t write_back_bytes = 0;
  uint64_t write_back_epochs = 0;
  // Bytes that a checkpoint's files have, over those of a compacted dump of its state. What is
  // above 1 is shared by the log and by what is dead in the base.
  double space_amplification_max = 3;
  double restore_budget_s = 10;
  // Log merge: so many neighbours of one size become one of the next size, so each byte is
  // rewritten once a size, and a chain has fewer than this many of each. At least 2.
  size_t merge_fan_in = 8;
};

struct Costs {
  // A base is linked into the repository and out of it. Else both are copies.
  bool links_are_free = false;
  // Restore, one thread. Measured by the RestoreBudget benchmark, and set low.
  double open_s = 0.05;
  double segment_s = 0.002;
  double records_per_s = 700'000;
};

// A segment of the newest checkpoint's log, behind its base.
struct LogSegment {
  uint64_t id = 0;  // FileMeta::id
  uint64_t first_epoch = 0;
  uint64_t last_epoch = 0;
  uint64_t bytes = 0;
  uint64_t records = 0;
  bool mergeable = true;  // no merge with it has failed
};

struct Facts {
  // The newest checkpoint of the list.
  uint64_t base_epoch = 0;
  uint64_t base_bytes = 0;  // of its SSTs
  // What a new base would copy: the SSTs of `state` that this one lacks. Where links are free it
  // does not matter.
  uint64_t rebase_bytes = 0;
  std::vector<LogSegment> log;  // ascending
  // A new base or a merged segment can be published: the list's newest checkpoint is one of this
  // history, and its files are known to be intact.
  bool can_publish = true;
  // A segment was found damaged: as long as the process lives it has what is in there, so a new
  // base is due.
  bool log_is_damaged = false;
  // A base of the newest checkpoint's epoch is wanted, however little it saves and whatever it
  // costs. Nobody is in a hurry for it: RocksDB is given all the time that it takes.
  bool base_requested = false;

  // Epochs that are durable, in memory, and not applied.
  uint64_t unapplied_epochs = 0;
  uint64_t unapplied_bytes = 0;
  bool write_back_requested = false;
  bool wrote_back_last = false;  // the last thing that was done

  // The live database.
  uint64_t applied_epoch = 0;
  storage::StateShape state;
  std::set<uint32_t> compacted;  // tables, since the last write-back: they will not get smaller
};

struct Plan {
  enum class Action : uint8_t {
    kNothing,
    kWriteBack,  // of all that is durable
    kCompact,    // `table`; RocksDB is at work on it from then on
    kRebase,
    kMergeLog,  // of `segments`
    kWait,      // a base is due, but what it would hold is being rewritten, or about to be
  };
  Action action = Action::kNothing;
  uint32_t table = 0;
  std::vector<uint64_t> segments{};  // LogSegment::id
  friend bool operator==(const Plan&, const Plan&) = default;
};

Plan MakePlan(const Facts& facts, const Costs& costs, const Policy& policy);

// How long a restore of the newest checkpoint takes, from opening it to the first read, where its
// base is linked; a copy comes on top, whatever the planner does.
double EstimateRestoreSeconds(std::span<const LogSegment> log, const Costs& costs);

// Segments up to this size count as one size for log merge; each next size is merge_fan_in times as
// large.
constexpr uint64_t kMergeBytesMin = uint64_t{1} << 10;
// Of one merge: each takes a file descriptor and a frame.
constexpr size_t kMergeSegmentsMax = 64;

}  // namespace tidemark::compaction
