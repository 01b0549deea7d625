// A repository in which a file or a folder is a symbolic link to a valid copy that lies elsewhere:
// the link is damage, so restore falls back, or says what is wrong; what it leads to is neither
// read nor changed.
#include "tests/crash/damage_fixture.h"

#include <filesystem>

namespace tidemark::test {
namespace {

namespace fs = std::filesystem;

class LinkTest : public DamageFixture {
 protected:
  std::string Outside() const { return root() + "/outside"; }

  // A fresh copy of the template, with what is at `path` moved out and a link left in its place.
  void LinkOut(const std::string& path) {
    CopyTemplate();
    const std::string moved = Outside() + "/moved";
    fs::create_directories(Outside());
    fs::rename(PathOf(path), moved);
    fs::create_symlink(moved, PathOf(path));
    there_ = ReadTree(Outside());
  }
  // What has been read would have been restored, as it is whole.
  void ExpectFallback(const std::string& path, uint64_t id) {
    SCOPED_TRACE(path);
    LinkOut(path);
    ExpectRestores(Options(), id, path);
    EXPECT_EQ(ReadTree(Outside()), there_);
    EXPECT_TRUE(fs::is_symlink(PathOf(path)));
  }
  void ExpectRefusal(const std::string& path, StatusCode code) {
    SCOPED_TRACE(path);
    LinkOut(path);
    ExpectError(Options(), code, {path, "symbolic link"});
    EXPECT_EQ(ReadTree(Outside()), there_);
  }

 private:
  Files there_;
};

TEST_F(LinkTest, Invariant09RestoreFallsBackFromAFileThatIsALink) {
  ExpectFallback(DamageFixture::PathOf(Part::kNewestManifest), 9);
  ExpectFallback(DamageFixture::PathOf(Part::kTailManifest), 8);
  ExpectFallback(DamageFixture::PathOf(Part::kInlinedSegment), 6);
  ExpectFallback(DamageFixture::PathOf(Part::kSegment), 5);
  ExpectFallback(DamageFixture::PathOf(Part::kBaseSst), 4);
  ExpectFallback(DamageFixture::PathOf(Part::kBaseMeta), 4);
}

// Of the second base checkpoint 5 needs no more; the first two have no base.
TEST_F(LinkTest, Invariant09RestoreFallsBackFromAFolderThatIsALink) {
  const std::string subtask = format::SubtaskPrefix(0);
  ExpectFallback(subtask + "log", 5);
  ExpectFallback(subtask + "base", 2);
}

TEST_F(LinkTest, WithoutAnythingToFallBackToTheLinkIsNamed) {
  const std::string subtask = format::SubtaskPrefix(0);
  ExpectRefusal(std::string(format::kFormatName), StatusCode::kCorruption);
  ExpectRefusal(DamageFixture::PathOf(Part::kSnapshot), StatusCode::kCorruption);
  ExpectRefusal(subtask + "manifest", StatusCode::kUnavailable);
  ExpectRefusal(subtask + "snapshots", StatusCode::kUnavailable);
  ExpectRefusal(subtask.substr(0, subtask.size() - 1), StatusCode::kUnavailable);
  ExpectRefusal("subtasks", StatusCode::kUnavailable);
}

TEST_F(LinkTest, AnExplicitCheckpointNeverFallsBack) {
  const std::string path = DamageFixture::PathOf(Part::kSegment);
  LinkOut(path);
  StoreOptions options = Options();
  options.restore_checkpoint = kNewest;
  ExpectError(options, StatusCode::kCorruption, {path, "symbolic link"});
}

// Verify takes it for damage of every checkpoint that needs the file; export copies nothing.
TEST_F(LinkTest, ToolsFindTheLinkAndCopyNothing) {
  const std::string path = DamageFixture::PathOf(Part::kSegment);
  LinkOut(path);
  const auto storage = StorageAt(root());
  const std::string damage = FindDamage(*storage, ReadNewest(*storage).value());
  EXPECT_NE(damage.find(path), std::string::npos) << damage;
  EXPECT_NE(damage.find("symbolic link"), std::string::npos) << damage;
  const Status exported = ExportNewest(*storage, root() + "/export", storage::DefaultFileSystem());
  EXPECT_EQ(exported.code(), StatusCode::kCorruption) << exported.ToString();
  EXPECT_FALSE(fs::exists(root() + "/export"));
}

// Where the repository lies is for its owner to say.
TEST_F(LinkTest, TheRepositoryItselfMayBeALink) {
  CopyTemplate();
  fs::rename(root() + "/repository", root() + "/moved");
  fs::create_directory_symlink(root() + "/moved", root() + "/repository");
  ExpectRestores(Options(), kNewest, "");
}

}  // namespace
}  // namespace tidemark::test
