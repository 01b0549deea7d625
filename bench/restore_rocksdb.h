// The peer of Restore.
#pragma once

#include "bench/row.h"

namespace tidemark::bench {

// A RocksDB with the same records: how long opening a checkpoint of it takes, to the first read,
// and how long putting all of its records into an empty one.
Counters RestoreRocksDb(const RowContext& context);

}  // namespace tidemark::bench
