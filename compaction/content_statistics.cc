#include "compaction/content_statistics.h"

#include "format/key.h"

#include <string_view>

namespace tidemark::compaction {
namespace {

std::string_view PrefixOf(const format::TableMeta& table, std::string_view key, size_t bytes) {
  if (table.kind == TableKind::kMap) {
    const auto partition = format::PartitionPrefix(key);
    if (partition) key = partition->substr(format::kPartitionLengthBytes);
  }
  return key.substr(0, bytes);
}

void AddPrefix(std::string_view prefix, const format::Record& record, ContentStatistics* to) {
  auto found = to->by_prefix.find(std::string(prefix));
  if (found == to->by_prefix.end()) {
    if (to->by_prefix.size() == kPrefixesMax) return to->other_prefixes.Add(record);
    found = to->by_prefix.emplace(prefix, RecordSizes{}).first;
  }
  found->second.Add(record);
}

template <class F>
Status ForEach(format::RecordStream& records, F&& visit) {
  while (true) {
    TIDEMARK_ASSIGN_OR_RETURN(const bool more, records.Next());
    if (!more) return {};
    visit(records.record());
  }
}

Status CountAll(const CheckpointReader& reader, const format::TableMeta& table, size_t prefix_bytes,
                const std::function<void()>& counted, ContentStatistics* to) {
  const auto records = reader.Scan(table);
  TIDEMARK_RETURN_IF_ERROR(ForEach(*records, [&](const format::Record& record) {
    if (counted) counted();
    to->live.Add(record);
    to->by_group[format::GroupOfStoredKey(record.key)].Add(record);
    if (prefix_bytes > 0)
      AddPrefix(PrefixOf(table, format::UserKey(record.key), prefix_bytes), record, to);
  }));
  for (const auto& segment : reader.files().segments())
    TIDEMARK_RETURN_IF_ERROR(
        segment.name.In(ForEach(*segment.reader->Records(table.id),
                                [&](const format::Record& record) { to->log.Add(record); })));
  return {};
}

}  // namespace

void RecordSizes::Add(const format::Record& record) {
  ++records;
  key_bytes += format::UserKey(record.key).size();
  value_bytes += record.value.size();
}

RecordSizes& RecordSizes::operator+=(const RecordSizes& other) {
  records += other.records;
  key_bytes += other.key_bytes;
  value_bytes += other.value_bytes;
  return *this;
}

Status CountContent(const CheckpointReader& reader, const format::TableMeta& table,
                    size_t prefix_bytes, ContentStatistics* statistics,
                    const std::function<void()>& counted) {
  return CountAll(reader, table, prefix_bytes, counted, statistics)
      .WithContext("table `" + table.name + "`");
}

}  // namespace tidemark::compaction
