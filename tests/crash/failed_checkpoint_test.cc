// Checkpoints that fail at one step or another: what the next one publishes, and what it names.
#include "format/names.h"
#include "tests/crash/crash_store.h"
#include "tests/support/fault_file_system.h"
#include "tests/support/fault_storage.h"
#include "tests/support/temp_dir.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <set>
#include <thread>

namespace tidemark::test {
namespace {

class FailedCheckpointTest : public ::testing::Test {
 protected:
  FailedCheckpointTest() {
    fs_->SkipSyncs(true);
    history_.Continue(1, 1);
  }

  // Forgets everything, the storage too: it remembers the folders that it has made.
  void StartOver() {
    std::filesystem::remove_all(directory_ / "repository");
    std::filesystem::remove_all(directory_ / "live");
    std::filesystem::remove_all(directory_ / "live-2");
    storage_ = NewStorage();
  }

  // Everything goes through fs_; the repository through storage_ as well.
  StoreOptions Options(uint64_t inline_bytes_max) {
    StoreOptions options = SmallStore(directory_.path());
    options.repository.clear();
    options.storage = storage_;
    options.inline_segment_bytes_max = inline_bytes_max;
    options.write_back_segments = 1000;
    return options;
  }
  TestStore Open(uint64_t inline_bytes_max) {
    return TestStore::Open(Options(inline_bytes_max), fs_).value();
  }

  Status Commit(TestStore& store, uint64_t round) {
    EXPECT_EQ(store.Run(ChangesOfRound(1, round, kSmallRounds)).ToString(), "OK");
    return store.Checkpoint(round);
  }

  format::Manifest List() { return ReadNewest(*storage_).value(); }
  void ExpectRetained(const std::vector<uint64_t>& ids) {
    const format::Manifest list = List();
    EXPECT_EQ(IdsOf(list), ids);
    EXPECT_EQ(FindDamage(*storage_, list), "");
  }

  // What another machine restores.
  void ExpectRestores(uint64_t round) {
    StoreOptions options = SmallStore(directory_.path());
    options.directory = directory_ / "live-2";
    options.take_over = true;
    auto store = TestStore::Open(options).value();
    EXPECT_EQ(store.restored_id(), round);
    const auto content = store.ReadAll();
    ASSERT_TRUE(content.has_value()) << content.error().ToString();
    EXPECT_EQ(Difference(history_.After(round, kSmallRounds), *content), "");
  }

  // The segments that were written since Record, by their names in `log/`.
  std::set<std::string> SegmentsWritten() {
    constexpr std::string_view kScratch = "/tmp/segment-";
    std::set<std::string> names;
    for (const auto& [operation, path] : fs_->plan().recorded()) {
      const size_t at = path.find(kScratch);
      if (operation == FileOperation::kCreate && at != std::string::npos)
        names.insert(path.substr(at + kScratch.size()));
    }
    return names;
  }

  std::shared_ptr<FaultStorage> NewStorage() {
    return std::make_shared<FaultStorage>(
        storage::OpenLocalDirectoryOn(directory_ / "repository", fs_).value());
  }

  TempDir directory_;
  const std::shared_ptr<FaultFileSystem> fs_ = std::make_shared<FaultFileSystem>();
  std::shared_ptr<FaultStorage> storage_ = NewStorage();
  History history_;
};

TEST_F(FailedCheckpointTest, Invariant05TheNextOneHasTheChangesOfAllThatFailed) {
  for (const uint64_t inline_bytes_max : {uint64_t{0}, uint64_t{1} << 20}) {
    for (const StorageOperation step :
         {StorageOperation::kPutFile, StorageOperation::kCreateIfAbsent}) {
      if (inline_bytes_max != 0 && step == StorageOperation::kPutFile) continue;  // puts no file
      StartOver();
      TestStore store = Open(inline_bytes_max);
      ASSERT_EQ(Commit(store, 1).ToString(), "OK");
      storage_->plan().Inject({.sticky = true, .operations = {step}});
      for (const uint64_t round : {2, 3, 4})
        EXPECT_EQ(Commit(store, round).code(), StatusCode::kUnavailable);
      EXPECT_EQ(store.Ids(), (std::vector<uint64_t>{1}));
      storage_->plan().Clear();
      ASSERT_EQ(Commit(store, 5).ToString(), "OK");
      ExpectRetained({1, 5});
      ASSERT_EQ(Commit(store, 6).ToString(), "OK");
      ASSERT_EQ(store.Drain().ToString(), "OK");
      EXPECT_EQ(Difference(history_.After(6, kSmallRounds), store.ReadAll().value()), "");
      ExpectRestores(6);
    }
  }
}

TEST_F(FailedCheckpointTest, IdsOfFailedOnesMayBeUsedAgain) {
  TestStore store = Open(0);
  ASSERT_EQ(Commit(store, 1).ToString(), "OK");
  storage_->plan().Inject({.operations = {StorageOperation::kPutFile}});
  EXPECT_FALSE(Commit(store, 2).ok());
  EXPECT_EQ(store.Checkpoint(2).ToString(), "OK");
  EXPECT_EQ(store.Begin(2).error().name(), "checkpoint-id");
  EXPECT_EQ(store.Begin(1).error().name(), "checkpoint-id");
  ExpectRetained({1, 2});
  ExpectRestores(2);
}

// Those that are under way when one fails are decided one by one; whichever succeeds has all before
// it.
TEST_F(FailedCheckpointTest, Invariant05SeveralUnderWay) {
  TestStore store = Open(0);
  ASSERT_EQ(Commit(store, 1).ToString(), "OK");
  const auto pause = storage_->PauseBefore(StorageOperation::kPutFile, "log/");
  std::vector<TestStore::Ticket> tickets;
  for (const uint64_t round : {2, 3, 4, 5}) {
    ASSERT_EQ(store.Run(ChangesOfRound(1, round, kSmallRounds)).ToString(), "OK");
    tickets.push_back(store.Begin(round).value());
  }
  pause->WaitUntilReached();
  storage_->plan().Inject({.call = 1, .operations = {StorageOperation::kPutFile}});
  pause->Release();
  EXPECT_EQ(TestStore::Wait(tickets[0]).code(), StatusCode::kUnavailable);
  for (size_t i = 1; i < tickets.size(); ++i)
    EXPECT_EQ(TestStore::Wait(tickets[i]).ToString(), "OK");
  ExpectRetained({1, 3, 4, 5});
  ExpectRestores(5);
}

// A segment whose manifest version failed is durable: the next checkpoint names it and does not
// write it again.
TEST_F(FailedCheckpointTest, DurableSegmentIsNamedAndNotWrittenAgain) {
  TestStore store = Open(0);
  ASSERT_EQ(Commit(store, 1).ToString(), "OK");
  storage_->plan().Inject(
      {.contains = "manifest/", .operations = {StorageOperation::kCreateIfAbsent}});
  storage_->plan().Record();
  EXPECT_FALSE(Commit(store, 2).ok());
  ASSERT_EQ(Commit(store, 3).ToString(), "OK");
  size_t segments = 0;
  for (const auto& [operation, name] : storage_->plan().recorded())
    segments += operation == StorageOperation::kPutFile ? 1 : 0;
  EXPECT_EQ(segments, 2U);
  EXPECT_EQ(List().checkpoints.back().segments.size(), 3U);
  ExpectRestores(3);
}

// Wherever the sync of a segment fails, of its content or of its name, that file is never named.
TEST_F(FailedCheckpointTest, Invariant11SegmentWhoseSyncFailedIsNeverNamed) {
  const FileFault faults[] = {
      {.contains = "/tmp/segment-", .operations = {FileOperation::kSync}},
      {.contains = "/log", .operations = {FileOperation::kSyncDirectory}},
  };
  TestStore store = Open(0);
  uint64_t round = 0;
  for (const FileFault& fault : faults) {
    ASSERT_EQ(Commit(store, ++round).ToString(), "OK");
    fs_->plan().Inject(fault);
    fs_->plan().Record();
    EXPECT_EQ(Commit(store, ++round).code(), StatusCode::kUnavailable);
    EXPECT_EQ(fs_->plan().fired(), 1U);
    const std::set<std::string> abandoned = SegmentsWritten();
    ASSERT_EQ(abandoned.size(), 1U);
    ASSERT_EQ(Commit(store, ++round).ToString(), "OK");
    EXPECT_EQ(SegmentsWritten().size(), 3U) << "that one again under another name, and the new one";
    for (const std::string& name : FilesNamed(List()))
      EXPECT_FALSE(abandoned.contains(name.substr(format::kLogPrefix.size()))) << name;
  }
  ExpectRetained({1, 3, 4, 6});
  ExpectRestores(6);
}

// After a failed sync nobody knows whether the version exists. A new attempt goes on from what was
// acknowledged.
TEST_F(FailedCheckpointTest, Invariant11ManifestWhoseSyncFailedIsFollowedByANewAttempt) {
  const FileFault faults[] = {
      {.contains = "/manifest/", .operations = {FileOperation::kSync}},
      {.contains = "/manifest", .operations = {FileOperation::kSyncDirectory}},
  };
  TestStore store = Open(1 << 20);
  uint64_t round = 0;
  std::vector<uint64_t> retained;
  for (const FileFault& fault : faults) {
    ASSERT_EQ(Commit(store, ++round).ToString(), "OK");
    retained.push_back(round);
    const uint64_t attempt = List().attempt;
    fs_->plan().Inject(fault);
    EXPECT_EQ(Commit(store, ++round).code(), StatusCode::kUnavailable);
    EXPECT_EQ(fs_->plan().fired(), 1U);
    EXPECT_EQ(store.Ids(), retained);
    ASSERT_EQ(Commit(store, ++round).ToString(), "OK");
    retained.push_back(round);
    EXPECT_EQ(List().attempt, attempt + 1);
    ExpectRetained(retained);
  }
  ExpectRestores(round);
}

// The medium did what it was asked and its answer was lost: by a client that tries again, or one
// that gives up.
TEST_F(FailedCheckpointTest, LostAnswers) {
  TestStore store = Open(1 << 20);
  ASSERT_EQ(Commit(store, 1).ToString(), "OK");
  storage_->plan().Inject({.contains = "manifest/",
                           .operations = {StorageOperation::kCreateIfAbsent},
                           .repeated = true});
  EXPECT_EQ(Commit(store, 2).ToString(), "OK") << "the bytes under the name are our own";
  storage_->plan().Inject({.contains = "manifest/",
                           .operations = {StorageOperation::kCreateIfAbsent},
                           .answer_lost = true});
  EXPECT_EQ(Commit(store, 3).code(), StatusCode::kUnavailable);
  ASSERT_EQ(Commit(store, 4).ToString(), "OK");
  ExpectRetained({1, 2, 4});
  ExpectRestores(4);
}

// Once: a merged segment whose edit was in doubt was deleted as soon as a checkpoint had been
// published that was older than the edit, though younger than the merge: if the edit had been
// carried out and the process died then, the newest list named a file that was gone.
TEST_F(FailedCheckpointTest, Invariant03AMergeWhoseEditIsInDoubtKeepsItsFile) {
  StoreOptions options = Options(0);
  options.log_merge_segments = 2;
  options.write_back_bytes = 16 << 20;  // none is due so soon that merging were in vain
  TestStore store = TestStore::Open(options, fs_).value();
  // Segments of one size.
  const auto begin = [&](uint64_t round) {
    EXPECT_EQ(store.Put("counts", "key", "value").ToString(), "OK");
    return store.Begin(round).value();
  };
  ASSERT_EQ(TestStore::Wait(begin(1)).ToString(), "OK");
  // The merge of the first two segments has put its file, and its edit waits behind the third
  // one's.
  const auto second = storage_->PauseBefore(StorageOperation::kCreateIfAbsent, "/manifest/");
  const auto ticket_2 = begin(2);
  second->WaitUntilReached();
  const auto merge = storage_->PauseBefore(StorageOperation::kPutFile, "/log/");
  second->Release();
  merge->WaitUntilReached();
  ASSERT_EQ(TestStore::Wait(ticket_2).ToString(), "OK");
  const auto third = storage_->PauseBefore(StorageOperation::kCreateIfAbsent, "/manifest/");
  const auto ticket_3 = begin(3);
  third->WaitUntilReached();
  merge->Release();
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  const uint64_t edit = List().version + 2;
  storage_->plan().Inject({.contains = format::ManifestName(edit),
                           .operations = {StorageOperation::kCreateIfAbsent},
                           .answer_lost = true});
  // And no new attempt comes in between.
  const auto attempt =
      storage_->PauseBefore(StorageOperation::kCreateIfAbsent, format::ManifestName(edit + 1));
  third->Release();
  ASSERT_EQ(TestStore::Wait(ticket_3).ToString(), "OK");
  while (storage_->plan().fired() == 0) std::this_thread::yield();
  // That answer was lost. Whenever the process dies from now on, the newest list must be whole.
  std::string damage;
  for (int i = 0; i < 50 && damage.empty(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    damage = FindDamage(*storage_, List());
  }
  EXPECT_EQ(damage, "");
  EXPECT_EQ(List().version, edit);
  attempt->Release();
  ASSERT_EQ(TestStore::Wait(begin(4)).ToString(), "OK");
  ASSERT_EQ(store.Drain().ToString(), "OK");
  ExpectRetained({1, 2, 3, 4});
  EXPECT_EQ(FilesThere(*storage_), FilesNamed(List()));
}

}  // namespace
}  // namespace tidemark::test
