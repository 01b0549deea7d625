// SSTs outside a database: what their properties say, and how they are moved in.
#pragma once

#include "storage/database.h"
#include "storage/segment_file.h"

#include <tidemark/status.h>

#include <rocksdb/options.h>
#include <rocksdb/sst_file_writer.h>

#include <cstdint>
#include <span>
#include <string>

namespace tidemark::storage {

struct SstProperties {
  std::string unique_id;  // 16 bytes
  uint64_t range_tombstones = 0;
};

// Opens the file and reads its properties. The caller has verified its checksum, or RocksDB has
// written it on this machine.
Result<SstProperties> ReadSstProperties(const rocksdb::Options& options, const std::string& path);

// Of a file that an SstFileWriter with these options has just finished.
Result<SstFile> DescribeSst(const rocksdb::Options& options,
                            const rocksdb::ExternalSstFileInfo& info);

// Ingests `files` into `family` with the digests that they came with.
rocksdb::IngestExternalFileArg IngestArg(const ColumnFamily& family, std::span<const SstFile> files,
                                         bool links_work);

}  // namespace tidemark::storage
