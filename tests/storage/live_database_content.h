// What tests put into live databases, and how. Without GoogleTest, as programs that tests kill use
// it too.
#pragma once

#include "format/change_batch.h"
#include "format/key.h"
#include "storage/live_database.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidemark::test {

using storage::LiveDatabase;
using storage::LiveDatabaseOptions;
using storage::SstFile;
using storage::StateView;
using storage::TableFiles;

using TableContent = std::map<std::string, std::string>;                 // user key to user value
using StateContent = std::map<uint32_t, TableContent>;                   // by table id
using TableChanges = std::map<std::string, std::optional<std::string>>;  // nullopt deletes
using StateChanges = std::map<uint32_t, TableChanges>;

inline std::string StoredKey(std::string_view user_key) {
  std::string stored;
  format::AppendStoredKey(format::KeyGroupOf(format::HashKey(user_key), 128), user_key, &stored);
  return stored;
}

inline format::WriterId WriterOne() {
  format::WriterId writer;
  writer.bytes.fill(1);
  return writer;
}

inline format::AppliedMark MarkAt(uint64_t epoch, std::vector<uint32_t> tables) {
  format::AppliedMark mark;
  mark.at = {1, WriterOne(), epoch};
  mark.tables = std::move(tables);
  return mark;
}

// Reads all of `tables` through a view.
inline StateContent ReadAll(const StateView& view, const std::vector<uint32_t>& tables) {
  StateContent content;
  for (const uint32_t id : tables) {
    TableContent& table = content[id];
    const Status status = view.Scan(id, [&](std::string_view key, std::string_view value) {
      table.emplace(format::UserKey(key), format::ParseStoredValue(value).value().value);
      return true;
    });
    status.Check();
  }
  return content;
}

// What was made of `changes` for Apply; the scratch files lie in the database's tmp.
inline Result<std::vector<TableFiles>> WriteStateFiles(LiveDatabase& database,
                                                       const StateChanges& changes) {
  std::vector<TableFiles> tables;
  for (const auto& [id, table] : changes) {
    std::map<std::string, std::optional<std::string>> stored;
    for (const auto& [key, value] : table) stored.emplace(StoredKey(key), value);
    const auto writer = database.NewStateFiles(id);
    for (const auto& [key, value] : stored) {
      TIDEMARK_RETURN_IF_ERROR(value ? writer->Put(key, *value, 0) : writer->Delete(key));
    }
    TIDEMARK_ASSIGN_OR_RETURN(TableFiles files, writer->Finish());
    tables.push_back(std::move(files));
  }
  return tables;
}

inline Status ApplyChanges(LiveDatabase& database, const StateChanges& changes,
                           const format::AppliedMark& mark) {
  TIDEMARK_ASSIGN_OR_RETURN(std::vector<TableFiles> tables, WriteStateFiles(database, changes));
  return database.Apply(std::move(tables), mark);
}

// A segment of epochs [first, last] with `keys` put in each of `tables`; the value is the key.
inline std::vector<format::SegmentEntry> MakeSegment(uint64_t first, uint64_t last,
                                                     const std::vector<uint32_t>& tables,
                                                     const std::vector<std::string>& keys,
                                                     size_t keys_per_frame = 2) {
  format::SegmentHeader header;
  header.attempt = 1;
  header.writer = WriterOne();
  header.first_epoch = first;
  header.last_epoch = last;
  header.unique = last;
  header.records = tables.size() * keys.size();
  header.tables = tables;
  std::vector<format::SegmentEntry> entries;
  entries.push_back({format::EncodeSegmentKey(last, 0, ""), format::EncodeSegmentHeader(header)});

  std::set<std::string> stored;
  for (const std::string& key : keys) stored.insert(StoredKey(key));
  format::BatchEncoder encoder(Compression::kNone, 0);
  for (const uint32_t table : tables) {
    const auto finish = [&] {
      format::SegmentEntry entry;
      entry.key = format::EncodeSegmentKey(last, table, encoder.first_key());
      encoder.Finish(table, &entry.frame).Check();
      entries.push_back(std::move(entry));
    };
    size_t in_frame = 0;
    for (const std::string& key : stored) {
      format::Record record;
      record.key = key;
      record.value = format::UserKey(key);
      record.epoch = last;
      encoder.Add(record);
      if (++in_frame % keys_per_frame == 0) finish();
    }
    if (!encoder.empty()) finish();
  }
  return entries;
}

}  // namespace tidemark::test
