// Frame: the container of every structure that Tidemark writes; and the header that precedes the
// frame in files of our own.
//
//   frame        [codec u8][kind u8][reserved u16 = 0][raw bytes u32 LE][checksum u64 LE][payload]
//                checksum: XXH3-64 over the first eight bytes and the payload
//   file         [magic "TIDEMARK"][major u16 LE][file type u8][minor u8][check u32 LE][frame]
//                check: the low 32 bits of the XXH3-64 of the twelve bytes before it
//
// The file header keeps this layout in every major version, so that damage and a newer format can
// be told apart; the frame keeps it throughout major version 1.
//
// Thread safety: functions without state; any thread.
#pragma once

#include <tidemark/options.h>
#include <tidemark/status.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace tidemark::format {

constexpr uint16_t kFormatMajor = 1;
constexpr uint8_t kFormatMinor = 0;
constexpr size_t kFrameHeaderBytes = 16;
constexpr size_t kFileHeaderBytes = 16;
// A frame's raw size at most: the longest value, its key, and room for the columns.
constexpr uint64_t kFrameRawBytesMax = (uint64_t{1} << 30) + (uint64_t{1} << 24);

// What a frame's payload is. Persisted: do not renumber.
enum class FrameKind : uint8_t {
  kChangeBatch = 1,
  kSegmentHeader = 2,
  kAppliedMark = 3,
  kManifestVersion = 4,
  kManifestSnapshot = 5,
  kRepository = 6,  // the FORMAT file
  kPin = 7,
  kRequest = 8,
};

// What a file of our own holds. Persisted: do not renumber.
enum class FileType : uint8_t {
  kRepository = 1,
  kManifestVersion = 2,
  kManifestSnapshot = 3,
  kPin = 4,
  kRequest = 5,
};

// Appends a frame holding `raw` to `out`. A codec that does not make it smaller is replaced by
// kNone. `level` is zstd's. On error `out` is as before. InvalidArgument (`frame-too-large`) over
// kFrameRawBytesMax; Internal (`compression`) if the codec fails.
Status AppendFrame(FrameKind kind, std::string_view raw, Compression codec, int level,
                   std::string* out);

// A verified frame. `raw` points into the frame itself (codec none) or into `scratch`.
struct FrameView {
  FrameKind kind{};
  Compression codec{};
  std::string_view raw;
};
// Verifies size, checksum and kind, and decompresses. `where` says what is being read, for messages
// (`log/...sst, entry 12`). `scratch` is reused between calls and only ever grows; its memory is
// 8-byte aligned, and an uncompressed payload that is not aligned is copied there, so that
// raw.data() always is. Corruption: `frame-size`, `frame-checksum`, `frame-kind`, `frame-codec`,
// `frame-reserved`.
Result<FrameView> ReadFrame(std::string_view frame, FrameKind expected, std::string_view where,
                            std::string* scratch);

// A whole file: header and frame. Errors as AppendFrame.
Result<std::string> EncodeFile(FileType type, FrameKind kind, std::string_view raw,
                               Compression codec);
// The frame's raw bytes of a whole file. Corruption (`file-header`, `frame-...`), or
// IncompatibleFormat (`format-newer`: intact, but of a newer major version; `not-tidemark`: no such
// magic, and not one of ours whose magic was damaged).
Result<std::string> DecodeFile(FileType type, FrameKind kind, std::string_view file,
                               std::string_view where);

}  // namespace tidemark::format
