// One error of a read while RocksDB took a file in was forgotten, and the file counted as one
// without keys: gets found what was there before it, scans what was in it, and the next base had
// both.
#include "storage/unread_files.h"

#include "tests/storage/live_database_fixture.h"

namespace tidemark::test {
namespace {

class UnreadFilesTest : public LiveDatabaseFixture {
 protected:
  static StateChanges Changes(uint64_t epoch) {
    StateChanges changes;
    for (int i = 0; i < 50; ++i) changes[1]["key" + std::to_string(i)] = std::to_string(epoch);
    return changes;
  }
  void ExpectGetsFindWhatScansDo() {
    const auto view = database_->View();
    const StateContent scanned = ReadAll(*view, {1});
    for (const auto& [key, value] : scanned.at(1)) {
      std::string stored;
      ASSERT_TRUE(view->Get(1, StoredKey(key), &stored).value());
      EXPECT_EQ(format::ParseStoredValue(stored).value().value, value) << key;
    }
  }
};

TEST_F(UnreadFilesTest, AnErrorOfOneReadOfWhatIsAppliedChangesNothing) {
  Open();
  uint64_t epoch = 1;
  Apply(epoch, Changes(epoch));
  uint64_t fired = 1;
  for (uint64_t call = 1; fired > 0; ++call) {
    SCOPED_TRACE("read " + std::to_string(call));
    ASSERT_LT(call, 200u);
    fs_->plan().Inject(
        {.call = call, .contains = "live/tmp/", .operations = {FileOperation::kRead}});
    ++epoch;
    Apply(epoch, Changes(epoch));
    fired = fs_->plan().fired();
    fs_->plan().Clear();
    ExpectModelAt(epoch);
    ExpectGetsFindWhatScansDo();
    if (HasFailure()) break;
  }
  EXPECT_GT(epoch, 5u);
}

TEST_F(UnreadFilesTest, WhatCannotBeReadIsNeitherLinkedNorCopied) {
  const auto watched = storage::WithoutUnreadFiles(fs_);
  const rocksdb::IOOptions io;
  const auto read = [&](const std::string& path) {
    std::unique_ptr<rocksdb::FSRandomAccessFile> file;
    EXPECT_TRUE(watched->NewRandomAccessFile(path, {}, &file, nullptr).ok());
    char scratch[8];
    rocksdb::Slice bytes;
    return file->Read(0, sizeof(scratch), io, &bytes, scratch, nullptr);
  };
  const auto link = [&](const std::string& path) {
    return watched->LinkFile(path, path + ".link", io, nullptr);
  };
  std::filesystem::create_directories(temporary_ / "tmp");
  const std::string once = temporary_ / "tmp/once";
  const std::string twice = temporary_ / "tmp/twice";
  const std::string elsewhere = temporary_ / "elsewhere";
  for (const std::string& path : {once, twice, elsewhere})
    ASSERT_TRUE(storage::WriteFileDurably(*fs_, path, "bytes").ok());

  fs_->plan().Inject({.contains = once, .operations = {FileOperation::kRead}});
  EXPECT_TRUE(read(once).ok()) << "a second try";
  EXPECT_TRUE(link(once).ok());
  fs_->plan().Inject({.sticky = true, .operations = {FileOperation::kRead}});
  EXPECT_FALSE(read(twice).ok());
  EXPECT_FALSE(read(elsewhere).ok());
  fs_->plan().Clear();
  EXPECT_TRUE(read(twice).ok());
  EXPECT_FALSE(link(twice).ok());
  std::unique_ptr<rocksdb::FSSequentialFile> copied;
  EXPECT_FALSE(watched->NewSequentialFile(twice, {}, &copied, nullptr).ok());
  EXPECT_TRUE(link(elsewhere).ok()) << "nothing is taken in from there";
}

}  // namespace
}  // namespace tidemark::test
