// StateFamilies: what is inside a RocksDB `state`: a column family a table, and the applied mark.
#pragma once

#include "format/segment.h"
#include "storage/database.h"
#include "storage/state_view.h"

#include <cstdint>
#include <map>
#include <string>

namespace tidemark::storage {

struct StateFamilies {
  ColumnFamily default_family;
  TableFamilies tables;      // that exist in RocksDB, listed by the mark or not
  format::AppliedMark mark;  // of a fresh database: epoch 0 of attempt 0

  // Those that the mark lists.
  TableFamilies Listed() const;
};

// Corruption: `live-foreign-family`, `live-table-missing` (the mark lists a table that is not
// there), DecodeAppliedMark's, or RocksDB's; Unavailable.
Result<StateFamilies> ReadStateFamilies(const Database::Opened& opened);

// What the SSTs of a column family hold, by their names: entries less what they delete, as their
// properties say. Empty if one of them cannot be read.
std::map<std::string, uint64_t> KeysBySst(const Database& database,
                                          rocksdb::ColumnFamilyHandle* family);

// The name of a table's column family.
std::string FamilyName(uint32_t table_id);

}  // namespace tidemark::storage
