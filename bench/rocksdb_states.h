// The states of the RocksDB engine: what Flink's RocksDB backend makes of them, each in one column
// family.
#pragma once

#include "bench/states.h"

#include <rocksdb/db.h>
#include <rocksdb/merge_operator.h>
#include <rocksdb/options.h>

#include <memory>

namespace tidemark::bench {

// RocksDB's status as ours.
Status Translate(const rocksdb::Status& status);

// Operands and values are elements one behind the other; merging them is joining bytes. For the
// options of the column family that holds lists.
std::shared_ptr<rocksdb::MergeOperator> MakeAppendOperator();

// Each uses the default column family of `db`, which outlives it.
std::unique_ptr<Values> MakeRocksDbValues(rocksdb::DB& db, const rocksdb::WriteOptions& options);
// Keys are [key u64 BE][entry u64 BE], so that a map is a range.
std::unique_ptr<Maps> MakeRocksDbMaps(rocksdb::DB& db, const rocksdb::WriteOptions& options);
// Elements are [size u32][element], as ListState stores them.
std::unique_ptr<Lists> MakeRocksDbLists(rocksdb::DB& db, const rocksdb::WriteOptions& options);

}  // namespace tidemark::bench
