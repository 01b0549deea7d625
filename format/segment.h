// Segments: the entries (key, frame) that an SST of the change log, or a manifest version, holds.
//
//   entry key    [last epoch u64 BE][table u32 BE][first stored key of the batch]
//   header       table 0, empty first key; a SegmentHeader frame; always the first entry
#pragma once

#include <tidemark/status.h>

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark::format {

// Random, made when an attempt opens the repository.
struct WriterId {
  std::array<uint8_t, 16> bytes{};
  auto operator<=>(const WriterId&) const = default;
  std::string Hex() const;
  static WriterId Random();
};

// Where in the history of a repository a state stands.
struct EpochIdentity {
  uint64_t attempt = 0;
  WriterId writer;
  uint64_t epoch = 0;
  friend bool operator==(const EpochIdentity&, const EpochIdentity&) = default;
};

// How many keys a table has that keeps count.
struct TableCount {
  uint32_t table_id = 0;
  uint64_t keys = 0;
  friend bool operator==(const TableCount&, const TableCount&) = default;
};
using TableCounts = std::vector<TableCount>;  // ascending tables
// Sets those of `newer` in `counts`.
void UpdateCounts(const TableCounts& newer, TableCounts* counts);
// The count of a table, 0 if it has none.
uint64_t FindCount(const TableCounts& counts, uint32_t table_id);

struct SegmentHeader {
  uint64_t attempt = 0;  // that wrote the segment
  WriterId writer;
  uint64_t first_epoch = 0;  // epochs count from 1
  uint64_t last_epoch = 0;
  uint64_t unique = 0;  // random, also in the file's name
  uint64_t records = 0;
  uint64_t net_change_bytes = 0;  // key and value bytes of the records
  std::vector<uint32_t> tables;   // those with records here, ascending
  TableCounts counts{};           // of those that keep count, after the last epoch
  friend bool operator==(const SegmentHeader&, const SegmentHeader&) = default;
};

struct SegmentEntry {
  std::string key;
  std::string frame;
  friend bool operator==(const SegmentEntry&, const SegmentEntry&) = default;
};

constexpr size_t kSegmentKeyPrefixBytes = 12;
struct SegmentKey {
  uint64_t last_epoch = 0;
  uint32_t table_id = 0;  // 0: the header
  std::string_view first_key;
};
std::string EncodeSegmentKey(uint64_t last_epoch, uint32_t table_id, std::string_view first_key);
// Corruption (`segment-key`) if it is shorter than its fixed part.
Result<SegmentKey> DecodeSegmentKey(std::string_view key, std::string_view where);

// The header as a frame, and back. Corruption as ReadFrame, or `segment-header`. Encoding asserts
// that the tables ascend.
std::string EncodeSegmentHeader(const SegmentHeader& header);
Result<SegmentHeader> DecodeSegmentHeader(std::string_view frame, std::string_view where);

// Up to which epoch the state database has applied the log, and which tables have a column family.
struct AppliedMark {
  EpochIdentity at;              // epoch 0: nothing applied
  std::vector<uint32_t> tables;  // ascending
  TableCounts counts{};          // of those that keep count
  friend bool operator==(const AppliedMark&, const AppliedMark&) = default;
};
constexpr std::string_view kAppliedMarkKey = "mark";
// Corruption as ReadFrame, or `applied-mark`. Encoding asserts that the tables ascend.
std::string EncodeAppliedMark(const AppliedMark& mark);
Result<AppliedMark> DecodeAppliedMark(std::string_view frame, std::string_view where);

}  // namespace tidemark::format
