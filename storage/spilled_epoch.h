// SpilledEpoch over a column family of its own in the RocksDB `side`, with keys [table u32
// BE][stored key].
#pragma once

#include "storage/database.h"
#include "storage/scratch_files.h"
#include "storage/spill.h"

#include <rocksdb/options.h>

#include <memory>
#include <string_view>

namespace tidemark::storage {

// Creates the column family. Errors: those of RocksDB.
Result<std::shared_ptr<SpilledEpoch>> NewSpilledEpoch(const std::shared_ptr<Database>& database,
                                                      const rocksdb::ColumnFamilyOptions& options,
                                                      std::shared_ptr<ScratchFiles> scratch,
                                                      bool links_work, uint64_t epoch);

// Whether a column family holds such an epoch.
bool IsSpilledFamily(std::string_view name);

}  // namespace tidemark::storage
