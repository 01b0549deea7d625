// What the planner's decisions lead to, over months of simulated checkpoints.
#include "compaction/planner.h"

#include "tests/compaction/planner_policy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace tidemark::compaction {
namespace {

using Action = Plan::Action;

// A job of one table with uniform updates, as far as sizes go. RocksDB is a stack of sorted runs;
// what it compacts by itself comes on top.
class Simulation {
 public:
  struct Load {
    double keys = 1e6;           // of the state
    double changes = 1e4;        // records an epoch
    double bytes_a_record = 60;  // in all files
    double memory_a_record = 200;
  };

  Simulation(const Load& load, const Costs& costs, const Policy& policy)
      : load_(load), costs_(costs), policy_(policy), live_records_(load.keys) {
    runs_ = {{load.keys, false}};
  }

  void Commit() {
    ++epoch_;
    log_.push_back({next_id_++, epoch_, epoch_, Bytes(load_.changes), Records(load_.changes)});
    written_ += Bytes(load_.changes);
    changed_ += Bytes(load_.changes);
    ++unapplied_;
    for (int step = 0;; ++step) {
      ASSERT_LT(step, 1'000) << "the planner goes round in circles";
      const Plan plan = MakePlan(FactsNow(), costs_, policy_);
      if (plan.action == Action::kNothing) break;
      Do(plan);
    }
    files_max_ = std::max(files_max_, log_.size() + runs_.size());
    segments_max_ = std::max(segments_max_, log_.size());
    amplification_max_ = std::max(amplification_max_, Amplification());
    restore_max_s_ = std::max(restore_max_s_, EstimateRestoreSeconds(log_, costs_));
  }

  double Amplification() const {
    double bytes = base_records_ * load_.bytes_a_record;
    for (const LogSegment& segment : log_) bytes += static_cast<double>(segment.bytes);
    return bytes / (live_records_ * load_.bytes_a_record);
  }
  double written_a_change() const { return written_ / changed_; }
  size_t segments_max() const { return segments_max_; }
  size_t files_max() const { return files_max_; }
  double amplification_max() const { return amplification_max_; }
  double restore_max_s() const { return restore_max_s_; }
  uint64_t rebases() const { return rebases_; }

 private:
  struct Run {
    double records = 0;
    bool is_published = false;
  };

  uint64_t Bytes(double records) const {
    return static_cast<uint64_t>(records * load_.bytes_a_record);
  }
  static uint64_t Records(double records) { return static_cast<uint64_t>(records); }
  // Different keys among so many uniform draws.
  double Distinct(double draws) const {
    return live_records_ * (1 - std::exp(-draws / live_records_));
  }
  double StateRecords() const {
    double records = 0;
    for (const Run& run : runs_) records += run.records;
    return records;
  }
  double UnpublishedRecords() const {
    double records = 0;
    for (const Run& run : runs_) records += run.is_published ? 0 : run.records;
    return records;
  }

  Facts FactsNow() const {
    Facts facts;
    facts.base_epoch = base_epoch_;
    facts.rebase_bytes = Bytes(UnpublishedRecords());
    facts.log = log_;
    facts.unapplied_epochs = unapplied_;
    facts.unapplied_bytes = static_cast<uint64_t>(static_cast<double>(unapplied_) * load_.changes *
                                                  load_.memory_a_record);
    facts.applied_epoch = applied_epoch_;
    facts.state.tables = {{1, Bytes(StateRecords()), Bytes(live_records_)}};
    return facts;
  }

  void Do(const Plan& plan) {
    switch (plan.action) {
      case Action::kWriteBack:
        return WriteBack();
      case Action::kCompact:
        return Compact();
      case Action::kRebase:
        return Rebase();
      case Action::kMergeLog:
        return Merge(plan.segments);
      default:
        FAIL() << "nothing to wait for";
    }
  }

  void WriteBack() {
    const double records = Distinct(static_cast<double>(unapplied_) * load_.changes);
    runs_.push_back({records, false});
    written_ += Bytes(records);
    applied_epoch_ = epoch_;
    unapplied_ = 0;
  }

  void Compact() {
    runs_ = {{live_records_, false}};
    written_ += Bytes(live_records_);
  }

  void Rebase() {
    base_epoch_ = applied_epoch_;
    base_records_ = StateRecords();
    std::erase_if(log_, [&](const LogSegment& s) { return s.last_epoch <= base_epoch_; });
    if (!costs_.links_are_free) written_ += Bytes(UnpublishedRecords());
    for (Run& run : runs_) run.is_published = true;
    ++rebases_;
  }

  void Merge(const std::vector<uint64_t>& segments) {
    const auto first =
        std::find_if(log_.begin(), log_.end(), [&](const auto& s) { return s.id == segments[0]; });
    const auto end = first + static_cast<ptrdiff_t>(segments.size());
    ASSERT_LE(segments.size(), static_cast<size_t>(log_.end() - first));
    double records = 0;
    for (auto segment = first; segment != end; ++segment)
      records += static_cast<double>(segment->records);
    records = Distinct(records);
    const LogSegment merged{next_id_++, first->first_epoch, (end - 1)->last_epoch, Bytes(records),
                            Records(records)};
    ASSERT_TRUE(merged.first_epoch > applied_epoch_ || merged.last_epoch <= applied_epoch_);
    written_ += Bytes(records);
    *first = merged;
    log_.erase(first + 1, end);
  }

  const Load load_;
  const Costs costs_;
  const Policy policy_;
  const double live_records_;
  uint64_t next_id_ = 1;
  uint64_t epoch_ = 0;
  uint64_t applied_epoch_ = 0;
  uint64_t base_epoch_ = 0;
  uint64_t unapplied_ = 0;
  std::vector<LogSegment> log_;
  std::vector<Run> runs_;
  double base_records_ = 0;
  double written_ = 0;
  double changed_ = 0;
  size_t segments_max_ = 0;
  size_t files_max_ = 0;
  double amplification_max_ = 0;
  double restore_max_s_ = 0;
  uint64_t rebases_ = 0;
};

struct Case {
  std::string name;
  Simulation::Load load;
  bool links_are_free;
  int epochs;
  size_t segments_max;
  double written_max;  // bytes, for each byte of change
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

class PlannerSimulationTest : public ::testing::TestWithParam<Case> {};

// A month of checkpoints every ten seconds, or every second: what the user asked for holds after
// each of them.
TEST_P(PlannerSimulationTest, BoundsHoldAfterEveryCheckpoint) {
  const Case& c = GetParam();
  Costs costs;
  costs.links_are_free = c.links_are_free;
  Simulation simulation(c.load, costs, SomePolicy());
  for (int i = 0; i < c.epochs; ++i) ASSERT_NO_FATAL_FAILURE(simulation.Commit()) << "epoch " << i;
  const double state_bytes = c.load.keys * c.load.bytes_a_record;
  const double small = (c.links_are_free ? 1.0 : 16.0) * static_cast<double>(kMiB) / state_bytes;
  const double log_part = c.links_are_free ? 0.04 : 0.2;
  const double dead_part = c.links_are_free ? 0.4 : 0.25;
  EXPECT_LE(simulation.amplification_max(), 1 + dead_part + std::max(log_part, small) + 0.02);
  EXPECT_LE(simulation.segments_max(), c.segments_max);
  EXPECT_LE(simulation.restore_max_s(), SomePolicy().restore_budget_s);
  EXPECT_LE(simulation.written_a_change(), c.written_max);
  EXPECT_GT(simulation.rebases(), 0u);
}

constexpr int kMonthOfTenSeconds = 30 * 24 * 360;
constexpr int kMonthOfSeconds = 10 * kMonthOfTenSeconds;

INSTANTIATE_TEST_SUITE_P(
    Loads, PlannerSimulationTest,
    ::testing::Values(
        Case{"steady", {.keys = 4e6, .changes = 2e4}, true, kMonthOfTenSeconds / 10, 8, 5.5},
        Case{"tiny", {.keys = 1e6, .changes = 10}, true, kMonthOfSeconds / 10, 18, 6.5},
        Case{"windows", {.keys = 1e5, .changes = 2e3}, true, kMonthOfSeconds / 100, 8, 4.6},
        Case{"large", {.keys = 1e9, .changes = 1e6}, true, 10'000, 1, 5},
        Case{"copied", {.keys = 4e6, .changes = 2e4}, false, kMonthOfTenSeconds / 10, 12, 9.6},
        Case{"large_copied", {.keys = 1e8, .changes = 2e5}, false, 20'000, 9, 11.2}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace tidemark::compaction
