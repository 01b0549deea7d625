// Repositories that a store must not touch: of a newer format, of another id, of another shape, or
// none at all. Each refusal says why, and changes nothing.
#include "format/checksum.h"
#include "tests/crash/damage_fixture.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace tidemark::test {
namespace {

namespace fs = std::filesystem;

class RefusalTest : public DamageFixture {
 protected:
  // Expects the error and that the repository is as it was.
  void ExpectRefused(const StoreOptions& options, StatusCode code,
                     const std::vector<std::string>& says) {
    const Files before = ReadTree(root());
    ExpectError(options, code, says);
    EXPECT_EQ(ReadTree(root()), before);
  }
  StoreOptions Explicit(uint64_t id) const {
    StoreOptions options = Options();
    options.restore_checkpoint = id;
    return options;
  }

  // As a Tidemark of the next major version would have written it: the header is intact.
  void MakeNewer(const std::string& path) {
    const std::string file = DamageFixture::PathOf(path);
    std::string bytes = storage::ReadWholeFile(*storage::DefaultFileSystem(), file).value();
    bytes[8] = 2;
    const uint64_t check = format::Checksum64(std::string_view(bytes).substr(0, 12));
    for (size_t i = 0; i < 4; ++i) bytes[12 + i] = static_cast<char>(check >> (8 * i));
    std::ofstream(file, std::ios::binary) << bytes;
  }
};

TEST_F(RefusalTest, NewerFormat) {
  for (const Part part :
       {Part::kFormat, Part::kNewestManifest, Part::kTailManifest, Part::kSnapshot}) {
    SCOPED_TRACE(NameOf(part));
    CopyTemplate();
    const std::string path = DamageFixture::PathOf(part);
    MakeNewer(path);
    ExpectRefused(Options(), StatusCode::kIncompatibleFormat, {path, "2", "1"});
    ExpectRefused(Explicit(3), StatusCode::kIncompatibleFormat, {path});
  }
}

TEST_F(RefusalTest, ManifestOfAnotherRepository) {
  CopyTemplate();
  StoreOptions other = SmallStore(root() + "/other");
  other.write_back_segments = 1000;  // so few versions that none is collected
  ASSERT_EQ(InChild([&] {
              auto store = Open(other).value();
              for (uint64_t id = 1; id <= 20; ++id)
                ASSERT_EQ(store.Checkpoint(id).ToString(), "OK");
            }),
            "");
  const std::string path = DamageFixture::PathOf(Part::kNewestManifest);
  fs::copy_file(root() + "/other/repository/" + path, DamageFixture::PathOf(path),
                fs::copy_options::overwrite_existing);
  ExpectRefused(Options(), StatusCode::kIncompatibleFormat, {path, "expected repository", "got"});
}

TEST_F(RefusalTest, DirectoryThatIsNoRepository) {
  fs::create_directories(root() + "/repository/photos");
  std::ofstream(root() + "/repository/photos/1.jpeg") << "not ours";
  StoreOptions options = Options();
  options.directory = root() + "-live";
  ExpectRefused(options, StatusCode::kIncompatibleFormat, {"FORMAT", "photos/1.jpeg"});
}

TEST_F(RefusalTest, CheckpointThatDoesNotExist) {
  CopyTemplate();
  ExpectRefused(Explicit(11), StatusCode::kNotFound,
                {"checkpoint 11", "1, 2, 3, 4, 5, 6, 7, 8, 9, 10"});
  fs::remove_all(root() + "/repository");
  ExpectError(Explicit(11), StatusCode::kNotFound, {"checkpoint 11", "none"});
  EXPECT_FALSE(fs::exists(root() + "/repository"));
}

TEST_F(RefusalTest, AnotherMaxParallelism) {
  CopyTemplate();
  StoreOptions options = Options();
  options.max_parallelism = 64;
  ExpectRefused(options, StatusCode::kInvalidArgument, {"expected max_parallelism 128", "got 64"});
}

TEST_F(RefusalTest, UnknownScheme) {
  StoreOptions options = Options();
  options.repository = "s3://bucket/job";
  ExpectError(options, StatusCode::kUnsupported, {"s3", "file"});
  EXPECT_FALSE(fs::exists(options.directory));
}

// Two jobs that were given one local directory by mistake.
TEST_F(RefusalTest, LocalDirectoryOfAnotherStore) {
  CopyTemplate();
  const std::string end = InChild([&] {
    auto store = Open(Options()).value();
    StoreOptions options = Options();
    options.repository = root() + "/another-repository";
    const Status busy = Open(options).error();
    EXPECT_EQ(busy.code(), StatusCode::kBusy) << busy.ToString();
    EXPECT_EQ(busy.name(), "directory-locked");
    EXPECT_NE(busy.message().find("process " + std::to_string(getpid())), std::string_view::npos)
        << busy.ToString();
    EXPECT_EQ(store.Close().ToString(), "OK");
    EXPECT_EQ(Open(options).error().ToString(), "OK");
  });
  EXPECT_EQ(end, "");
}

}  // namespace
}  // namespace tidemark::test
