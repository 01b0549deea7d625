#include "storage/file_system.h"

#include "storage/rocksdb_status.h"
#include "tests/support/fault_file_system.h"
#include "tests/support/temp_dir.h"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace tidemark::test {
namespace {

namespace stdfs = std::filesystem;

class FileSystemTest : public ::testing::Test {
 protected:
  TempDir temporary_;
  const std::shared_ptr<FaultFileSystem> fs_ = std::make_shared<FaultFileSystem>();
};

TEST_F(FileSystemTest, WritesReadsAndReplaces) {
  const std::string path = temporary_ / "file";
  const std::string big(3'000'000, 'b');
  for (const std::string& content : {std::string("text\0text", 9), big, std::string()}) {
    ASSERT_TRUE(storage::WriteFileDurably(*fs_, path, content).ok());
    EXPECT_TRUE(storage::ReadWholeFile(*fs_, path).value() == content);
  }
  const auto none = storage::ReadWholeFile(*fs_, temporary_ / "none");
  EXPECT_EQ(none.error().code(), StatusCode::kNotFound);
  EXPECT_NE(none.error().message().find(temporary_ / "none"), std::string_view::npos);
}

TEST_F(FileSystemTest, ReplacesNamesNotTheFilesBehindThem) {
  ASSERT_TRUE(storage::WriteFileDurably(*fs_, temporary_ / "file", "first").ok());
  stdfs::create_hard_link(temporary_ / "file", temporary_ / "link");
  ASSERT_TRUE(storage::WriteFileDurably(*fs_, temporary_ / "file", "second").ok());
  ASSERT_TRUE(storage::CopyFile(*fs_, temporary_ / "file", temporary_ / "copy", nullptr).ok());
  EXPECT_EQ(storage::ReadWholeFile(*fs_, temporary_ / "link").value(), "first");
}

// What could not be looked at counted as absent, so that an EIO of that look emptied the file
// behind the name, and with it whatever was linked to it.
TEST_F(FileSystemTest, AFailedLookEmptiesNoFileBehindTheName) {
  ASSERT_TRUE(storage::WriteFileDurably(*fs_, temporary_ / "file", "first").ok());
  stdfs::create_hard_link(temporary_ / "file", temporary_ / "link");
  fs_->plan().Inject({.operations = {FileOperation::kLook}});
  const Status failed = storage::WriteFileDurably(*fs_, temporary_ / "file", "second");
  EXPECT_EQ(failed.code(), StatusCode::kUnavailable);
  EXPECT_EQ(storage::ReadWholeFile(*fs_, temporary_ / "link").value(), "first");
}

TEST_F(FileSystemTest, SyncsContentBeforeItReports) {
  fs_->plan().Record();
  ASSERT_TRUE(storage::WriteFileDurably(*fs_, temporary_ / "file", "x").ok());
  ASSERT_TRUE(storage::SyncDirectory(*fs_, temporary_.path()).ok());
  std::vector<FileOperation> operations;
  for (const auto& [operation, name] : fs_->plan().recorded()) operations.push_back(operation);
  EXPECT_EQ(operations, (std::vector<FileOperation>{FileOperation::kCreate, FileOperation::kAppend,
                                                    FileOperation::kSync, FileOperation::kClose,
                                                    FileOperation::kSyncDirectory}));
}

TEST_F(FileSystemTest, LeavesNoFileWhoseWriteFailed) {
  const std::string path = temporary_ / "file";
  for (uint64_t call = 1; call <= 4; ++call) {
    fs_->plan().Inject({.call = call, .error = FaultError::kFull});
    const Status status = storage::WriteFileDurably(*fs_, path, "x");
    EXPECT_EQ(status.code(), StatusCode::kResourceExhausted) << status.ToString();
    EXPECT_EQ(status.name(), "disk-full");
    EXPECT_FALSE(stdfs::exists(path));
  }
  fs_->plan().Inject({.call = 3});
  EXPECT_EQ(storage::WriteFileDurably(*fs_, path, "x").name(), "io-error");
}

TEST_F(FileSystemTest, CopiesWholeFilesAndPrefixes) {
  std::string content(2'500'000, 'c');
  content.back() = 'd';
  ASSERT_TRUE(storage::WriteFileDurably(*fs_, temporary_ / "from", content).ok());
  for (const uint64_t limit : {uint64_t{0}, uint64_t{5}, uint64_t{1} << 20, UINT64_MAX}) {
    format::Hasher128 hasher;
    ASSERT_TRUE(
        storage::CopyFile(*fs_, temporary_ / "from", temporary_ / "to", &hasher, limit).ok());
    const std::string expected = content.substr(0, limit);
    EXPECT_TRUE(storage::ReadWholeFile(*fs_, temporary_ / "to").value() == expected);
    EXPECT_EQ(hasher.Digest(), format::Checksum128Of(expected));
  }
  EXPECT_EQ(storage::CopyFile(*fs_, temporary_ / "none", temporary_ / "copy", nullptr).code(),
            StatusCode::kNotFound);
  EXPECT_FALSE(stdfs::exists(temporary_ / "copy"));
}

TEST_F(FileSystemTest, CreatesDirectoriesDurably) {
  fs_->plan().Record();
  ASSERT_TRUE(storage::CreateDirectories(*fs_, temporary_ / "a/./b//c/").ok());
  EXPECT_TRUE(stdfs::is_directory(temporary_ / "a/b/c"));
  // Each name is synced right after it was made.
  std::vector<std::pair<FileOperation, std::string>> last = fs_->plan().recorded();
  ASSERT_GE(last.size(), 6u);
  last.erase(last.begin(), last.end() - 6);
  EXPECT_EQ(last, (std::vector<std::pair<FileOperation, std::string>>{
                      {FileOperation::kCreateDirectory, temporary_ / "a"},
                      {FileOperation::kSyncDirectory, temporary_.path()},
                      {FileOperation::kCreateDirectory, temporary_ / "a/b"},
                      {FileOperation::kSyncDirectory, temporary_ / "a"},
                      {FileOperation::kCreateDirectory, temporary_ / "a/b/c"},
                      {FileOperation::kSyncDirectory, temporary_ / "a/b"}}));
  EXPECT_TRUE(storage::CreateDirectories(*fs_, temporary_ / "a/b/c").ok());

  std::ofstream(temporary_ / "file") << "in the way";
  EXPECT_EQ(storage::CreateDirectories(*fs_, temporary_ / "file/a").code(),
            StatusCode::kUnavailable);
  fs_->plan().Inject({.sticky = true, .operations = {FileOperation::kSyncDirectory}});
  EXPECT_FALSE(storage::CreateDirectories(*fs_, temporary_ / "d").ok());
}

TEST_F(FileSystemTest, RemovesTreesButNotWhatLinksPointTo) {
  stdfs::create_directories(temporary_ / "tree/deep/deeper");
  std::ofstream(temporary_ / "tree/deep/file") << "x";
  std::ofstream(temporary_ / "kept") << "x";
  stdfs::create_directory(temporary_ / "kept.d");
  std::ofstream(temporary_ / "kept.d/file") << "x";
  stdfs::create_symlink(temporary_ / "kept", temporary_ / "tree/link");
  stdfs::create_directory_symlink(temporary_ / "kept.d", temporary_ / "tree/link.d");
  EXPECT_TRUE(storage::RemoveAll(*fs_, temporary_ / "tree").ok());
  EXPECT_FALSE(stdfs::exists(temporary_ / "tree"));
  EXPECT_TRUE(stdfs::exists(temporary_ / "kept"));
  EXPECT_TRUE(stdfs::exists(temporary_ / "kept.d/file"));
  EXPECT_TRUE(storage::RemoveAll(*fs_, temporary_ / "tree").ok()) << "absent is fine";
  EXPECT_TRUE(storage::RemoveAll(*fs_, temporary_ / "kept").ok()) << "so is a file";
}

TEST_F(FileSystemTest, KnowsWhereLinksWork) {
  EXPECT_TRUE(storage::CanLink(temporary_.path(), temporary_.path()));
  EXPECT_TRUE(storage::CanLink(temporary_ / "not/there/yet", temporary_.path()));
  EXPECT_FALSE(storage::CanLink(temporary_.path(), "/proc"));
  EXPECT_FALSE(storage::CanLink("/proc", temporary_.path()));
}

class FileLockTest : public FileSystemTest {
 protected:
  const std::string path_ = temporary_ / "LOCK";
};

TEST_F(FileLockTest, IsHeldUntilDropped) {
  EXPECT_FALSE(storage::IsLocked(path_));
  EXPECT_FALSE(stdfs::exists(path_)) << "looking creates nothing";
  auto lock = storage::LockFile(path_, "test-locked");
  ASSERT_TRUE(lock.has_value()) << lock.error().ToString();
  EXPECT_TRUE(storage::IsLocked(path_));
  const auto second = storage::LockFile(path_, "test-locked");
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code(), StatusCode::kBusy);
  EXPECT_EQ(second.error().name(), "test-locked");
  EXPECT_NE(second.error().message().find("process " + std::to_string(getpid())),
            std::string_view::npos);
  EXPECT_NE(second.error().message().find(path_), std::string_view::npos);
  lock.value().reset();
  EXPECT_FALSE(storage::IsLocked(path_));
  EXPECT_TRUE(storage::LockFile(path_, "test-locked").has_value());
}

TEST_F(FileLockTest, ALookIsNotALock) {
  std::ofstream(path_) << "";
  const int look = open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  ASSERT_EQ(flock(look, LOCK_SH), 0);
  EXPECT_FALSE(storage::IsLocked(path_));
  close(look);
}

// Once: a process that had too many files open took every lock for free, and deleted what was in
// use.
TEST_F(FileLockTest, WhatCannotBeToldCountsAsHeld) {
  std::ofstream(path_) << "";
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{0, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  const bool locked = storage::IsLocked(path_);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(locked);
  EXPECT_FALSE(storage::IsLocked(path_));
  EXPECT_FALSE(storage::IsLocked(path_ + "/LOCK")) << "there is no such folder";
}

TEST_F(FileLockTest, EndsWithItsProcess) {
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto lock = storage::LockFile(path_, "test-locked");
    const char answer = lock.has_value() ? 'y' : 'n';
    if (write(ready[1], &answer, 1) == 1) pause();
    _exit(0);
  }
  char answer = 0;
  ASSERT_EQ(read(ready[0], &answer, 1), 1);
  EXPECT_EQ(answer, 'y');
  EXPECT_TRUE(storage::IsLocked(path_));
  EXPECT_NE(storage::LockFile(path_, "test-locked").error().message().find(std::to_string(child)),
            std::string_view::npos);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  EXPECT_FALSE(storage::IsLocked(path_));
  EXPECT_TRUE(storage::LockFile(path_, "test-locked").has_value());
  close(ready[0]);
  close(ready[1]);
}

TEST_F(FileLockTest, SaysWhyItCannotLock) {
  const auto lock = storage::LockFile(temporary_ / "none/LOCK", "test-locked");
  EXPECT_EQ(lock.error().code(), StatusCode::kUnavailable);
  EXPECT_NE(lock.error().message().find("none/LOCK"), std::string_view::npos);
}

TEST(RocksDbStatusTest, BecomesAReaction) {
  using rocksdb::IOStatus;
  using Rocks = rocksdb::Status;
  struct Case {
    Rocks status;
    StatusCode code;
    std::string_view name;
  };
  const Case cases[] = {
      {IOStatus::NoSpace("f"), StatusCode::kResourceExhausted, "disk-full"},
      {IOStatus::IOError("f", "Disk quota exceeded"), StatusCode::kResourceExhausted, "disk-full"},
      {Rocks::SpaceLimit(), StatusCode::kResourceExhausted, "disk-full"},
      {IOStatus::IOError("f", "Input/output error"), StatusCode::kUnavailable, "io-error"},
      {IOStatus::IOError("f", "Too many open files"), StatusCode::kUnavailable, "too-many-files"},
      // As an opening says it.
      {Rocks::InvalidArgument("Found options", "IO error: f: Too many open files"),
       StatusCode::kUnavailable, "too-many-files"},
      {Rocks::InvalidArgument("Found options", "IO error: f: No space left on device"),
       StatusCode::kResourceExhausted, "disk-full"},
      {Rocks::InvalidArgument("Direct I/O is not supported by the specified DB."),
       StatusCode::kUnavailable, "io-error"},
      {IOStatus::PathNotFound("f"), StatusCode::kNotFound, "file-not-found"},
      {IOStatus::NotFound("f"), StatusCode::kNotFound, "file-not-found"},
      {Rocks::Corruption("f"), StatusCode::kCorruption, "rocksdb-corruption"},
      {Rocks::NotSupported("f"), StatusCode::kUnsupported, "rocksdb-not-supported"},
      {Rocks::Busy("f"), StatusCode::kBusy, "rocksdb-busy"},
      {Rocks::TryAgain("f"), StatusCode::kUnavailable, "rocksdb-try-again"},
      {Rocks::MemoryLimit("f"), StatusCode::kResourceExhausted, "rocksdb-memory-limit"},
      {Rocks::ShutdownInProgress(), StatusCode::kClosed, "rocksdb-shutdown"},
      {Rocks::InvalidArgument("f"), StatusCode::kInternal, "rocksdb-error"},
  };
  for (const Case& c : cases) {
    const Status status = storage::FromRocksDb(c.status, "write /x/y.sst");
    EXPECT_EQ(status.code(), c.code) << status.ToString();
    EXPECT_EQ(status.name(), c.name);
    EXPECT_TRUE(status.message().starts_with("write /x/y.sst: "));
  }
  EXPECT_TRUE(storage::FromRocksDb(Rocks::OK(), "nothing").ok());
}

}  // namespace
}  // namespace tidemark::test
