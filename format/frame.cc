#include "format/frame.h"

#include "format/checksum.h"
#include "format/compress.h"
#include "format/little_endian.h"

namespace tidemark::format {
namespace {

// Offsets inside a frame.
constexpr size_t kCodecAt = 0;
constexpr size_t kKindAt = 1;
constexpr size_t kReservedAt = 2;
constexpr size_t kRawBytesAt = 4;
constexpr size_t kChecksumAt = 8;  // also how much of the header the checksum covers
static_assert(kFrameHeaderBytes == kChecksumAt + sizeof(uint64_t));

constexpr size_t kAlignment = 8;

Status Corrupt(std::string_view name, std::string_view where, const std::string& problem) {
  return Status(
      StatusCode::kCorruption, name,
      std::string(where) + ": " + problem + "; the bytes are damaged, use an intact checkpoint");
}

uint64_t FrameChecksum(std::string_view frame) {
  return Checksum64Of(frame.substr(0, kChecksumAt), frame.substr(kFrameHeaderBytes));
}

// Appends the payload behind the frame's header and returns the codec that it got.
Result<Compression> AppendPayload(std::string_view raw, Compression codec, int level,
                                  std::string* out) {
  const size_t begin = out->size();
  if (codec != Compression::kNone && !raw.empty()) {
    // Room for less than the raw size: what does not fit there is not worth compressing.
    out->resize(begin + raw.size() - 1);
    TIDEMARK_ASSIGN_OR_RETURN(const std::optional<size_t> size,
                              Compress(codec, level, raw, std::span(*out).subspan(begin)));
    out->resize(begin + size.value_or(0));
    if (size.has_value()) return codec;
  }
  out->append(raw);
  return Compression::kNone;
}

struct FrameHeader {
  uint8_t codec;
  uint8_t kind;
  uint16_t reserved;
  uint32_t raw_bytes;
  uint64_t checksum;

  explicit FrameHeader(const char* at)
      : codec(LoadLittleEndian<uint8_t>(at + kCodecAt)),
        kind(LoadLittleEndian<uint8_t>(at + kKindAt)),
        reserved(LoadLittleEndian<uint16_t>(at + kReservedAt)),
        raw_bytes(LoadLittleEndian<uint32_t>(at + kRawBytesAt)),
        checksum(LoadLittleEndian<uint64_t>(at + kChecksumAt)) {}
};

// The size comes before the checksum, because it says more about a file that was cut.
Status CheckIntact(const FrameHeader& header, std::string_view frame, std::string_view where) {
  const size_t payload = frame.size() - kFrameHeaderBytes;
  if (header.codec == static_cast<uint8_t>(Compression::kNone) && header.raw_bytes != payload)
    return Corrupt("frame-size", where,
                   "expected a frame with " + std::to_string(header.raw_bytes) +
                       " bytes of payload, got " + std::to_string(payload));
  const uint64_t checksum = FrameChecksum(frame);
  if (header.checksum == checksum) return {};
  return Corrupt("frame-checksum", where,
                 "expected a frame with checksum " + std::to_string(header.checksum) + ", got " +
                     std::to_string(checksum) + " over " + std::to_string(frame.size()) + " bytes");
}

// What an intact frame may still have that this version cannot read.
Status CheckReadable(const FrameHeader& header, FrameKind expected, std::string_view where) {
  if (header.reserved != 0)
    return Corrupt("frame-reserved", where,
                   "reserved bytes of a frame are " + std::to_string(header.reserved));
  if (header.kind != static_cast<uint8_t>(expected))
    return Corrupt("frame-kind", where,
                   "expected a frame of kind " + std::to_string(static_cast<unsigned>(expected)) +
                       ", got " + std::to_string(header.kind));
  if (!IsCompression(header.codec))
    return Corrupt("frame-codec", where,
                   "a frame has the unknown codec " + std::to_string(header.codec));
  if (header.raw_bytes > kFrameRawBytesMax)
    return Corrupt("frame-size", where,
                   "a frame claims " + std::to_string(header.raw_bytes) +
                       " raw bytes, over the limit of " + std::to_string(kFrameRawBytesMax));
  return {};
}

// Room for `bytes` in `scratch`. It never shrinks: growing again would fill it with zeros again.
std::span<char> RoomIn(std::string* scratch, size_t bytes) {
  if (scratch->size() < bytes) scratch->resize(bytes);
  return {scratch->data(), bytes};
}

std::string_view Aligned(std::string_view payload, std::string* scratch) {
  if (reinterpret_cast<uintptr_t>(payload.data()) % kAlignment == 0) return payload;
  const std::span<char> room = RoomIn(scratch, payload.size());
  payload.copy(room.data(), room.size());
  return {room.data(), room.size()};
}

}  // namespace

Status AppendFrame(FrameKind kind, std::string_view raw, Compression codec, int level,
                   std::string* out) {
  if (raw.size() > kFrameRawBytesMax)
    return Status(StatusCode::kInvalidArgument, "frame-too-large",
                  "a frame of " + std::to_string(raw.size()) + " raw bytes is over the limit of " +
                      std::to_string(kFrameRawBytesMax));
  const size_t begin = out->size();
  out->append(kFrameHeaderBytes, '\0');
  Result<Compression> used = AppendPayload(raw, codec, level, out);
  if (!used.has_value()) {
    out->resize(begin);
    return std::move(used).error();
  }
  char* const header = out->data() + begin;
  StoreLittleEndian(static_cast<uint8_t>(*used), header + kCodecAt);
  StoreLittleEndian(static_cast<uint8_t>(kind), header + kKindAt);
  StoreLittleEndian(static_cast<uint32_t>(raw.size()), header + kRawBytesAt);
  StoreLittleEndian(FrameChecksum(std::string_view(*out).substr(begin)), header + kChecksumAt);
  return {};
}

Result<FrameView> ReadFrame(std::string_view frame, FrameKind expected, std::string_view where,
                            std::string* scratch) {
  if (frame.size() < kFrameHeaderBytes)
    return Corrupt("frame-size", where,
                   "expected a frame of at least " + std::to_string(kFrameHeaderBytes) +
                       " bytes, got " + std::to_string(frame.size()));
  const FrameHeader header(frame.data());
  TIDEMARK_RETURN_IF_ERROR(CheckIntact(header, frame, where));
  TIDEMARK_RETURN_IF_ERROR(CheckReadable(header, expected, where));

  const auto codec = static_cast<Compression>(header.codec);
  const std::string_view payload = frame.substr(kFrameHeaderBytes);
  if (codec == Compression::kNone)
    return FrameView{.kind = expected, .codec = codec, .raw = Aligned(payload, scratch)};

  if (IsPlausible(codec, payload, header.raw_bytes)) {
    const std::span<char> raw = RoomIn(scratch, header.raw_bytes);
    if (Decompress(codec, payload, raw))
      return FrameView{.kind = expected, .codec = codec, .raw = {raw.data(), raw.size()}};
  }
  return Corrupt("frame-codec", where,
                 "a frame does not decompress with " + std::string(CompressionName(codec)) +
                     " to the " + std::to_string(header.raw_bytes) + " bytes that it claims");
}

}  // namespace tidemark::format
