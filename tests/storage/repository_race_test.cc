// Several writers and readers of one repository at the same time.
#include "tests/storage/repository_fixture.h"
#include "tests/support/environment.h"

#include <atomic>
#include <memory>
#include <random>
#include <thread>

namespace tidemark::test {
namespace {

using storage::Repository;

class RepositoryRaceTest : public RepositoryFixture {
 protected:
  // As another process would see the same directory.
  std::shared_ptr<CheckpointStorage> OtherStorage() {
    return storage::OpenLocalDirectoryOn(directory_ / "repository", fs_).value();
  }
  static TestWriter TakeOver(std::shared_ptr<CheckpointStorage> storage) {
    return TestWriter(Repository::Open({.storage = std::move(storage), .take_over = true}).value());
  }
};

// The writer is stopped in the middle of a publish, say by a long pause of its machine, and wakes
// up long after the versions around its own have been collected.
TEST_F(RepositoryRaceTest, Invariant04AWriterThatWakesUpInsideAPublishIsFenced) {
  TestWriter sleeper = Open();
  ASSERT_TRUE(sleeper.CommitRange(1, 3).ok());
  const auto pause = fault_->PauseBefore(StorageOperation::kCreateIfAbsent, "manifest/");
  Status late;
  std::thread thread([&] { late = sleeper.Commit(4); });
  pause->WaitUntilReached();

  TestWriter writer = TakeOver(OtherStorage());
  for (uint64_t id = 4; id <= 130; ++id) {
    ASSERT_TRUE(writer.Commit(id, {.inlined = false, .keep_last = 2}).ok());
    ASSERT_TRUE(writer.Collect().ok());
  }
  pause->Release();
  thread.join();
  EXPECT_EQ(late.code(), StatusCode::kFenced);
  EXPECT_EQ(sleeper->Prepare().code(), StatusCode::kFenced);
  ASSERT_TRUE(writer.Commit(131, {.keep_last = 2}).ok());
  EXPECT_EQ(ReadIds(), Range(130, 131));
  EXPECT_EQ(Read().value().manifest, writer->manifest());
}

// The publish was carried out, and the client below, not knowing, tries again long after.
TEST_F(RepositoryRaceTest, Invariant04ARequestThatIsRepeatedLateFindsItsNameTaken) {
  TestWriter sleeper = Open();
  ASSERT_TRUE(sleeper.CommitRange(1, 3).ok());
  const auto between = std::make_shared<FaultStorage>(OtherStorage());
  const std::string name = format::SubtaskPrefix(0) + format::ManifestName(sleeper->next_version());
  ASSERT_TRUE(sleeper.Commit(4).ok());
  const std::string bytes = fault_->Read(name, 0, UINT64_MAX).value();

  TestWriter writer = TakeOver(between);
  for (uint64_t id = 5; id <= 80; ++id) {
    ASSERT_TRUE(writer.Commit(id, {.inlined = false, .keep_last = 2, .rebase = true}).ok());
    ASSERT_TRUE(writer.Collect().ok());
  }
  EXPECT_EQ(fault_->CreateIfAbsent(name, bytes).code(), StatusCode::kAlreadyExists);
}

// The opener lists, is stopped, and then creates its version in the place of one that was collected
// meanwhile: nobody is fenced by that, so it must find out and start over.
TEST_F(RepositoryRaceTest, Invariant04AnOpenerThatFillsAHoleStartsOver) {
  TestWriter writer = TakeOver(OtherStorage());
  ASSERT_TRUE(writer.CommitRange(1, 3).ok());
  const auto pause = fault_->PauseBefore(StorageOperation::kPut, "snapshots/");
  std::unique_ptr<Repository> opened;
  std::thread thread([&] { opened = TryOpen(true).value(); });
  pause->WaitUntilReached();

  const uint64_t chosen = writer->next_version();
  for (uint64_t id = 4; id <= 80; ++id) {
    ASSERT_TRUE(writer.Commit(id, {.inlined = false, .keep_last = 2, .rebase = true}).ok());
    ASSERT_TRUE(writer.Collect().ok());
  }
  const auto versions = Versions();
  ASSERT_EQ(std::find(versions.begin(), versions.end(), chosen), versions.end());
  const uint64_t next = writer->next_version();
  pause->Release();
  thread.join();

  TestWriter opener(std::move(opened));
  EXPECT_EQ(opener->next_version(), next + 1);
  EXPECT_EQ(Ids(opener->manifest()), Range(79, 80));
  ASSERT_TRUE(opener.Commit(81, {.keep_last = 3}).ok());
  EXPECT_EQ(writer.Commit(82).code(), StatusCode::kFenced);
  EXPECT_EQ(ReadIds(), Range(79, 81));
  ExpectIntact(Read().value().manifest);
}

// Opens, commits and collects until it is replaced; the handle that it had the round before, which
// may have been fenced since, goes on collecting meanwhile.
class Rival {
 public:
  Rival(std::shared_ptr<CheckpointStorage> storage, uint64_t seed)
      : storage_(std::move(storage)), random_(seed) {}

  void Run() {
    const std::unique_ptr<TestWriter> before = std::move(writer_);
    auto opened = Repository::Open({.storage = storage_, .take_over = true});
    if (opened) {
      writer_ = std::make_unique<TestWriter>(*std::move(opened));
    } else {
      ExpectOkOrFenced(opened.error());
    }
    for (int commits = 0; commits < kCommits; ++commits) {
      if (before) ExpectOkOrFenced(before->Collect());
      if (writer_ && !CommitOne()) return;
      if (writer_) ExpectOkOrFenced(writer_->Collect());
    }
  }
  const std::vector<uint64_t>& acknowledged() const { return acknowledged_; }

  static constexpr uint64_t kKeepLast = 3;

 private:
  static constexpr int kCommits = 6;

  static void ExpectOkOrFenced(const Status& status) {
    EXPECT_TRUE(status.ok() || status.code() == StatusCode::kFenced) << status.ToString();
  }
  bool OneIn(uint64_t n) { return random_() % n == 0; }
  bool CommitOne() {
    const auto list = (*writer_)->manifest();
    const uint64_t id = list.checkpoints.empty() ? 1 : list.checkpoints.back().id + 1;
    const Status status =
        writer_->Commit(id, {.inlined = OneIn(3), .keep_last = kKeepLast, .rebase = OneIn(3)});
    ExpectOkOrFenced(status);
    if (status.ok()) acknowledged_.push_back(id);
    return status.ok();
  }

  const std::shared_ptr<CheckpointStorage> storage_;
  std::mt19937_64 random_;
  std::unique_ptr<TestWriter> writer_;
  std::vector<uint64_t> acknowledged_;
};

// Writers replace each other as fast as they can, and those that were replaced delete what they
// have dropped. What was acknowledged to any of them stays as long as it is to be kept, with all
// its files; what was refused is nowhere.
TEST_F(RepositoryRaceTest, Invariant04OpenersThatRaceLoseNothingThatWasAcknowledged) {
  Open();
  constexpr uint64_t kRivals = 3;
  const uint64_t seed = FromEnvironment("TIDEMARK_SEED", 1);
  std::vector<std::unique_ptr<Rival>> rivals;
  for (uint64_t i = 0; i < kRivals; ++i)
    rivals.push_back(std::make_unique<Rival>(OtherStorage(), seed * kRivals + i));
  for (int round = 0; round < 20 && !HasFailure(); ++round) {
    SCOPED_TRACE("TIDEMARK_SEED=" + std::to_string(seed) + ", round " + std::to_string(round));
    std::vector<std::thread> threads;
    for (const auto& rival : rivals) threads.emplace_back([&] { rival->Run(); });
    for (std::thread& thread : threads) thread.join();
    std::vector<uint64_t> kept;
    for (const auto& rival : rivals)
      kept.insert(kept.end(), rival->acknowledged().begin(), rival->acknowledged().end());
    std::sort(kept.begin(), kept.end());
    EXPECT_GE(kept.size(), Rival::kKeepLast);
    if (kept.size() > Rival::kKeepLast)
      kept.erase(kept.begin(), kept.end() - static_cast<ptrdiff_t>(Rival::kKeepLast));
    EXPECT_EQ(ReadIds(), kept);
    ExpectIntact(Read().value().manifest);
  }
}

TEST_F(RepositoryRaceTest, ReadersFollowAWriterThatCollects) {
  TestWriter writer = Open();
  ASSERT_TRUE(writer.Commit(1).ok());
  const format::WriterId repository_id = writer->repository_id();
  constexpr uint64_t kLast = TIDEMARK_SANITIZED ? 150 : 400;
  std::atomic<uint64_t> acknowledged{1};
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&] {
      const auto storage = OtherStorage();
      for (uint64_t newest = 0; newest < kLast;) {
        const uint64_t least = acknowledged.load();
        const auto reading = storage::ReadManifest(*storage, repository_id, 0);
        ASSERT_TRUE(reading.has_value()) << reading.error().ToString();
        EXPECT_TRUE(reading->damaged.empty()) << reading->damaged[0].ToString();
        const std::vector<uint64_t> ids = Ids(reading->manifest);
        EXPECT_EQ(ids, Range(ids.front(), ids.back()));
        EXPECT_GE(ids.back(), std::max(least, newest));
        newest = ids.back();
      }
    });
  }
  for (uint64_t id = 2; id <= kLast; ++id) {
    EXPECT_TRUE(writer.Commit(id, {.inlined = id % 2 == 0, .keep_last = 3, .rebase = true}).ok());
    acknowledged.store(id);
    EXPECT_TRUE(writer.Collect().ok());
  }
  for (std::thread& reader : readers) reader.join();
}

// The two lanes of a store.
TEST_F(RepositoryRaceTest, CommitsAndMaintenanceGoOnTogether) {
  TestWriter writer = Open();
  std::atomic<bool> done{false};
  std::thread maintenance([&] {
    while (!done.load()) {
      // A commit in doubt, or failing just now, makes deletions wait.
      static_cast<void>(writer.Collect());
      static_cast<void>(writer->DeleteLeftovers());
    }
  });
  std::vector<uint64_t> acknowledged;
  constexpr uint64_t kLast = TIDEMARK_SANITIZED ? 150 : 300;
  for (uint64_t id = 1; id <= kLast; ++id) {
    if (id % 20 == 0)
      fault_->plan().Inject({.call = 1,
                             .contains = "manifest/",
                             .operations = {StorageOperation::kCreateIfAbsent},
                             .answer_lost = id % 40 == 0});
    const Status status =
        writer.Commit(id, {.inlined = id % 3 == 0, .keep_last = 4, .rebase = id % 7 == 0});
    if (status.ok()) acknowledged.push_back(id);
    if (id % 10 == 0) ExpectIntact(writer->manifest());
  }
  done.store(true);
  maintenance.join();
  acknowledged.erase(acknowledged.begin(), acknowledged.end() - 4);
  EXPECT_EQ(ReadIds(), acknowledged);
  EXPECT_EQ(Read().value().manifest, writer->manifest());
  ASSERT_TRUE(writer.Collect().ok());
  ExpectIntact(writer->manifest());
}

}  // namespace
}  // namespace tidemark::test
