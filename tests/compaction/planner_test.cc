// What the planner decides, case by case.
#include "compaction/planner.h"

#include "tests/compaction/planner_policy.h"

#include <gtest/gtest.h>

#include <vector>

namespace tidemark::compaction {
namespace {

using Action = Plan::Action;

// A log of one segment an epoch.
std::vector<LogSegment> LogOf(const std::vector<uint64_t>& bytes, uint64_t first_epoch = 1) {
  std::vector<LogSegment> log;
  for (size_t i = 0; i < bytes.size(); ++i)
    log.push_back({100 + i, first_epoch + i, first_epoch + i, bytes[i], bytes[i] / 100});
  return log;
}

// Nothing of it is dead.
std::vector<storage::TableShape> OneTable(uint64_t bytes) { return {{1, bytes, bytes}}; }

Plan PlanFor(const Facts& facts, bool links_are_free = true) {
  Costs costs;
  costs.links_are_free = links_are_free;
  return MakePlan(facts, costs, SomePolicy());
}

TEST(PlannerTest, NothingToDo) {
  EXPECT_EQ(PlanFor({}), Plan());
  Facts facts;
  facts.unapplied_epochs = 1;
  facts.unapplied_bytes = kMiB;
  EXPECT_EQ(PlanFor(facts), Plan());
}

TEST(PlannerTest, WritesBackByBytesByEpochsAndOnRequest) {
  Facts facts;
  facts.unapplied_epochs = 1;
  facts.unapplied_bytes = 64 * kMiB - 1;
  EXPECT_EQ(PlanFor(facts).action, Action::kNothing);
  facts.unapplied_bytes += 1;
  EXPECT_EQ(PlanFor(facts).action, Action::kWriteBack);
  facts.unapplied_bytes = 0;
  facts.unapplied_epochs = 256;
  EXPECT_EQ(PlanFor(facts).action, Action::kWriteBack);
  facts.unapplied_epochs = 1;
  facts.write_back_requested = true;
  EXPECT_EQ(PlanFor(facts).action, Action::kWriteBack);
  facts.unapplied_epochs = 0;
  EXPECT_EQ(PlanFor(facts).action, Action::kNothing) << "there is nothing to write back";
}

TEST(PlannerTest, ALogThatIsLongBesideTheStateEndsInANewBase) {
  Facts facts;
  facts.state.tables = OneTable(100 * kMiB);
  facts.applied_epoch = facts.base_epoch = 10;
  facts.unapplied_epochs = 1;
  facts.log = LogOf({4 * kMiB}, 11);
  EXPECT_EQ(PlanFor(facts).action, Action::kNothing)
      << "0.08 of what is above 1, by half: the limit";
  facts.log = LogOf({4 * kMiB + 1}, 11);
  EXPECT_EQ(PlanFor(facts).action, Action::kWriteBack);
  facts.can_publish = false;
  EXPECT_EQ(PlanFor(facts).action, Action::kNothing) << "that would not make it shorter";
  facts.can_publish = true;
  facts.unapplied_epochs = 0;
  facts.applied_epoch = 11;
  EXPECT_EQ(PlanFor(facts).action, Action::kRebase);
}

// Where changes came faster than they were written back, one write-back followed the other, no base
// was made, and the log grew for as long as that went on.
TEST(PlannerTest, WriteBacksThatNeverEndKeepNoBaseAwayForEver) {
  for (const bool links_are_free : {true, false}) {
    Facts facts;
    facts.state.tables = OneTable(100 * kMiB);
    facts.unapplied_epochs = 1;
    facts.write_back_requested = true;
    facts.applied_epoch = 2;
    facts.log = LogOf({30 * kMiB, 30 * kMiB, kMiB});
    EXPECT_EQ(PlanFor(facts, links_are_free).action, Action::kWriteBack);
    facts.wrote_back_last = true;
    EXPECT_EQ(PlanFor(facts, links_are_free).action, Action::kRebase);
    facts.base_requested = true;
    EXPECT_EQ(PlanFor(facts, links_are_free).action, Action::kWriteBack) << "the last one counts";
    facts.base_requested = false;
    facts.can_publish = false;
    EXPECT_EQ(PlanFor(facts, links_are_free).action, Action::kWriteBack);
    facts.can_publish = true;
    facts.log = LogOf({kMiB, kMiB, 60 * kMiB});
    EXPECT_EQ(PlanFor(facts, links_are_free).action, Action::kWriteBack)
        << "a base would make little of it superfluous";
  }
}

TEST(PlannerTest, WhatIsSmallDoesNotCount) {
  Facts facts;
  facts.unapplied_epochs = 1;
  facts.log = LogOf({kMiB});
  EXPECT_EQ(PlanFor(facts).action, Action::kNothing);
  facts.log = LogOf({kMiB + 1});
  EXPECT_EQ(PlanFor(facts).action, Action::kWriteBack);
  EXPECT_EQ(PlanFor(facts, /*links_are_free=*/false).action, Action::kNothing);
  facts.log = LogOf({16 * kMiB + 1});
  EXPECT_EQ(PlanFor(facts, /*links_are_free=*/false).action, Action::kWriteBack);
}

TEST(PlannerTest, WhereLinksAreFreeEveryWriteBackIsPublished) {
  Facts facts;
  facts.state.tables = OneTable(1'000 * kMiB);
  facts.base_epoch = 10;
  facts.applied_epoch = 11;
  facts.log = LogOf({kKiB}, 11);
  EXPECT_EQ(PlanFor(facts).action, Action::kRebase);
  EXPECT_EQ(PlanFor(facts, /*links_are_free=*/false).action, Action::kNothing);
  facts.can_publish = false;
  EXPECT_EQ(PlanFor(facts).action, Action::kNothing);
}

// A base that is due to a log that is too long has no part in starting the next write-back: else
// every checkpoint would, and each would make a file.
TEST(PlannerTest, AWriteBackIsDueToWhatItMakesSuperfluousOnly) {
  Facts facts;
  facts.state.tables = OneTable(100 * kMiB);
  facts.state.compacting = true;
  facts.applied_epoch = 1;
  facts.unapplied_epochs = 1;
  facts.log = LogOf({22 * kMiB, 18 * kMiB});
  EXPECT_EQ(PlanFor(facts, /*links_are_free=*/false).action, Action::kWait);
  facts.log = LogOf({10 * kMiB, 21 * kMiB});
  EXPECT_EQ(PlanFor(facts, /*links_are_free=*/false).action, Action::kWriteBack);
}

// Once it tried all the same, and Drain failed as long as there was nothing to write back, with an
// error that had been over for long.
TEST(PlannerTest, NoBaseIsMadeBetweenAnErrorOfRocksDbAndTheNextWriteBack) {
  Facts facts;
  facts.state.tables = OneTable(100 * kMiB);
  facts.applied_epoch = 1;
  facts.log = LogOf({kMiB});
  facts.state.exportable = false;
  EXPECT_EQ(PlanFor(facts).action, Action::kNothing);
  facts.base_requested = true;
  EXPECT_EQ(PlanFor(facts).action, Action::kRebase) << "who asks hears of it";
  facts.base_requested = false;
  facts.unapplied_epochs = 1;
  facts.unapplied_bytes = 64 * kMiB;
  EXPECT_EQ(PlanFor(facts).action, Action::kWriteBack);
  facts.state.exportable = true;
  facts.unapplied_epochs = facts.unapplied_bytes = 0;
  EXPECT_EQ(PlanFor(facts).action, Action::kRebase);
}

TEST(PlannerTest, ACopyThatTakesNoMoreThanTheLogItReplacesIsPublished) {
  Facts facts;
  facts.state.tables = OneTable(1'000 * kMiB);
  facts.applied_epoch = 2;
  facts.log = LogOf({10 * kMiB, 10 * kMiB, 10 * kMiB});  // the last one stays
  facts.rebase_bytes = 20 * kMiB;
  EXPECT_EQ(PlanFor(facts, /*links_are_free=*/false).action, Action::kRebase);
  facts.rebase_bytes += 1;
  EXPECT_EQ(PlanFor(facts, /*links_are_free=*/false).action, Action::kNothing);
  facts.rebase_bytes = 0;
  facts.log = LogOf({kMiB, 15 * kMiB, 10 * kMiB});
  EXPECT_EQ(PlanFor(facts, /*links_are_free=*/false).action, Action::kNothing) << "a small log";
  facts.log = LogOf({10 * kMiB, 10 * kMiB});
  facts.state.compacting = true;
  EXPECT_EQ(PlanFor(facts, /*links_are_free=*/false).action, Action::kWait);
}

TEST(PlannerTest, ACopiedBaseWaitsForRocksDbButNotForEver) {
  Facts facts;
  facts.state.tables = OneTable(100 * kMiB);
  facts.state.compacting = true;
  facts.applied_epoch = 1;
  facts.log = LogOf({40 * kMiB});
  EXPECT_EQ(PlanFor(facts, /*links_are_free=*/false).action, Action::kWait);
  EXPECT_EQ(PlanFor(facts).action, Action::kRebase) << "a link costs nothing";
  facts.log = LogOf({40 * kMiB + 1});
  EXPECT_EQ(PlanFor(facts, /*links_are_free=*/false).action, Action::kRebase);
  facts.log = LogOf({kKiB});
  facts.log[0].records = static_cast<uint64_t>(11 * Costs().records_per_s);
  EXPECT_EQ(PlanFor(facts, /*links_are_free=*/false).action, Action::kRebase)
      << "nor beyond the restore budget";
  facts.log = LogOf(std::vector<uint64_t>(9, 3 * kMiB));
  EXPECT_EQ(PlanFor(facts, /*links_are_free=*/false).action, Action::kMergeLog) << "meanwhile";
}

TEST(PlannerTest, ADamagedLogIsReplacedByABase) {
  Facts facts;
  facts.log_is_damaged = true;
  facts.unapplied_epochs = 1;
  facts.log = LogOf({kKiB});
  EXPECT_EQ(PlanFor(facts, /*links_are_free=*/false).action, Action::kWriteBack);
  facts.applied_epoch = 1;
  facts.unapplied_epochs = 0;
  facts.state.compacting = true;
  EXPECT_EQ(PlanFor(facts, /*links_are_free=*/false).action, Action::kRebase);
  facts.base_epoch = 1;
  facts.log = {};
  EXPECT_EQ(PlanFor(facts, /*links_are_free=*/false).action, Action::kNothing);
}

// Offline there is time, and this base is to be the last one: as small as it gets.
TEST(PlannerTest, ARequestedBaseComesAfterAllThatRocksDbHasToDo) {
  for (const bool links_are_free : {true, false}) {
    Facts facts;
    facts.base_requested = true;
    facts.unapplied_epochs = 1;
    facts.log = LogOf(std::vector<uint64_t>(9, kKiB));
    facts.state.tables = {{1, 100 * kMiB, 60 * kMiB}};
    EXPECT_EQ(PlanFor(facts, links_are_free).action, Action::kWriteBack) << "however little";
    facts.unapplied_epochs = 0;
    facts.applied_epoch = 9;
    facts.state.settled = false;
    EXPECT_EQ(PlanFor(facts, links_are_free).action, Action::kWait);
    facts.state.settled = true;
    EXPECT_EQ(PlanFor(facts, links_are_free), (Plan{.action = Action::kCompact, .table = 1}));
    facts.compacted = {1};
    facts.state.compacting = true;
    facts.log[0].bytes = 500 * kMiB;
    EXPECT_EQ(PlanFor(facts, links_are_free).action, Action::kWait)
        << "however long the log is, and without merging it";
    facts.state.compacting = false;
    facts.state.tables = OneTable(60 * kMiB);
    EXPECT_EQ(PlanFor(facts, links_are_free).action, Action::kRebase);
    facts.base_epoch = 9;
    facts.base_bytes = 60 * kMiB;
    facts.log = {};
    EXPECT_EQ(PlanFor(facts, links_are_free).action, Action::kNothing) << "there it is";
  }
}

TEST(PlannerTest, ARequestedBaseIsNotForAHistoryThatIsToBeAbandoned) {
  Facts facts;
  facts.base_requested = true;
  facts.can_publish = false;
  facts.unapplied_epochs = 1;
  facts.log = LogOf({kKiB});
  EXPECT_EQ(PlanFor(facts).action, Action::kNothing);
  facts.unapplied_epochs = 0;
  facts.applied_epoch = 1;
  EXPECT_EQ(PlanFor(facts).action, Action::kNothing);
}

TEST(PlannerTest, KeepsTheRestoreWithinItsBudget) {
  const Costs costs;
  std::vector<LogSegment> log = LogOf({kKiB});
  log[0].records = static_cast<uint64_t>(10 * costs.records_per_s);
  EXPECT_GT(EstimateRestoreSeconds(log, costs), 10);
  Facts facts;
  facts.unapplied_epochs = 1;
  facts.log = log;
  EXPECT_EQ(PlanFor(facts).action, Action::kWriteBack);
  facts.log[0].records = static_cast<uint64_t>(6.9 * costs.records_per_s);
  EXPECT_EQ(PlanFor(facts).action, Action::kNothing) << "there is time left to make one";
}

TEST(PlannerTest, RewritesATableThatIsMostlyDead) {
  Facts facts;
  facts.state.tables = {{1, 100 * kMiB, 72 * kMiB}, {2, 100 * kMiB, 71 * kMiB}};
  EXPECT_EQ(PlanFor(facts), (Plan{.action = Action::kCompact, .table = 2}));
  facts.compacted = {2};
  EXPECT_EQ(PlanFor(facts).action, Action::kNothing) << "once a write-back";
  facts.compacted = {};
  facts.unapplied_epochs = 1;
  facts.write_back_requested = true;
  EXPECT_EQ(PlanFor(facts).action, Action::kCompact) << "which takes no time here";
  facts.state.compacting = true;
  EXPECT_EQ(PlanFor(facts).action, Action::kWriteBack);
  facts.unapplied_epochs = 0;
  EXPECT_EQ(PlanFor(facts).action, Action::kWait) << "RocksDB may be about to";
  facts.state.compacting = false;
  facts.state.settled = false;
  EXPECT_EQ(PlanFor(facts).action, Action::kWait) << "it could not drop what a view may see";
  facts = {};
  facts.state.tables = {{1, kMiB, 0}};
  EXPECT_EQ(PlanFor(facts).action, Action::kNothing) << "too little to matter";
}

// Its files were rewritten after it was published, and nothing has been written back since.
TEST(PlannerTest, ABaseOfDeadDataIsReplacedByOneOfTheSameEpoch) {
  Facts facts;
  facts.base_epoch = facts.applied_epoch = 7;
  facts.base_bytes = 100 * kMiB;
  facts.state.tables = OneTable(60 * kMiB);
  EXPECT_EQ(PlanFor(facts).action, Action::kRebase);
  facts.state.tables = {{1, 100 * kMiB, 60 * kMiB}};
  facts.compacted = {1};
  EXPECT_EQ(PlanFor(facts).action, Action::kNothing) << "it would be the same";
  facts.state.compacting = true;
  EXPECT_EQ(PlanFor(facts).action, Action::kWait) << "until the rewriting has ended";
  facts.state.compacting = false;
  facts.compacted = {};
  facts.state.tables = OneTable(90 * kMiB);
  EXPECT_EQ(PlanFor(facts).action, Action::kNothing) << "too little to matter";
}

using Ids = std::vector<uint64_t>;

TEST(PlannerTest, MergesEightNeighboursOfOneSize) {
  Facts facts;
  facts.log = LogOf(std::vector<uint64_t>(7, kKiB));
  EXPECT_EQ(PlanFor(facts).action, Action::kNothing);
  facts.log = LogOf(std::vector<uint64_t>(9, kKiB));
  EXPECT_EQ(PlanFor(facts), (Plan{.action = Action::kMergeLog,
                                  .segments = {100, 101, 102, 103, 104, 105, 106, 107}}));
}

TEST(PlannerTest, LargerSegmentsAreLeftAloneSmallerOnesBetweenGoAlong) {
  Facts facts;
  const uint64_t large = 60 * kKiB;
  facts.log = LogOf({large, kKiB, kKiB, kKiB, large, kKiB, kKiB, kKiB, kKiB, kKiB, kKiB, kKiB});
  EXPECT_EQ(PlanFor(facts).action, Action::kNothing);
  facts.log = LogOf({kKiB, large, large, large, kKiB, large, large, large, large, large, kKiB});
  facts.state.tables = OneTable(100 * kMiB);
  EXPECT_EQ(PlanFor(facts).segments, (Ids{101, 102, 103, 104, 105, 106, 107, 108, 109}));
  facts.log[5].mergeable = false;
  EXPECT_EQ(PlanFor(facts).action, Action::kNothing);
}

TEST(PlannerTest, WhatTheNextWriteBackSoonMakesSuperfluousIsNotMerged) {
  Facts facts;
  facts.log = LogOf({kKiB, kKiB, kKiB, kKiB, kKiB, kKiB, kKiB, kKiB});
  facts.unapplied_epochs = 8;
  facts.unapplied_bytes = 8 * kMiB;  // of 64: it takes 64 epochs
  EXPECT_EQ(PlanFor(facts).action, Action::kNothing);
  EXPECT_EQ(PlanFor(facts, /*links_are_free=*/false).action, Action::kMergeLog)
      << "no base follows";
  facts.unapplied_bytes -= 1;
  EXPECT_EQ(PlanFor(facts).action, Action::kMergeLog);
  facts.unapplied_bytes = 8 * kMiB;
  facts.applied_epoch = 8;
  facts.can_publish = true;
  facts.base_epoch = 8;
  EXPECT_EQ(PlanFor(facts).action, Action::kMergeLog) << "a write-back has no part in these";
}

TEST(PlannerTest, AMergeTakesAnyNumberOfSmallOnesButNotTooMany) {
  std::vector<uint64_t> bytes;
  for (int i = 0; i < 8; ++i) {
    bytes.push_back(500 * kKiB);
    for (int j = 0; j < 7; ++j) bytes.push_back(60 * kKiB), bytes.push_back(kKiB);
  }
  Facts facts;
  facts.state.tables = OneTable(100 * kMiB);
  facts.log = LogOf(bytes);
  EXPECT_EQ(PlanFor(facts).segments.size(), kMergeSegmentsMax);
}

// A live database stands there, or will after the crash that comes now.
TEST(PlannerTest, NoMergeCrossesTheAppliedEpoch) {
  Facts facts;
  facts.log = LogOf(std::vector<uint64_t>(14, kKiB));
  facts.applied_epoch = 7;
  EXPECT_EQ(PlanFor(facts, /*links_are_free=*/false).action, Action::kNothing);
  facts.applied_epoch = 6;
  EXPECT_EQ(PlanFor(facts, /*links_are_free=*/false).segments.front(), 106u);
  facts.applied_epoch = 8;
  EXPECT_EQ(PlanFor(facts, /*links_are_free=*/false).segments.front(), 100u);
  facts.can_publish = false;
  EXPECT_EQ(PlanFor(facts, /*links_are_free=*/false).action, Action::kNothing);
}

}  // namespace
}  // namespace tidemark::compaction
