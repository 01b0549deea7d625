// The clock of the machine jumps, years ahead and back, under a writer, between writers, and
// between hosts. Which checkpoint is the newest, who is fenced and what is kept does not depend on
// it.
#include "tests/crash/crash_store.h"
#include "tests/support/temp_dir.h"

#include <gtest/gtest.h>

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <vector>

namespace tidemark::test {
namespace {

constexpr int64_t kYear = int64_t{365} * 24 * 3600;
std::atomic<int64_t> ahead_seconds{0};

}  // namespace
}  // namespace tidemark::test

// In the place of the C library's, for all of this program.
extern "C" int clock_gettime(clockid_t clock, timespec* time) noexcept {
  const auto failed = static_cast<int>(syscall(SYS_clock_gettime, clock, time));
  if (failed == 0 && clock == CLOCK_REALTIME) time->tv_sec += tidemark::test::ahead_seconds;
  return failed;
}

namespace tidemark::test {
namespace {

class ClockTest : public ::testing::Test {
 protected:
  static constexpr uint32_t kKeepLast = 3;

  ~ClockTest() override { ahead_seconds = 0; }

  StoreOptions Options(const std::string& live) const {
    StoreOptions options = SmallStore(directory_.path());
    options.directory = directory_ / live;
    options.keep_last = kKeepLast;
    options.write_back_segments = 2;
    options.log_merge_segments = 2;
    return options;
  }
  static Result<TestStore> Open(const StoreOptions& options) {
    return TestStore::Open(options, DiskWithoutSyncs());
  }
  // A jump before each of them.
  void Commit(TestStore& store, uint64_t seed, uint64_t first, uint64_t last) {
    history_.Continue(first, seed);
    for (uint64_t round = first; round <= last; ++round) {
      ahead_seconds = static_cast<int64_t>(random_.Below(20 * kYear)) - 10 * kYear;
      ASSERT_EQ(store.Run(ChangesOfRound(seed, round, kShape)).ToString(), "OK");
      ASSERT_EQ(store.Checkpoint(round).ToString(), "OK");
      last_ = round;
    }
  }
  void ExpectRestores(uint64_t id) {
    SCOPED_TRACE("checkpoint " + std::to_string(id));
    StoreOptions options = Options("elsewhere");
    options.restore_checkpoint = id;
    options.take_over = true;
    auto store = Open(options);
    ASSERT_TRUE(store.has_value()) << store.error().ToString();
    const auto content = store->ReadAll();
    ASSERT_TRUE(content.has_value()) << content.error().ToString();
    EXPECT_EQ(Difference(history_.After(id, kShape), *content), "");
  }
  format::Manifest List() const { return ReadNewest(*StorageAt(directory_.path())).value(); }

  static constexpr RoundShape kShape{.keys = 100, .changes = 20, .value_bytes_max = 200};
  const TempDir directory_;
  Random random_{3};
  History history_;
  uint64_t last_ = 0;
};

TEST_F(ClockTest, TheLastCheckpointsStayAndTheirTimesAscend) {
  auto store = Open(Options("live")).value();
  Commit(store, 1, 1, 60);
  ASSERT_EQ(store.Drain().ToString(), "OK");
  ASSERT_EQ(store.Close().ToString(), "OK");
  const format::Manifest list = List();
  EXPECT_EQ(IdsOf(list), (std::vector<uint64_t>{last_ - 2, last_ - 1, last_}));
  EXPECT_TRUE(std::is_sorted(list.checkpoints.begin(), list.checkpoints.end(),
                             [](const auto& a, const auto& b) { return a.time_ms < b.time_ms; }));
  EXPECT_EQ(FindDamage(*StorageAt(directory_.path()), list), "");
  // The newest first: to go back to an older one drops what came after it.
  for (uint64_t id = last_; id + kKeepLast > last_; --id) ExpectRestores(id);
}

// What is younger than keep_within stays, though the clock says that it is from the future.
TEST_F(ClockTest, AClockThatGoesBackKeepsMoreAndNeverLess) {
  StoreOptions options = Options("live");
  options.keep_within = std::chrono::hours(1);
  auto store = Open(options).value();
  history_.Continue(1, 1);
  for (uint64_t round = 1; round <= 12; ++round) {
    ahead_seconds = round == 4 ? 10 * kYear : 0;  // three old ones are dropped then
    ASSERT_EQ(store.Run(ChangesOfRound(1, round, kShape)).ToString(), "OK");
    ASSERT_EQ(store.Checkpoint(round).ToString(), "OK");
  }
  const std::vector<uint64_t> ids = IdsOf(List());
  for (uint64_t round = 4; round <= 12; ++round)
    EXPECT_TRUE(std::find(ids.begin(), ids.end(), round) != ids.end()) << round;
  EXPECT_EQ(store.Close().ToString(), "OK");
}

TEST_F(ClockTest, Invariant04ASuccessorWithAClockThatIsBehindFences) {
  ahead_seconds = 5 * kYear;
  auto first = Open(Options("live")).value();
  history_.Continue(1, 1);
  for (uint64_t round = 1; round <= 8; ++round) {
    ASSERT_EQ(first.Run(ChangesOfRound(1, round, kShape)).ToString(), "OK");
    ASSERT_EQ(first.Checkpoint(last_ = round).ToString(), "OK");
  }
  ahead_seconds = -5 * kYear;
  StoreOptions options = Options("live-2");
  options.take_over = true;
  auto second = Open(options).value();
  EXPECT_EQ(second.restored_id(), last_);
  Commit(second, 2, last_ + 1, last_ + 40);
  ahead_seconds = 9 * kYear;
  EXPECT_EQ(first.Checkpoint(last_ + 1).code(), StatusCode::kFenced);
  EXPECT_EQ(first.Drain().code(), StatusCode::kFenced);
  Commit(second, 2, last_ + 1, last_ + 2);
  EXPECT_EQ(second.Close().ToString(), "OK");
  EXPECT_EQ(IdsOf(List()).back(), last_);
  ExpectRestores(last_);
}

}  // namespace
}  // namespace tidemark::test
