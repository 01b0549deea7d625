#include "format/key.h"

#include "format/assert.h"
#include "format/little_endian.h"

// Keys are short and hashed at every access, so their hash is compiled in here.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>

namespace tidemark::format {
namespace {

constexpr size_t kExpiryBytes = 8;

Status BadHeader(const std::string& problem) {
  return Status(StatusCode::kCorruption, "value-header", "a stored value " + problem);
}

}  // namespace

uint64_t HashKey(std::string_view user_key) {
  return XXH3_64bits(user_key.data(), user_key.size());
}

void AppendStoredKey(uint16_t group, std::string_view user_key, std::string* out) {
  out->push_back(static_cast<char>(group >> 8));
  out->push_back(static_cast<char>(group & 0xff));
  out->append(user_key);
}

uint16_t GroupOfStoredKey(std::string_view stored) {
  TIDEMARK_ASSERT(stored.size() >= kKeyGroupBytes);
  return static_cast<uint16_t>(static_cast<uint8_t>(stored[0]) << 8 |
                               static_cast<uint8_t>(stored[1]));
}

std::optional<std::string_view> PartitionPrefix(std::string_view user_key) {
  if (user_key.size() < kPartitionLengthBytes) return std::nullopt;
  const size_t size =
      kPartitionLengthBytes + (static_cast<size_t>(static_cast<uint8_t>(user_key[0])) << 8 |
                               static_cast<uint8_t>(user_key[1]));
  if (user_key.size() < size) return std::nullopt;
  return user_key.substr(0, size);
}

std::string_view PartitionOf(std::string_view user_key) {
  return PartitionPrefix(user_key).value_or(user_key);
}

void AppendValueHeader(uint64_t expiry_ms, std::string* out) {
  out->push_back(static_cast<char>(expiry_ms != 0 ? kValueHasExpiry : 0));
  if (expiry_ms != 0) AppendLittleEndian(expiry_ms, out);
}

Result<StoredValue> ParseStoredValue(std::string_view stored) {
  if (stored.empty()) return BadHeader("is empty: even an empty value has a header of one byte");
  const auto flags = static_cast<uint8_t>(stored[0]);
  stored.remove_prefix(1);
  if ((flags & ~kValueFlagsKnown) != 0)
    return BadHeader("has the flags " + std::to_string(flags) + ", of which " +
                     std::to_string(flags & ~kValueFlagsKnown) + " are unknown");

  StoredValue parsed{.value = stored};
  if ((flags & kValueHasExpiry) != 0) {
    if (stored.size() < kExpiryBytes)
      return BadHeader("is cut short: " + std::to_string(stored.size()) +
                       " bytes where an expiry of 8 should be");
    parsed.expiry_ms = LoadLittleEndian<uint64_t>(stored.data());
    parsed.value.remove_prefix(kExpiryBytes);
  }
  if (parsed.value.size() > kAppendedBytesMax)
    return Status(StatusCode::kInvalidArgument, kValueTooLong,
                  "a list has grown beyond " + std::to_string(kAppendedBytesMax) +
                      " bytes and cannot be read any more; delete or replace it");
  return parsed;
}

void AppendToList(std::string_view bytes, std::string* joined) {
  constexpr size_t kTooLong = 1 + kExpiryBytes + kAppendedBytesMax + 1;
  joined->append(bytes.substr(0, kTooLong - std::min(kTooLong, joined->size())));
}

Status StripValueHeader(std::string* stored) {
  TIDEMARK_ASSIGN_OR_RETURN(const StoredValue parsed, ParseStoredValue(*stored));
  stored->erase(0, static_cast<size_t>(parsed.value.data() - stored->data()));
  return {};
}

uint16_t GroupOfKey(TableKind kind, uint16_t first_group, uint32_t max_parallelism, uint64_t hash,
                    std::string_view key) {
  if (kind == TableKind::kOrderedBytes) return first_group;
  if (kind != TableKind::kMap) return KeyGroupOf(hash, max_parallelism);
  return KeyGroupOf(HashKey(PartitionOf(key).substr(kPartitionLengthBytes)), max_parallelism);
}

}  // namespace tidemark::format
