#include "format/segment.h"

#include "format/change_batch_generated.h"
#include "format/frame.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <optional>

namespace tidemark::format {
namespace {

WriterId Writer(uint8_t n) {
  WriterId id;
  id.bytes.fill(n);
  return id;
}

SegmentHeader Header() {
  return {.attempt = 3,
          .writer = Writer(9),
          .first_epoch = 41,
          .last_epoch = 45,
          .unique = 77,
          .records = 1000,
          .net_change_bytes = 80'000,
          .tables = {1, 2, 9}};
}

template <class T>
std::string NameOf(const Result<T>& result) {
  if (result.has_value()) return "";
  EXPECT_EQ(result.error().code(), StatusCode::kCorruption);
  return std::string(result.error().name());
}

TEST(WriterIdTest, RandomOnesDiffer) {
  EXPECT_NE(WriterId::Random(), WriterId::Random());
  EXPECT_EQ(Writer(0xab).Hex(), "abababababababababababababababab");
}

TEST(SegmentKeyTest, RoundTripsAndSorts) {
  const std::string key = EncodeSegmentKey(258, 7, "first");
  EXPECT_EQ(key, std::string("\0\0\0\0\0\0\1\2\0\0\0\7first", 17));
  const SegmentKey decoded = DecodeSegmentKey(key, "").value();
  EXPECT_EQ(decoded.last_epoch, 258u);
  EXPECT_EQ(decoded.table_id, 7u);
  EXPECT_EQ(decoded.first_key, "first");

  const std::vector<std::string> ascending = {
      EncodeSegmentKey(1, 0, ""), EncodeSegmentKey(1, 1, "a"), EncodeSegmentKey(1, 256, "a"),
      EncodeSegmentKey(2, 0, ""), EncodeSegmentKey(UINT64_MAX, UINT32_MAX, "")};
  EXPECT_TRUE(std::is_sorted(ascending.begin(), ascending.end()));
}

TEST(SegmentKeyTest, RejectsTruncation) {
  const std::string key = EncodeSegmentKey(1, 2, "");
  EXPECT_EQ(NameOf(DecodeSegmentKey(key, "")), "");
  for (size_t bytes = 0; bytes < key.size(); ++bytes)
    EXPECT_EQ(NameOf(DecodeSegmentKey(key.substr(0, bytes), "")), "segment-key");
}

TEST(SegmentHeaderTest, RoundTrips) {
  EXPECT_EQ(DecodeSegmentHeader(EncodeSegmentHeader(Header()), "").value(), Header());
  SegmentHeader empty;
  empty.first_epoch = empty.last_epoch = 1;
  EXPECT_EQ(DecodeSegmentHeader(EncodeSegmentHeader(empty), "").value(), empty);
}

TEST(SegmentHeaderTest, RejectsEveryFlippedBitAndTruncation) {
  std::string frame = EncodeSegmentHeader(Header());
  for (size_t bit = 0; bit < 8 * frame.size(); ++bit) {
    frame[bit / 8] = static_cast<char>(frame[bit / 8] ^ 1 << bit % 8);
    EXPECT_NE(NameOf(DecodeSegmentHeader(frame, "")), "") << bit;
    frame[bit / 8] = static_cast<char>(frame[bit / 8] ^ 1 << bit % 8);
  }
  for (size_t bytes = 0; bytes < frame.size(); ++bytes)
    EXPECT_NE(NameOf(DecodeSegmentHeader(frame.substr(0, bytes), "")), "");
}

std::string Framed(FrameKind kind, std::string_view raw) {
  std::string frame;
  AppendFrame(kind, raw, Compression::kNone, 0, &frame).Check();
  return frame;
}

TEST(SegmentHeaderTest, RejectsIntactNonsense) {
  EXPECT_EQ(
      NameOf(DecodeSegmentHeader(Framed(FrameKind::kSegmentHeader, "nonsense, but long"), "")),
      "segment-header");
  EXPECT_EQ(NameOf(DecodeSegmentHeader(EncodeAppliedMark({}), "")), "frame-kind");
  SegmentHeader header = Header();
  header.first_epoch = 46;
  EXPECT_EQ(NameOf(DecodeSegmentHeader(EncodeSegmentHeader(header), "")), "segment-header");
  header.first_epoch = 0;
  EXPECT_EQ(NameOf(DecodeSegmentHeader(EncodeSegmentHeader(header), "")), "segment-header");
}

// `writer_id` and `tables` as another program might write them.
std::string HeaderWith(const std::vector<uint8_t>& writer_id, const std::vector<uint32_t>& tables) {
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(fb::CreateSegmentHeaderDirect(builder, 1, &writer_id, 1, 1, 0, 0, 0, &tables));
  return Framed(FrameKind::kSegmentHeader,
                {reinterpret_cast<const char*>(builder.GetBufferPointer()), builder.GetSize()});
}

TEST(SegmentHeaderTest, RejectsBadWriterAndTables) {
  const std::vector<uint8_t> writer(16);
  EXPECT_EQ(NameOf(DecodeSegmentHeader(HeaderWith(writer, {1, 2}), "")), "");
  EXPECT_EQ(NameOf(DecodeSegmentHeader(HeaderWith({1, 2, 3}, {1, 2}), "")), "segment-header");
  EXPECT_EQ(NameOf(DecodeSegmentHeader(HeaderWith(writer, {0, 2}), "")), "segment-header");
  EXPECT_EQ(NameOf(DecodeSegmentHeader(HeaderWith(writer, {2, 1}), "")), "segment-header");
  EXPECT_EQ(NameOf(DecodeSegmentHeader(HeaderWith(writer, {2, 2}), "")), "segment-header");
}

TEST(SegmentHeaderDeathTest, EncodingAssertsAscendingTables) {
  SegmentHeader header = Header();
  header.tables = {2, 1};
  EXPECT_DEATH((void)EncodeSegmentHeader(header), "contract");
}

TEST(AppliedMarkTest, RoundTrips) {
  const AppliedMark mark{.at = {.attempt = 3, .writer = Writer(9), .epoch = 45}, .tables = {1, 9}};
  EXPECT_EQ(DecodeAppliedMark(EncodeAppliedMark(mark), "").value(), mark);
  EXPECT_EQ(DecodeAppliedMark(EncodeAppliedMark({}), "").value(), AppliedMark());
}

TEST(AppliedMarkTest, RejectsDamage) {
  std::string frame =
      EncodeAppliedMark({.at = {.attempt = 3, .writer = Writer(9), .epoch = 45}, .tables = {1}});
  for (size_t bit = 0; bit < 8 * frame.size(); ++bit) {
    frame[bit / 8] = static_cast<char>(frame[bit / 8] ^ 1 << bit % 8);
    EXPECT_NE(NameOf(DecodeAppliedMark(frame, "")), "") << bit;
    frame[bit / 8] = static_cast<char>(frame[bit / 8] ^ 1 << bit % 8);
  }
  EXPECT_EQ(NameOf(DecodeAppliedMark(Framed(FrameKind::kAppliedMark, "nonsense, but long"), "")),
            "applied-mark");
}

}  // namespace
}  // namespace tidemark::format
