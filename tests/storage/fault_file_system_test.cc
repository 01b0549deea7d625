// The file systems that tests make disks fail with: what they do has to be what tests rely on.
#include "tests/support/fault_file_system.h"
#include "storage/file_system.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/temp_dir.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace tidemark::test {
namespace {

using rocksdb::FileOptions;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

class FaultReadsTest : public ::testing::Test {
 protected:
  FaultReadsTest() {
    EXPECT_TRUE(storage::WriteFileDurably(*fs_, path_, "0123456789").ok());
    EXPECT_TRUE(fs_->NewSequentialFile(path_, FileOptions(), &sequential_, nullptr).ok());
    EXPECT_TRUE(fs_->NewRandomAccessFile(path_, FileOptions(), &random_access_, nullptr).ok());
  }

  IOStatus ReadAt(uint64_t offset) {
    return random_access_->Read(offset, 4, IOOptions(), &read_, scratch_, nullptr);
  }

  const TempDir directory_;
  const std::string path_ = directory_ / "file";
  const std::shared_ptr<FaultFileSystem> fs_ = std::make_shared<FaultFileSystem>();
  std::unique_ptr<rocksdb::FSSequentialFile> sequential_;
  std::unique_ptr<rocksdb::FSRandomAccessFile> random_access_;
  rocksdb::Slice read_;
  char scratch_[16];
};

TEST_F(FaultReadsTest, FailWhereAFaultNamesThemAndCountNowhereElse) {
  std::vector<std::string> names;
  uint64_t size = 0;
  const std::vector<std::pair<FileOperation, std::function<IOStatus()>>> calls = {
      {FileOperation::kRead, [&] { return ReadAt(0); }},
      {FileOperation::kRead,
       [&] { return sequential_->Read(1, IOOptions(), &read_, scratch_, nullptr); }},
      {FileOperation::kRead, [&] { return sequential_->Skip(1); }},
      {FileOperation::kLook, [&] { return fs_->FileExists(path_, IOOptions(), nullptr); }},
      {FileOperation::kLook, [&] { return fs_->GetFileSize(path_, IOOptions(), &size, nullptr); }},
      {FileOperation::kList,
       [&] { return fs_->GetChildren(directory_.path(), IOOptions(), &names, nullptr); }},
  };
  for (const auto& [operation, call] : calls) {
    fs_->plan().Inject({.sticky = true});
    const uint64_t before = fs_->plan().calls();
    EXPECT_TRUE(call().ok());
    EXPECT_EQ(fs_->plan().calls(), before);
    fs_->plan().Inject({.operations = {operation}});
    EXPECT_TRUE(call().IsIOError());
    EXPECT_TRUE(call().ok());
    EXPECT_EQ(fs_->plan().calls(), before + 2);
  }
}

TEST_F(FaultReadsTest, EachRequestOfAMultiReadFailsForItself) {
  char buffers[3][4];
  rocksdb::FSReadRequest requests[3];
  const auto read = [&] {
    for (size_t i = 0; i < 3; ++i) {
      requests[i].offset = i * 3;
      requests[i].len = 3;
      requests[i].scratch = buffers[i];
    }
    return random_access_->MultiRead(requests, 3, IOOptions(), nullptr);
  };
  fs_->plan().Inject({.call = 2, .operations = {FileOperation::kRead}});
  EXPECT_TRUE(read().ok());
  EXPECT_TRUE(requests[0].status.ok());
  EXPECT_TRUE(requests[1].status.IsIOError());
  EXPECT_EQ(requests[2].result.ToString(), "678");
  fs_->plan().Clear();
  EXPECT_TRUE(read().ok());
  EXPECT_EQ(requests[1].result.ToString(), "345");
}

class FailedSyncTest : public ::testing::Test {
 protected:
  FailedSyncTest() { std::filesystem::create_directories(root_); }

  void FailNextSync(FileOperation operation) { disk_->plan().Inject({.operations = {operation}}); }
  std::unique_ptr<rocksdb::FSWritableFile> NewFile(const std::string& name) {
    std::unique_ptr<rocksdb::FSWritableFile> file;
    EXPECT_TRUE(disk_->NewWritableFile(root_ + "/" + name, FileOptions(), &file, nullptr).ok());
    return file;
  }
  // What a cut leaves under that name; "absent" if there is no such name.
  std::string AfterCut(const std::string& name) {
    const std::string to = directory_ / ("cut-" + std::to_string(cuts_++));
    memory_->WriteCut(Cut::kNothing, 1, to);
    const auto content = storage::ReadWholeFile(*storage::DefaultFileSystem(), to + "/" + name);
    return content.value_or("absent");
  }

  const TempDir directory_;
  const std::string root_ = directory_ / "root";
  const std::shared_ptr<MemoryFileSystem> memory_ = std::make_shared<MemoryFileSystem>(root_);
  const std::shared_ptr<FaultFileSystem> disk_ = std::make_shared<FaultFileSystem>(memory_);
  int cuts_ = 0;
};

TEST_F(FailedSyncTest, ASecondSyncDoesNotBringContentBack) {
  const auto file = NewFile("file");
  ASSERT_TRUE(storage::SyncDirectory(*disk_, root_).ok());
  ASSERT_TRUE(file->Append("kept", IOOptions(), nullptr).ok());
  ASSERT_TRUE(file->Sync(IOOptions(), nullptr).ok());
  ASSERT_TRUE(file->Append("lost", IOOptions(), nullptr).ok());
  FailNextSync(FileOperation::kSync);
  EXPECT_FALSE(file->Sync(IOOptions(), nullptr).ok());
  EXPECT_EQ(AfterCut("file"), "kept");
  ASSERT_TRUE(file->Append("later", IOOptions(), nullptr).ok());
  EXPECT_TRUE(file->Sync(IOOptions(), nullptr).ok());
  EXPECT_EQ(storage::ReadWholeFile(*disk_, root_ + "/file").value(), "keptlostlater");
  EXPECT_EQ(AfterCut("file"), std::string("kept\0\0\0\0later", 13));
}

TEST_F(FailedSyncTest, ASecondSyncDoesNotBringNamesBack) {
  (void)NewFile("old");
  ASSERT_TRUE(storage::SyncDirectory(*disk_, root_).ok());
  (void)NewFile("lost");
  ASSERT_TRUE(storage::RemoveFile(*disk_, root_ + "/old").ok());
  FailNextSync(FileOperation::kSyncDirectory);
  EXPECT_FALSE(storage::SyncDirectory(*disk_, root_).ok());
  (void)NewFile("new");
  EXPECT_TRUE(storage::SyncDirectory(*disk_, root_).ok());
  EXPECT_TRUE(storage::Exists(*disk_, root_ + "/lost"));
  EXPECT_EQ(AfterCut("lost"), "absent");
  EXPECT_EQ(AfterCut("old"), "");
  EXPECT_EQ(AfterCut("new"), "");
}

TEST_F(FailedSyncTest, ANameThatIsMadeAnewCanBeSynced) {
  (void)NewFile("file");
  FailNextSync(FileOperation::kSyncDirectory);
  EXPECT_FALSE(storage::SyncDirectory(*disk_, root_).ok());
  ASSERT_TRUE(storage::RemoveFile(*disk_, root_ + "/file").ok());
  (void)NewFile("file");
  EXPECT_TRUE(storage::SyncDirectory(*disk_, root_).ok());
  EXPECT_EQ(AfterCut("file"), "");
}

}  // namespace
}  // namespace tidemark::test
