#include "storage/file_system.h"
#include "tests/support/fault_file_system.h"
#include "tests/support/temp_dir.h"

#include <tidemark/storage.h>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

namespace tidemark::test {
namespace {

class LocalDirectoryTest : public ::testing::Test {
 protected:
  LocalDirectoryTest() { Reopen(); }

  void Reopen() { storage_ = storage::OpenLocalDirectoryOn(Path(), fs_).value(); }
  std::string Path(const std::string& name = "") const {
    return directory_ / (name.empty() ? "root" : "root/" + name);
  }
  void WriteLocal(const std::string& path, const std::string& bytes) const {
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path, std::ios::binary) << bytes;
  }
  std::string ReadLocal(const std::string& path) const {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::string Names(const std::string& prefix = "") const {
    std::string names;
    const auto objects = storage_->List(prefix).value();
    for (const ObjectInfo& object : objects) names += (names.empty() ? "" : " ") + object.name;
    return names;
  }
  // All files of the directory, hidden ones included.
  size_t FilesOnDisk() const {
    size_t files = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(Path()))
      files += entry.is_regular_file() ? 1 : 0;
    return files;
  }

  TempDir directory_;
  std::shared_ptr<FaultFileSystem> fs_ = std::make_shared<FaultFileSystem>();
  std::shared_ptr<CheckpointStorage> storage_;
};

TEST_F(LocalDirectoryTest, CreatesNothingBeforeTheFirstWrite) {
  EXPECT_EQ(Names(), "");
  EXPECT_EQ(storage_->Size("a").error().name(), "object-not-found");
  EXPECT_FALSE(std::filesystem::exists(Path()));
}

TEST_F(LocalDirectoryTest, PutsReadsAndDeletes) {
  ASSERT_TRUE(storage_->Put("a/b/c", "0123456789").ok());
  EXPECT_EQ(storage_->Size("a/b/c").value(), 10u);
  EXPECT_EQ(storage_->Read("a/b/c", 0, UINT64_MAX).value(), "0123456789");
  EXPECT_EQ(storage_->Read("a/b/c", 3, 4).value(), "3456");
  EXPECT_EQ(storage_->Read("a/b/c", 8, 4).value(), "89");
  EXPECT_EQ(storage_->Read("a/b/c", 10, 4).value(), "");
  EXPECT_EQ(storage_->Read("a/b/c", 99, 4).value(), "");
  EXPECT_EQ(storage_->Read("a/b/d", 0, 4).error().code(), StatusCode::kNotFound);
  EXPECT_EQ(storage_->Size("a/b").error().code(), StatusCode::kNotFound);
  const std::vector<std::string> names = {"a/b/absent", "a/b/c"};
  ASSERT_TRUE(storage_->Delete(names).ok());
  EXPECT_EQ(Names(), "");
  ASSERT_TRUE(storage_->Put("empty", "").ok());
  EXPECT_EQ(storage_->Read("empty", 0, 10).value(), "");
}

TEST_F(LocalDirectoryTest, RefusesTakenNamesAndLeavesTheObject) {
  ASSERT_TRUE(storage_->Put("name", "first").ok());
  WriteLocal(directory_ / "source", "third");
  EXPECT_EQ(storage_->Put("name", "second").name(), "object-exists");
  EXPECT_EQ(storage_->CreateIfAbsent("name", "second").code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(storage_->PutFile("name", directory_ / "source").error().code(),
            StatusCode::kAlreadyExists);
  EXPECT_EQ(storage_->Read("name", 0, 99).value(), "first");
  EXPECT_EQ(FilesOnDisk(), 1u);
}

TEST_F(LocalDirectoryTest, RefusesInvalidNames) {
  for (const char* name : {"", "/", "a/", "/a", "a//b", "..", "a/../b", ".", "a b", "a\nb", "ä",
                           ".hidden", "a/.b", "a.tmp-1", "x.tmp-y/z"}) {
    EXPECT_EQ(storage_->Put(name, "").name(), "object-name") << name;
    EXPECT_EQ(storage_->CreateIfAbsent(name, "").name(), "object-name") << name;
    EXPECT_EQ(storage_->PutFile(name, "/dev/null").error().name(), "object-name") << name;
    EXPECT_EQ(storage_->Read(name, 0, 1).error().name(), "object-name") << name;
    EXPECT_EQ(storage_->Size(name).error().name(), "object-name") << name;
    EXPECT_EQ(storage_->Fetch(name, directory_ / "x", true).error().name(), "object-name") << name;
    EXPECT_EQ(storage_->TryLock(name).error().name(), "object-name") << name;
    const std::vector<std::string> names = {name};
    EXPECT_EQ(storage_->Delete(names).name(), "object-name") << name;
  }
  for (const char* prefix : {"/", "a", "../", "a//", ".hidden/"})
    EXPECT_EQ(storage_->List(prefix).error().name(), "object-name") << prefix;
  EXPECT_FALSE(std::filesystem::exists(Path()));
}

TEST_F(LocalDirectoryTest, ListsInByteOrderOfWholeNames) {
  for (const char* name : {"a/b", "a-b", "a.b", "ab", "a/a/z", "A", "a0"})
    ASSERT_TRUE(storage_->Put(name, name).ok());
  EXPECT_EQ(Names(), "A a-b a.b a/a/z a/b a0 ab");
  EXPECT_EQ(Names("a/"), "a/a/z a/b");
  EXPECT_EQ(Names("a/a/"), "a/a/z");
  EXPECT_EQ(Names("absent/"), "");
  EXPECT_EQ(storage_->List("a/").value()[0].size, 5u);
}

TEST_F(LocalDirectoryTest, HidesWhatIsNotAnObject) {
  ASSERT_TRUE(storage_->Put("a/b", "").ok());
  WriteLocal(Path("a/b.tmp-0123456789abcdef-0"), "cut off");
  WriteLocal(Path("lost+found/file"), "");
  WriteLocal(Path(".create-lock"), "");
  WriteLocal(Path("a/.nfs0001"), "");
  EXPECT_EQ(Names(), "a/b");
}

TEST_F(LocalDirectoryTest, DeletesWhatCrashedWritersLeftBelowAPrefix) {
  ASSERT_TRUE(storage_->Put("a/b", "").ok());
  WriteLocal(Path("a/b.tmp-0123456789abcdef-0"), "cut off");
  WriteLocal(Path("a/c/d.tmp-0123456789abcdef-1"), "cut off");
  WriteLocal(Path("c.tmp-0123456789abcdef-2"), "somebody else's");
  ASSERT_TRUE(storage_->DeleteUnfinished("a/").ok());
  EXPECT_EQ(Names(), "a/b");
  EXPECT_EQ(FilesOnDisk(), 2u);
  ASSERT_TRUE(storage_->DeleteUnfinished("").ok());
  EXPECT_EQ(FilesOnDisk(), 1u);
}

// A store that opened while the one before it was still at work deleted the temporary file of that
// one's manifest version, which then reported NotFound instead of being fenced; or the other way
// round, and the store did not open.
TEST_F(LocalDirectoryTest, WritesAgainWhatAnotherTookForALeftover) {
  int taken = 0;
  FileFault fault;
  fault.spares = [&](FileOperation operation, std::string_view names) {
    if (operation == FileOperation::kLink && ++taken < 3)
      std::filesystem::remove(names.substr(0, names.find(' ')));
    return true;
  };
  fs_->plan().Inject(fault);
  EXPECT_EQ(storage_->Put("a", "bytes").ToString(), "OK");
  EXPECT_EQ(taken, 3);
  EXPECT_EQ(storage_->Read("a", 0, 10).value(), "bytes");
}

TEST_F(LocalDirectoryTest, PutsAndFetchesFilesByLink) {
  WriteLocal(directory_ / "local/source", "bytes");
  EXPECT_TRUE(storage_->LinksFrom(directory_ / "local"));
  EXPECT_EQ(storage_->PutFile("x/y", directory_ / "local/source").value(), TransferKind::kLinked);
  EXPECT_EQ(storage_->Fetch("x/y", directory_ / "local/back", true).value(), TransferKind::kLinked);
  EXPECT_EQ(std::filesystem::hard_link_count(Path("x/y")), 3u);
  EXPECT_EQ(storage_->Fetch("x/y", directory_ / "local/copy", false).value(),
            TransferKind::kCopied);
  EXPECT_EQ(ReadLocal(directory_ / "local/copy"), "bytes");
  EXPECT_EQ(std::filesystem::hard_link_count(Path("x/y")), 3u);
}

TEST_F(LocalDirectoryTest, FetchesOnlyWhatExistsToWhereNothingIs) {
  ASSERT_TRUE(storage_->Put("x", "bytes").ok());
  WriteLocal(directory_ / "taken", "mine");
  for (const bool may_link : {true, false}) {
    EXPECT_EQ(storage_->Fetch("x", directory_ / "taken", may_link).error().code(),
              StatusCode::kAlreadyExists);
    EXPECT_EQ(storage_->Fetch("absent", directory_ / "free", may_link).error().name(),
              "object-not-found");
    EXPECT_FALSE(storage_->Fetch("x", directory_ / "no/such/folder", may_link).has_value());
  }
  EXPECT_EQ(ReadLocal(directory_ / "taken"), "mine");
}

TEST_F(LocalDirectoryTest, ReportsAMissingSourceOfPutFile) {
  const auto put = storage_->PutFile("x", directory_ / "absent");
  EXPECT_EQ(put.error().code(), StatusCode::kNotFound);
  EXPECT_NE(put.error().message().find(directory_ / "absent"), std::string::npos);
  EXPECT_EQ(Names(), "");
}

TEST_F(LocalDirectoryTest, DoesWithoutHardLinks) {
  fs_->DenyLinks(true);
  ASSERT_TRUE(storage_->Put("a/b", "put").ok());
  ASSERT_TRUE(storage_->CreateIfAbsent("a/c", "created").ok());
  EXPECT_EQ(storage_->CreateIfAbsent("a/c", "again").code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(storage_->Put("a/b", "again").code(), StatusCode::kAlreadyExists);
  WriteLocal(directory_ / "source", "copied");
  EXPECT_EQ(storage_->PutFile("a/d", directory_ / "source").value(), TransferKind::kCopied);
  EXPECT_EQ(storage_->Fetch("a/d", directory_ / "back", true).value(), TransferKind::kCopied);
  EXPECT_EQ(ReadLocal(directory_ / "back"), "copied");
  EXPECT_EQ(Names(), "a/b a/c a/d");
  EXPECT_EQ(storage_->Read("a/c", 0, 99).value(), "created");
}

TEST_F(LocalDirectoryTest, GivesANameToOneOfManyCallers) {
  for (const bool links : {true, false}) {
    fs_->DenyLinks(!links);
    const std::string name = links ? "linked" : "renamed";
    std::atomic<int> winners{0};
    std::atomic<int> losers{0};
    std::string content;
    std::vector<std::thread> callers;
    for (int i = 0; i < 4; ++i) {
      callers.emplace_back([&, i] {
        // As processes do it: each with an object of its own.
        const auto own = storage::OpenLocalDirectoryOn(Path(), fs_).value();
        const Status status = own->CreateIfAbsent(name, std::string(1000, char('a' + i)));
        if (status.ok()) content = std::string(1000, char('a' + i));
        (status.ok() ? winners : losers).fetch_add(1);
        EXPECT_TRUE(status.ok() || status.code() == StatusCode::kAlreadyExists)
            << status.ToString();
      });
    }
    for (std::thread& caller : callers) caller.join();
    EXPECT_EQ(winners.load(), 1);
    EXPECT_EQ(losers.load(), 3);
    EXPECT_EQ(storage_->Read(name, 0, 2000).value(), content);
  }
}

// The promise of Put and CreateIfAbsent, as a sequence of calls.
TEST_F(LocalDirectoryTest, SyncsTheContentThenNamesItThenSyncsTheFolder) {
  ASSERT_TRUE(storage_->Put("folder/first", "").ok());
  fs_->plan().Record();
  ASSERT_TRUE(storage_->CreateIfAbsent("folder/second", "bytes").ok());
  std::vector<FileOperation> operations;
  for (const auto& [operation, name] : fs_->plan().recorded()) operations.push_back(operation);
  using enum FileOperation;
  EXPECT_EQ(operations,
            (std::vector{kCreate, kAppend, kSync, kClose, kLink, kDelete, kSyncDirectory}));
  EXPECT_EQ(fs_->plan().recorded().back().second, Path("folder"));
}

TEST_F(LocalDirectoryTest, SyncsANewFolderIntoItsParentFirst) {
  ASSERT_TRUE(storage_->Put("first", "").ok());
  fs_->plan().Record();
  ASSERT_TRUE(storage_->Put("a/b", "").ok());
  const auto calls = fs_->plan().recorded();
  ASSERT_GE(calls.size(), 3u);
  EXPECT_EQ(calls[0], (std::pair{FileOperation::kCreateDirectory, Path("a")}));
  EXPECT_EQ(calls[1], (std::pair{FileOperation::kSyncDirectory, Path()}));
  // Who finds the folder made already cannot know whether its maker came that far.
  Reopen();
  fs_->plan().Record();
  ASSERT_TRUE(storage_->Put("a/c", "").ok());
  size_t synced = 0;
  for (const auto& call : fs_->plan().recorded())
    synced += call == std::pair{FileOperation::kSyncDirectory, Path()} ? 1 : 0;
  EXPECT_EQ(synced, 1u);
}

TEST_F(LocalDirectoryTest, ReportsEveryFailureAndNeverShowsHalfAnObject) {
  ASSERT_TRUE(storage_->Put("folder/there", "").ok());
  const std::string bytes(100'000, 'x');
  WriteLocal(directory_ / "source", bytes);
  using Put = std::function<Status(const std::string&)>;
  const Put puts[] = {
      [&](const std::string& name) { return storage_->Put(name, bytes); },
      [&](const std::string& name) { return storage_->CreateIfAbsent(name, bytes); },
      [&](const std::string& name) {
        return storage_->PutFile(name, directory_ / "source").error();
      },
  };
  int number = 0;
  for (const Put& put : puts) {
    for (const bool links : {true, false}) {
      fs_->DenyLinks(!links);
      uint64_t fired = 1;
      for (uint64_t call = 1; fired > 0; ++call) {
        const std::string name = "folder/object-" + std::to_string(++number);
        fs_->plan().Inject({.call = call});
        const Status status = put(name);
        fired = fs_->plan().fired();
        fs_->plan().Clear();
        const bool there = storage_->Size(name).has_value();
        if (status.ok()) {
          EXPECT_TRUE(there);
        }
        if (there) {
          EXPECT_EQ(storage_->Read(name, 0, UINT64_MAX).value(), bytes);
        }
      }
    }
  }
}

TEST_F(LocalDirectoryTest, Invariant11ContentWhoseSyncFailedGetsNoName) {
  fs_->plan().Inject({.sticky = true, .operations = {FileOperation::kSync}});
  EXPECT_EQ(storage_->Put("a", "bytes").name(), "io-error");
  EXPECT_EQ(storage_->CreateIfAbsent("a", "bytes").code(), StatusCode::kUnavailable);
  EXPECT_EQ(Names(), "");
  EXPECT_EQ(FilesOnDisk(), 0u);
}

TEST_F(LocalDirectoryTest, Invariant11AFailedSyncOfTheFolderIsAnError) {
  ASSERT_TRUE(storage_->Put("a/b", "").ok());
  fs_->plan().Inject({.sticky = true, .operations = {FileOperation::kSyncDirectory}});
  EXPECT_EQ(storage_->Put("a/c", "").code(), StatusCode::kUnavailable);
  EXPECT_EQ(storage_->CreateIfAbsent("a/d", "").code(), StatusCode::kUnavailable);
  const std::vector<std::string> names = {"a/b"};
  EXPECT_EQ(storage_->Delete(names).code(), StatusCode::kUnavailable);
  WriteLocal(directory_ / "source", "");
  EXPECT_EQ(storage_->PutFile("a/e", directory_ / "source").error().code(),
            StatusCode::kUnavailable);
}

// Once: one that could not be deleted kept all those after it, in the order of their names, for
// ever.
TEST_F(LocalDirectoryTest, OneThatCannotBeDeletedKeepsNoOther) {
  const std::vector<std::string> names = {"a/1", "a/2", "a/3"};
  for (const std::string& name : names) ASSERT_TRUE(storage_->Put(name, "").ok());
  fs_->plan().Inject({.contains = "a/2", .operations = {FileOperation::kDelete}});
  EXPECT_EQ(storage_->Delete(names).code(), StatusCode::kUnavailable);
  EXPECT_EQ(Names(), "a/2");
  ASSERT_TRUE(storage_->Delete(names).ok());
  EXPECT_EQ(Names(), "");
}

TEST_F(LocalDirectoryTest, SaysWhenTheDiskIsFull) {
  fs_->plan().Inject({.sticky = true, .error = FaultError::kFull});
  EXPECT_EQ(storage_->Put("a", "bytes").name(), "disk-full");
  EXPECT_EQ(storage_->Put("a", "bytes").code(), StatusCode::kResourceExhausted);
}

// A network file system may link, lose the answer, and find the name taken when it tries again.
TEST_F(LocalDirectoryTest, KnowsItsOwnFileWhenTheAnswerToALinkWasLost) {
  fs_->plan().Inject({.operations = {FileOperation::kLink}, .answer_lost = true});
  EXPECT_TRUE(storage_->CreateIfAbsent("a", "bytes").ok());
  EXPECT_EQ(storage_->Read("a", 0, 99).value(), "bytes");
}

// A restore whose 30th call lost its answer ended with "exists already" of a file that it had just
// linked: Fetch did not look whose it is.
TEST_F(LocalDirectoryTest, KnowsItsOwnFileWhenTheAnswerToALinkOutWasLost) {
  ASSERT_TRUE(storage_->Put("a", "bytes").ok());
  fs_->plan().Inject({.operations = {FileOperation::kLink}, .answer_lost = true});
  EXPECT_EQ(storage_->Fetch("a", directory_ / "out", true).value(), TransferKind::kLinked);
  EXPECT_EQ(ReadLocal(directory_ / "out"), "bytes");
}

TEST_F(LocalDirectoryTest, LocksOnce) {
  auto lock = storage_->TryLock("a/LOCK");
  ASSERT_TRUE(lock.has_value());
  const auto other = storage::OpenLocalDirectoryOn(Path(), fs_).value();
  const auto taken = other->TryLock("a/LOCK");
  EXPECT_EQ(taken.error().code(), StatusCode::kBusy);
  EXPECT_NE(taken.error().message().find(std::to_string(getpid())), std::string::npos);
  lock->reset();
  EXPECT_TRUE(other->TryLock("a/LOCK").has_value());
}

TEST_F(LocalDirectoryTest, TellsAFileFromAnEmptyFolder) {
  WriteLocal(directory_ / "file", "");
  const auto file = storage::OpenLocalDirectoryOn(directory_ / "file", fs_).value();
  EXPECT_EQ(file->List("").error().name(), "not-a-directory");
}

TEST_F(LocalDirectoryTest, TellsAnUnreadableFolderFromAnEmptyOne) {
  if (geteuid() == 0) GTEST_SKIP() << "root may read everything";
  ASSERT_TRUE(storage_->Put("a/b", "").ok());
  chmod(Path("a").c_str(), 0311);
  EXPECT_EQ(storage_->List("a/").error().name(), "directory-unreadable");
  chmod(Path("a").c_str(), 0);
  EXPECT_EQ(storage_->List("a/").error().code(), StatusCode::kUnavailable);
  EXPECT_EQ(storage_->List("").error().code(), StatusCode::kUnavailable);
  chmod(Path("a").c_str(), 0755);
}

TEST(OpenStorageTest, UnderstandsUrisAndPaths) {
  TempDir directory;
  const std::string path = directory / "my repository";
  const std::string encoded = directory / "my%20repository";
  for (const std::string& uri :
       {path, "file://" + encoded, "file://localhost" + encoded, "file:" + encoded, path + "///"}) {
    const auto storage = OpenStorage(uri);
    ASSERT_TRUE(storage.has_value()) << uri;
    EXPECT_EQ((*storage)->Uri(), "file://" + path) << uri;
  }
  EXPECT_EQ(OpenStorage("relative/path").value()->Uri(),
            "file://" + std::filesystem::current_path().string() + "/relative/path");
  EXPECT_EQ(OpenStorage("file:relative").value()->Uri(),
            "file://" + std::filesystem::current_path().string() + "/relative");
  const std::string odd = OpenStorage("/tmp/50%").value()->Uri();
  EXPECT_EQ(odd, "file:///tmp/50%25");
  EXPECT_EQ(OpenStorage(odd).value()->Uri(), odd);
}

TEST(OpenStorageTest, RefusesWhatItCannotOpen) {
  EXPECT_EQ(OpenStorage("s3://bucket/job").error().name(), "uri-scheme");
  EXPECT_NE(OpenStorage("s3://bucket").error().message().find("file"), std::string::npos);
  for (const char* uri :
       {"", "file:", "file://", "file://host/path", "file:///a%2", "file:///%zz", "file:///a%00b"})
    EXPECT_EQ(OpenStorage(uri).error().name(), "repository-uri") << uri;
}

}  // namespace
}  // namespace tidemark::test
