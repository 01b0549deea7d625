#include "format/names.h"

#include "format/segment.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <random>

namespace tidemark::format {
namespace {

constexpr size_t kVersionDigits = 20;  // as many as the largest u64 has
constexpr size_t kUniqueDigits = 16;

std::string Padded(uint64_t number, int digits) {
  char text[kVersionDigits + 1];
  std::snprintf(text, sizeof(text), "%0*llu", digits, static_cast<unsigned long long>(number));
  return text;
}

std::string Hex16(uint64_t number) {
  char text[kUniqueDigits + 1];
  std::snprintf(text, sizeof(text), "%016llx", static_cast<unsigned long long>(number));
  return text;
}

std::string Joined(std::string_view prefix, std::initializer_list<std::string> parts,
                   std::string_view suffix) {
  std::string name(prefix);
  for (const std::string& part : parts) name.append(name.ends_with('/') ? "" : "-").append(part);
  return name.append(suffix);
}

// All of `digits` as a decimal number, which it must be in full.
std::optional<uint64_t> ParseDecimal(std::string_view digits) {
  uint64_t number = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, number);
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

bool IsUnique(std::string_view text) {
  return text.size() == kUniqueDigits &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool IsNameCharacter(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

}  // namespace

std::string SubtaskPrefix(uint32_t subtask) { return "subtasks/" + Padded(subtask, 5) + "/"; }

std::string LockName(uint32_t subtask) { return SubtaskPrefix(subtask) + "LOCK"; }

std::string ManifestName(uint64_t version) {
  return Joined(kManifestPrefix, {Padded(version, kVersionDigits)}, "");
}

std::string SnapshotName(uint64_t version, uint64_t unique) {
  return Joined(kSnapshotPrefix, {Padded(version, kVersionDigits), Hex16(unique)}, "");
}

std::string SegmentName(uint64_t attempt, uint64_t first_epoch, uint64_t last_epoch,
                        uint64_t unique) {
  return Joined(kLogPrefix,
                {std::to_string(attempt), std::to_string(first_epoch), std::to_string(last_epoch),
                 Hex16(unique)},
                ".sst");
}

std::string BaseSstName(uint64_t attempt, uint64_t unique) {
  return Joined(kBasePrefix, {std::to_string(attempt), Hex16(unique)}, ".sst");
}

std::string BaseMetaName(uint64_t attempt, uint64_t unique) {
  return Joined(kBasePrefix, {std::to_string(attempt), Hex16(unique)}, ".meta");
}

std::string PinName(std::string_view pin) { return std::string(kPinsPrefix).append(pin); }

std::string RequestName(uint64_t unique) { return Joined(kRequestsPrefix, {Hex16(unique)}, ""); }

std::optional<uint64_t> ParseManifestName(std::string_view name) {
  if (!name.starts_with(kManifestPrefix)) return std::nullopt;
  name.remove_prefix(kManifestPrefix.size());
  if (name.size() != kVersionDigits) return std::nullopt;
  return ParseDecimal(name);
}

std::optional<uint64_t> ParseSnapshotName(std::string_view name) {
  if (!name.starts_with(kSnapshotPrefix)) return std::nullopt;
  name.remove_prefix(kSnapshotPrefix.size());
  if (name.size() != kVersionDigits + 1 + kUniqueDigits || name[kVersionDigits] != '-' ||
      !IsUnique(name.substr(kVersionDigits + 1)))
    return std::nullopt;
  return ParseDecimal(name.substr(0, kVersionDigits));
}

std::optional<uint64_t> ParseFileAttempt(std::string_view name) {
  if (name.starts_with(kLogPrefix))
    name.remove_prefix(kLogPrefix.size());
  else if (name.starts_with(kBasePrefix))
    name.remove_prefix(kBasePrefix.size());
  else
    return std::nullopt;
  const size_t dash = name.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  return ParseDecimal(name.substr(0, dash));
}

std::optional<uint64_t> ParseRequestName(std::string_view name) {
  if (!name.starts_with(kRequestsPrefix)) return std::nullopt;
  name.remove_prefix(kRequestsPrefix.size());
  uint64_t unique = 0;
  if (!IsUnique(name)) return std::nullopt;
  std::from_chars(name.data(), name.data() + name.size(), unique, 16);
  return unique;
}

std::optional<std::string_view> ParsePinName(std::string_view name) {
  if (!name.starts_with(kPinsPrefix)) return std::nullopt;
  name.remove_prefix(kPinsPrefix.size());
  if (!IsValidPinName(name)) return std::nullopt;
  return name;
}

bool IsValidPinName(std::string_view pin) {
  return !pin.empty() && pin.size() <= kPinNameBytesMax && pin.front() != '.' &&
         pin.find(kTemporaryMark) == std::string_view::npos &&
         std::all_of(pin.begin(), pin.end(), IsNameCharacter);
}

uint64_t RandomUnique() {
  std::random_device device;  // the kernel's or the processor's generator, never a seeded one
  static_assert(std::random_device::max() == UINT32_MAX);
  return uint64_t{device()} << 32 | device();
}

bool IsValidObjectName(std::string_view name) {
  for (size_t begin = 0;;) {
    const size_t end = std::min(name.find('/', begin), name.size());
    const std::string_view part = name.substr(begin, end - begin);
    if (part.empty() || part == "." || part == ".." ||
        !std::all_of(part.begin(), part.end(), IsNameCharacter))
      return false;
    if (end == name.size()) return true;
    begin = end + 1;
  }
}

}  // namespace tidemark::format
