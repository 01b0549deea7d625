#include "format/checksum.h"
#include "format/frame.h"
#include "format/little_endian.h"

#include <gtest/gtest.h>

namespace tidemark::format {
namespace {

constexpr std::string_view kRaw = "what the file says, the file says, the file says";

std::string File(Compression codec = Compression::kNone) {
  return EncodeFile(FileType::kRepository, FrameKind::kRepository, kRaw, codec).value();
}

Result<std::string> Decode(std::string_view file) {
  return DecodeFile(FileType::kRepository, FrameKind::kRepository, file, "FORMAT");
}

// The header of a file as a newer Tidemark would write it, with a right check.
std::string WithVersion(uint16_t major, uint8_t minor) {
  std::string file = File();
  StoreLittleEndian(major, file.data() + 8);
  StoreLittleEndian(minor, file.data() + 11);
  StoreLittleEndian(static_cast<uint32_t>(Checksum64(std::string_view(file).substr(0, 12))),
                    file.data() + 12);
  return file;
}

TEST(FileHeaderTest, RoundTrips) {
  for (const Compression codec : {Compression::kNone, Compression::kLz4, Compression::kZstd})
    EXPECT_EQ(Decode(File(codec)).value(), kRaw);
  EXPECT_TRUE(File().starts_with("TIDEMARK\x01"));
}

TEST(FileHeaderTest, ReadsNewerMinorVersions) {
  EXPECT_EQ(Decode(WithVersion(1, 9)).value(), kRaw);
}

TEST(FileHeaderTest, RefusesNewerMajorVersionsAsSuch) {
  const Status newer = Decode(WithVersion(2, 0)).error();
  EXPECT_EQ(newer.code(), StatusCode::kIncompatibleFormat);
  EXPECT_EQ(newer.name(), "format-newer");
  // Its frame may look different: only the header counts.
  EXPECT_EQ(Decode(WithVersion(2, 0).substr(0, kFileHeaderBytes)).error().name(), "format-newer");
  EXPECT_EQ(Decode(WithVersion(0, 0)).error().name(), "file-header");
}

TEST(FileHeaderTest, TellsForeignFilesFromDamagedOnes) {
  for (const std::string_view foreign : {"SQLite format 3 and more", "{}", "TIDE", "TIDEMARX"})
    EXPECT_EQ(Decode(foreign).error().name(), foreign == "TIDE" ? "file-header" : "not-tidemark")
        << foreign;
  const Status foreign = Decode("SQLite format 3 and more").error();
  EXPECT_EQ(foreign.code(), StatusCode::kIncompatibleFormat);
  EXPECT_NE(foreign.message().find("TIDEMARK (544944454d41524b), got 53514c6974652066"),
            std::string_view::npos)
      << foreign.ToString();
  EXPECT_EQ(Decode("").error().name(), "file-header");
  EXPECT_EQ(Decode("").error().code(), StatusCode::kCorruption);

  std::string zeroed = File();
  zeroed.replace(0, 8, 8, '\0');
  EXPECT_EQ(Decode(zeroed).error().name(), "file-header");
}

TEST(FileHeaderTest, RefusesAnotherType) {
  const auto file =
      EncodeFile(FileType::kManifestVersion, FrameKind::kRepository, kRaw, Compression::kNone);
  EXPECT_EQ(Decode(*file).error().name(), "file-header");
  const auto frame =
      EncodeFile(FileType::kRepository, FrameKind::kManifestVersion, kRaw, Compression::kNone);
  EXPECT_EQ(Decode(*frame).error().name(), "frame-kind");
}

TEST(FileHeaderTest, EveryFlippedBitIsCorruption) {
  for (const Compression codec : {Compression::kNone, Compression::kZstd}) {
    std::string file = File(codec);
    for (size_t bit = 0; bit < 8 * file.size(); ++bit) {
      file[bit / 8] = static_cast<char>(file[bit / 8] ^ 1 << bit % 8);
      const auto decoded = Decode(file);
      ASSERT_FALSE(decoded.has_value()) << "bit " << bit;
      EXPECT_EQ(decoded.error().code(), StatusCode::kCorruption) << "bit " << bit;
      file[bit / 8] = static_cast<char>(file[bit / 8] ^ 1 << bit % 8);
    }
  }
}

TEST(FileHeaderTest, EveryTruncationIsCorruption) {
  const std::string file = File();
  for (size_t bytes = 0; bytes < file.size(); ++bytes) {
    const auto decoded = Decode(std::string_view(file).substr(0, bytes));
    ASSERT_FALSE(decoded.has_value()) << bytes;
    EXPECT_EQ(decoded.error().code(), StatusCode::kCorruption) << bytes;
  }
}

}  // namespace
}  // namespace tidemark::format
