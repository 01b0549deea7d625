// The disk is full, place by place: for segments, manifest versions, write-backs, new bases. What
// does not fit fails with a clear Status and is not lost; the store goes on; once there is room
// again the next checkpoint has everything, and nothing is left of the tries that failed.
#include "tests/crash/crash_store.h"
#include "tests/crash/fault_modes.h"
#include "tests/support/fault_file_system.h"
#include "tests/support/temp_dir.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace tidemark::test {
namespace {

namespace fs = std::filesystem;

// Where there is no room, and whose business that is.
struct Place {
  const char* name;
  const char* path;  // all that is created or written there fails
  bool fails_checkpoints;
};
const Place kPlaces[] = {
    {"SegmentIsWritten", "/tmp/segment-", true},
    {"SegmentGetsItsName", "/log/", true},
    {"ManifestVersion", "/manifest/", true},
    {"WriteBack", "/live.1/tmp/0", false},
    {"WriteBackIsIngested", "/live.1/state/", false},
    {"BaseIsCollected", ".base/", false},
    {"BaseIsPut", "/base/", false},
};
const std::set<FileOperation> kNeedRoom = {
    FileOperation::kCreate, FileOperation::kAppend,          FileOperation::kSync,
    FileOperation::kLink,   FileOperation::kCreateDirectory,
};

class DiskFullTest : public ::testing::Test {
 protected:
  DiskFullTest() {
    alarm(kHangSeconds);
    fs_->SkipSyncs(true);  // nothing here pulls the plug
    elsewhere_->SkipSyncs(true);
    history_.Continue(1, 1);
  }
  ~DiskFullTest() override { alarm(0); }

  StoreOptions Options(uint64_t inline_bytes_max = 0) const {
    StoreOptions options = SmallStore(directory_.path());
    options.inline_segment_bytes_max = inline_bytes_max;
    options.write_back_segments = 1;
    return options;
  }
  void FillUp(const std::string& path) {
    fs_->plan().Inject(
        {.sticky = true, .error = FaultError::kFull, .contains = path, .operations = kNeedRoom});
  }

  Status Commit(TestStore& store, uint64_t round) {
    EXPECT_EQ(store.Run(ChangesOfRound(1, round, kSmallRounds)).ToString(), "OK");
    return store.Checkpoint(round);
  }

  // The reaction, the stable name, where it happened, and what to do.
  static void ExpectSaysDiskFull(const Status& status, const std::string& path) {
    EXPECT_EQ(status.code(), StatusCode::kResourceExhausted) << status.ToString();
    EXPECT_EQ(status.name(), "disk-full") << status.ToString();
    EXPECT_NE(status.message().find(path), std::string_view::npos) << status.ToString();
    EXPECT_NE(status.message().find("free space"), std::string_view::npos) << status.ToString();
  }

  void ExpectContent(TestStore& store, uint64_t round) {
    const auto content = store.ReadAll();
    ASSERT_TRUE(content.has_value()) << content.error().ToString();
    EXPECT_EQ(Difference(history_.After(round, kSmallRounds), *content), "");
  }

  // What another machine restores from a copy of the repository, now.
  void ExpectRestores(uint64_t round) {
    const std::string copy = directory_ / "copy";
    fs::remove_all(copy);
    CopyRepository(directory_.path(), copy);
    const auto storage = StorageAt(copy);
    EXPECT_EQ(FindDamage(*storage, ReadNewest(*storage).value()), "");
    auto store = TestStore::Open(SmallStore(copy), elsewhere_).value();
    EXPECT_EQ(store.restored_id(), round);
    EXPECT_TRUE(store.restored().skipped.empty());
    EXPECT_TRUE(store.restored().damaged_manifests.empty());
    ExpectContent(store, round);
  }

  size_t ObjectsThere() const { return ReadTree(directory_ / "repository").size(); }

  // Nothing but what the newest list names, and no scratch files.
  void ExpectNoLeftovers() {
    const auto storage = StorageAt(directory_.path());
    EXPECT_EQ(FilesThere(*storage), FilesNamed(ReadNewest(*storage).value()));
    for (const auto& live : fs::directory_iterator(directory_ / "live")) {
      if (!fs::exists(live.path() / "tmp")) continue;
      EXPECT_TRUE(fs::is_empty(live.path() / "tmp")) << live.path();
    }
  }

  TempDir directory_;
  const std::shared_ptr<FaultFileSystem> fs_ = std::make_shared<FaultFileSystem>();
  const std::shared_ptr<FaultFileSystem> elsewhere_ = std::make_shared<FaultFileSystem>();
  History history_;
};

class EveryPlaceTest : public DiskFullTest, public ::testing::WithParamInterface<Place> {};
void PrintTo(const Place& place, std::ostream* out) { *out << place.name; }

TEST_P(EveryPlaceTest, Invariant05FullDiskLosesNothing) {
  const Place& place = GetParam();
  TestStore store = TestStore::Open(Options(), fs_).value();
  for (const uint64_t round : {1, 2}) ASSERT_EQ(Commit(store, round).ToString(), "OK");
  ASSERT_EQ(store.Drain().ToString(), "OK");

  FillUp(place.path);
  size_t objects = 0;  // after the first try
  for (const uint64_t round : {3, 4, 5}) {
    const Status status = Commit(store, round);
    if (place.fails_checkpoints) {
      ExpectSaysDiskFull(status, place.path);
      EXPECT_EQ(store.Drain().ToString(), "OK") << "maintenance has room";
    } else {
      EXPECT_EQ(status.ToString(), "OK");
      const Status drained = store.Drain();
      // RocksDB's MANIFEST is in doubt after an error, and then no base is made of it.
      if (drained.name() != "file-set-unsettled") ExpectSaysDiskFull(drained, place.path);
    }
    ExpectContent(store, round);
    ExpectRestores(place.fails_checkpoints ? 2 : round);
    if (round == 3) objects = ObjectsThere();
    // A version in doubt is followed by a new attempt, whose snapshot is put once.
    if (place.fails_checkpoints) {
      EXPECT_LE(ObjectsThere(), objects + 1) << "fuller";
    }
  }
  EXPECT_GE(fs_->plan().fired(), 3U);

  fs_->plan().Clear();
  ASSERT_EQ(Commit(store, 6).ToString(), "OK");
  ASSERT_EQ(store.Drain().ToString(), "OK");
  EXPECT_EQ(store.Ids(), place.fails_checkpoints ? (std::vector<uint64_t>{1, 2, 6})
                                                 : (std::vector<uint64_t>{2, 3, 4, 5, 6}));
  ExpectContent(store, 6);
  ExpectRestores(6);
  ExpectNoLeftovers();
  ASSERT_EQ(store.Close().ToString(), "OK");
  TestStore again = TestStore::Open(Options(), fs_).value();
  EXPECT_EQ(again.restored_id(), 6U);
  ExpectContent(again, 6);
}

INSTANTIATE_TEST_SUITE_P(Full, EveryPlaceTest, ::testing::ValuesIn(kPlaces),
                         [](const auto& place) { return place.param.name; });

// Small segments travel inside the version, so that the version is all there is to fail.
TEST_F(DiskFullTest, Invariant05FullDiskLosesNoInlinedSegment) {
  TestStore store = TestStore::Open(Options(1 << 20), fs_).value();
  ASSERT_EQ(Commit(store, 1).ToString(), "OK");
  ASSERT_EQ(store.Drain().ToString(), "OK");
  FillUp("/manifest/");
  for (const uint64_t round : {2, 3}) ExpectSaysDiskFull(Commit(store, round), "/manifest/");
  ExpectRestores(1);
  fs_->plan().Clear();
  ASSERT_EQ(Commit(store, 4).ToString(), "OK");
  ASSERT_EQ(store.Drain().ToString(), "OK");
  EXPECT_EQ(store.Ids(), (std::vector<uint64_t>{1, 4}));
  ExpectRestores(4);
  ExpectNoLeftovers();
}

// Nothing was collected after a write-back or a rebase that failed. So the files that commits had
// dropped kept occupying the very room that was missing, for as long as it was missing.
TEST_F(DiskFullTest, DroppedFilesMakeRoomWhileWriteBacksFail) {
  StoreOptions options = Options();
  options.keep_last = 2;
  TestStore store = TestStore::Open(options, fs_).value();
  for (const uint64_t round : {1, 2}) {
    ASSERT_EQ(Commit(store, round).ToString(), "OK");
    ASSERT_EQ(store.Drain().ToString(), "OK");
  }
  const auto storage = StorageAt(directory_.path());
  const auto before = FilesNamed(ReadNewest(*storage).value());

  FillUp("/tmp/0");
  ASSERT_EQ(Commit(store, 3).ToString(), "OK");  // drops checkpoint 1 and its base
  ExpectSaysDiskFull(store.Drain(), "/tmp/0");
  const auto named = FilesNamed(ReadNewest(*storage).value());
  EXPECT_FALSE(std::includes(named.begin(), named.end(), before.begin(), before.end()))
      << "something was dropped";
  EXPECT_EQ(FilesThere(*storage), named);
}

}  // namespace
}  // namespace tidemark::test
