#include "compaction/policy.h"

#include <gtest/gtest.h>

#include <vector>

namespace tidemark::compaction {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;

TEST(WriteBackPolicyTest, ByBytesOrBySegments) {
  const WriteBackPolicy policy{.bytes = 100, .segments = 4};
  EXPECT_FALSE(ShouldWriteBack(policy, 99, 3));
  EXPECT_TRUE(ShouldWriteBack(policy, 100, 1));
  EXPECT_TRUE(ShouldWriteBack(policy, 1'000'000, 1));
  EXPECT_TRUE(ShouldWriteBack(policy, 0, 4));
  EXPECT_TRUE(ShouldWriteBack(policy, 0, 5));
}

TEST(WriteBackPolicyTest, NothingIsNeverDue) {
  EXPECT_FALSE(ShouldWriteBack({.bytes = 0, .segments = 0}, 0, 0));
  EXPECT_FALSE(ShouldWriteBack({.bytes = 1, .segments = 1}, 1'000, 0));
}

TEST(RebasePolicyTest, AlwaysWhereLinksAreFree) {
  EXPECT_TRUE(ShouldRebase(true, 0, 0));
  EXPECT_TRUE(ShouldRebase(true, 1, 1'000'000 * kMiB));
}

TEST(RebasePolicyTest, WhereABaseIsCopiedItWaitsForHalfOfTheState) {
  EXPECT_FALSE(ShouldRebase(false, 64 * kMiB - 1, 0));
  EXPECT_TRUE(ShouldRebase(false, 64 * kMiB, 0));
  EXPECT_TRUE(ShouldRebase(false, 64 * kMiB, 128 * kMiB));
  EXPECT_FALSE(ShouldRebase(false, 64 * kMiB, 128 * kMiB + 2));
  EXPECT_FALSE(ShouldRebase(false, 500 * kMiB, 1'001 * kMiB));
  EXPECT_TRUE(ShouldRebase(false, 501 * kMiB, 1'001 * kMiB));
}

// Checkpoints of ids 10, 20, ... at epochs 1, 2, ...
format::Manifest ListOf(uint64_t count) {
  format::Manifest manifest;
  for (uint64_t i = 1; i <= count; ++i) {
    format::Checkpoint checkpoint;
    checkpoint.id = 10 * i;
    checkpoint.at.epoch = i;
    manifest.checkpoints.push_back(checkpoint);
  }
  return manifest;
}

using Ids = std::vector<uint64_t>;

TEST(RetentionTest, KeepsTheLastOnesTheNewOneCounted) {
  EXPECT_EQ(CheckpointsToDrop(ListOf(0), 3, false, 0, false), Ids());
  EXPECT_EQ(CheckpointsToDrop(ListOf(2), 3, false, 2, false), Ids());
  EXPECT_EQ(CheckpointsToDrop(ListOf(3), 3, false, 3, false), Ids{10});
  EXPECT_EQ(CheckpointsToDrop(ListOf(5), 3, false, 5, false), (Ids{10, 20, 30}));
}

TEST(RetentionTest, KeepingOneDropsAllOthers) {
  EXPECT_EQ(CheckpointsToDrop(ListOf(1), 1, false, 1, false), Ids{10});
  EXPECT_EQ(CheckpointsToDrop(ListOf(3), 1, false, 3, false), (Ids{10, 20, 30}));
}

TEST(RetentionTest, ABranchDropsWhatItDoesNotContinue) {
  EXPECT_EQ(CheckpointsToDrop(ListOf(5), 10, true, 3, false), (Ids{40, 50}));
  EXPECT_EQ(CheckpointsToDrop(ListOf(5), 10, true, 5, false), Ids());
  EXPECT_EQ(CheckpointsToDrop(ListOf(5), 10, true, 0, false), (Ids{10, 20, 30, 40, 50}));
}

TEST(RetentionTest, ABranchCountsOnlyWhatStays) {
  EXPECT_EQ(CheckpointsToDrop(ListOf(5), 3, true, 3, false), (Ids{40, 50, 10}));
  EXPECT_EQ(CheckpointsToDrop(ListOf(5), 4, true, 3, false), (Ids{40, 50}));
}

TEST(RetentionTest, WhilePresentOnesAreKeptOnlyTheBranchIsDropped) {
  EXPECT_EQ(CheckpointsToDrop(ListOf(5), 1, false, 5, true), Ids());
  EXPECT_EQ(CheckpointsToDrop(ListOf(5), 1, true, 4, true), Ids{50});
}

}  // namespace
}  // namespace tidemark::compaction
