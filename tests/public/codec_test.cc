#include <tidemark/codec.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace tidemark {
namespace {

template <class T>
std::string Encode(T value) {
  typename Codec<T>::Buffer buffer;
  return std::string(Codec<T>::Encode(value, buffer));
}

template <class T>
std::vector<T> Samples() {
  using Limits = std::numeric_limits<T>;
  std::vector<T> samples = {
      Limits::min(), static_cast<T>(Limits::min() + 1), 0, 1, static_cast<T>(Limits::max() - 1),
      Limits::max()};
  if constexpr (std::is_signed_v<T>) samples.insert(samples.end(), {-1, -2, -100});
  std::mt19937_64 random(sizeof(T));
  for (int i = 0; i < 500; ++i) samples.push_back(static_cast<T>(random() >> (random() % 64)));
  return samples;
}

template <class T>
class IntegerCodecTest : public ::testing::Test {};
using Integers = ::testing::Types<int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t,
                                  uint64_t, char, long, unsigned long, long long>;
TYPED_TEST_SUITE(IntegerCodecTest, Integers);

TYPED_TEST(IntegerCodecTest, WhatIsDecodedIsWhatWasEncoded) {
  for (const TypeParam value : Samples<TypeParam>()) {
    EXPECT_EQ(Encode(value).size(), sizeof(TypeParam));
    EXPECT_EQ(Codec<TypeParam>::Decode(Encode(value)).value(), value);
  }
}

TYPED_TEST(IntegerCodecTest, BytesSortAsNumbersDo) {
  auto samples = Samples<TypeParam>();
  std::sort(samples.begin(), samples.end());
  for (size_t i = 1; i < samples.size(); ++i) {
    ASSERT_EQ(samples[i - 1] < samples[i], Encode(samples[i - 1]) < Encode(samples[i]))
        << +samples[i - 1] << " and " << +samples[i];
  }
}

TYPED_TEST(IntegerCodecTest, OtherSizesAreCorruption) {
  for (size_t size = 0; size <= 9; ++size) {
    if (size == sizeof(TypeParam)) continue;
    const auto decoded = Codec<TypeParam>::Decode(std::string(size, 'x'));
    ASSERT_FALSE(decoded.has_value());
    EXPECT_EQ(decoded.error().code(), StatusCode::kCorruption);
    // Expected and got.
    EXPECT_NE(decoded.error().message().find(std::to_string(sizeof(TypeParam))),
              std::string_view::npos);
    EXPECT_NE(decoded.error().message().find(std::to_string(size)), std::string_view::npos);
  }
}

TEST(CodecTest, BytesOfIntegersAreFixedForever) {
  EXPECT_EQ(Encode<uint16_t>(0x0102), "\x01\x02");
  EXPECT_EQ(Encode<int16_t>(1), (std::string{"\x80\x01", 2}));
  EXPECT_EQ(Encode<int16_t>(-1), "\x7f\xff");
  EXPECT_EQ(Encode<int8_t>(-128), (std::string{"\0", 1}));
  EXPECT_EQ(Encode<uint64_t>(1), (std::string{"\0\0\0\0\0\0\0\1", 8}));
  EXPECT_EQ(Encode<int32_t>(0), (std::string{"\x80\0\0\0", 4}));
}

struct Pair {
  uint64_t a;
  uint32_t b;
  uint32_t c;
  friend bool operator==(const Pair&, const Pair&) = default;
};
struct Hundred {
  char bytes[100];
};
enum class Colour : uint16_t { kRed = 3 };

TEST(CodecTest, NamesAreFixedForever) {
  EXPECT_EQ(Codec<int8_t>::kName, "i8");
  EXPECT_EQ(Codec<int16_t>::kName, "i16");
  EXPECT_EQ(Codec<int32_t>::kName, "i32");
  EXPECT_EQ(Codec<int64_t>::kName, "i64");
  EXPECT_EQ(Codec<uint8_t>::kName, "u8");
  EXPECT_EQ(Codec<uint16_t>::kName, "u16");
  EXPECT_EQ(Codec<uint32_t>::kName, "u32");
  EXPECT_EQ(Codec<uint64_t>::kName, "u64");
  EXPECT_EQ(Codec<std::string>::kName, "string");
  EXPECT_EQ(Codec<Pair>::kName, "struct/16");
  EXPECT_EQ(Codec<Hundred>::kName, "struct/100");
  EXPECT_EQ(Codec<double>::kName, "struct/8");
  EXPECT_EQ(Codec<float>::kName, "struct/4");
  EXPECT_EQ(Codec<Colour>::kName, "struct/2");
}

TEST(CodecTest, Structs) {
  const Pair pair{1, 2, 3};
  Codec<Pair>::Buffer buffer;
  const std::string_view bytes = Codec<Pair>::Encode(pair, buffer);
  EXPECT_EQ(static_cast<const void*>(bytes.data()), &pair) << "no copy";
  EXPECT_EQ(Codec<Pair>::Decode(bytes).value(), pair);
  // Decoding needs no alignment.
  const std::string shifted = "x" + std::string(bytes);
  EXPECT_EQ(Codec<Pair>::Decode(std::string_view(shifted).substr(1)).value(), pair);
  EXPECT_EQ(Codec<Pair>::Decode("short").error().code(), StatusCode::kCorruption);
  EXPECT_EQ(Codec<Pair>::Decode(std::string(17, 'x')).error().code(), StatusCode::kCorruption);
  EXPECT_EQ(Codec<double>::Decode(Encode(2.5)).value(), 2.5);
  EXPECT_EQ(Codec<Colour>::Decode(Encode(Colour::kRed)).value(), Colour::kRed);
}

TEST(CodecTest, StringsAreTheirBytes) {
  const std::string value("with\0zero", 9);
  Codec<std::string>::Buffer buffer;
  const std::string_view bytes = Codec<std::string>::Encode(value, buffer);
  EXPECT_EQ(bytes.data(), value.data()) << "no copy";
  EXPECT_EQ(Codec<std::string>::Decode(bytes).value(), value);
  EXPECT_EQ(Codec<std::string>::Decode("").value(), "");
}

}  // namespace
}  // namespace tidemark
