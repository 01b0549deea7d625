#include "storage/segment_file.h"

#include "tests/storage/live_database_fixture.h"

#include <fstream>

namespace tidemark::test {
namespace {

class SegmentFileTest : public ::testing::Test {
 protected:
  SegmentFileTest() { fs_->SkipSyncs(true); }

  static std::vector<std::pair<std::string, std::string>> Pairs(
      const std::vector<format::SegmentEntry>& entries) {
    std::vector<std::pair<std::string, std::string>> pairs;
    for (const format::SegmentEntry& entry : entries) pairs.emplace_back(entry.key, entry.frame);
    return pairs;
  }

  TempDir temporary_;
  const std::shared_ptr<FaultFileSystem> fs_ = std::make_shared<FaultFileSystem>();
};

TEST_F(SegmentFileTest, ReadsBackWhatWasWritten) {
  const auto entries = MakeSegment(3, 9, {1, 2, 70'000}, {"a", "b", std::string(60'000, 'k')}, 1);
  const std::string path = temporary_ / "segment.sst";
  const SstFile file = storage::WriteSegmentFile(fs_, path, entries).value();
  EXPECT_EQ(file.path, path);
  EXPECT_EQ(file.size, std::filesystem::file_size(path));
  EXPECT_EQ(file.unique_id.size(), 16u);
  EXPECT_EQ(file.smallest, entries.front().key);
  EXPECT_EQ(file.largest, entries.back().key);

  const auto digest = storage::DigestFile(*fs_, path).value();
  EXPECT_EQ(digest.size, file.size);
  EXPECT_EQ(digest.checksum, file.checksum);
  EXPECT_EQ(Pairs(storage::ReadSegmentFile(fs_, path).value()), Pairs(entries));
}

TEST_F(SegmentFileTest, HoldsHugeFrames) {
  std::vector<format::SegmentEntry> entries = MakeSegment(1, 1, {1}, {"a"});
  entries.push_back({format::EncodeSegmentKey(1, 2, "z"), std::string(100'000'000, 'f')});
  const std::string path = temporary_ / "segment.sst";
  ASSERT_TRUE(storage::WriteSegmentFile(fs_, path, entries).has_value());
  EXPECT_TRUE(Pairs(storage::ReadSegmentFile(fs_, path).value()) == Pairs(entries));
}

TEST_F(SegmentFileTest, WritesAFileOnce) {
  const std::string path = temporary_ / "segment.sst";
  std::ofstream(path) << "precious";
  const auto written = storage::WriteSegmentFile(fs_, path, MakeSegment(1, 1, {1}, {"a"}));
  ASSERT_FALSE(written.has_value());
  EXPECT_EQ(written.error().code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(storage::ReadWholeFile(*fs_, path).value(), "precious");
}

TEST_F(SegmentFileTest, LeavesNothingBehindOnError) {
  auto entries = MakeSegment(1, 1, {1}, {"a", "b", "c"});
  const std::string path = temporary_ / "segment.sst";
  std::swap(entries[1], entries[2]);
  EXPECT_EQ(storage::WriteSegmentFile(fs_, path, entries).error().code(), StatusCode::kInternal);
  EXPECT_FALSE(std::filesystem::exists(path));

  std::swap(entries[1], entries[2]);
  for (uint64_t call = 1;; ++call) {
    fs_->plan().Inject({.call = call, .error = FaultError::kFull});
    const auto written = storage::WriteSegmentFile(fs_, path, entries);
    if (fs_->plan().fired() == 0) {
      EXPECT_TRUE(written.has_value());
      EXPECT_GT(call, 4u) << "create, append, sync and close at least";
      break;
    }
    if (written.has_value()) {
      // What RocksDB may fail at without harm.
      std::filesystem::remove(path);
      continue;
    }
    EXPECT_EQ(written.error().code(), StatusCode::kResourceExhausted);
    EXPECT_EQ(written.error().name(), "disk-full");
    EXPECT_NE(written.error().message().find(path), std::string_view::npos);
    EXPECT_FALSE(std::filesystem::exists(path));
  }
}

TEST_F(SegmentFileTest, DigestsFilesAndObjects) {
  const auto storage = storage::OpenLocalDirectoryOn(temporary_.path(), fs_).value();
  for (const size_t size : {size_t{0}, size_t{1}, (size_t{1} << 20), (size_t{2} << 20) + 7}) {
    const std::string content(size, 'x');
    const std::string name = "object-" + std::to_string(size);
    std::ofstream(temporary_ / name) << content;
    const auto file = storage::DigestFile(*fs_, temporary_ / name).value();
    const auto object = storage::DigestObject(*storage, name).value();
    EXPECT_EQ(file.size, size);
    EXPECT_EQ(object.size, size);
    EXPECT_EQ(file.checksum, format::Checksum128Of(content));
    EXPECT_EQ(object.checksum, format::Checksum128Of(content));
  }
  EXPECT_EQ(storage::DigestFile(*fs_, temporary_ / "none").error().code(), StatusCode::kNotFound);
  EXPECT_EQ(storage::DigestObject(*storage, "none").error().code(), StatusCode::kNotFound);
}

}  // namespace
}  // namespace tidemark::test
