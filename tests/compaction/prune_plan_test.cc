#include "compaction/prune_plan.h"

#include "compaction/freed_files.h"
#include "compaction/smallest_prune.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

namespace tidemark::compaction {
namespace {

constexpr int64_t kHour = 3'600'000;
constexpr int64_t kDay = 24 * kHour;
constexpr int64_t kMonday = 1'763'942'400'000;  // 2025-11-24T00:00:00Z

// A list that is made by hand: what matters here are ids, times, and what names which file.
class ListMaker {
 public:
  explicit ListMaker(uint32_t subtask = 0) { list_.subtask = subtask; }

  ListMaker& File(uint64_t id, uint64_t bytes, format::FileKind kind = format::FileKind::kSegment) {
    format::FileMeta file;
    file.id = id;
    file.kind = kind;
    file.name = "log/" + std::to_string(list_.subtask) + "-" + std::to_string(id);
    file.size = bytes;
    list_.files[id] = file;
    return *this;
  }
  ListMaker& Base(uint64_t id, const std::vector<uint64_t>& files) {
    list_.bases[id].id = id;
    for (const uint64_t file : files) list_.bases[id].files.push_back({file, "live"});
    return *this;
  }
  ListMaker& Checkpoint(uint64_t id, int64_t time_ms, const std::vector<uint64_t>& segments = {},
                        uint64_t base = 0) {
    format::Checkpoint checkpoint;
    checkpoint.id = id;
    checkpoint.at.epoch = id;
    checkpoint.time_ms = time_ms;
    checkpoint.segments = segments;
    checkpoint.base = base;
    checkpoint.tables = std::make_shared<const std::vector<uint32_t>>();
    list_.checkpoints.push_back(checkpoint);
    return *this;
  }
  format::Manifest Make() {
    list_.references = format::ReferencesOf(list_);
    return list_;
  }

 private:
  format::Manifest list_;
};

format::Pin PinOf(const std::string& name, const format::Manifest& list, uint64_t id) {
  format::Pin pin;
  pin.name = name;
  pin.checkpoint = id;
  pin.lists.push_back(format::ListOf(list, *list.FindCheckpoint(id)));
  return pin;
}

// A segment each, of 100 bytes and its id; 3 and later stand on a base, the older ones on their
// segments.
format::Manifest Chain() {
  ListMaker maker;
  for (uint64_t id = 1; id <= 6; ++id) maker.File(id, 100 + id);
  return maker.File(7, 1000, format::FileKind::kBaseSst)
      .Base(1, {7})
      .Checkpoint(1, 1 * kHour, {1})
      .Checkpoint(2, 2 * kHour, {1, 2})
      .Checkpoint(3, 3 * kHour, {}, 1)
      .Checkpoint(4, 4 * kHour, {4}, 1)
      .Checkpoint(5, 5 * kHour, {4, 5}, 1)
      .Checkpoint(6, 6 * kHour, {4, 5, 6}, 1)
      .Make();
}

Result<PrunePlan> Plan(const std::vector<const format::Manifest*>& lists, const PruneRules& rules,
                       const std::vector<format::Pin>& pins = {}) {
  return PlanPrune(lists, pins, rules);
}

std::vector<uint64_t> Going(const Result<PrunePlan>& plan) {
  std::vector<uint64_t> ids;
  for (const PlannedCheckpoint& checkpoint : plan.value().checkpoints)
    if (checkpoint.goes()) ids.push_back(checkpoint.id);
  return ids;
}

std::vector<KeepReason> WhyKept(const Result<PrunePlan>& plan, uint64_t id) {
  for (const PlannedCheckpoint& checkpoint : plan.value().checkpoints)
    if (checkpoint.id == id) return checkpoint.kept_by;
  return {};
}

using Ids = std::vector<uint64_t>;
using Reasons = std::vector<KeepReason>;

TEST(PrunePlanTest, KeepsTheLastOnesAndFreesWhatOnlyTheOthersNeed) {
  const format::Manifest list = Chain();
  const auto plan = Plan({&list}, {.keep_last = 2});
  EXPECT_EQ(Going(plan), (Ids{1, 2, 3, 4}));
  EXPECT_EQ(WhyKept(plan, 6), (Reasons{{KeptBy::kNewest}, {KeptBy::kLast}}));
  EXPECT_EQ(WhyKept(plan, 5), Reasons{{KeptBy::kLast}});
  ASSERT_EQ(plan->files.size(), 2u) << "the segments of 1 and 2; not the base, and not segment 4";
  EXPECT_EQ(plan->files[0].name, "log/0-1");
  EXPECT_EQ(plan->files[1].name, "log/0-2");
  EXPECT_EQ(plan->freed_bytes, 101u + 102u);
}

TEST(PrunePlanTest, AgeIsThatBesideTheNewest) {
  const format::Manifest list = Chain();
  const auto plan = Plan({&list}, {.keep_within = std::chrono::hours(2)});
  EXPECT_EQ(Going(plan), (Ids{1, 2, 3})) << "that of exactly two hours stays";
  EXPECT_EQ(WhyKept(plan, 4), Reasons{{KeptBy::kWithin}});
  EXPECT_EQ(Going(Plan({&list}, {.keep_within = std::chrono::milliseconds::max()})), Ids());
  EXPECT_EQ(Going(Plan({&list}, {.keep_within = std::chrono::milliseconds(0)})).size(), 5u);
}

TEST(PrunePlanTest, TheNewestOfAPeriodStandsForIt) {
  const format::Manifest list = ListMaker()
                                    .Checkpoint(1, kMonday - 8 * kDay)
                                    .Checkpoint(2, kMonday - 1)  // Sunday
                                    .Checkpoint(3, kMonday)
                                    .Checkpoint(4, kMonday + kHour / 2)
                                    .Checkpoint(5, kMonday + 10 * kHour)
                                    .Checkpoint(6, kMonday + kDay)
                                    .Make();
  const auto daily = Plan({&list}, {.keep_daily = 3});
  EXPECT_EQ(Going(daily), (Ids{1, 3, 4}));
  EXPECT_EQ(WhyKept(daily, 5), (Reasons{{KeptBy::kDaily, "2025-11-24"}}));
  EXPECT_EQ(WhyKept(daily, 2), (Reasons{{KeptBy::kDaily, "2025-11-23"}}));
  const auto hourly = Plan({&list}, {.keep_hourly = 3});
  EXPECT_EQ(Going(hourly), (Ids{1, 2, 3}));
  EXPECT_EQ(WhyKept(hourly, 4), (Reasons{{KeptBy::kHourly, "2025-11-24T00"}}));
  const auto weekly = Plan({&list}, {.keep_weekly = 10});
  EXPECT_EQ(Going(weekly), (Ids{3, 4, 5}));
  EXPECT_EQ(WhyKept(weekly, 2), (Reasons{{KeptBy::kWeekly, "week of 2025-11-17"}}));
}

TEST(PrunePlanTest, WorksBeforeTheEpochAndAtTheEndsOfTime) {
  const format::Manifest list = ListMaker()
                                    .Checkpoint(1, std::numeric_limits<int64_t>::min())
                                    .Checkpoint(2, -1)
                                    .Checkpoint(3, 0)
                                    .Checkpoint(4, std::numeric_limits<int64_t>::max())
                                    .Make();
  EXPECT_EQ(WhyKept(Plan({&list}, {.keep_daily = 4}), 2),
            (Reasons{{KeptBy::kDaily, "1969-12-31"}}));
  EXPECT_EQ(Going(Plan({&list}, {.keep_within = std::chrono::hours(1), .keep_weekly = 9})), Ids{2});
}

TEST(PrunePlanTest, PinnedOnesStayAndSoDoTheirFiles) {
  const format::Manifest list = Chain();
  const auto plan = Plan({&list}, {.keep_last = 1}, {PinOf("before-1.4", list, 2)});
  EXPECT_EQ(Going(plan), (Ids{1, 3, 4, 5}));
  EXPECT_EQ(WhyKept(plan, 2), (Reasons{{KeptBy::kPin, "before-1.4"}}));
  EXPECT_EQ(plan->freed_bytes, 0u);
}

// Another attempt's checkpoint of the same id, which the list has not.
TEST(PrunePlanTest, AnAbandonedCheckpointIsPinnedWithoutTheListedOneOfItsId) {
  const format::Manifest list = Chain();
  format::Pin pin = PinOf("old", list, 2);
  pin.lists[0].checkpoints[0].at.attempt = 77;
  EXPECT_EQ(Going(Plan({&list}, {.keep_last = 1}, {pin})), (Ids{1, 2, 3, 4, 5}));
}

TEST(PrunePlanTest, JustTheOnesThatAreNamed) {
  const format::Manifest list = Chain();
  const auto plan = Plan({&list}, {.ids = {2, 5}});
  EXPECT_EQ(Going(plan), (Ids{2, 5}));
  EXPECT_EQ(WhyKept(plan, 1), Reasons{{KeptBy::kNotNamed}});
  EXPECT_EQ(plan->freed_bytes, 102u);
  EXPECT_EQ(Plan({&list}, {.ids = {6}}).error().name(), "checkpoint-kept");
  EXPECT_EQ(Plan({&list}, {.ids = {1, 2}}, {PinOf("p", list, 2)}).error().name(),
            "checkpoint-kept");
  EXPECT_EQ(Plan({&list}, {.ids = {9}}).error().name(), "checkpoint-not-found");
}

TEST(PrunePlanTest, RulesThatSayNothingOrTooMuchAreRefused) {
  const format::Manifest list = Chain();
  EXPECT_EQ(Plan({&list}, {}).error().name(), "prune-rules");
  EXPECT_EQ(Plan({&list}, {.keep_last = 1, .ids = {1}}).error().name(), "prune-rules");
  EXPECT_EQ(Plan({&list}, {.ids = {1}, .free_bytes = 1}).error().name(), "prune-rules");
}

TEST(PrunePlanTest, AnEmptyRepositoryHasNothingToDrop) {
  const format::Manifest list = ListMaker().Make();
  EXPECT_EQ(Going(Plan({&list}, {.keep_last = 1})), Ids());
  EXPECT_EQ(Going(Plan({}, {.keep_last = 1})), Ids());
}

TEST(PrunePlanTest, FreesEnoughWithAsFewAsPossible) {
  const format::Manifest list = Chain();
  EXPECT_EQ(Going(Plan({&list}, {.free_bytes = 1})), Ids{2});
  EXPECT_EQ(Going(Plan({&list}, {.free_bytes = 103})), (Ids{1, 2}));
  const auto plan = Plan({&list}, {.free_bytes = 203});
  EXPECT_TRUE(plan->is_smallest);
  EXPECT_EQ(plan->freed_bytes, 203u);
  EXPECT_EQ(WhyKept(plan, 4), Reasons{{KeptBy::kNotNeeded}});
  EXPECT_EQ(Plan({&list}, {.free_bytes = 204}).error().name(), "prune-free");
  EXPECT_EQ(Going(Plan({&list}, {.keep_last = 1, .free_bytes = 0})), Ids{});
  EXPECT_EQ(Plan({&list}, {.keep_last = 5, .free_bytes = 1}).error().name(), "prune-free")
      << "only 1 may go, whose file 2 needs";
}

// Checkpoint 3 reached one subtask of two: a job can only restore 2.
TEST(PrunePlanTest, WhatAJobWouldRestoreStays) {
  const format::Manifest first = ListMaker(0)
                                     .File(1, 10)
                                     .File(2, 20)
                                     .File(3, 30)
                                     .Checkpoint(1, 1000, {1})
                                     .Checkpoint(2, 2000, {2})
                                     .Checkpoint(3, 3000, {3})
                                     .Make();
  const format::Manifest second =
      ListMaker(1).File(1, 11).File(2, 21).Checkpoint(1, 1500, {1}).Checkpoint(2, 2500, {2}).Make();
  const auto plan = Plan({&first, &second}, {.keep_last = 1});
  EXPECT_EQ(Going(plan), Ids{1});
  EXPECT_EQ(WhyKept(plan, 3), Reasons{{KeptBy::kNewest}});
  EXPECT_EQ(WhyKept(plan, 2), (Reasons{{KeptBy::kNewest}, {KeptBy::kLast}}));
  EXPECT_EQ(plan->freed_bytes, 10u + 11u);
  EXPECT_EQ(plan->checkpoints[0].subtasks, (std::vector<uint32_t>{0, 1}));
  EXPECT_EQ(plan->checkpoints[1].time_ms, 2500);
  EXPECT_EQ(plan->checkpoints[2].subtasks, std::vector<uint32_t>{0});
}

TEST(PrunePlanTest, InlinedSegmentsFreeNoFile) {
  const format::Manifest list = ListMaker()
                                    .File(1, 500, format::FileKind::kInlined)
                                    .Checkpoint(1, 1, {1})
                                    .Checkpoint(2, 2)
                                    .Make();
  const auto plan = Plan({&list}, {.keep_last = 1});
  EXPECT_EQ(Going(plan), Ids{1});
  EXPECT_TRUE(plan->files.empty());
}

struct Found {
  size_t dropped = 0;
  uint64_t freed = 0;
};
uint64_t FreedBy(const std::vector<FileSpan>& files, const std::set<size_t>& dropped) {
  uint64_t freed = 0;
  for (const FileSpan& file : files) {
    bool goes = true;
    for (size_t i = file.first; i <= file.last; ++i) goes = goes && dropped.contains(i);
    if (goes) freed += file.bytes;
  }
  return freed;
}
// By trying all.
std::optional<Found> TryAll(const std::vector<FileSpan>& files, const std::vector<bool>& may_go,
                            uint64_t free_bytes) {
  std::optional<Found> best;
  for (uint64_t bits = 0; bits < uint64_t{1} << may_go.size(); ++bits) {
    std::set<size_t> dropped;
    bool is_allowed = true;
    for (size_t i = 0; i < may_go.size(); ++i) {
      if ((bits >> i & 1) == 0) continue;
      is_allowed = is_allowed && may_go[i];
      dropped.insert(i);
    }
    const uint64_t freed = FreedBy(files, dropped);
    if (!is_allowed || freed < free_bytes) continue;
    if (!best || dropped.size() < best->dropped ||
        (dropped.size() == best->dropped && freed > best->freed))
      best = Found{dropped.size(), freed};
  }
  return best;
}

TEST(SmallestPruneTest, FindsWhatTryingAllFinds) {
  std::mt19937 random(7);
  const auto below = [&](size_t n) { return static_cast<size_t>(random() % n); };
  for (int round = 0; round < 400; ++round) {
    const size_t count = 1 + below(10);
    std::vector<FileSpan> files;
    for (size_t i = 0, n = below(15); i < n; ++i) {
      const size_t first = below(count);
      files.push_back({first, first + below(count - first), 1 + below(20)});
    }
    std::vector<bool> may_go(count);
    for (size_t i = 0; i < count; ++i) may_go[i] = below(5) > 0;
    const uint64_t free_bytes = below(60);
    const auto expected = TryAll(files, may_go, free_bytes);
    const auto got = SmallestPrune(files, may_go, free_bytes, 1'000'000);
    ASSERT_EQ(got.has_value(), expected.has_value()) << "round " << round;
    if (!got) continue;
    EXPECT_EQ(got->size(), expected->dropped);
    EXPECT_EQ(FreedBy(files, {got->begin(), got->end()}), expected->freed);
    EXPECT_TRUE(std::is_sorted(got->begin(), got->end()));
    for (const size_t i : *got) EXPECT_TRUE(may_go[i]);
  }
}

TEST(SmallestPruneTest, GivesUpInsteadOfTakingForEver) {
  std::vector<FileSpan> files;
  for (size_t i = 0; i < 2000; ++i) files.push_back({i, i, 1});
  EXPECT_EQ(SmallestPrune(files, std::vector<bool>(2000, true), 2000, 100'000), std::nullopt);
}

// Too many to choose from: the oldest go, and the plan says that fewer might do.
TEST(PrunePlanTest, OfThousandsTheOldestGo) {
  ListMaker maker;
  for (uint64_t id = 1; id <= 5000; ++id)
    maker.File(id, 1).Checkpoint(id, static_cast<int64_t>(id), {id});
  const format::Manifest list = maker.Make();
  const auto few = Plan({&list}, {.free_bytes = 20});
  EXPECT_TRUE(few->is_smallest);
  EXPECT_EQ(few->freed_bytes, 20u);
  const format::Manifest* const lists[] = {&list};
  const auto many = PlanPrune(lists, {}, {.free_bytes = 4000}, 10'000'000);
  EXPECT_FALSE(many->is_smallest);
  EXPECT_EQ(many->freed_bytes, 4000u);
  EXPECT_TRUE(many->checkpoints[3999].goes());
  EXPECT_FALSE(many->checkpoints[4000].goes());
}

}  // namespace
}  // namespace tidemark::compaction
