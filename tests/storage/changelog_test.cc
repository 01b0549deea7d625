// The segments of a live database: LiveDatabase::AddSegments and its like.
#include "tests/storage/live_database_fixture.h"

#include <algorithm>

namespace tidemark::test {
namespace {

class ChangelogTest : public LiveDatabaseFixture {
 protected:
  void SetUp() override { Open(); }

  void Add(const std::vector<std::pair<uint64_t, uint64_t>>& ranges) {
    std::vector<SstFile> files;
    for (const auto& [first, last] : ranges) {
      files.push_back(WriteSegment(MakeSegment(first, last, {1, 4}, {"a", "b", "c"})));
    }
    const Status status = database_->AddSegments(files);
    ASSERT_TRUE(status.ok()) << status.ToString();
    EXPECT_TRUE(FilesIn("tmp").empty()) << "the files are consumed";
  }

  // Each as "first-last".
  std::vector<std::string> Segments() {
    const auto headers = database_->Segments();
    std::vector<std::string> ranges;
    for (const format::SegmentHeader& header : headers.value()) {
      EXPECT_EQ(header.writer, WriterOne());
      ranges.push_back(std::to_string(header.first_epoch) + '-' +
                       std::to_string(header.last_epoch));
    }
    return ranges;
  }

  // The user keys in a segment's table, in the order of the stream.
  std::vector<std::string> Keys(uint64_t last_epoch, uint32_t table) {
    const auto stream = database_->OpenSegment(last_epoch, table);
    std::vector<std::string> keys;
    while (true) {
      const Result<bool> more = stream->Next();
      EXPECT_TRUE(more.has_value()) << more.error().ToString();
      if (!more.value_or(false)) return keys;
      EXPECT_EQ(stream->record().epoch, last_epoch);
      EXPECT_EQ(stream->record().value, format::UserKey(stream->record().key));
      keys.emplace_back(stream->record().value);
    }
  }

  size_t SideFiles() const {
    const auto files = FilesIn("side");
    return static_cast<size_t>(std::count_if(
        files.begin(), files.end(), [](const auto& file) { return file.ends_with(".sst"); }));
  }
};

using Names = std::vector<std::string>;

TEST_F(ChangelogTest, ListsWhatWasAddedInOrder) {
  EXPECT_EQ(Segments(), Names());
  Add({{5, 5}});
  Add({{1, 3}, {4, 4}});
  Add({{6, 300}});
  EXPECT_EQ(Segments(), (Names{"1-3", "4-4", "5-5", "6-300"}));
  Reopen();
  EXPECT_EQ(Segments(), (Names{"1-3", "4-4", "5-5", "6-300"}));
  EXPECT_TRUE(database_->AddSegments({}).ok());
}

TEST_F(ChangelogTest, StreamsTheRecordsOfOneTable) {
  Names keys;
  for (int i = 0; i < 1000; ++i) keys.push_back("key" + std::to_string(i));
  std::vector<SstFile> files{WriteSegment(MakeSegment(7, 7, {1, 2, UINT32_MAX}, keys, 10)),
                             WriteSegment(MakeSegment(8, 8, {2}, {"x"})),
                             WriteSegment(MakeSegment(9, UINT64_MAX, {UINT32_MAX}, {"y"}))};
  ASSERT_TRUE(database_->AddSegments(files).ok());
  for (const uint32_t table : {uint32_t{1}, uint32_t{2}, UINT32_MAX}) {
    Names read = Keys(7, table);
    EXPECT_TRUE(std::is_sorted(read.begin(), read.end(), [](const auto& a, const auto& b) {
      return StoredKey(a) < StoredKey(b);
    }));
    std::sort(read.begin(), read.end());
    Names sorted = keys;
    std::sort(sorted.begin(), sorted.end());
    EXPECT_EQ(read, sorted);
  }
  EXPECT_EQ(Keys(7, 3), Names());
  EXPECT_EQ(Keys(8, 1), Names());
  EXPECT_EQ(Keys(8, 2), Names{"x"});
  EXPECT_EQ(Keys(UINT64_MAX, UINT32_MAX), Names{"y"});
  EXPECT_EQ(Keys(6, 1), Names()) << "no such segment";
}

TEST_F(ChangelogTest, DropsWholeSegmentsByLastEpoch) {
  Add({{1, 3}, {4, 4}, {5, 8}, {9, 9}});
  ASSERT_TRUE(database_->DropSegments(0, 2).ok());
  EXPECT_EQ(Segments(), (Names{"1-3", "4-4", "5-8", "9-9"}));
  ASSERT_TRUE(database_->DropSegments(0, 4).ok());
  EXPECT_EQ(Segments(), (Names{"5-8", "9-9"}));
  ASSERT_TRUE(database_->DropSegments(9, UINT64_MAX).ok());
  EXPECT_EQ(Segments(), Names{"5-8"});
  EXPECT_EQ(Keys(8, 4).size(), 3u);
  Reopen();
  EXPECT_EQ(Segments(), Names{"5-8"});
  ASSERT_TRUE(database_->DropSegments(8, 7).ok()) << "an empty range";
  ASSERT_TRUE(database_->DropSegments(0, UINT64_MAX).ok());
  EXPECT_EQ(Segments(), Names());
  EXPECT_EQ(SideFiles(), 0u);
}

TEST_F(ChangelogTest, TakesTheSameEpochsAgainAfterADrop) {
  for (uint64_t round = 0; round < 20; ++round) {
    Add({{1, 2}, {3, 3}});
    Add({{4, 4}});
    ASSERT_EQ(Segments(), (Names{"1-2", "3-3", "4-4"}));
    ASSERT_TRUE(database_->DropSegments(3, 4).ok());
    Add({{3, 4}});
    ASSERT_EQ(Segments(), (Names{"1-2", "3-4"}));
    if (round % 5 == 0) Reopen();
    ASSERT_TRUE(database_->DropSegments(1, 4).ok());
    ASSERT_EQ(Segments(), Names());
  }
  Reopen();
  EXPECT_EQ(SideFiles(), 0u);
}

TEST_F(ChangelogTest, RefusesSegmentsThatOverlap) {
  Add({{1, 5}});
  const SstFile again = WriteSegment(MakeSegment(4, 5, {1}, {"a"}));
  const Status status = database_->AddSegments({&again, 1});
  EXPECT_EQ(status.name(), "segment-overlap") << status.ToString();
  EXPECT_EQ(Segments(), Names{"1-5"});
  EXPECT_TRUE(FilesIn("tmp").empty());
}

TEST_F(ChangelogTest, StreamsGoOnWhileTheirSegmentIsDropped) {
  Add({{1, 1}, {2, 2}});
  const auto stream = database_->OpenSegment(1, 4);
  ASSERT_TRUE(stream->Next().value());
  ASSERT_TRUE(database_->DropSegments(1, 1).ok());
  EXPECT_TRUE(stream->Next().value());
  EXPECT_TRUE(stream->Next().value());
  EXPECT_FALSE(stream->Next().value());
  EXPECT_FALSE(stream->Next().value());
}

TEST_F(ChangelogTest, ReportsDamagedFramesAndStaysThere) {
  auto entries = MakeSegment(1, 1, {1}, {"a", "b", "c", "d"});
  entries.back().frame.back() ^= 1;
  const SstFile file = WriteSegment(entries);
  ASSERT_TRUE(database_->AddSegments({&file, 1}).ok());
  const auto stream = database_->OpenSegment(1, 1);
  EXPECT_TRUE(stream->Next().value());
  EXPECT_TRUE(stream->Next().value());
  for (int i = 0; i < 2; ++i) {
    const Result<bool> damaged = stream->Next();
    ASSERT_FALSE(damaged.has_value());
    EXPECT_EQ(damaged.error().code(), StatusCode::kCorruption);
    EXPECT_NE(damaged.error().message().find("side, segment of epoch 1"), std::string_view::npos)
        << damaged.error().ToString();
  }
}

TEST_F(ChangelogTest, ReportsSegmentsWithoutAHeader) {
  auto entries = MakeSegment(1, 1, {1}, {"a"});
  entries.erase(entries.begin());
  const SstFile file = WriteSegment(entries);
  ASSERT_TRUE(database_->AddSegments({&file, 1}).ok());
  const auto listed = database_->Segments();
  ASSERT_FALSE(listed.has_value());
  EXPECT_EQ(listed.error().name(), "segment-header");
}

TEST_F(ChangelogTest, LeavesLinkedFilesAsTheyAre) {
  const SstFile file = WriteSegment(MakeSegment(1, 1, {1}, {"a"}));
  const std::string kept = temporary_ / "kept.sst";
  std::filesystem::create_hard_link(file.path, kept);
  ASSERT_TRUE(database_->AddSegments({&file, 1}).ok());
  EXPECT_FALSE(std::filesystem::exists(file.path));
  EXPECT_EQ(Keys(1, 1), Names{"a"});
  Reopen();
  ASSERT_TRUE(database_->DropSegments(1, 1).ok());
  database_.reset();
  EXPECT_EQ(storage::DigestFile(*options_.fs, kept).value().checksum, file.checksum);
}

}  // namespace
}  // namespace tidemark::test
