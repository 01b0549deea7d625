// Whole files: EncodeFile and DecodeFile of format/frame.h.
#include "format/checksum.h"
#include "format/compress.h"
#include "format/frame.h"
#include "format/little_endian.h"

namespace tidemark::format {
namespace {

constexpr std::string_view kMagic = "TIDEMARK";

// Offsets inside a file.
constexpr size_t kMajorAt = kMagic.size();
constexpr size_t kTypeAt = kMajorAt + sizeof(uint16_t);
constexpr size_t kMinorAt = kTypeAt + sizeof(uint8_t);
constexpr size_t kCheckAt = kMinorAt + sizeof(uint8_t);
static_assert(kFileHeaderBytes == kCheckAt + sizeof(uint32_t));

constexpr int kZstdLevel = 3;  // such files are small and read more often than written

uint32_t Check(std::string_view header) {
  return static_cast<uint32_t>(Checksum64(header.substr(0, kCheckAt)));
}

Status Corrupt(std::string_view where, const std::string& problem) {
  return Status(StatusCode::kCorruption, "file-header",
                std::string(where) + ": " + problem + "; the file is damaged");
}

// How the file begins, in hexadecimal: anything may stand there.
std::string Beginning(std::string_view file) {
  const std::string_view magic = file.substr(0, kMagic.size());
  return ToHex({reinterpret_cast<const uint8_t*>(magic.data()), magic.size()});
}

std::string ExpectedMagic(std::string_view file) {
  return "expected a file that begins with " + std::string(kMagic) + " (" + Beginning(kMagic) +
         "), got " + Beginning(file);
}

Status NotTidemark(std::string_view file, std::string_view where) {
  return Status(
      StatusCode::kIncompatibleFormat, "not-tidemark",
      std::string(where) + ": " + ExpectedMagic(file) + "; another program wrote this one");
}

// A file of ours whose magic was damaged differs from a foreign file: the check still fits what the
// header once was.
bool WasOurs(std::string_view file) {
  std::string header(kMagic);
  header.append(file.substr(kMajorAt, kCheckAt - kMajorAt));
  return Check(header) == LoadLittleEndian<uint32_t>(file.data() + kCheckAt);
}

Status CheckMagic(std::string_view file, std::string_view where) {
  const std::string_view magic = file.substr(0, kMagic.size());
  if (file.size() < kFileHeaderBytes)
    return kMagic.starts_with(magic)
               ? Corrupt(where, "expected a header of " + std::to_string(kFileHeaderBytes) +
                                    " bytes, got " + std::to_string(file.size()))
               : NotTidemark(file, where);
  if (magic == kMagic) return {};
  return WasOurs(file) ? Corrupt(where, ExpectedMagic(file)) : NotTidemark(file, where);
}

Status CheckVersion(std::string_view file, std::string_view where) {
  const auto major = LoadLittleEndian<uint16_t>(file.data() + kMajorAt);
  if (major > kFormatMajor)
    return Status(StatusCode::kIncompatibleFormat, "format-newer",
                  std::string(where) + ": written in format version " + std::to_string(major) +
                      ", this Tidemark reads up to " + std::to_string(kFormatMajor) +
                      "; use a newer one");
  if (major == 0) return Corrupt(where, "format version 0 never existed");
  return {};
}

Status CheckHeader(FileType type, std::string_view file, std::string_view where) {
  TIDEMARK_RETURN_IF_ERROR(CheckMagic(file, where));
  const auto check = LoadLittleEndian<uint32_t>(file.data() + kCheckAt);
  if (check != Check(file))
    return Corrupt(where, "expected a header with check " + std::to_string(check) + ", got " +
                              std::to_string(Check(file)));
  TIDEMARK_RETURN_IF_ERROR(CheckVersion(file, where));
  const auto got = LoadLittleEndian<uint8_t>(file.data() + kTypeAt);
  if (got != static_cast<uint8_t>(type))
    return Corrupt(where, "expected a file of type " + std::to_string(static_cast<unsigned>(type)) +
                              ", got " + std::to_string(got));
  return {};
}

void AppendHeader(FileType type, std::string* out) {
  out->append(kMagic);
  AppendLittleEndian(kFormatMajor, out);
  AppendLittleEndian(static_cast<uint8_t>(type), out);
  AppendLittleEndian(kFormatMinor, out);
  AppendLittleEndian(Check(*out), out);
}

}  // namespace

Result<std::string> EncodeFile(FileType type, FrameKind kind, std::string_view raw,
                               Compression codec) {
  std::string file;
  AppendHeader(type, &file);
  TIDEMARK_RETURN_IF_ERROR(AppendFrame(kind, raw, codec, kZstdLevel, &file));
  return file;
}

Result<std::string> DecodeFile(FileType type, FrameKind kind, std::string_view file,
                               std::string_view where) {
  TIDEMARK_RETURN_IF_ERROR(CheckHeader(type, file, where));
  std::string scratch;
  TIDEMARK_ASSIGN_OR_RETURN(const FrameView frame,
                            ReadFrame(file.substr(kFileHeaderBytes), kind, where, &scratch));
  // What was decompressed fills the fresh scratch exactly.
  if (frame.raw.data() == scratch.data()) return scratch;
  return std::string(frame.raw);
}

}  // namespace tidemark::format
