// LateSyncs, over a file system that records and fails chosen calls.
#include "storage/late_syncs.h"

#include "tests/storage/live_database_fixture.h"
#include "tests/support/sync_log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

namespace tidemark::test {
namespace {

using rocksdb::FileOptions;
using rocksdb::IOOptions;
using storage::LateSyncs;

class LateSyncsTest : public ::testing::Test {
 protected:
  LateSyncsTest() { disk_->plan().Record(); }

  std::string At(const std::string& name) const { return directory_ / name; }
  rocksdb::FileSystem& fs() const { return *late_.fs(); }

  std::unique_ptr<rocksdb::FSWritableFile> Write(const std::string& name) const {
    std::unique_ptr<rocksdb::FSWritableFile> file;
    EXPECT_TRUE(fs().NewWritableFile(At(name), FileOptions(), &file, nullptr).ok());
    EXPECT_TRUE(file->Append("bytes", IOOptions(), nullptr).ok());
    EXPECT_TRUE(file->Sync(IOOptions(), nullptr).ok());
    return file;
  }
  bool Append(rocksdb::FSWritableFile& file) const {
    return file.Append("more", IOOptions(), nullptr).ok();
  }
  std::vector<std::string> Synced() const {
    std::vector<std::string> paths;
    for (const auto& [operation, path] : disk_->plan().recorded()) {
      if (operation == FileOperation::kSync || operation == FileOperation::kSyncDirectory)
        paths.push_back(path);
    }
    return paths;
  }

  TempDir directory_;
  const std::shared_ptr<FaultFileSystem> disk_ = std::make_shared<FaultFileSystem>();
  LateSyncs late_{disk_};
};

TEST_F(LateSyncsTest, SyncsWhatIsOwedWhenAskedAndAllElseAtOnce) {
  const auto file = Write("a");
  EXPECT_TRUE(storage::SyncDirectory(fs(), directory_.path()).ok());
  std::ofstream(At("past")) << "bytes";
  late_.Owe(At("past"));
  EXPECT_TRUE(Synced().empty());
  EXPECT_EQ(late_.Settle().ToString(), "OK");
  EXPECT_EQ(Synced(), (std::vector<std::string>{At("a"), At("past"), directory_.path()}));
  EXPECT_EQ(late_.Settle().ToString(), "OK");
  EXPECT_EQ(Synced().size(), 3U) << "nothing is owed any more";

  EXPECT_TRUE(Append(*file));
  EXPECT_TRUE(file->Sync(IOOptions(), nullptr).ok());
  Write("b");
  EXPECT_EQ(Synced().size(), 5U);
}

// A file that had been deleted would be made anew by who opens it to sync it.
TEST_F(LateSyncsTest, FollowsFilesToTheirNames) {
  for (const char* const name : {"renamed", "linked", "deleted"}) Write(name);
  EXPECT_TRUE(fs().RenameFile(At("renamed"), At("new"), IOOptions(), nullptr).ok());
  EXPECT_TRUE(fs().LinkFile(At("linked"), At("link"), IOOptions(), nullptr).ok());
  EXPECT_TRUE(fs().DeleteFile(At("linked"), IOOptions(), nullptr).ok());
  EXPECT_TRUE(fs().DeleteFile(At("deleted"), IOOptions(), nullptr).ok());
  Write("gone");
  std::filesystem::remove(At("gone"));
  EXPECT_EQ(late_.Settle().ToString(), "OK");
  EXPECT_EQ(Synced(), (std::vector<std::string>{At("link"), At("new")}));
  EXPECT_FALSE(std::filesystem::exists(At("deleted")));
  EXPECT_FALSE(std::filesystem::exists(At("gone")));
}

TEST_F(LateSyncsTest, Invariant11FileWhoseSyncFailedIsLost) {
  const auto lost = Write("lost");
  const auto other = Write("other");
  disk_->plan().Inject({.contains = "lost", .operations = {FileOperation::kSync}});
  EXPECT_EQ(late_.Settle().code(), StatusCode::kUnavailable);
  EXPECT_EQ(late_.Settle().code(), StatusCode::kUnavailable) << "a second sync proves nothing";
  EXPECT_TRUE(late_.IsLost(At("lost")));
  EXPECT_FALSE(late_.IsLost(At("other")));
  EXPECT_FALSE(Append(*lost));
  EXPECT_FALSE(lost->Sync(IOOptions(), nullptr).ok());
  EXPECT_TRUE(Append(*other));
  EXPECT_TRUE(other->Sync(IOOptions(), nullptr).ok());

  EXPECT_TRUE(fs().LinkFile(At("lost"), At("link"), IOOptions(), nullptr).ok());
  EXPECT_TRUE(late_.IsLost(At("link")));
  Write("new");
  EXPECT_TRUE(fs().RenameFile(At("new"), At("lost"), IOOptions(), nullptr).ok());
  EXPECT_FALSE(late_.IsLost(At("lost"))) << "another file has its name";
}

class LateLiveDatabaseTest : public LiveDatabaseFixture {
 protected:
  LateLiveDatabaseTest() {
    late_ = std::make_shared<LateSyncs>(fs_);
    options_.late_syncs = late_;
    options_.fs = late_->fs();
  }

  void Fill() {
    Apply(1, {{1, {{"a", "1"}, {"b", "2"}}}, {2, {{"c", "3"}}}});
    const SstFile segment = WriteSegment(MakeSegment(2, 2, {1}, {"a", "b"}));
    ASSERT_TRUE(database_->AddSegments({&segment, 1}).ok());
  }
  RecordedCalls Recorded() const { return fs_->plan().recorded(); }

  std::shared_ptr<LateSyncs> late_;
};

TEST_F(LateLiveDatabaseTest, SideIsMadeWhenThereIsSomethingForIt) {
  Open();
  const std::string side = options_.directory + "/side";
  EXPECT_TRUE(database_->Segments().value().empty());
  EXPECT_TRUE(database_->DropSegments(0, 10).ok());
  EXPECT_FALSE(database_->OpenSegment(1, 1)->Next().value());
  EXPECT_FALSE(std::filesystem::exists(side));
  Fill();
  EXPECT_TRUE(std::filesystem::exists(side));
  Reopen();
  EXPECT_EQ(database_->Segments().value().size(), 1U);
}

TEST_F(LateLiveDatabaseTest, EverythingIsSyncedBeforeReadyIs) {
  fs_->plan().Record();
  Open();
  Fill();
  for (const auto& [operation, path] : Recorded()) {
    EXPECT_NE(operation, FileOperation::kSync) << path;
    EXPECT_NE(operation, FileOperation::kSyncDirectory) << path;
  }
  ASSERT_EQ(database_->MarkReady().ToString(), "OK");
  const RecordedCalls calls = Recorded();
  const auto ready = std::find(calls.begin(), calls.end(),
                               std::pair(FileOperation::kCreate, options_.directory + "/READY"));
  ASSERT_NE(ready, calls.end());
  // RocksDB's log for people, which nobody reads, and what is on its way.
  std::set<std::string> unsynced =
      SyncLog(calls, static_cast<size_t>(ready - calls.begin())).Unsynced(options_.directory);
  std::erase_if(unsynced, [](const std::string& path) {
    return path.ends_with("/LOG") || path.find("/tmp") != std::string::npos;
  });
  EXPECT_EQ(unsynced, std::set<std::string>());
  unsynced = SyncLog(calls, calls.size()).Unsynced(options_.directory);
  EXPECT_FALSE(unsynced.contains(options_.directory));
}

// RocksDB goes on with another MANIFEST, and no base is made before that.
TEST_F(LateLiveDatabaseTest, Invariant11DatabaseWithALostManifestBeginsAnother) {
  Open();
  Fill();
  fs_->plan().Inject({.contains = "state/MANIFEST", .operations = {FileOperation::kSync}});
  EXPECT_EQ(database_->MarkReady().code(), StatusCode::kUnavailable);
  EXPECT_EQ(fs_->plan().fired(), 1U);
  EXPECT_EQ(database_->ExportFileSet(nullptr).error().name(), "file-set-unsettled");
  Apply(2, {{1, {{"a", "9"}}}});
  ExpectModelAt(2);
  EXPECT_TRUE(database_->ExportFileSet(nullptr).has_value());
  EXPECT_EQ(database_->MarkReady().code(), StatusCode::kUnavailable);
  EXPECT_FALSE(std::filesystem::exists(options_.directory + "/READY"));
  Reopen();
  ExpectModelAt(2);
}

TEST_F(LateLiveDatabaseTest, Invariant11LostFileIsCopiedAndNotLinkedIntoABase) {
  Open();
  Fill();
  fs_->plan().Inject({.sticky = true, .contains = ".sst", .operations = {FileOperation::kSync}});
  EXPECT_EQ(database_->MarkReady().code(), StatusCode::kUnavailable);
  EXPECT_GE(fs_->plan().fired(), 3U);
  fs_->plan().Clear();
  Apply(2, {{1, {{"d", "4"}}}});
  const auto set = database_->ExportFileSet(nullptr);
  ASSERT_TRUE(set.has_value()) << set.error().ToString();
  size_t copies = 0;
  for (const storage::FileSetEntry& file : set->files) {
    if (!file.is_sst) continue;
    if (std::filesystem::hard_link_count(file.path) == 1) ++copies;
    EXPECT_EQ(storage::DigestFile(*options_.fs, file.path).value().checksum, file.checksum);
  }
  EXPECT_EQ(copies, 3U) << "the two tables and the mark of the first epoch";
}

// The medium may have anything of it: what is not what was written must not get into a base.
TEST_F(LateLiveDatabaseTest, Invariant11LostFileThatIsDamagedGetsIntoNoBase) {
  Open();
  Fill();
  fs_->plan().Inject({.sticky = true, .contains = ".sst", .operations = {FileOperation::kSync}});
  EXPECT_EQ(database_->MarkReady().code(), StatusCode::kUnavailable);
  fs_->plan().Clear();
  Apply(2, {{1, {{"d", "4"}}}});
  size_t damaged = 0;
  for (const auto& file : std::filesystem::directory_iterator(options_.directory + "/state")) {
    if (!late_->IsLost(file.path().string())) continue;
    std::fstream bytes(file.path(), std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekp(8);
    bytes.put('\xff');
    ++damaged;
  }
  ASSERT_GE(damaged, 1U);
  const auto set = database_->ExportFileSet(nullptr);
  EXPECT_EQ(set.error().code(), StatusCode::kCorruption) << set.error().ToString();
  EXPECT_EQ(set.error().name(), "live-file-checksum");
}

}  // namespace
}  // namespace tidemark::test
