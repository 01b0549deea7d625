// The SSTs that write-back and replay make for Apply.
#pragma once

#include "storage/live_database.h"
#include "storage/rocksdb_options.h"
#include "storage/scratch_files.h"

#include <memory>

namespace tidemark::storage {

// `scratch` and `options` live as long as the writer.
std::unique_ptr<StateFileWriter> NewStateFileWriter(ScratchFiles& scratch,
                                                    const rocksdb::Options& options,
                                                    uint32_t table_id, uint64_t target_bytes);

}  // namespace tidemark::storage
