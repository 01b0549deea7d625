#include <tidemark/codec.h>
#include <tidemark/status.h>

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace tidemark {
namespace {

Status Corrupt() { return Status(StatusCode::kCorruption, "segment-checksum", "a.sst, offset 12"); }

TEST(StatusTest, OkIsEmpty) {
  const Status status;
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(status.code(), StatusCode::kOk);
  EXPECT_EQ(status.name(), "");
  EXPECT_EQ(status.message(), "");
  EXPECT_EQ(status.ToString(), "OK");
  EXPECT_NO_THROW(status.Check());
}

TEST(StatusTest, ErrorSaysCodeNameAndMessage) {
  const Status status = Corrupt();
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(status.ToString(), "Corruption (segment-checksum): a.sst, offset 12");
}

TEST(StatusTest, CopiesAreIndependent) {
  Status status = Corrupt();
  const Status copy = status;
  status = Status::Ok();
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(copy.name(), "segment-checksum");
  status = copy;
  EXPECT_EQ(status.message(), copy.message());
}

TEST(StatusTest, ContextPrecedesTheMessage) {
  EXPECT_EQ(Corrupt().WithContext("checkpoint 7").ToString(),
            "Corruption (segment-checksum): checkpoint 7: a.sst, offset 12");
  EXPECT_TRUE(Status().WithContext("checkpoint 7").ok());
}

TEST(StatusTest, CheckThrowsWithTheWholeText) {
  try {
    Corrupt().Check();
    FAIL() << "Check did not throw";
  } catch (const BadStatus& error) {
    EXPECT_EQ(error.what(), Corrupt().ToString());
  }
}

TEST(StatusTest, EveryCodeHasItsOwnName) {
  std::set<std::string_view> names;
  for (int code = 0; code <= static_cast<int>(StatusCode::kInternal); ++code)
    names.insert(StatusCodeName(static_cast<StatusCode>(code)));
  EXPECT_EQ(names.size(), static_cast<size_t>(StatusCode::kInternal) + 1);
  EXPECT_FALSE(names.contains("Unknown"));
  EXPECT_EQ(StatusCodeName(static_cast<StatusCode>(200)), "Unknown");
}

TEST(StatusDeathTest, AnErrorCannotHaveTheCodeOk) {
  EXPECT_DEATH((void)Status(StatusCode::kOk, "name", "message"), "code != StatusCode::kOk");
}

TEST(ResultTest, MadeFromOkIsAnInternalError) {
  const Result<int> result = Status();
  EXPECT_FALSE(result.has_value());
  EXPECT_EQ(result.error().name(), "ok-without-value");
  EXPECT_THROW((void)result.value(), BadStatus);
}

Result<int> Twice(Result<int> of) {
  TIDEMARK_ASSIGN_OR_RETURN(const int n, std::move(of));
  return 2 * n;
}

TEST(ResultTest, MacroBindsTheValueOrReturnsTheError) {
  EXPECT_EQ(Twice(21).value(), 42);
  EXPECT_EQ(Twice(Corrupt()).error().name(), "segment-checksum");
}

Result<std::vector<std::string>> List() {
  return std::vector<std::string>(3, std::string(100, 'x'));
}

// value() of a temporary once returned a reference, and this loop read a list that was gone;
// AddressSanitizer sees it.
TEST(ResultTest, WhatATemporaryGivesOutlivesIt) {
  size_t bytes = 0;
  for (const std::string& text : List().value()) bytes += text.size();
  EXPECT_EQ(bytes, 300u);
  const auto& list = *List();
  EXPECT_EQ(list.size(), 3u);
  const Status& error = Twice(Corrupt()).error();
  EXPECT_EQ(error.name(), "segment-checksum");
}

template <class T>
void ExpectRoundTrip(T value) {
  typename Codec<T>::Buffer buffer;
  EXPECT_EQ(Codec<T>::Decode(Codec<T>::Encode(value, buffer)).value(), value);
}

TEST(CodecTest, FixedSizeCodecsRefuseOtherSizes) {
  const Status wrong = Codec<uint64_t>::Decode("seven b").error();
  EXPECT_EQ(wrong.code(), StatusCode::kCorruption);
  EXPECT_EQ(wrong.name(), "codec-size");
  EXPECT_NE(wrong.message().find("u64"), std::string_view::npos) << wrong.message();
  EXPECT_NE(wrong.message().find("8 bytes"), std::string_view::npos) << wrong.message();
  EXPECT_NE(wrong.message().find('7'), std::string_view::npos) << wrong.message();

  struct Point {
    int32_t x, y;
  };
  EXPECT_EQ(Codec<Point>::kName, "struct/8");
  EXPECT_EQ(Codec<Point>::Decode("").error().name(), "codec-size");
}

TEST(CodecTest, IntegersKeepTheirOrder) {
  typename Codec<int32_t>::Buffer a;
  typename Codec<int32_t>::Buffer b;
  const int32_t ascending[] = {INT32_MIN, -256, -1, 0, 1, 255, 256, INT32_MAX};
  for (size_t i = 0; i + 1 < std::size(ascending); ++i)
    EXPECT_LT(Codec<int32_t>::Encode(ascending[i], a), Codec<int32_t>::Encode(ascending[i + 1], b));
  for (const int32_t value : ascending) ExpectRoundTrip(value);
  ExpectRoundTrip<uint8_t>(255);
  ExpectRoundTrip<uint64_t>(UINT64_MAX);
  ExpectRoundTrip<double>(-0.5);
}

}  // namespace
}  // namespace tidemark
