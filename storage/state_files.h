// The SSTs that write-back and replay make for Apply.
#pragma once

#include "storage/live_database.h"
#include "storage/rocksdb_options.h"

#include <functional>
#include <memory>
#include <string>

namespace tidemark::storage {

// `new_path` gives a fresh path for every file. `options` live as long as the writer.
std::unique_ptr<StateFileWriter> NewStateFileWriter(FileSystemPtr fs,
                                                    const rocksdb::Options& options,
                                                    uint32_t table_id, uint64_t target_bytes,
                                                    std::function<std::string()> new_path);

}  // namespace tidemark::storage
