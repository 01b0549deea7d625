#include "format/checksum.h"

#include <gtest/gtest.h>

namespace tidemark::format {
namespace {

// From the reference implementation; files outlive the library that wrote them.
TEST(ChecksumTest, NeverChanges) {
  EXPECT_EQ(Checksum64(""), 0x2d06800538d394c2u);
  EXPECT_EQ(Checksum128Of("").Hex(), "99aa06d3014798d86001c324468d497f");
}

TEST(ChecksumTest, PiecesMakeNoDifference) {
  std::string bytes;
  for (int i = 0; i < 5000; ++i) bytes.push_back(static_cast<char>(i * 7));
  const Checksum128 whole = Checksum128Of(bytes);
  for (const size_t piece : {1u, 63u, 64u, 1000u, 5000u}) {
    Hasher128 hasher;
    for (size_t at = 0; at < bytes.size(); at += piece)
      hasher.Update(std::string_view(bytes).substr(at, piece));
    EXPECT_EQ(hasher.Digest(), whole);
  }
  const std::string_view all(bytes);
  for (const size_t split : {0u, 8u, 240u, 4999u, 5000u})
    EXPECT_EQ(Checksum64Of(all.substr(0, split), all.substr(split)), Checksum64(all));
}

TEST(ChecksumTest, SeedMatters) { EXPECT_NE(Checksum64("abc", 1), Checksum64("abc")); }

TEST(ChecksumTest, HexIsLowerCaseInByteOrder) {
  EXPECT_EQ(ToHex(std::array<uint8_t, 3>{0x00, 0xaf, 0x10}), "00af10");
}

TEST(ChecksumTest, HashersMove) {
  Hasher128 hasher;
  hasher.Update("ab");
  Hasher128 moved = std::move(hasher);
  moved.Update("c");
  EXPECT_EQ(moved.Digest(), Checksum128Of("abc"));
}

}  // namespace
}  // namespace tidemark::format
