// What restore takes for proof that a checkpoint is damaged, and what for proof that it is not: the
// first commit on an older checkpoint drops the newer ones with their files.
#include "tests/crash/lives_fixture.h"

namespace tidemark::test {
namespace {

namespace fs = std::filesystem;

class RestoreProofTest : public LivesFixture {
 protected:
  static StoreOptions On(StoreOptions options, std::shared_ptr<FaultStorage> storage) {
    options.repository.clear();
    options.storage = std::move(storage);
    return options;
  }
  std::shared_ptr<FaultStorage> Storage() const {
    auto storage = std::make_shared<FaultStorage>(StorageAt(directory_.path(), DiskWithoutSyncs()));
    storage->DenyLinks(GetParam() == Transfer::kCopy);
    return storage;
  }
  StoreOptions Unmaintained() const {
    StoreOptions options = Options();
    options.runtime =
        Runtime::Create({.memory_budget_bytes = 16 << 20, .background_threads = 0}).value();
    return options;
  }
  StoreOptions FastOptions() const {
    StoreOptions options = Unmaintained();
    options.verification = Verification::kFast;
    return options;
  }
  // A base at 8, and segments up to 12: nothing is maintained but when it is asked for.
  void Prepare() {
    Live(Unmaintained(), [&](TestStore& store) {
      Commit(store, 1, 1, 8);
      Drain(store);
      ASSERT_EQ(store.core().PublishBase().ToString(), "OK");
      Commit(store, 1, 9, 12);
      Die();
    });
  }
  std::vector<std::string> BaseFiles() const {
    std::vector<std::string> paths;
    for (const auto& entry : fs::directory_iterator(directory_ / "repository/subtasks/00000/base"))
      if (entry.path().extension() == ".sst") paths.push_back(entry.path());
    EXPECT_FALSE(paths.empty());
    return paths;
  }
  bool IsReady(const std::string& live) const {
    for (const auto& entry : fs::recursive_directory_iterator(directory_ / live))
      if (entry.path().filename() == "READY") return true;
    return false;
  }
};
INSTANTIATE_TEST_SUITE_P(By, RestoreProofTest, ::testing::Values(Transfer::kLink, Transfer::kCopy),
                         [](const auto& how) { return ::testing::PrintToString(how.param); });

// Once: on a live directory that was used again an older checkpoint was believed unseen. Its first
// commit dropped the intact newer ones, and with the live directory all was lost.
TEST_P(RestoreProofTest, Invariant09AnOlderCheckpointOnAReusedDirectoryIsHashed) {
  Prepare();
  Live(Options(10), [&](TestStore& store) {
    EXPECT_TRUE(store.restored().reused_live_database);
    ExpectRestored(store, 10, Of({{1, 1}}));
  });
  const std::string damaged = BaseFiles()[0];
  FlipABit({damaged}, 100);
  EXPECT_EQ(InChild([&] {
              const auto refused = Open(Options(10));
              EXPECT_EQ(refused.error().code(), StatusCode::kCorruption);
              EXPECT_NE(refused.error().message().find(fs::path(damaged).filename().string()),
                        std::string_view::npos)
                  << refused.error().ToString();
            }),
            "");
  EXPECT_EQ(Retained().back(), 12U);
}

// Once: a byte that went wrong on its way to the local disk counted as damage of the checkpoint,
// which was passed over, and dropped by the next commit.
TEST_P(RestoreProofTest, Invariant09AWrongCopyIsNoDamageOfTheCheckpoint) {
  if (GetParam() == Transfer::kLink) return;
  Prepare();
  fs::remove_all(directory_ / "live");
  for (const char* const part : {"/base/", "/log/"}) {
    EXPECT_EQ(InChild([&] {
                const auto storage = Storage();
                storage->GarbleNextCopy(part);
                const auto refused = Open(On(Options(), storage));
                EXPECT_EQ(refused.error().code(), StatusCode::kUnavailable) << part;
                EXPECT_EQ(refused.error().name(), "local-copy") << refused.error().ToString();
              }),
              "");
    Live(Options(), [&](TestStore& store) { ExpectRestored(store, 12, Of({{1, 1}})); });
    fs::remove_all(directory_ / "live");
  }
}

// The byte is in a block that RocksDB reads later, if ever. Once: kFast hashed the repository's
// file, and called the copy READY that nobody had looked at.
TEST_P(RestoreProofTest, FastHashesTheCopyBeforeItIsReady) {
  if (GetParam() == Transfer::kLink) return;
  Prepare();
  fs::remove_all(directory_ / "live");
  const StoreOptions options = FastOptions();
  EXPECT_EQ(InChild([&] {
              const auto storage = Storage();
              storage->GarbleNextCopy(".sst", 5'000);
              auto store = Open(On(options, storage)).value();
              const Status failed = store.Drain();
              EXPECT_EQ(failed.code(), StatusCode::kCorruption);
              EXPECT_EQ(failed.name(), "local-copy") << failed.ToString();
              (void)store.Close();
            }),
            "");
  EXPECT_FALSE(IsReady("live"));
  Live(Options(), [&](TestStore& store) {
    EXPECT_FALSE(store.restored().reused_live_database);
    ExpectRestored(store, 12, Of({{1, 1}}));
  });
}

// Once: a base file that had gone by the time that kFast looked at it failed nothing, and commits
// went on upon a base that nobody can restore.
TEST_P(RestoreProofTest, FastFailsTheStoreIfABaseFileIsMissing) {
  Prepare();
  fs::remove_all(directory_ / "live");
  const StoreOptions options = FastOptions();
  EXPECT_EQ(InChild([&] {
              auto store = Open(options).value();
              fs::remove(BaseFiles()[0]);
              const Status failed = store.Drain();
              EXPECT_EQ(failed.code(), StatusCode::kCorruption);
              EXPECT_EQ(failed.name(), "file-missing") << failed.ToString();
              EXPECT_EQ(store.Begin(13).error().code(), StatusCode::kCorruption);
            }),
            "");
}

// Once: to a writer that was paused while it restored, and was taken over from meanwhile, the files
// that had been dropped looked like damage of all checkpoints.
TEST_P(RestoreProofTest, Invariant04WhoIsFencedWhileItRestoresFindsNoDamage) {
  Prepare();
  fs::remove_all(directory_ / "live");
  EXPECT_EQ(InChild([&] {
              const auto storage = Storage();
              storage->HideLocks(true);
              const auto pause = storage->PauseBefore(StorageOperation::kFetch, "/base/");
              Status refused;
              StoreOptions first = On(Options(), storage);
              first.take_over = true;  // nobody knows whether the one before lives
              std::thread paused([&] { refused = Open(first).error(); });
              pause->WaitUntilReached();
              StoreOptions options = On(Options("other"), Storage());
              options.keep_last = 1;
              options.take_over = true;
              {
                auto other = Open(options).value();
                Commit(other, 1, 13, 14);
                Drain(other);
                ASSERT_EQ(other.core().PublishBase().ToString(), "OK");
                Commit(other, 1, 15, 16);
                Drain(other);
                EXPECT_EQ(other.Close().ToString(), "OK");
              }
              pause->Release();
              paused.join();
              EXPECT_EQ(refused.code(), StatusCode::kFenced) << refused.ToString();
            }),
            "");
  Live(Options(), [&](TestStore& store) { ExpectRestored(store, 16, Of({{1, 1}})); });
}

}  // namespace
}  // namespace tidemark::test
