// How RocksDB is set up: every option that differs from its default, with the reason, stands in
// rocksdb_options.cc and nowhere else.
#pragma once

#include "storage/file_system.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/options.h>
#include <rocksdb/rate_limiter.h>
#include <rocksdb/sst_file_writer.h>

#include <cstdint>
#include <memory>
#include <string>

namespace tidemark::storage {

// RocksDB's environment over `fs`; must outlive what is opened in it.
std::shared_ptr<rocksdb::Env> MakeEnvironment(const FileSystemPtr& fs);

std::shared_ptr<rocksdb::Cache> MakeBlockCache(uint64_t bytes);

// How what passes a limiter (storage/write_limit.h) is ranked, beside what RocksDB does so itself:
// its compactions are not urgent, until they have fallen behind.
constexpr rocksdb::Env::IOPriority kUrgent = rocksdb::Env::IO_HIGH;
constexpr rocksdb::Env::IOPriority kNotUrgent = rocksdb::Env::IO_LOW;
using Limiter = std::shared_ptr<rocksdb::RateLimiter>;  // null: nothing waits

// For `state` and `side`; column families have options of their own. Compactions pass `limiter`.
rocksdb::DBOptions DatabaseOptions(rocksdb::Env* env, int background_jobs, int max_open_files,
                                   Limiter limiter = nullptr);
// For a base that is looked at where it lies. All of its files stay open, so that it can be read to
// its end though a writer deletes them meanwhile.
rocksdb::DBOptions ReadingOptions(rocksdb::Env* env);
// Open files that one database may keep, given the process's limit and the cache that counts what
// they hold; fewer for a passing one.
int MaxOpenFiles(bool passing, uint64_t block_cache_bytes);

// A column family of `state`: a table, or the default one with the mark.
rocksdb::ColumnFamilyOptions TableOptions(const std::shared_ptr<rocksdb::Cache>& cache,
                                          uint64_t sst_target_bytes);
// The column family `changelog`.
rocksdb::ColumnFamilyOptions ChangelogOptions(const std::shared_ptr<rocksdb::Cache>& cache);

// SSTs written or read outside a database: segments. Who writes them passes `limiter`.
rocksdb::Options SegmentFileOptions(rocksdb::Env* env, Limiter limiter = nullptr);
// SSTs for a column family of `state`; the same.
rocksdb::Options StateFileOptions(rocksdb::Env* env, const rocksdb::ColumnFamilyOptions& table,
                                  Limiter limiter = nullptr);

// Moves files into a database without changing a byte of them: by link if `links_work` here, else
// by copy.
rocksdb::IngestExternalFileOptions IngestOptions(bool links_work);

// One pass over many entries that will not be wanted again soon.
rocksdb::ReadOptions ScanOptions();

}  // namespace tidemark::storage
