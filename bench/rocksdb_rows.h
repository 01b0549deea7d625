// The rows of the RocksDB engine.
#pragma once

#include "bench/byte_rows.h"
#include "bench/rocksdb_table.h"

#include <memory>

namespace tidemark::bench {

// In `table`, which outlives it: keys are [number u8][key u64 BE][entry].
// Flink gives each state a column family, of which each flushes a memtable of its own at every
// checkpoint; one for all of them is kinder.
std::unique_ptr<ByteRows> MakeRocksDbRows(RocksDbTable& table, uint8_t number);

}  // namespace tidemark::bench
