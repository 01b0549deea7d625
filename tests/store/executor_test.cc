#include "store/executor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

namespace tidemark::store {
namespace {

TEST(ExecutorTest, RunsEverythingBeforeItEnds) {
  std::atomic<int> ran{0};
  {
    Executor executor(3);
    for (int i = 0; i < 1'000; ++i) executor.Post([&] { ran.fetch_add(1); });
  }
  EXPECT_EQ(ran.load(), 1'000);
}

TEST(ExecutorTest, ATaskMayPostAnother) {
  std::atomic<int> ran{0};
  {
    Executor executor(1);
    executor.Post([&] {
      ran.fetch_add(1);
      executor.Post([&] { ran.fetch_add(1); });
    });
  }
  EXPECT_EQ(ran.load(), 2);
}

TEST(LaneTest, NeverRunsTwiceAtATime) {
  Executor executor(4);
  std::atomic<int> inside{0};
  std::atomic<int> runs{0};
  Lane lane(executor, [&] {
    EXPECT_EQ(inside.fetch_add(1), 0);
    runs.fetch_add(1);
    std::this_thread::yield();
    inside.fetch_sub(1);
  });
  std::vector<std::thread> kickers;
  for (int i = 0; i < 4; ++i) {
    kickers.emplace_back([&] {
      for (int k = 0; k < 500; ++k) lane.Kick();
    });
  }
  for (std::thread& kicker : kickers) kicker.join();
  lane.WaitIdle();
  EXPECT_GE(runs.load(), 1);
  EXPECT_LE(runs.load(), 2'000);
  EXPECT_EQ(inside.load(), 0);
  lane.Stop();
}

TEST(LaneTest, AKickDuringARunIsNotLost) {
  Executor executor(2);
  std::atomic<int> wanted{0};
  std::atomic<int> seen{0};
  Lane lane(executor, [&] { seen.store(wanted.load()); });
  for (int i = 1; i <= 2'000; ++i) {
    wanted.store(i);
    lane.Kick();
    if (i % 100 == 0) {
      lane.WaitIdle();
      ASSERT_EQ(seen.load(), i);
    }
  }
  lane.Stop();
}

// A lane once kept its thread as long as it had something to do: the first hash of a large base,
// one file a step, kept the write-backs of another store away until that one refused writes.
TEST(LaneTest, LanesThatShareAThreadTakeTurns) {
  constexpr int kSteps = 1'000;
  Executor executor(1);
  std::atomic<int> steps{0};
  std::atomic<int> before{kSteps};
  Lane* self = nullptr;
  Lane other(executor, [&] { before.store(steps.load()); });
  Lane busy(executor, [&] {
    if (steps.fetch_add(1) == 0) other.Kick();
    if (steps.load() < kSteps) self->Kick();
  });
  self = &busy;
  busy.Kick();
  busy.WaitIdle();
  other.WaitIdle();
  EXPECT_EQ(before.load(), 1);
  EXPECT_EQ(steps.load(), kSteps);
  busy.Stop();
  other.Stop();
}

TEST(LaneTest, AStepMayKickItself) {
  Executor executor(1);
  int left = 5;
  Lane* self = nullptr;
  Lane lane(executor, [&] {
    if (--left > 0) self->Kick();
  });
  self = &lane;
  lane.Kick();
  lane.WaitIdle();
  EXPECT_EQ(left, 0);
  lane.Stop();
}

// Once: a write of a host without threads that waited for memory came back only after all that was
// due, the copy of a whole base with it.
TEST(LaneTest, WithoutThreadsATaskIsOneStep) {
  Executor executor(0);
  int done = 0;
  Lane* self = nullptr;
  Lane lane(executor, [&] {
    if (++done < 3) self->Kick();
  });
  self = &lane;
  lane.Kick();
  for (int i = 1; i <= 3; ++i) {
    EXPECT_TRUE(executor.RunOne());
    EXPECT_EQ(done, i);
  }
  executor.RunQueued();
  EXPECT_EQ(done, 3);
  lane.Kick();
  lane.WaitIdle();
  EXPECT_EQ(done, 4);
  lane.Kick();
  lane.Stop();
  EXPECT_FALSE(executor.RunOne());
}

TEST(LaneTest, StopWaitsAndThenNothingRuns) {
  Executor executor(2);
  for (int round = 0; round < 200; ++round) {
    std::atomic<int> runs{0};
    std::atomic<bool> done{false};
    {
      Lane lane(executor, [&] {
        runs.fetch_add(1);
        std::this_thread::sleep_for(std::chrono::microseconds(20));
        done.store(true);
      });
      lane.Kick();
      if (round % 2 == 0) std::this_thread::yield();
      lane.Stop();
      EXPECT_EQ(done.load(), runs.load() > 0);
      const int before = runs.load();
      lane.Kick();
      lane.WaitIdle();
      EXPECT_EQ(runs.load(), before);
    }
  }
}

// The step of one store may take long, under a limit above all; another one is closed meanwhile.
TEST(LaneTest, StopDoesNotWaitForTheTurnOfAStepThatHasNotBegun) {
  Executor executor(1);
  std::atomic<bool> began{false};
  std::atomic<bool> stopped{false};
  Lane busy(executor, [&] {
    began.store(true);
    while (!stopped.load()) std::this_thread::yield();
  });
  std::atomic<int> runs{0};
  Lane other(executor, [&] { runs.fetch_add(1); });
  busy.Kick();
  while (!began.load()) std::this_thread::yield();
  other.Kick();
  other.Stop();
  stopped.store(true);
  busy.Stop();
  EXPECT_EQ(runs.load(), 0);
}

TEST(LaneTest, ManyLanesShareFewThreads) {
  Executor executor(2);
  std::vector<std::atomic<int>> runs(20);
  std::vector<std::unique_ptr<Lane>> lanes;
  for (auto& count : runs) {
    lanes.push_back(std::make_unique<Lane>(executor, [&count] { count.fetch_add(1); }));
  }
  for (int i = 0; i < 50; ++i) {
    for (auto& lane : lanes) lane->Kick();
  }
  for (auto& lane : lanes) {
    lane->WaitIdle();
    lane->Stop();
  }
  for (auto& count : runs) EXPECT_GE(count.load(), 1);
}

}  // namespace
}  // namespace tidemark::store
