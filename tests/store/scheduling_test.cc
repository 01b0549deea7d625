// Who goes first on a core.
#include "store/scheduling.h"

#include "tests/store/core_fixture.h"

#include <gtest/gtest.h>

#include <sched.h>

#include <chrono>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

namespace tidemark::store {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using test::StorageOperation;

std::chrono::nanoseconds ProcessorTime() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

// Until this thread has used half of the time since then. False if others leave it less.
bool Spin(steady_clock::time_point since = steady_clock::now()) {
  const auto used_before = ProcessorTime();
  while (steady_clock::now() - since < std::chrono::seconds(10)) {
    const auto used = ProcessorTime() - used_before;
    if (used > milliseconds(5) && 2 * used > steady_clock::now() - since) return true;
  }
  return false;
}

// Of the thread of this process with this name.
int PolicyOf(std::string_view name) {
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string comm;
    std::getline(std::ifstream(task.path() / "comm"), comm);
    if (comm == name) return sched_getscheduler(std::stoi(task.path().filename().string()));
  }
  return -1;
}

TEST(WriterLoadTest, LeavesRoomWhenItWaits) {
  WriterLoad load;
  EXPECT_FALSE(load.LeavesRoom()) << "nothing is known yet";
  std::this_thread::sleep_for(milliseconds(50));
  EXPECT_TRUE(load.LeavesRoom());
  if (Spin()) {
    EXPECT_FALSE(load.LeavesRoom());
  }
  std::thread([&] { EXPECT_FALSE(load.LeavesRoom()) << "another thread"; }).join();
  std::this_thread::sleep_for(milliseconds(50));
  EXPECT_FALSE(load.LeavesRoom()) << "another thread than last time";
}

class SchedulingTest : public CoreFixture {
 protected:
  // The policy of the thread that commits, while it does.
  int PolicyInCommit(uint64_t id) {
    Put("key", std::to_string(id));
    const auto pause = storage_->PauseBefore(StorageOperation::kCreateIfAbsent, "manifest/");
    const auto ticket = Checkpoint(id);
    pause->WaitUntilReached();
    const int policy = PolicyOf("tidemark-commit");
    pause->Release();
    EXPECT_EQ(Wait(*ticket).ToString(), "OK");
    return policy;
  }
};

// Once a commit always ran as a batch thread: each of its waits for the disk ended in one for a
// slice of whoever had its core, so that checkpoints of a job that mostly waits took twice as long.
TEST_F(SchedulingTest, ACommitIsPromptWhereTheWriterLeavesRoom) {
  Open();
  EXPECT_EQ(PolicyInCommit(1), SCHED_BATCH);
  std::this_thread::sleep_for(milliseconds(100));
  EXPECT_EQ(PolicyInCommit(2), SCHED_OTHER);
  const auto deadline = steady_clock::now() + std::chrono::seconds(20);
  while (PolicyOf("tidemark-commit") != SCHED_BATCH && steady_clock::now() < deadline)
    std::this_thread::sleep_for(milliseconds(1));
  EXPECT_EQ(PolicyOf("tidemark-commit"), SCHED_BATCH) << "when it is done";
}

TEST_F(SchedulingTest, ACommitYieldsToAWriterThatIsBusy) {
  Open();
  const auto begin = steady_clock::now();
  EXPECT_EQ(PolicyInCommit(1), SCHED_BATCH);
  if (!Spin(begin)) GTEST_SKIP() << "others have both cores";
  EXPECT_EQ(PolicyInCommit(2), SCHED_BATCH);
}

}  // namespace
}  // namespace tidemark::store
