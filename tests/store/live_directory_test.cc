#include "store/live_directory.h"

#include "tests/support/temp_dir.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

namespace tidemark::store {
namespace {

using format::EpochIdentity;
using format::LineageEntry;
using format::WriterId;

WriterId Writer(uint8_t number) {
  WriterId writer;
  writer.bytes.fill(number);
  return writer;
}

// Attempt 1 led up to epoch 10, attempt 4 to epoch 20, attempt 5 to epoch 25.
const std::vector<LineageEntry> kLineage = {
    {1, Writer(1), 10}, {4, Writer(4), 20}, {5, Writer(5), 25}};

bool Lies(uint64_t attempt, uint8_t writer, uint64_t epoch, uint64_t base = 0,
          uint64_t target = 25) {
  return LiesInLineage({attempt, Writer(writer), epoch}, kLineage, base, target);
}

TEST(LineageTest, AMarkOfTheHistoryLiesInIt) {
  EXPECT_TRUE(Lies(1, 1, 1));
  EXPECT_TRUE(Lies(1, 1, 10));
  EXPECT_TRUE(Lies(4, 4, 11));
  EXPECT_TRUE(Lies(4, 4, 20));
  EXPECT_TRUE(Lies(5, 5, 25));
}

TEST(LineageTest, WhatAnAttemptDidAfterTheNextOneBranchedDoesNot) {
  EXPECT_FALSE(Lies(1, 1, 11));
  EXPECT_FALSE(Lies(4, 4, 21));
}

TEST(LineageTest, EpochsBeforeAnAttemptAreNotItsOwn) {
  EXPECT_FALSE(Lies(4, 4, 10));
  EXPECT_FALSE(Lies(5, 5, 20));
}

TEST(LineageTest, OtherAttemptsAndWritersDoNot) {
  EXPECT_FALSE(Lies(2, 2, 5));
  EXPECT_FALSE(Lies(1, 9, 5)) << "the attempt alone does not identify a writer";
  EXPECT_FALSE(Lies(9, 1, 5));
}

TEST(LineageTest, OnlyBetweenBaseAndTarget) {
  EXPECT_FALSE(Lies(1, 1, 8, 9));
  EXPECT_TRUE(Lies(1, 1, 9, 9));
  EXPECT_FALSE(Lies(4, 4, 15, 0, 14));
  EXPECT_TRUE(Lies(4, 4, 14, 0, 14));
}

TEST(LineageTest, EpochZeroIsNothingToReuse) {
  EXPECT_FALSE(Lies(0, 0, 0));
  EXPECT_FALSE(Lies(1, 1, 0));
}

TEST(LineageTest, NothingLiesInAnEmptyOne) {
  EXPECT_FALSE(LiesInLineage({1, Writer(1), 1}, {}, 0, 10));
}

TEST(LineageTest, IdentityOfAnEpoch) {
  EXPECT_EQ(IdentityAt(kLineage, 1), (EpochIdentity{1, Writer(1), 1}));
  EXPECT_EQ(IdentityAt(kLineage, 10), (EpochIdentity{1, Writer(1), 10}));
  EXPECT_EQ(IdentityAt(kLineage, 11), (EpochIdentity{4, Writer(4), 11}));
  EXPECT_EQ(IdentityAt(kLineage, 25), (EpochIdentity{5, Writer(5), 25}));
}

TEST(LineageTest, EveryIdentityLiesInTheLineage) {
  for (uint64_t epoch = 1; epoch <= 25; ++epoch) {
    EXPECT_TRUE(LiesInLineage(IdentityAt(kLineage, epoch), kLineage, 0, 25)) << epoch;
  }
}

class LiveDirectoryTest : public ::testing::Test {
 protected:
  std::string Make(uint64_t attempt, int n, bool ready) {
    const std::string path = LiveDirectoryPath(directory_.path(), attempt, n);
    std::filesystem::create_directories(path + "/state");
    if (ready) std::ofstream(path + "/READY");
    return path;
  }
  std::vector<std::string> Reusable() { return ReusableLiveDirectories(*fs_, directory_.path()); }

  test::TempDir directory_;
  storage::FileSystemPtr fs_ = storage::DefaultFileSystem();
};

TEST_F(LiveDirectoryTest, Names) {
  EXPECT_EQ(LiveDirectoryPath("/d", 7, 0), "/d/live.7");
  EXPECT_EQ(LiveDirectoryPath("/d", 7, 2), "/d/live.7-2");
}

TEST_F(LiveDirectoryTest, NewestAttemptFirst) {
  const std::string second = Make(2, 0, true);
  const std::string tenth = Make(10, 0, true);
  const std::string ninth = Make(9, 1, true);
  EXPECT_EQ(Reusable(), (std::vector<std::string>{tenth, ninth, second}));
}

TEST_F(LiveDirectoryTest, OnlyThoseThatAreReadyAndFree) {
  const std::string ready = Make(1, 0, true);
  (void)Make(2, 0, false);
  const std::string held = Make(3, 0, true);
  auto lock = storage::LockFile(held + "/LOCK", "live-locked").value();
  EXPECT_EQ(Reusable(), std::vector<std::string>{ready});
  lock.reset();
  EXPECT_EQ(Reusable(), (std::vector<std::string>{held, ready}));
}

TEST_F(LiveDirectoryTest, RemovesAllButTheOneInUseAndThoseOfOthers) {
  const std::string mine = Make(5, 0, true);
  const std::string old = Make(4, 0, true);
  const std::string unfinished = Make(3, 0, false);
  const std::string held = Make(2, 0, true);
  const auto lock = storage::LockFile(held + "/LOCK", "live-locked").value();
  std::ofstream notes(directory_ / "notes.txt");
  RemoveOtherLiveDirectories(*fs_, directory_.path(), mine);
  EXPECT_TRUE(std::filesystem::exists(mine));
  EXPECT_FALSE(std::filesystem::exists(old));
  EXPECT_FALSE(std::filesystem::exists(unfinished));
  EXPECT_TRUE(std::filesystem::exists(held));
  EXPECT_TRUE(std::filesystem::exists(directory_ / "notes.txt"));
}

TEST_F(LiveDirectoryTest, NoDirectoryIsAnEmptyOne) {
  EXPECT_TRUE(ReusableLiveDirectories(*fs_, directory_ / "missing").empty());
}

}  // namespace
}  // namespace tidemark::store
