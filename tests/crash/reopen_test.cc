// Opening again: which local directories are used, which are not, and what becomes of damaged ones.
#include "tests/crash/lives_fixture.h"

#include <future>

namespace tidemark::test {
namespace {

namespace fs = std::filesystem;

using ReopenTest = LivesFixture;
INSTANTIATE_TEST_SUITE_P(By, ReopenTest, ::testing::Values(Transfer::kLink, Transfer::kCopy),
                         [](const auto& how) { return ::testing::PrintToString(how.param); });

TEST_P(ReopenTest, Invariant06LiveDatabaseIsReusedAfterClose) {
  Live(Options(), [&](TestStore& store) {
    Commit(store, 1, 1, 12);
    Drain(store);
    Commit(store, 1, 13, 15);
  });
  Live(Options(), [&](TestStore& store) {
    EXPECT_TRUE(store.restored().reused_live_database);
    EXPECT_GT(store.restored().replayed_records, 0U);
    ExpectRestored(store, 15, Of({{1, 1}}));
    Commit(store, 2, 16, 18);
  });
  Live(Options(), [&](TestStore& store) {
    EXPECT_TRUE(store.restored().reused_live_database);
    ExpectRestored(store, 18, Of({{1, 1}, {16, 2}}));
  });
}

TEST_P(ReopenTest, Invariant06LiveDatabaseIsReusedAfterACrash) {
  Live(Options(), [&](TestStore& store) {
    Commit(store, 1, 1, 12);
    Drain(store);
    Commit(store, 1, 13, 15);
    EXPECT_EQ(store.Put("counts", "after the barrier", "is lost").ToString(), "OK");
    Die();
  });
  Live(Options(), [&](TestStore& store) {
    EXPECT_TRUE(store.restored().reused_live_database);
    ExpectRestored(store, 15, Of({{1, 1}}));
  });
}

TEST_P(ReopenTest, LiveDatabaseOfAnotherBranchIsNotReused) {
  Live(Options(), [&](TestStore& store) {
    Commit(store, 1, 1, 10);
    Drain(store);
  });
  Live(Options(8, "live-2"), [&](TestStore& store) {
    ExpectRestored(store, 8, Of({{1, 1}}));
    Commit(store, 2, 9, 12);
    Drain(store);
  });
  Live(Options(), [&](TestStore& store) {
    EXPECT_FALSE(store.restored().reused_live_database);
    ExpectRestored(store, 12, Of({{1, 1}, {9, 2}}));
  });
}

TEST_P(ReopenTest, Invariant02LiveDatabaseAheadOfTheTargetIsNotReused) {
  Live(Options(), [&](TestStore& store) {
    Commit(store, 1, 1, 10);
    Drain(store);
  });
  Live(Options(8), [&](TestStore& store) {
    EXPECT_FALSE(store.restored().reused_live_database);
    ExpectRestored(store, 8, Of({{1, 1}}));
  });
  EXPECT_EQ(Retained().back(), 10U) << "nothing was committed, so nothing was abandoned";
}

// Once: whatever an opening failed with, the live directory that it had begun to use went, so a
// storage that did not answer for a moment cost all that had to be copied again.
TEST_P(ReopenTest, LiveDatabaseOutlivesAnOpeningThatFails) {
  Live(Options(), [&](TestStore& store) {
    Commit(store, 1, 1, 12);
    Drain(store);
    Commit(store, 1, 13, 15);
    Die();
  });
  const bool links = GetParam() == Transfer::kLink;
  EXPECT_EQ(
      InChild([&] {
        StoreOptions options = Options();
        const auto storage =
            std::make_shared<FaultStorage>(StorageAt(directory_.path(), DiskWithoutSyncs()));
        storage->DenyLinks(!links);
        options.repository.clear();
        options.storage = storage;
        storage->plan().Inject({.contains = "/log/", .operations = {StorageOperation::kFetch}});
        const auto opened = Open(options);
        EXPECT_EQ(opened.has_value(), storage->plan().fired() == 0);
        // Where links are not free the change log may be there already.
        EXPECT_TRUE(!opened.has_value() || !links);
        if (!opened) {
          EXPECT_EQ(opened.error().code(), StatusCode::kUnavailable);
        }
      }),
      "");
  Live(Options(), [&](TestStore& store) {
    EXPECT_TRUE(store.restored().reused_live_database);
    ExpectRestored(store, 15, Of({{1, 1}}));
  });
}

// Attempts count from 1 in each repository, and a local directory is named after the attempt that
// made it. One that was left from another repository used to be opened as if this one had made it,
// and showed its rows.
TEST_P(ReopenTest, LocalDirectoryLeftFromAnotherRepositoryIsNotUsed) {
  Live(Options(), [&](TestStore& store) {
    Commit(store, 1, 1, 10);
    Drain(store);
  });
  fs::remove_all(directory_ / "repository");
  Live(Options(), [&](TestStore& store) {
    EXPECT_FALSE(store.restored().reused_live_database);
    ExpectRestored(store, 0, {});
    Commit(store, 2, 1, 4);
    Drain(store);
    Commit(store, 2, 5, 6);
  });
  ExpectTidy();

  // The same with a base in the repository, and attempts that have got as far.
  fs::remove_all(directory_ / "live");
  fs::rename(directory_ / "repository", directory_ / "repository-2");
  for (int i = 0; i < 3; ++i)
    Live(Options(), [&](TestStore& store) {
      Commit(store, 3, 1 + store.restored_id(), 4 + store.restored_id());
      Drain(store);
    });
  fs::remove_all(directory_ / "repository");
  fs::rename(directory_ / "repository-2", directory_ / "repository");
  Live(Options(), [&](TestStore& store) { ExpectRestored(store, 6, Of({{1, 2}})); });
}

// A writer that was started 65 times used to record one ancestor too many in its first manifest
// version, which no reader accepts: all that it committed was gone at the next start.
TEST_P(ReopenTest, Invariant01CheckpointsSurviveSeventyStarts) {
  History history;
  for (uint64_t start = 1; start <= 70; ++start) {
    history.Continue(start, start);
    Live(Options(), [&](TestStore& store) {
      ASSERT_EQ(store.restored_id(), start - 1);
      Commit(store, start, start, start);
      if (start % 10 == 0) Drain(store);
      if (start % 3 == 0) Die();
    });
    ASSERT_EQ(Retained().back(), start);
  }
  Live(Options(), [&](TestStore& store) { ExpectRestored(store, 70, history); });
}

TEST_P(ReopenTest, OtherLiveDirectoriesAreRemoved) {
  Live(Options(), [&](TestStore& store) { Commit(store, 1, 1, 3); });
  fs::create_directories(directory_ /
                         "live/live.7/state");  // no READY: somebody died while making it
  Live(Options(), [&](TestStore& store) { Commit(store, 1, 4, 6); });
  size_t directories = 0;
  for (const auto& entry : fs::directory_iterator(directory_ / "live"))
    directories += entry.is_directory() ? 1 : 0;
  EXPECT_EQ(directories, 1U);
}

// ---- Damage of what is local. The repository has everything, so nothing is lost. ----

class LocalDamageTest : public LivesFixture {
 protected:
  // Ten checkpoints in `state`, five more in the change log only; then one bit of each file of at
  // least `bytes_min` in `folder` flips.
  void Damage(const std::string& folder, uint64_t offset, uint64_t bytes_min = 0) {
    Live(Options(), [&](TestStore& store) {
      Commit(store, 1, 1, 10);
      Drain(store);
      Commit(store, 1, 11, 15);
      WaitUntilChangeLogHas(5);
    });
    auto files = LiveFiles(folder);
    std::erase_if(files, [&](const std::string& path) { return fs::file_size(path) < bytes_min; });
    ASSERT_FALSE(files.empty());
    FlipABit(files, offset);
  }
  void WaitUntilChangeLogHas(size_t segments) {
    for (int i = 0; i < 2000 && LiveFiles("side").size() < segments; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  // Rows of `counts` and `profiles`; not the file of the applied mark, without which a database is
  // not even opened.
  void DamageRows() { Damage("state", 60, 5000); }
  void ExpectRestoredFromRepository() {
    Live(Options(), [&](TestStore& store) {
      EXPECT_FALSE(store.restored().reused_live_database);
      ExpectRestored(store, 15, Of({{1, 1}}));
      Commit(store, 2, 16, 18);
    });
    Live(Options(), [&](TestStore& store) { ExpectRestored(store, 18, Of({{1, 1}, {16, 2}})); });
  }
};
INSTANTIATE_TEST_SUITE_P(By, LocalDamageTest, ::testing::Values(Transfer::kCopy),
                         [](const auto& how) { return ::testing::PrintToString(how.param); });

// What a get or a scan of the damaged table does to the store.
void ExpectStoreFails(TestStore& store, const Status& read) {
  EXPECT_EQ(read.code(), StatusCode::kCorruption) << read.ToString();
  EXPECT_EQ(store.Put("counts", "key", "value").code(), StatusCode::kCorruption);
  EXPECT_EQ(store.Begin(1000).error().code(), StatusCode::kCorruption);
  EXPECT_EQ(store.Close().code(), StatusCode::kCorruption);
}

TEST_P(LocalDamageTest, Invariant09CorruptionFoundByAGetQuarantinesTheLiveDatabase) {
  DamageRows();
  const std::string end = InChild([&] {
    auto store = Open(Options()).value();
    EXPECT_TRUE(store.restored().reused_live_database);
    Status read;
    for (int key = 0; key < 150 && read.ok(); ++key)
      read = store.Get("counts", "key-" + std::to_string(key)).error();
    ExpectStoreFails(store, read);
  });
  EXPECT_EQ(end, "");
  ExpectRestoredFromRepository();
}

// A scan used to report the damage and leave the store as if nothing had happened.
TEST_P(LocalDamageTest, Invariant09CorruptionFoundByAScanQuarantinesTheLiveDatabase) {
  DamageRows();
  const std::string end = InChild([&] {
    auto store = Open(Options()).value();
    EXPECT_TRUE(store.restored().reused_live_database);
    ExpectStoreFails(store, store.ReadAll().error());
  });
  EXPECT_EQ(end, "");
  ExpectRestoredFromRepository();
}

// Damage of the local change log used to pass for damage of the checkpoint: the next older one was
// restored.
TEST_P(LocalDamageTest, DamagedHeaderInTheChangeLogCostsNoCheckpoint) {
  Damage("side", 20);
  ExpectRestoredFromRepository();
}

// ... and where it was found only while the records were loaded, no start succeeded any more.
TEST_P(LocalDamageTest, DamagedRecordsInTheChangeLogCostNoCheckpoint) {
  Damage("side", 400);
  ExpectRestoredFromRepository();
}

// ---- The tests themselves ----

// A fork after a runtime had been made left the child without the threads that its store waited
// for: each such test hung until its alarm.
TEST(InChildTest, RefusesToForkWhereThreadsRun) {
  EXPECT_EQ(InChild([] {
              std::promise<void> over;
              std::thread thread([&] { over.get_future().wait(); });
              EXPECT_TRUE(InChild([] {}).starts_with("not run"));
              over.set_value();
              thread.join();
            }),
            "");
}

}  // namespace
}  // namespace tidemark::test
