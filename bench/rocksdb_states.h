// The states of the RocksDB peers: what Flink's RocksDB backend makes of them, each in one column
// family.
#pragma once

#include "bench/rocksdb_table.h"
#include "bench/states.h"

#include <memory>

namespace tidemark::bench {

// `table` outlives each of them.
std::unique_ptr<Values> MakeRocksDbValues(RocksDbTable& table);
// An update is a Merge that reads nothing, so one of a key without a value is found out later: the
// database fails when it comes to it. The table's merge operator is MakeChangeOperator's.
std::unique_ptr<Values> MakeRocksDbMergedValues(RocksDbTable& table);
// Keys are [key u64 BE][entry u64 BE], so that a map is a range.
std::unique_ptr<Maps> MakeRocksDbMaps(RocksDbTable& table);
// Elements are [size u32][element], as ListState stores them. The table's merge operator is
// MakeAppendOperator's.
std::unique_ptr<Lists> MakeRocksDbLists(RocksDbTable& table);

}  // namespace tidemark::bench
