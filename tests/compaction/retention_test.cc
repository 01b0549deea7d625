#include "compaction/retention.h"

#include <gtest/gtest.h>

#include <vector>

namespace tidemark::compaction {
namespace {

// Checkpoints of ids 10, 20, ... at epochs 1, 2, ..., one a second.
format::Manifest ListOf(uint64_t count) {
  format::Manifest manifest;
  for (uint64_t i = 1; i <= count; ++i) {
    format::Checkpoint checkpoint;
    checkpoint.id = 10 * i;
    checkpoint.at.epoch = i;
    checkpoint.time_ms = static_cast<int64_t>(1'000 * i);
    manifest.checkpoints.push_back(checkpoint);
  }
  return manifest;
}

using Ids = std::vector<uint64_t>;

Ids Dropped(uint64_t count, uint32_t keep_last, const Commit& commit = {}) {
  return CheckpointsToDrop(ListOf(count), {.keep_last = keep_last}, commit);
}

TEST(RetentionTest, KeepsTheLastOnesTheNewOneCounted) {
  EXPECT_EQ(Dropped(0, 3), Ids());
  EXPECT_EQ(Dropped(2, 3), Ids());
  EXPECT_EQ(Dropped(3, 3), Ids{10});
  EXPECT_EQ(Dropped(5, 3), (Ids{10, 20, 30}));
}

TEST(RetentionTest, KeepingOneDropsAllOthers) {
  EXPECT_EQ(Dropped(1, 1), Ids{10});
  EXPECT_EQ(Dropped(3, 1), (Ids{10, 20, 30}));
}

TEST(RetentionTest, KeepsWhatIsYoungEnoughHoweverMany) {
  const auto dropped = [](uint32_t keep_last, int64_t keep_within_ms) {
    return CheckpointsToDrop(
        ListOf(5),
        {.keep_last = keep_last, .keep_within = std::chrono::milliseconds(keep_within_ms)},
        {.time_ms = 6'000});
  };
  EXPECT_EQ(dropped(1, 3'000), (Ids{10, 20})) << "that of 3,000 ms is just young enough";
  EXPECT_EQ(dropped(1, 2'999), (Ids{10, 20, 30}));
  EXPECT_EQ(dropped(4, 1), (Ids{10, 20})) << "keep_last holds all the same";
  EXPECT_EQ(dropped(1, 1'000'000), Ids());
  EXPECT_EQ(
      CheckpointsToDrop(ListOf(10'001), {.keep_last = 1, .keep_within = std::chrono::hours(1'000)},
                        {.time_ms = 6'000}),
      (Ids{10, 20}))
      << "a list does not grow without end";
  EXPECT_EQ(dropped(1, 0), (Ids{10, 20, 30, 40, 50}));
}

TEST(RetentionTest, PassesOverWhatIsPinned) {
  const format::Manifest list = ListOf(6);
  const std::vector<format::EpochIdentity> pinned{list.checkpoints[1].at, list.checkpoints[4].at};
  const auto dropped = [&](const Commit& commit) {
    return CheckpointsToDrop(list, {.keep_last = 2}, commit);
  };
  EXPECT_EQ(dropped({.pinned = pinned}), (Ids{10, 30, 40}));
  EXPECT_EQ(dropped({.branches = true, .stands_on_epoch = 3, .pinned = pinned}),
            (Ids{40, 50, 60, 10}))
      << "a branch drops them all the same";
  EXPECT_EQ(dropped({.pins_unknown = true}), Ids());
  EXPECT_EQ(CheckpointsToDrop(ListOf(10'003), {.keep_last = 2}, {.pins_unknown = true}),
            (Ids{10, 20, 30, 40}))
      << "up to what a list can take";
}

TEST(RetentionTest, ABranchDropsWhatItDoesNotContinue) {
  const auto dropped = [](uint32_t keep_last, uint64_t stands_on) {
    return Dropped(5, keep_last, {.branches = true, .stands_on_epoch = stands_on});
  };
  EXPECT_EQ(dropped(10, 3), (Ids{40, 50}));
  EXPECT_EQ(dropped(10, 5), Ids());
  EXPECT_EQ(dropped(10, 0), (Ids{10, 20, 30, 40, 50}));
  EXPECT_EQ(dropped(3, 3), (Ids{40, 50, 10})) << "only what stays counts";
  EXPECT_EQ(dropped(4, 3), (Ids{40, 50}));
}

TEST(RetentionTest, WhilePresentOnesAreKeptOnlyTheBranchIsDropped) {
  EXPECT_EQ(Dropped(5, 1, {.stands_on_epoch = 5, .keep_present = true}), Ids());
  EXPECT_EQ(Dropped(5, 1, {.branches = true, .stands_on_epoch = 4, .keep_present = true}), Ids{50});
}

}  // namespace
}  // namespace tidemark::compaction
