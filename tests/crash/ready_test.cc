// A live directory that restore has made, from then until it is READY.
//
// A restore used to sync all of it, and everything above it several times: 78 syncs, most of what
// it took. Now it syncs nothing there, and maintenance does, before anything else.
#include "tests/crash/lives_fixture.h"
#include "tests/support/sync_log.h"

namespace tidemark::test {
namespace {

namespace fs = std::filesystem;

class ReadyTest : public LivesFixture {
 protected:
  // Maintenance runs when a test says so.
  StoreOptions OptionsOn(const std::shared_ptr<FaultFileSystem>& disk) const {
    StoreOptions options = Options();
    auto storage = std::make_shared<FaultStorage>(StorageAt(directory_.path(), disk));
    storage->DenyLinks(GetParam() == Transfer::kCopy);
    options.repository.clear();
    options.storage = storage;
    options.runtime =
        Runtime::Create({.memory_budget_bytes = 16 << 20, .background_threads = 0}).value();
    return options;
  }
  // Base and segments behind it, and no local directory.
  void Prepare() {
    Live(Options(), [&](TestStore& store) {
      Commit(store, 1, 1, 8);
      ASSERT_EQ(store.core().PublishBase().ToString(), "OK");
      Commit(store, 1, 9, 12);
    });
    fs::remove_all(directory_ / "live");
  }
  bool IsReady() const {
    for (const auto& entry : fs::recursive_directory_iterator(directory_ / "live"))
      if (entry.path().filename() == "READY") return true;
    return false;
  }
  static std::shared_ptr<FaultFileSystem> Disk() {
    auto disk = std::make_shared<FaultFileSystem>();
    disk->SkipSyncs(true);
    return disk;
  }
};
INSTANTIATE_TEST_SUITE_P(By, ReadyTest, ::testing::Values(Transfer::kLink, Transfer::kCopy),
                         [](const auto& how) { return ::testing::PrintToString(how.param); });

TEST_P(ReadyTest, RestoreSyncsNothingOfTheLiveDirectoryAndMaintenanceAllOfIt) {
  Prepare();
  const std::string live = directory_ / "live";
  EXPECT_EQ(InChild([&] {
              const auto disk = Disk();
              disk->plan().Record();
              auto store = TestStore::Open(OptionsOn(disk), disk).value();
              for (const auto& [operation, path] : disk->plan().recorded()) {
                const bool syncs =
                    operation == FileOperation::kSync || operation == FileOperation::kSyncDirectory;
                EXPECT_FALSE(syncs && path.starts_with(live)) << path;
              }
              EXPECT_FALSE(IsReady());
              ExpectRestored(store, 12, Of({{1, 1}}));
              Drain(store);
              EXPECT_TRUE(IsReady());

              const RecordedCalls calls = disk->plan().recorded();
              const auto ready = std::find_if(calls.begin(), calls.end(), [](const auto& call) {
                return call.first == FileOperation::kCreate && call.second.ends_with("/READY");
              });
              ASSERT_NE(ready, calls.end());
              const SyncLog before(calls, static_cast<size_t>(ready - calls.begin()));
              for (const char* const folder : {"/state", "/side"}) {
                for (const std::string& path : before.Unsynced(live + "/live."))
                  EXPECT_TRUE(path.find(folder) == std::string::npos || path.ends_with("/LOG"))
                      << path;
              }
            }),
            "");
}

TEST_P(ReadyTest, ProcessThatDiesBeforeItIsReadyRestoresAgain) {
  Prepare();
  EXPECT_EQ(InChild([&] {
              const auto disk = Disk();
              auto store = TestStore::Open(OptionsOn(disk), disk).value();
              Commit(store, 2, 13, 14);
              Die();
            }),
            kDied);
  EXPECT_FALSE(IsReady());
  Live(Options(), [&](TestStore& store) {
    EXPECT_FALSE(store.restored().reused_live_database);
    ExpectRestored(store, 14, Of({{1, 1}, {13, 2}}));
  });
}

TEST_P(ReadyTest, CloseMakesItReady) {
  Prepare();
  EXPECT_EQ(InChild([&] {
              const auto disk = Disk();
              auto store = TestStore::Open(OptionsOn(disk), disk).value();
              EXPECT_EQ(store.Close().ToString(), "OK");
              EXPECT_TRUE(IsReady());
            }),
            "");
  Live(Options(), [&](TestStore& store) { EXPECT_TRUE(store.restored().reused_live_database); });
}

// The process goes on, and so do its checkpoints and bases; only the next one restores again.
TEST_P(ReadyTest, Invariant11SyncThatFailsCostsTheNextStartItsLiveDirectory) {
  for (const char* const lost :
       {"/state/MANIFEST", "/state/CURRENT", "/side/MANIFEST", ".sst", "/state"}) {
    SCOPED_TRACE(lost);
    fs::remove_all(directory_ / "live");
    fs::remove_all(directory_ / "repository");
    Prepare();
    EXPECT_EQ(InChild([&] {
                const auto disk = Disk();
                auto store = TestStore::Open(OptionsOn(disk), disk).value();
                disk->plan().Inject(
                    {.contains = lost,
                     .operations = {FileOperation::kSync, FileOperation::kSyncDirectory}});
                (void)store.Drain();
                EXPECT_LE(disk->plan().fired(), 1U);
                const bool struck = disk->plan().fired() == 1;
                disk->plan().Clear();
                Commit(store, 2, 13, 16);
                Drain(store);
                EXPECT_EQ(IsReady(), !struck);
                const Content content = store.ReadAll().value();
                EXPECT_EQ(Difference(Of({{1, 1}, {13, 2}}).After(16, kShape), content), "");
              }),
              "");
    ExpectTidy();
    Live(Options(), [&](TestStore& store) { ExpectRestored(store, 16, Of({{1, 1}, {13, 2}})); });
  }
}

}  // namespace
}  // namespace tidemark::test
