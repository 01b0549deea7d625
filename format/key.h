// Stored keys and values of the state column families.
//
//   key    [key group u16 BE][user key]
//   value  [flags u8][expiry u64 LE, if flag bit 0][user value]
#pragma once

#include <tidemark/status.h>
#include <tidemark/table.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tidemark::format {

constexpr size_t kKeyGroupBytes = 2;
constexpr size_t kStoredKeyBytesMax = kKeyGroupBytes + 65'535;
constexpr uint32_t kMaxParallelismMax = 32'768;

// The hash that decides a key's group, and its place in the cache: XXH3-64 of the user key, seed 0.
uint64_t HashKey(std::string_view user_key);

// hash % max_parallelism.
constexpr uint16_t KeyGroupOf(uint64_t hash, uint32_t max_parallelism) {
  return static_cast<uint16_t>(hash % max_parallelism);
}

// The contiguous groups that `subtask` of `parallelism` owns, both ends included. With more
// subtasks than groups some would own none; callers keep parallelism <= max_parallelism.
struct KeyGroupRange {
  uint16_t first = 0;
  uint16_t last = 0;
  bool Contains(uint16_t group) const { return group >= first && group <= last; }
  friend bool operator==(const KeyGroupRange&, const KeyGroupRange&) = default;
};
constexpr KeyGroupRange KeyGroupsOf(uint32_t subtask, uint32_t parallelism,
                                    uint32_t max_parallelism) {
  const uint64_t max = max_parallelism;
  return {static_cast<uint16_t>((subtask * max + parallelism - 1) / parallelism),
          static_cast<uint16_t>(((subtask + 1) * max + parallelism - 1) / parallelism - 1)};
}

// Appends the stored form of a key to `out`.
void AppendStoredKey(uint16_t group, std::string_view user_key, std::string* out);
// The group of a stored key. The key has at least two bytes.
uint16_t GroupOfStoredKey(std::string_view stored);
// The user's part of a stored key.
constexpr std::string_view UserKey(std::string_view stored) {
  return stored.substr(kKeyGroupBytes);
}

// The user key of an entry in a table of partitions (TableKind::kMap): [length u16
// BE][partition][entry key]. The entries of one partition lie side by side in the order of their
// entry keys, and all of them are of the partition's key group.
constexpr size_t kPartitionLengthBytes = 2;
// What such a user key begins with, length included; nullopt if it is cut short.
std::optional<std::string_view> PartitionPrefix(std::string_view user_key);
// The same, but all of a user key that is cut short, which is its own partition.
std::string_view PartitionOf(std::string_view user_key);

// The key group of a user key in a table of this kind, whose hash is `hash`: that of its hash; of
// its partition; or `first_group`, the first one of the subtask, where a table has one group only.
uint16_t GroupOfKey(TableKind kind, uint16_t first_group, uint32_t max_parallelism, uint64_t hash,
                    std::string_view key);

constexpr uint8_t kValueHasExpiry = 0x01;
constexpr uint8_t kValueFlagsKnown = kValueHasExpiry;

// Appends the header of a stored value to `out`: one byte, nine with an expiry.
void AppendValueHeader(uint64_t expiry_ms, std::string* out);

// Lists may grow beyond what a value may have (StoreOptions::value_bytes_max), up to this.
constexpr uint64_t kAppendedBytesMax = uint64_t{2} << 30;
constexpr std::string_view kValueTooLong = "value-too-long";  // error

struct StoredValue {
  std::string_view value;
  uint64_t expiry_ms = 0;
};
// Splits a stored value. Corruption (`value-header`) if it is empty, cut short or has unknown
// flags; InvalidArgument (`value-too-long`) if it is a list that has outgrown kAppendedBytesMax.
Result<StoredValue> ParseStoredValue(std::string_view stored);
// Appends what of `bytes`, which go at the end of the list `joined`, a reader can tell from others:
// all of it up to kAppendedBytesMax, and so much of the rest that it is seen to be too long, for
// good. RocksDB cannot hold a value of 4 GiB.
void AppendToList(std::string_view bytes, std::string* joined);
// Leaves the user's value only, at the beginning of the string, where it is aligned. Errors as
// above; the string is as it was then.
Status StripValueHeader(std::string* stored);

}  // namespace tidemark::format
