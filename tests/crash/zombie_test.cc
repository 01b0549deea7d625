// A writer falls asleep in the middle of its work: a long pause of a virtual machine, say. Another
// one takes the repository over and commits so much that the manifests of the first are collected.
// Then the sleeper wakes up. It must find out that it was replaced, publish nothing, and delete
// nothing that anybody needs.
#include "tests/crash/child_process.h"
#include "tests/crash/crash_store.h"
#include "tests/support/environment.h"
#include "tests/support/fault_storage.h"
#include "tests/support/temp_dir.h"
#include "tests/test_paths.h"

#include <gtest/gtest.h>

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <thread>

namespace tidemark::test {
namespace {

constexpr uint64_t kSuccessorCommits = 220;
constexpr std::chrono::milliseconds kPatience{60'000};

void ExpectSays(const Status& status, const std::string& text) {
  EXPECT_PRED_FORMAT2(::testing::IsSubstring, text, std::string(status.message()));
}

bool Contains(const std::vector<std::string>& all, const std::vector<std::string>& some) {
  return std::includes(all.begin(), all.end(), some.begin(), some.end());
}

class ZombieTest : public ::testing::Test {
 protected:
  // The one that will sleep, on storage that can hold it up.
  StoreOptions Sleeper() {
    StoreOptions options = SmallStore(directory_.path());
    options.repository.clear();
    options.storage = sleeping_storage_;
    options.write_back_segments = 2;
    options.keep_last = 2;
    options.inline_segment_bytes_max = 1024;
    return options;
  }
  StoreOptions Successor(const std::string& live) {
    StoreOptions options = SmallStore(directory_.path());
    options.directory = directory_ / live;
    options.take_over = true;
    return options;
  }

  // Commits rounds with `store`, which has restored what the history says, from `first` on.
  void CommitRounds(TestStore& store, uint64_t seed, uint64_t first, uint64_t count) {
    history_.Continue(first, seed);
    for (uint64_t round = first; round < first + count; ++round) {
      ASSERT_EQ(store.Run(ChangesOfRound(seed, round, kShape)).ToString(), "OK");
      ASSERT_EQ(store.Checkpoint(round).ToString(), "OK");
      last_round_ = round;
    }
  }

  // The successor finds what was acknowledged, and goes on from there.
  void TakeOver(TestStore& store) {
    ASSERT_EQ(store.restored_id(), last_round_);
    ExpectContent(store, last_round_);
    CommitRounds(store, 2, last_round_ + 1, kSuccessorCommits);
    ASSERT_EQ(store.Drain().ToString(), "OK");
  }

  void ExpectContent(TestStore& store, uint64_t round) {
    SCOPED_TRACE("round " + std::to_string(round));
    const auto content = store.ReadAll();
    ASSERT_TRUE(content.has_value()) << content.error().ToString();
    EXPECT_EQ(Difference(history_.After(round, kShape), *content), "");
  }

  // All that the successor's list names is whole, and the list ends where the successor does.
  void ExpectSuccessorIntact() {
    const auto list = ReadNewest(*storage_);
    ASSERT_TRUE(list.has_value()) << list.error().ToString();
    EXPECT_EQ(FindDamage(*storage_, *list), "");
    ASSERT_FALSE(list->checkpoints.empty());
    EXPECT_EQ(list->checkpoints.back().id, last_round_);
  }

  std::vector<std::string> Named() { return FilesNamed(ReadNewest(*storage_).value()); }

  static void ExpectFenced(TestStore& store, uint64_t id) {
    const auto later = store.Begin(id);
    EXPECT_EQ(later.error().code(), StatusCode::kFenced) << later.error().ToString();
    EXPECT_EQ(store.Put("counts", "key", "value").code(), StatusCode::kFenced);
    EXPECT_EQ(store.Drain().code(), StatusCode::kFenced);
    EXPECT_EQ(store.Close().code(), StatusCode::kFenced);
    EXPECT_EQ(store.Put("counts", "key", "value").code(), StatusCode::kClosed);
  }

  static constexpr RoundShape kShape{.keys = 200, .changes = 12, .value_bytes_max = 200};

  TempDir directory_{TempDir::InMemory()};
  const std::shared_ptr<CheckpointStorage> storage_ = StorageAt(directory_.path());
  const std::shared_ptr<FaultStorage> sleeping_storage_ = std::make_shared<FaultStorage>(storage_);
  History history_;
  uint64_t last_round_ = 0;  // acknowledged
};

TEST_F(ZombieTest, Invariant04SleeperBeforeItsCommitCannotPublish) {
  auto sleeper = TestStore::Open(Sleeper()).value();
  CommitRounds(sleeper, 1, 1, 20);
  const auto pause = sleeping_storage_->PauseBefore(StorageOperation::kCreateIfAbsent, "manifest/");
  ASSERT_EQ(sleeper.Run(ChangesOfRound(1, 21, kShape)).ToString(), "OK");
  const TestStore::Ticket asleep = sleeper.Begin(21).value();
  pause->WaitUntilReached();

  auto successor = TestStore::Open(Successor("live-2")).value();
  TakeOver(successor);
  const Files before = ReadTree(directory_ / "repository");
  pause->Release();
  const Status outcome = TestStore::Wait(asleep);
  EXPECT_EQ(outcome.code(), StatusCode::kFenced) << outcome.ToString();
  EXPECT_EQ(outcome.name(), "writer-fenced");
  ExpectFenced(sleeper, 22);
  // It may have put a file that nothing names; what was there before is there still.
  Files after = ReadTree(directory_ / "repository");
  std::erase_if(after, [&](const auto& file) { return !before.contains(file.first); });
  EXPECT_EQ(after, before);
  ExpectSuccessorIntact();
}

// Where the sleeper falls asleep.
struct Moment {
  const char* name;
  StorageOperation operation;
  const char* contains;
  bool commits;       // on the commit thread, else in maintenance
  uint64_t call = 1;  // which of these calls
};
void PrintTo(const Moment& moment, std::ostream* out) { *out << moment.name; }

class ZombieMomentTest : public ZombieTest, public ::testing::WithParamInterface<Moment> {
 protected:
  // Works as in life until it sleeps. The rounds that are under way then; those before have
  // succeeded.
  std::vector<TestStore::Ticket> RunUntilAsleep(TestStore& sleeper, FaultStorage::Pause& pause) {
    std::atomic<bool> asleep{false};
    std::thread waiter([&] {
      pause.WaitUntilReached();
      asleep = true;
    });
    std::deque<TestStore::Ticket> under_way;
    uint64_t round = last_round_;
    while (!asleep) {
      EXPECT_EQ(sleeper.Run(ChangesOfRound(1, ++round, kShape)).ToString(), "OK");
      under_way.push_back(sleeper.Begin(round).value());
      while (!asleep && !IsDone(under_way.back()))
        std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
    waiter.join();
    while (!under_way.empty() && (!GetParam().commits || IsDone(under_way.front()))) {
      EXPECT_EQ(TestStore::Wait(under_way.front()).ToString(), "OK");
      last_round_ = under_way.front()->id;
      under_way.pop_front();
    }
    return {under_way.begin(), under_way.end()};
  }

  static bool IsDone(const TestStore::Ticket& ticket) {
    std::lock_guard lock(ticket->mutex);
    return ticket->done;
  }
};

TEST_P(ZombieMomentTest, Invariant03SleeperDeletesNothingThatIsNeeded) {
  auto sleeper = TestStore::Open(Sleeper()).value();
  CommitRounds(sleeper, 1, 1, 4);
  const auto pause =
      sleeping_storage_->PauseBefore(GetParam().operation, GetParam().contains, GetParam().call);
  const auto under_way = RunUntilAsleep(sleeper, *pause);

  auto successor = TestStore::Open(Successor("live-2")).value();
  TakeOver(successor);
  const std::vector<std::string> named = Named();

  pause->Release();
  for (const TestStore::Ticket& ticket : under_way)
    EXPECT_EQ(TestStore::Wait(ticket).code(), StatusCode::kFenced);
  EXPECT_EQ(sleeper.Checkpoint(10'000).code(), StatusCode::kFenced);
  ExpectFenced(sleeper, 10'001);
  EXPECT_EQ(Named(), named);
  EXPECT_TRUE(Contains(FilesThere(*storage_), named));
  ExpectSuccessorIntact();

  CommitRounds(successor, 2, last_round_ + 1, 3);
  EXPECT_EQ(successor.Close().ToString(), "OK");
  ExpectSuccessorIntact();
  auto restored = TestStore::Open(Successor("live-3")).value();
  EXPECT_EQ(restored.restored_id(), last_round_);
  ExpectContent(restored, last_round_);
}

INSTANTIATE_TEST_SUITE_P(
    AsleepBefore, ZombieMomentTest,
    ::testing::Values(Moment{"Manifest", StorageOperation::kCreateIfAbsent, "manifest/", true},
                      Moment{"Segment", StorageOperation::kPutFile, "log/", true},
                      Moment{"BaseFile", StorageOperation::kPutFile, "base/", false},
                      Moment{"Snapshot", StorageOperation::kPut, "snapshots/", false},
                      Moment{"DeletionOfSegment", StorageOperation::kDelete, "log/", false},
                      Moment{"DeletionOfBase", StorageOperation::kDelete, "base/", false},
                      Moment{"DeletionOfManifest", StorageOperation::kDelete, "manifest/", false}),
    [](const auto& moment) { return std::string(moment.param.name); });

// One collection deletes many files, one after the other, and looks only before the first of them
// whether it was fenced. The sleeper falls asleep between any two.
struct Deletions {
  const char* name;
  const char* folder;
  uint64_t most;  // what one collection deletes here, and some more
};
constexpr Deletions kDeletions[] = {{"Manifest", "manifest/", 40},
                                    {"Snapshot", "snapshots/", 2},
                                    {"Segment", "log/", 4},
                                    {"Base", "base/", 40}};

// Every one with TIDEMARK_ZOMBIE_STRIDE=1, a sample by default.
std::vector<Moment> BetweenDeletions() {
  const uint64_t stride = FromEnvironment("TIDEMARK_ZOMBIE_STRIDE", TIDEMARK_SANITIZED ? 42 : 14);
  std::vector<Moment> moments;
  uint64_t number = 0;
  for (const Deletions& deletions : kDeletions)
    for (uint64_t call = 1; call <= deletions.most; ++call)
      if (++number % stride == 0)
        moments.push_back(
            {deletions.name, StorageOperation::kDelete, deletions.folder, false, call});
  return moments;
}

INSTANTIATE_TEST_SUITE_P(AsleepBetweenDeletions, ZombieMomentTest,
                         ::testing::ValuesIn(BetweenDeletions()), [](const auto& moment) {
                           return moment.param.name + std::to_string(moment.param.call);
                         });

// The whole process, at whatever moment the signal comes, on the same host and in the same
// directory.
TEST_F(ZombieTest, Invariant04StoppedProcessIsFencedWhenItContinues) {
  ChildProcess sleeper({TIDEMARK_PROGRAM_CRASH_WRITER, directory_.path(), "7"});
  for (std::string line; !line.starts_with("done 25");) {
    line = sleeper.ReadLine(kPatience);
    ASSERT_TRUE(line.starts_with("done") || line.starts_with("restored")) << line;
  }
  sleeper.Stop();
  const Files live = ReadTree(directory_ / "live");

  auto successor = TestStore::Open(Successor("live")).value();
  const uint64_t restored = successor.restored_id();
  last_round_ = restored;
  history_ = History::Decode(successor.restored().checkpoint->metadata.at("history"));
  EXPECT_EQ(Difference(history_.After(restored), successor.ReadAll().value()), "");
  EXPECT_FALSE(successor.restored().reused_live_database);
  for (uint64_t i = 0; i < kSuccessorCommits; ++i) {
    ASSERT_EQ(successor.Run(ChangesOfRound(8, ++last_round_)).ToString(), "OK");
    ASSERT_EQ(successor.Checkpoint(last_round_).ToString(), "OK");
  }
  ASSERT_EQ(successor.Drain().ToString(), "OK");
  history_.Continue(restored + 1, 8);
  const Files after = ReadTree(directory_ / "live");
  for (const auto& [path, checksum] : live) {
    const auto file = after.find(path);
    EXPECT_TRUE(file != after.end() && file->second == checksum) << path << " is not what it was";
  }

  sleeper.Signal(SIGCONT);
  std::string line = sleeper.ReadLine(kPatience);
  for (; line.starts_with("done"); line = sleeper.ReadLine(kPatience))
    EXPECT_LE(std::stoull(line.substr(5)), restored) << "published after it was fenced";
  EXPECT_TRUE(line.starts_with("error Fenced (writer-fenced)")) << line;
  EXPECT_EQ(sleeper.Wait(), 2);
  ExpectSuccessorIntact();
  EXPECT_EQ(Difference(history_.After(last_round_), successor.ReadAll().value()), "");
  EXPECT_EQ(successor.Close().ToString(), "OK");
}

TEST_F(ZombieTest, SecondOpenIsBusyAndNamesTheHolder) {
  auto first = TestStore::Open(Sleeper()).value();
  CommitRounds(first, 1, 1, 5);
  ASSERT_EQ(first.Drain().ToString(), "OK");
  const Files before = ReadTree(directory_ / "repository");

  StoreOptions options = SmallStore(directory_.path());
  options.directory = directory_ / "live-2";
  const Status busy = TestStore::Open(options).error();
  EXPECT_EQ(busy.code(), StatusCode::kBusy);
  EXPECT_EQ(busy.name(), "repository-locked");
  ExpectSays(busy, "process " + std::to_string(getpid()));
  ExpectSays(busy, "take_over");
  EXPECT_EQ(ReadTree(directory_ / "repository"), before);
  CommitRounds(first, 1, 6, 2);
}

// An object store cannot tell whether the last writer lives.
TEST_F(ZombieTest, SecondOpenOnStorageWithoutLocksIsBusyUntilTheFirstHasClosed) {
  sleeping_storage_->HideLocks(true);
  auto first = TestStore::Open(Sleeper()).value();
  CommitRounds(first, 1, 1, 5);
  StoreOptions options = Sleeper();
  options.directory = directory_ / "live-2";
  const Status busy = TestStore::Open(options).error();
  EXPECT_EQ(busy.code(), StatusCode::kBusy);
  EXPECT_EQ(busy.name(), "writer-open");
  ExpectSays(busy, "attempt 1");
  CommitRounds(first, 1, 6, 2);
  EXPECT_EQ(first.Close().ToString(), "OK");
  auto second = TestStore::Open(options).value();
  ExpectContent(second, 7);
}

// A and B take turns: whoever opened last is the writer.
TEST_F(ZombieTest, TakingOverInTurns) {
  auto a = TestStore::Open(Successor("live")).value();
  CommitRounds(a, 1, 1, 3);
  auto b = TestStore::Open(Successor("live")).value();
  CommitRounds(b, 2, 4, 3);
  EXPECT_EQ(a.Checkpoint(100).code(), StatusCode::kFenced);
  EXPECT_EQ(a.Close().code(), StatusCode::kFenced);
  auto again = TestStore::Open(Successor("live")).value();
  ExpectContent(again, 6);
  CommitRounds(again, 3, 7, 3);
  EXPECT_EQ(b.Checkpoint(100).code(), StatusCode::kFenced);
  EXPECT_EQ(b.Close().code(), StatusCode::kFenced);
  ExpectContent(again, 9);
  ExpectSuccessorIntact();
}

}  // namespace
}  // namespace tidemark::test
