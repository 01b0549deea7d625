#include "storage/local_directory_names.h"

#include "format/names.h"

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <system_error>

namespace tidemark::storage {
namespace {

Status BadName(std::string_view name, const std::string& why) {
  return Status(StatusCode::kInvalidArgument, "object-name",
                "`" + std::string(name) + "` cannot be the name of an object: " + why);
}

Status BadUri(std::string_view uri, const std::string& why) {
  return Status(StatusCode::kInvalidArgument, "repository-uri",
                "`" + std::string(uri) + "` names no directory: " + why);
}

bool IsOwnPart(std::string_view part) { return part.starts_with('.') || IsTemporary(part); }

Result<std::string> DecodePercent(std::string_view text, std::string_view uri) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    const std::string_view digits = text.substr(i + 1, 2);
    uint8_t byte = 0;
    const char* const end = digits.data() + digits.size();
    if (digits.size() != 2 || std::from_chars(digits.data(), end, byte, 16).ptr != end || byte == 0)
      return BadUri(uri,
                    "expected two hexadecimal digits after each percent sign (%25 is the sign)");
    decoded += static_cast<char>(byte);
    i += 2;
  }
  return decoded;
}

}  // namespace

Status CheckLocalName(std::string_view name) {
  if (!format::IsValidObjectName(name))
    return BadName(name, "expected parts of [A-Za-z0-9._-] between single slashes");
  for (size_t begin = 0; begin < name.size();) {
    const size_t end = std::min(name.find('/', begin), name.size());
    if (IsOwnPart(name.substr(begin, end - begin)))
      return BadName(name, "a local directory keeps parts that begin with `.` or contain `" +
                               std::string(format::kTemporaryMark) + "` for itself");
    begin = end + 1;
  }
  return {};
}

Status CheckLocalPrefix(std::string_view prefix) {
  if (prefix.empty()) return {};
  if (!prefix.ends_with('/')) return BadName(prefix, "expected a prefix that ends in a slash");
  return CheckLocalName(prefix.substr(0, prefix.size() - 1));
}

bool IsTemporary(std::string_view entry) {
  return entry.find(format::kTemporaryMark) != std::string_view::npos;
}

bool IsObjectPart(std::string_view entry) {
  return format::IsValidObjectName(entry) && !IsOwnPart(entry);
}

std::string NewTemporaryMark() {
  char digits[17];
  std::snprintf(digits, sizeof(digits), "%016llx",
                static_cast<unsigned long long>(format::RandomUnique()));
  return std::string(format::kTemporaryMark) + digits + "-";
}

// RocksDB translates EXDEV and ENOTSUP; of the others only the text is left.
bool SaysThatLinksDoNotWork(const rocksdb::IOStatus& linked) {
  if (linked.IsNotSupported()) return true;
  const std::string text = linked.ToString();
  for (const int error : {EPERM, EACCES, EMLINK, ENOSYS, EXDEV, EOPNOTSUPP}) {
    if (text.ends_with(std::generic_category().message(error))) return true;
  }
  return false;
}

bool SaysThatItIsNoDirectory(const rocksdb::IOStatus& status) {
  return status.ToString().ends_with(std::generic_category().message(ENOTDIR));
}

std::string FileUri(std::string_view absolute_path) {
  std::string uri = "file://";
  for (const char c : absolute_path) uri += c == '%' ? "%25" : std::string(1, c);
  return uri;
}

Result<std::string> PathOfFileUri(std::string_view uri) {
  std::string_view rest = uri.substr(std::string_view("file:").size());
  if (rest.starts_with("//")) {
    rest.remove_prefix(2);
    if (rest.starts_with("localhost/")) rest.remove_prefix(std::string_view("localhost").size());
    if (!rest.starts_with('/'))
      return BadUri(uri,
                    "expected `file:///absolute/path` or `file:relative/path`; a host other "
                    "than localhost is not possible");
  }
  if (rest.empty()) return BadUri(uri, "the path is empty");
  return DecodePercent(rest, uri);
}

}  // namespace tidemark::storage
