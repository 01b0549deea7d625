// Symbolic links below the root of a local directory: no call follows one.
#include "storage/file_system.h"
#include "tests/support/temp_dir.h"

#include <tidemark/storage.h>

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace tidemark::test {
namespace {

namespace fs = std::filesystem;

class LocalDirectoryLinksTest : public ::testing::Test {
 protected:
  // `outside` holds a file, a folder with one, and what looks like a leftover.
  LocalDirectoryLinksTest() {
    fs::create_directories(directory_ / "outside/folder");
    fs::create_directories(directory_ / "root/a");
    for (const char* name : {"outside/file", "outside/folder/file",
                             "outside/folder/x.tmp-0123456789abcdef-0", "local"})
      std::ofstream(directory_ / name) << "not of the repository";
    fs::create_symlink(directory_ / "outside/file", directory_ / "root/a/file");
    fs::create_symlink(directory_ / "outside/nothing", directory_ / "root/a/dangling");
    fs::create_symlink(directory_ / "outside/folder", directory_ / "root/a/folder");
    storage_ =
        storage::OpenLocalDirectoryOn(directory_ / "root", storage::DefaultFileSystem()).value();
  }
  size_t FilesOutside() const {
    size_t files = 0;
    for (const auto& entry : fs::recursive_directory_iterator(directory_ / "outside"))
      files += entry.is_regular_file() ? 1 : 0;
    return files;
  }

  TempDir directory_;
  std::shared_ptr<CheckpointStorage> storage_;
};

TEST_F(LocalDirectoryLinksTest, NothingBehindOneIsRead) {
  for (const char* name : {"a/file", "a/dangling", "a/folder", "a/folder/file"}) {
    EXPECT_EQ(storage_->Read(name, 0, 1).error().name(), "object-link") << name;
    EXPECT_EQ(storage_->Size(name).error().name(), "object-link") << name;
    EXPECT_EQ(storage_->LocalPath(name), "") << name;
    for (const bool may_link : {false, true}) {
      EXPECT_EQ(storage_->Fetch(name, directory_ / "got", may_link).error().name(), "object-link");
      EXPECT_FALSE(fs::exists(fs::symlink_status(directory_ / "got"))) << name;
    }
  }
  const Status error = storage_->Read("a/folder/file", 0, 1).error();
  EXPECT_EQ(error.code(), StatusCode::kCorruption);
  EXPECT_NE(error.message().find(directory_ / "root/a/folder"), std::string_view::npos);
}

TEST_F(LocalDirectoryLinksTest, NothingBehindOneIsWrittenOrDeleted) {
  for (const char* name : {"a/file", "a/folder/file", "a/folder/new", "a/folder/deep/new"}) {
    EXPECT_EQ(storage_->Put(name, "bytes").name(), "object-link") << name;
    EXPECT_EQ(storage_->CreateIfAbsent(name, "bytes").name(), "object-link") << name;
    EXPECT_EQ(storage_->PutFile(name, directory_ / "local").error().name(), "object-link") << name;
    EXPECT_EQ(storage_->TryLock(name).error().name(), "object-link") << name;
  }
  EXPECT_EQ(storage_->Delete(std::vector<std::string>{"a/folder/file"}).name(), "object-link");
  EXPECT_EQ(storage_->DeleteUnfinished("").ToString(), "OK");
  EXPECT_EQ(storage_->DeleteUnfinished("a/folder/").name(), "object-link");
  EXPECT_EQ(FilesOutside(), 3U);
  EXPECT_EQ(storage_->Put("a/file", "bytes").code(), StatusCode::kUnavailable);
}

TEST_F(LocalDirectoryLinksTest, ALinkIsListedAsWhatItStandsForAndCanBeDeleted) {
  std::string names;
  const auto objects = storage_->List("").value();
  for (const ObjectInfo& object : objects) names.append(object.name).append(" ");
  EXPECT_EQ(names, "a/dangling a/file a/folder ");
  EXPECT_EQ(storage_->List("a/folder/").error().name(), "object-link");
  const std::vector<std::string> all = {"a/dangling", "a/file", "a/folder"};
  EXPECT_EQ(storage_->Delete(all).ToString(), "OK");
  EXPECT_TRUE(storage_->List("").value().empty());
  EXPECT_EQ(FilesOutside(), 3U);
}

// A folder is known from its first use; a link beside it, or in the place of one that did not
// exist then, is still seen.
TEST_F(LocalDirectoryLinksTest, WhatIsKnownOfOneFolderSaysNothingOfOthers) {
  EXPECT_EQ(storage_->Put("a/b/c", "bytes").ToString(), "OK");
  EXPECT_EQ(storage_->Size("a/later/file").error().name(), "object-not-found");
  fs::create_symlink(directory_ / "outside/folder", directory_ / "root/a/later");
  EXPECT_EQ(storage_->Size("a/later/file").error().name(), "object-link");
  EXPECT_EQ(storage_->Put("a/folder/c", "bytes").name(), "object-link");
  EXPECT_EQ(storage_->Read("a/b/c", 0, 9).value(), "bytes");
}

TEST_F(LocalDirectoryLinksTest, TheRootMayBeOneAndLieBehindOne) {
  fs::create_directory_symlink(directory_ / "root", directory_ / "link");
  fs::create_directory_symlink(directory_.path(), directory_ / "above");
  for (const char* root : {"link", "above/root", "above/link"}) {
    const auto storage =
        storage::OpenLocalDirectoryOn(directory_ / root, storage::DefaultFileSystem()).value();
    const std::string name = std::string("of/") + (root[0] == 'l' ? "b" : root + 6);
    EXPECT_EQ(storage->Put(name, "bytes").ToString(), "OK") << root;
    EXPECT_EQ(storage->Read(name, 0, 9).value(), "bytes") << root;
    EXPECT_EQ(storage->Size("a/file").error().name(), "object-link") << root;
  }
}

}  // namespace
}  // namespace tidemark::test
