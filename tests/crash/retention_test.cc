// What stays in the repository and what goes: branches, keep_last, leftovers, and files that are
// shared by link.
#include "format/names.h"
#include "tests/crash/lives_fixture.h"

namespace tidemark::test {
namespace {

namespace fs = std::filesystem;

using RetentionTest = LivesFixture;
INSTANTIATE_TEST_SUITE_P(By, RetentionTest, ::testing::Values(Transfer::kLink, Transfer::kCopy),
                         [](const auto& how) { return ::testing::PrintToString(how.param); });

TEST_P(RetentionTest, FirstCommitOfABranchDropsWhatItAbandons) {
  Live(Options(), [&](TestStore& store) {
    Commit(store, 1, 1, 6);
    Drain(store);
    Commit(store, 1, 7, 10);
  });
  Live(Options(8), [&](TestStore& store) {
    ExpectRestored(store, 8, Of({{1, 1}}));
    EXPECT_EQ(store.Ids(), (std::vector<uint64_t>{6, 7, 8, 9, 10}));
    Commit(store, 2, 9, 9);
    EXPECT_EQ(store.Ids(), (std::vector<uint64_t>{6, 7, 8, 9}));
    Drain(store);
  });
  ExpectTidy();
  Live(Options(), [&](TestStore& store) { ExpectRestored(store, 9, Of({{1, 1}, {9, 2}})); });
  Live(Options(7, "live-2"), [&](TestStore& store) { ExpectRestored(store, 7, Of({{1, 1}})); });
}

// The abandoned checkpoints stand on a base newer than the one that a write-back before the
// branch's first commit would publish. The edit that tried to move them there was refused, and the
// store failed with Corruption.
TEST_P(RetentionTest, Invariant02WriteBackBeforeTheFirstCommitOfABranch) {
  Live(Options(), [&](TestStore& store) {
    for (uint64_t round = 1; round <= 10; ++round) {
      Commit(store, 1, round, round);
      if (round % 3 == 0) Drain(store);
    }
    Drain(store);
  });
  for (const uint64_t id : {8, 7, 6}) {
    const std::string live = "live-" + std::to_string(id);
    Live(Options(id, live), [&](TestStore& store) {
      ExpectRestored(store, id, Of({{1, 1}}));
      Drain(store);
      EXPECT_EQ(store.Ids(), (std::vector<uint64_t>{6, 7, 8, 9, 10}));
    });
  }
  Live(Options(7, "live-2"), [&](TestStore& store) {
    Drain(store);
    Commit(store, 2, 8, 12);
    Drain(store);
  });
  ExpectTidy();
  Live(Options(), [&](TestStore& store) { ExpectRestored(store, 12, Of({{1, 1}, {8, 2}})); });
}

TEST_P(RetentionTest, KeepsTheNewest) {
  for (const uint32_t keep : {3U, 1U, 5U}) {
    uint64_t last = 0;
    StoreOptions options = Options();
    options.keep_last = keep;
    Live(options, [&](TestStore& store) {
      const uint64_t first = store.restored_id() + 1;
      for (uint64_t round = first; round < first + 12; ++round) {
        Commit(store, 1, round, round);
        if (round % 4 == 0) Drain(store);
      }
      Drain(store);
    });
    const std::vector<uint64_t> ids = Retained();
    last = ids.back();
    EXPECT_EQ(ids.size(), keep);
    EXPECT_EQ(ids.front(), last - keep + 1);
    ExpectTidy();
    for (const uint64_t id : ids)
      Live(Options(id, "live-2"), [&](TestStore& store) {
        ExpectRestored(store, id, Of({{1, 1}}));
      });
  }
}

// Killed between the upload of a segment and the manifest version that would have named it; and
// what a crash leaves of an object that was never finished.
TEST_P(RetentionTest, LeftoversOfACrashAreRemoved) {
  const std::string subtask = directory_ / ("repository/" + format::SubtaskPrefix(0));
  Live(Options(), [&](TestStore& store) { Commit(store, 1, 1, 5); });
  StoreOptions options = Options();
  auto storage = std::make_shared<FaultStorage>(StorageAt(directory_.path(), DiskWithoutSyncs()));
  storage->DenyLinks(GetParam() == Transfer::kCopy);
  options.repository.clear();
  options.storage = storage;
  options.inline_segment_bytes_max = 0;
  Live(options, [&](TestStore& store) {
    const auto pause = storage->PauseBefore(StorageOperation::kCreateIfAbsent, "manifest/");
    EXPECT_EQ(store.Put("counts", "key", "lost").ToString(), "OK");
    (void)store.Begin(6);
    pause->WaitUntilReached();
    Die();
  });
  ASSERT_FALSE(FilesThere(*StorageAt(directory_.path())).empty());
  const std::string unfinished = subtask + "log/1-1-1-0123456789abcdef.sst.tmp-1-1";
  std::ofstream(unfinished) << "half of it";
  std::ofstream(subtask + "base/1-0123456789abcdef.sst") << "put, and never named";

  Live(Options(), [&](TestStore& store) {
    ExpectRestored(store, 5, Of({{1, 1}}));
    Drain(store);
  });
  EXPECT_FALSE(fs::exists(unfinished));
  ExpectTidy();
}

// RocksDB works on links to the repository's files: compacts, deletes, writes a MANIFEST. None of
// it may reach them.
TEST_P(RetentionTest, Invariant03WorkOnARestoredStoreChangesNoFileOfTheRepository) {
  Live(Options(), [&](TestStore& store) {
    for (uint64_t round = 1; round <= 12; ++round) {
      Commit(store, 1, round, round);
      if (round % 2 == 0) Drain(store);
    }
  });
  fs::remove_all(directory_ / "live");
  const Files before = ReadTree(directory_ / "repository");
  StoreOptions options = Options();
  options.keep_last = 1000;
  options.log_merge_segments = 64;  // the files stay
  Live(options, [&](TestStore& store) {
    const RestoreReport& report = store.restored();
    EXPECT_EQ(report.linked_bytes > 0, GetParam() == Transfer::kLink);
    EXPECT_GT(report.linked_bytes + report.copied_bytes, 0U);
    ExpectRestored(store, 12, Of({{1, 1}}));
    for (uint64_t round = 13; round <= 30; ++round) {
      Commit(store, 2, round, round);
      if (round % 2 == 0) Drain(store);
    }
    Die();
  });
  Files after = ReadTree(directory_ / "repository");
  std::erase_if(after, [&](const auto& file) { return !before.contains(file.first); });
  for (const auto& [path, checksum] : after) EXPECT_EQ(checksum, before.at(path)) << path;
  EXPECT_GT(after.size(), before.size() / 2);
  Live(Options(), [&](TestStore& store) { ExpectRestored(store, 30, Of({{1, 1}, {13, 2}})); });
}

}  // namespace
}  // namespace tidemark::test
