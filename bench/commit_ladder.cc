// CommitLadder: how long a checkpoint takes to be durable, from one without changes to one that
// changes everything, beside what the disk alone takes for what such a commit must sync
// (sync_floor.h). A commit should cost its syncs and little more while it is small; when it is
// large, what the dearest of its parts costs: sorting, encoding, or writing (commit_parts.h, which
// uses internal parts of the library for the first two).
#include "bench/commit_parts.h"
#include "bench/measure.h"
#include "bench/random.h"
#include "bench/sync_floor.h"
#include "bench/table_job.h"
#include "bench/workloads.h"
#include "format/names.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tidemark::bench {
namespace {

constexpr size_t kValueBytes = 100;
// The most that there may be.
constexpr uint32_t kKeepCheckpoints = 10'000;
// Commits follow each other as those of a job do; the floor is measured between such blocks, when
// nothing else writes.
constexpr uint64_t kBlocks = 10;

struct Variant {
  const char* name;
  uint64_t dirty;       // keys an epoch, at scales that measure
  uint64_t commits_of;  // one of so many of the scale's checkpoints
  bool retained;        // after as many others as the scale says
  bool has_parts;
};
constexpr Variant kVariants[] = {
    {"dirty_0", 0, 1, false, false},          {"dirty_1", 1, 1, false, false},
    {"dirty_100", 100, 1, false, false},      {"dirty_10k", 10'000, 5, false, false},
    {"dirty_1m", 1'000'000, 50, false, true}, {"dirty_100_retained_10k", 100, 1, true, false}};

double Milliseconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

uint64_t DividedUp(uint64_t number, uint64_t by) { return (number + by - 1) / by; }

class CommitLadder {
 public:
  CommitLadder(const Variant& variant, const RowContext& context)
      : size_(context.scale.commit_ladder),
        dirty_(std::min(variant.dirty, size_.changes)),
        commits_(DividedUp(size_.checkpoints, variant.commits_of)),
        job_(context, {.value_bytes = kValueBytes,
                       .keep_checkpoints = variant.retained ? kKeepCheckpoints : 5}),
        floor_(context.directory + "/floor") {
    if (variant.has_parts) parts_.emplace(dirty_, kValueBytes);
  }

  // `retained`: checkpoints that there are before those that are timed.
  Counters Run(uint64_t retained);

 private:
  void Commit(uint64_t checkpoints);
  void MeasureFloors(uint64_t count);
  uint64_t VersionBytes() const;
  void AddFloor(Counters& counters) const;
  void AddParts(Counters& counters) const;
  double DurableP50Ms() const;

  const ChurnSize size_;
  const uint64_t dirty_;
  const uint64_t commits_;
  TableJob job_;
  SyncFloor floor_;
  std::optional<CommitParts> parts_;
  Random random_{20'240'229};

  std::vector<double> floor_ms_;
  std::vector<double> sort_ms_;
  std::vector<double> encode_ms_;
  std::vector<double> write_ms_;
};

Counters CommitLadder::Run(uint64_t retained) {
  job_.Load(size_.keys);
  Commit(retained);
  job_.Drain();
  job_.Start();
  const uint64_t block = DividedUp(commits_, kBlocks);
  for (uint64_t done = 0; done < commits_; done += block) {
    Commit(std::min(block, commits_ - done));
    AwaitIdleThreads();
    MeasureFloors(block);
  }
  job_.Stop();
  Counters counters;
  job_.AddFigures(counters);
  counters.emplace_back("checkpoints_retained", job_.store().Checkpoints().size());
  AddFloor(counters);
  if (parts_) AddParts(counters);
  job_.Verify(counters);
  // Of no operations there is no cost of one.
  std::erase_if(counters, [](const auto& counter) { return !std::isfinite(counter.second); });
  return counters;
}

void CommitLadder::Commit(uint64_t checkpoints) {
  for (uint64_t i = 0; i < checkpoints; ++i) {
    for (uint64_t change = 0; change < dirty_; ++change) {
      job_.table().Put(dirty_ == size_.keys ? change : random_.Below(size_.keys));
    }
    job_.Checkpoint();
    job_.AwaitDurable();
  }
}

// Each writes as many bytes as the last commit did.
void CommitLadder::MeasureFloors(uint64_t count) {
  const CheckpointStatistics commit = job_.tidemark().Statistics().back();
  const uint64_t segment_bytes = commit.inlined ? 0 : commit.log_bytes;
  const uint64_t version_bytes = VersionBytes();
  for (uint64_t i = 0; i < count; ++i) {
    floor_ms_.push_back(Milliseconds(floor_.Commit(segment_bytes, version_bytes)));
  }
  if (!parts_) return;
  const CommitParts::Times times = parts_->Measure(floor_);
  sort_ms_.push_back(Milliseconds(times.sort));
  encode_ms_.push_back(Milliseconds(times.encode));
  write_ms_.push_back(Milliseconds(times.write));
}

// The median of those that are there: maintenance publishes some as well, of other sizes.
uint64_t CommitLadder::VersionBytes() const {
  const std::string folder =
      format::SubtaskPrefix(/*subtask=*/0) + std::string(format::kManifestPrefix);
  std::vector<double> sizes;
  for (const ObjectInfo& object : job_.tidemark().storage().List(folder).value()) {
    sizes.push_back(static_cast<double>(object.size));
  }
  return static_cast<uint64_t>(Median(std::move(sizes)));
}

double CommitLadder::DurableP50Ms() const {
  std::vector<double> durable_ms;
  for (const CheckpointStatistics& commit : job_.tidemark().Statistics()) {
    durable_ms.push_back(Milliseconds(commit.durable));
  }
  return Median(std::move(durable_ms));
}

void CommitLadder::AddFloor(Counters& counters) const {
  const double floor_p50_ms = Median(floor_ms_);
  counters.emplace_back("floor_p50_ms", floor_p50_ms);
  counters.emplace_back("floor_p99_ms", Quantile(floor_ms_, 0.99));
  counters.emplace_back("durable_over_floor", DurableP50Ms() / floor_p50_ms);
}

void CommitLadder::AddParts(Counters& counters) const {
  const double parts[] = {Median(sort_ms_), Median(encode_ms_), Median(write_ms_)};
  counters.emplace_back("sort_p50_ms", parts[0]);
  counters.emplace_back("encode_p50_ms", parts[1]);
  counters.emplace_back("write_p50_ms", parts[2]);
  counters.emplace_back("durable_over_max_part",
                        DurableP50Ms() / *std::max_element(std::begin(parts), std::end(parts)));
}

}  // namespace

std::vector<Row> CommitLadderRows() {
  std::vector<Row> rows;
  for (const Variant& variant : kVariants) {
    rows.push_back({"CommitLadder", "tidemark", variant.name,
                    [&variant](const RowContext& context) {
                      return CommitLadder(variant, context)
                          .Run(variant.retained ? context.scale.checkpoints_retained : 0);
                    },
                    RowKind::kBytes});
  }
  return rows;
}

}  // namespace tidemark::bench
