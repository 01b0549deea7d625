// The file systems that tests make disks fail with: what they do has to be what tests rely on.
#include "tests/support/fault_file_system.h"
#include "storage/file_system.h"
#include "tests/support/temp_dir.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace tidemark::test
