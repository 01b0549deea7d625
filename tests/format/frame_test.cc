#include "format/frame.h"

#include "format/checksum.h"
#include "format/little_endian.h"

#include <gtest/gtest.h>

namespace tidemark::format {
namespace {

constexpr Compression kCodecs[] = {Compression::kNone, Compression::kLz4, Compression::kZstd};

std::string Text(size_t bytes) {
  std::string text;
  for (size_t i = 0; text.size() < bytes; ++i) text += "line " + std::to_string(i) + "; ";
  text.resize(bytes);
  return text;
}

std::string Noise(size_t bytes) {
  std::string noise;
  for (uint64_t i = 0; noise.size() < bytes; ++i) AppendLittleEndian(Checksum64("", i), &noise);
  noise.resize(bytes);
  return noise;
}

std::string Frame(std::string_view raw, Compression codec) {
  std::string frame;
  AppendFrame(FrameKind::kChangeBatch, raw, codec, 1, &frame).Check();
  return frame;
}

Result<std::string> Read(std::string_view frame, FrameKind kind = FrameKind::kChangeBatch) {
  std::string scratch;
  TIDEMARK_ASSIGN_OR_RETURN(const FrameView view,
                            ReadFrame(frame, kind, "f.sst, entry 1", &scratch));
  return std::string(view.raw);
}

std::string ErrorOf(std::string_view frame, FrameKind kind = FrameKind::kChangeBatch) {
  const auto read = Read(frame, kind);
  if (read.has_value()) return "";
  EXPECT_EQ(read.error().code(), StatusCode::kCorruption);
  EXPECT_TRUE(read.error().message().starts_with("f.sst, entry 1: ")) << read.error().message();
  return std::string(read.error().name());
}

// Changes a header byte and makes the checksum right again, as only a writer could.
std::string Forged(std::string frame, size_t at, char byte) {
  frame[at] = byte;
  const uint64_t checksum = Checksum64Of(std::string_view(frame).substr(0, 8),
                                         std::string_view(frame).substr(kFrameHeaderBytes));
  StoreLittleEndian(checksum, frame.data() + 8);
  return frame;
}

TEST(FrameTest, RoundTripsEveryCodecAndSize) {
  for (const Compression codec : kCodecs) {
    for (const size_t bytes : {0u, 1u, 15u, 16u, 17u, 4096u, 300'000u}) {
      EXPECT_EQ(Read(Frame(Text(bytes), codec)).value(), Text(bytes));
      EXPECT_EQ(Read(Frame(Noise(bytes), codec)).value(), Noise(bytes));
    }
  }
}

TEST(FrameTest, AppendsBehindWhatIsThere) {
  std::string out = "before";
  ASSERT_TRUE(AppendFrame(FrameKind::kAppliedMark, "raw", Compression::kZstd, 1, &out).ok());
  EXPECT_TRUE(out.starts_with("before"));
  EXPECT_EQ(Read(std::string_view(out).substr(6), FrameKind::kAppliedMark).value(), "raw");
}

TEST(FrameTest, CodecThatDoesNotHelpIsReplaced) {
  std::string scratch;
  for (const Compression codec : {Compression::kLz4, Compression::kZstd}) {
    const std::string small = Frame(Text(10'000), codec);
    EXPECT_LT(small.size(), 5'000u);
    EXPECT_EQ(ReadFrame(small, FrameKind::kChangeBatch, "", &scratch).value().codec, codec);
    const std::string noise = Frame(Noise(10'000), codec);
    EXPECT_EQ(noise.size(), 10'000 + kFrameHeaderBytes);
    EXPECT_EQ(ReadFrame(noise, FrameKind::kChangeBatch, "", &scratch).value().codec,
              Compression::kNone);
  }
}

TEST(FrameTest, UncompressedPayloadIsReadInPlaceIfAligned) {
  alignas(8) char buffer[64];
  const std::string frame = Frame("payload", Compression::kNone);
  for (size_t shift = 0; shift < 8; ++shift) {
    frame.copy(buffer + shift, frame.size());
    std::string scratch;
    const auto view =
        ReadFrame({buffer + shift, frame.size()}, FrameKind::kChangeBatch, "", &scratch);
    ASSERT_TRUE(view.has_value());
    EXPECT_EQ(view->raw, "payload");
    EXPECT_EQ(reinterpret_cast<uintptr_t>(view->raw.data()) % 8, 0u);
    EXPECT_EQ(view->raw.data() == buffer + kFrameHeaderBytes, shift == 0);
  }
}

TEST(FrameTest, ScratchServesFramesOfAnySize) {
  std::string scratch;
  for (const size_t bytes : {5'000u, 300u, 90'000u, 20u}) {
    const std::string frame = Frame(Text(bytes), Compression::kZstd);
    EXPECT_EQ(ReadFrame(frame, FrameKind::kChangeBatch, "", &scratch).value().raw, Text(bytes));
  }
}

TEST(FrameTest, RejectsEveryFlippedBit) {
  for (const Compression codec : kCodecs) {
    std::string frame = Frame(Text(200), codec);
    for (size_t bit = 0; bit < 8 * frame.size(); ++bit) {
      frame[bit / 8] = static_cast<char>(frame[bit / 8] ^ 1 << bit % 8);
      EXPECT_NE(ErrorOf(frame), "") << "bit " << bit;
      frame[bit / 8] = static_cast<char>(frame[bit / 8] ^ 1 << bit % 8);
    }
  }
}

TEST(FrameTest, RejectsEveryTruncationAndExtension) {
  for (const Compression codec : kCodecs) {
    const std::string frame = Frame(Text(200), codec);
    for (size_t bytes = 0; bytes < frame.size(); ++bytes)
      EXPECT_NE(ErrorOf(frame.substr(0, bytes)), "") << bytes;
    EXPECT_NE(ErrorOf(frame + '\0'), "");
  }
}

TEST(FrameTest, NamesEachKindOfDamage) {
  const std::string frame = Frame(Text(200), Compression::kNone);
  EXPECT_EQ(ErrorOf(frame.substr(0, 15)), "frame-size");
  EXPECT_EQ(ErrorOf(frame.substr(0, 100)), "frame-size");
  std::string flipped = frame;
  flipped.back() ^= 1;
  EXPECT_EQ(ErrorOf(flipped), "frame-checksum");
  EXPECT_EQ(ErrorOf(frame, FrameKind::kAppliedMark), "frame-kind");
  EXPECT_EQ(ErrorOf(Forged(frame, 0, 3)), "frame-codec");
  EXPECT_EQ(ErrorOf(Forged(frame, 2, 1)), "frame-reserved");
  EXPECT_EQ(ErrorOf(Forged(frame, 3, 1)), "frame-reserved");
}

TEST(FrameTest, RejectsPayloadsThatDoNotDecompressAsClaimed) {
  for (const Compression codec : {Compression::kLz4, Compression::kZstd}) {
    const std::string frame = Frame(Text(200), codec);
    EXPECT_EQ(ErrorOf(Forged(frame, 4, static_cast<char>(199))), "frame-codec");
    EXPECT_EQ(ErrorOf(Forged(frame, 5, 1)), "frame-codec");
    // Claims a gigabyte; refused before memory for it is allocated.
    EXPECT_EQ(ErrorOf(Forged(frame, 7, 0x3f)), "frame-codec");
    EXPECT_EQ(ErrorOf(Forged(frame, 7, 0x7f)), "frame-size");
    for (size_t at = kFrameHeaderBytes; at < frame.size(); ++at)
      (void)ErrorOf(Forged(frame, at, static_cast<char>(~frame[at])));  // must not crash
  }
  const std::string none = Frame(Text(200), Compression::kNone);
  EXPECT_EQ(ErrorOf(Forged(none, 0, 1)), "frame-codec");
  EXPECT_EQ(ErrorOf(Forged(none, 0, 2)), "frame-codec");
}

TEST(FrameTest, TooLargeIsRefusedAndChangesNothing) {
  // Nobody reads the bytes, so they need not exist.
  static const char byte = 0;
  const std::string_view huge(&byte, kFrameRawBytesMax + 1);
  std::string out = "before";
  const Status status = AppendFrame(FrameKind::kChangeBatch, huge, Compression::kNone, 0, &out);
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(status.name(), "frame-too-large");
  EXPECT_EQ(out, "before");
}

}  // namespace
}  // namespace tidemark::format
