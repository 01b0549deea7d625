// ContentStatistics: what a checkpoint holds, counted: its live records by table, key group and
// prefix, and those in its log.
#pragma once

#include "compaction/checkpoint_reader.h"

#include <tidemark/status.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

namespace tidemark::compaction {

struct RecordSizes {
  uint64_t records = 0;
  uint64_t key_bytes = 0;  // without key groups
  uint64_t value_bytes = 0;

  uint64_t bytes() const noexcept { return key_bytes + value_bytes; }
  void Add(const format::Record& record);
  RecordSizes& operator+=(const RecordSizes& other);
  friend bool operator==(const RecordSizes&, const RecordSizes&) = default;
};

struct ContentStatistics {
  RecordSizes live;
  std::map<uint16_t, RecordSizes> by_group;
  // By the first bytes of keys, in maps of partitions; no more than kPrefixesMax of them, so that
  // memory is bounded.
  std::map<std::string, RecordSizes> by_prefix;
  RecordSizes other_prefixes;
  RecordSizes log;  // changes in the checkpoint's segments
};
constexpr size_t kPrefixesMax = size_t{1} << 16;

// Reads all that the checkpoint has of a table and adds it to `statistics`. Keys are told apart by
// their first `prefix_bytes`; 0: not at all. Errors: as CheckpointReader::Scan, naming the table.
// `counted`, if given, is called for each live record.
Status CountContent(const CheckpointReader& reader, const format::TableMeta& table,
                    size_t prefix_bytes, ContentStatistics* statistics,
                    const std::function<void()>& counted = {});

}  // namespace tidemark::compaction
