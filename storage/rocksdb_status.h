// The one place that turns RocksDB's statuses into ours.
#pragma once

#include <tidemark/status.h>

#include <rocksdb/io_status.h>
#include <rocksdb/status.h>

#include <string_view>

namespace tidemark::storage {

// OK stays OK. `doing` says what was tried and on which path: "write segment /x/y.sst". Names:
// `disk-full` (ResourceExhausted), `io-error` (Unavailable), `rocksdb-corruption` (Corruption),
// `rocksdb-...` otherwise.
Status FromRocksDb(const rocksdb::Status& status, std::string_view doing);

}  // namespace tidemark::storage
