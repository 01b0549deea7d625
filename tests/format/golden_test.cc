// Opens the golden files of every format version and compares what they hold. Where no compression
// is involved, writing the same again must also give the same bytes.
#include "tests/format/golden.h"

#include <gtest/gtest.h>

namespace tidemark::format::golden {
namespace {

struct OwnedRecord {
  std::string key;
  std::string value;
  uint64_t epoch;
  uint64_t expiry_ms;
  Op op;
  explicit OwnedRecord(const Record& r)
      : key(r.key), value(r.value), epoch(r.epoch), expiry_ms(r.expiry_ms), op(r.op) {}
  bool operator==(const OwnedRecord&) const = default;
};

void ExpectRecords(const std::string& frame) {
  BatchReader reader;
  const Status opened = reader.Open(frame, "golden file");
  ASSERT_TRUE(opened.ok()) << opened.ToString();
  EXPECT_EQ(reader.table_id(), 9u);
  for (const Record& expected : Records()) {
    ASSERT_TRUE(reader.Next().value());
    EXPECT_EQ(OwnedRecord(reader.record()), OwnedRecord(expected));
  }
  EXPECT_FALSE(reader.Next().value());
}

TEST(GoldenV1Test, ChangeBatch) {
  const std::string encoded = EncodeRecords(Records(), Compression::kNone);
  const std::string file = ReadGolden("change_batch_none.frame", encoded);
  ExpectRecords(file);
  EXPECT_EQ(file, encoded);
}

// Other versions of the compression libraries may write other bytes.
TEST(GoldenV1Test, CompressedChangeBatches) {
  ExpectRecords(ReadGolden("change_batch_lz4.frame", EncodeRecords(Records(), Compression::kLz4)));
  ExpectRecords(
      ReadGolden("change_batch_zstd.frame", EncodeRecords(Records(), Compression::kZstd)));
}

TEST(GoldenV1Test, SegmentHeader) {
  const std::string encoded = EncodeSegmentHeader(Header());
  const std::string file = ReadGolden("segment_header.frame", encoded);
  EXPECT_EQ(DecodeSegmentHeader(file, "").value(), Header());
  EXPECT_EQ(file, encoded);
}

TEST(GoldenV1Test, AppliedMark) {
  const std::string encoded = EncodeAppliedMark(Mark());
  const std::string file = ReadGolden("applied_mark.frame", encoded);
  EXPECT_EQ(DecodeAppliedMark(file, "").value(), Mark());
  EXPECT_EQ(file, encoded);
}

// Fields that came later are left out where they have nothing to say, so the files above stay as
// they are.
TEST(GoldenV1Test, Counts) {
  SegmentHeader header = Header();
  header.counts = {{1, 70'000}, {9, 0}};
  const std::string encoded_header = EncodeSegmentHeader(header);
  const std::string header_file = ReadGolden("segment_header_counts.frame", encoded_header);
  EXPECT_EQ(DecodeSegmentHeader(header_file, "").value(), header);
  EXPECT_EQ(header_file, encoded_header);

  AppliedMark mark = Mark();
  mark.counts = {{2, uint64_t{1} << 40}};
  const std::string encoded_mark = EncodeAppliedMark(mark);
  const std::string mark_file = ReadGolden("applied_mark_counts.frame", encoded_mark);
  EXPECT_EQ(DecodeAppliedMark(mark_file, "").value(), mark);
  EXPECT_EQ(mark_file, encoded_mark);

  ManifestVersion version = Version();
  version.edit.tables_added[1].exact_count = true;
  const std::string encoded_version = EncodeManifestVersion(version).value();
  const std::string version_file = ReadGolden("manifest_version_counts", encoded_version);
  EXPECT_EQ(DecodeManifestVersion(version_file, "").value(), version);
  EXPECT_EQ(version_file, encoded_version);
}

TEST(GoldenV1Test, SegmentMerge) {
  const ManifestVersion version = MergeVersion();
  const std::string encoded = EncodeManifestVersion(version).value();
  const std::string file = ReadGolden("manifest_version_merge", encoded);
  EXPECT_EQ(DecodeManifestVersion(file, "").value(), version);
  EXPECT_EQ(file, encoded);
  // It fits the golden list: checkpoints 40 and 41 take the merged segment, the older ones end
  // within its epochs.
  Manifest list = List();
  ASSERT_TRUE(ApplyEdit(version, &list, nullptr).ok());
  EXPECT_EQ(list.FindCheckpoint(39)->segments, (std::vector<uint64_t>{15, 16}));
  EXPECT_EQ(list.FindCheckpoint(40)->segments, (std::vector<uint64_t>{15, 21}));
  EXPECT_EQ(list.FindCheckpoint(41)->segments, (std::vector<uint64_t>{15, 21, 20}));
}

TEST(GoldenV1Test, Repository) {
  const std::string encoded = EncodeRepositoryInfo(Repository()).value();
  const std::string file = ReadGolden("FORMAT", encoded);
  EXPECT_EQ(DecodeRepositoryInfo(file, "").value(), Repository());
  EXPECT_EQ(file, encoded);
}

TEST(GoldenV1Test, ManifestVersion) {
  const std::string encoded = EncodeManifestVersion(Version()).value();
  const std::string file = ReadGolden("manifest_version", encoded);
  EXPECT_EQ(DecodeManifestVersion(file, "").value(), Version());
  EXPECT_EQ(file, encoded);
}

TEST(GoldenV1Test, ManifestSnapshot) {
  const std::string file = ReadGolden("manifest_snapshot", EncodeManifestSnapshot(List()).value());
  const auto decoded = DecodeManifestSnapshot(file, "");
  ASSERT_TRUE(decoded.has_value()) << decoded.error().ToString();
  EXPECT_EQ(*decoded, List());
  EXPECT_TRUE(CheckManifest(*decoded).ok()) << CheckManifest(*decoded).ToString();
}

}  // namespace
}  // namespace tidemark::format::golden
