#include "storage/rocksdb_options.h"

#include "storage/append_operator.h"
#include "storage/file_checksum.h"
#include "storage/unread_files.h"

#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

#include <algorithm>
#include <utility>

namespace tidemark::storage {
namespace {

constexpr uint64_t kKiB = 1024;
constexpr uint64_t kMiB = 1024 * kKiB;
// Of a table: from so many on RocksDB merges some.
constexpr int kSortedRunsMax = 4;

rocksdb::BlockBasedTableOptions CommonTableOptions() {
  rocksdb::BlockBasedTableOptions table;
  // Fast bloom filters, and indexes without sequence numbers.
  table.format_version = 5;
  // Three times as fast as crc32c to check, and what the rest of Tidemark uses.
  table.checksum = rocksdb::kXXH3;
  return table;
}

rocksdb::BlockBasedTableOptions StateTableOptions(const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table = CommonTableOptions();
  table.block_cache = cache;
  // What open files hold takes its part of the cache, so that both keep to its size. RocksDB counts
  // it by table factory, in steps of 256 KiB: the column families of a database share one.
  table.cache_usage_options.options_overrides[rocksdb::CacheEntryRole::kBlockBasedTableReader]
      .charged = rocksdb::CacheEntryRoleOptions::Decision::kEnabled;
  // Indexes and filters count against the cache's budget instead of growing with the state.
  table.cache_index_and_filter_blocks = true;
  // Those of level 0 are asked by every read, so they stay.
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  // In pieces of a block's size: the filter of a whole file is near a megabyte, and a cache that
  // does not hold all of them would read one for every get.
  table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
  table.partition_filters = true;
  table.metadata_block_size = 4 * kKiB;
  // What a get that misses the block cache has to read, check and decompress. With 8 KiB files are
  // 2 % smaller, and such gets were 5 % slower: medians of six, whose ranges overlap.
  table.block_size = 4 * kKiB;
  // The state cache asks for keys that do not exist yet as often as for those that do.
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.optimize_filters_for_memory = true;
  return table;
}

rocksdb::BlockBasedTableOptions SegmentTableOptions() {
  rocksdb::BlockBasedTableOptions table = CommonTableOptions();
  // Each frame fills a block of its own, so there is nothing to search inside one.
  table.block_restart_interval = 1;
  return table;
}

// No database of ours is written through its memtables, so each column family gets the least.
void ShrinkMemtable(rocksdb::ColumnFamilyOptions* options) {
  options->write_buffer_size = 64 * kKiB;
  options->max_write_buffer_number = 2;
}

// Files are rewritten when the tree wants it, never because they are old: a base would have to be
// published again for nothing.
void KeepOldFiles(rocksdb::ColumnFamilyOptions* options) {
  options->ttl = 0;
  options->periodic_compaction_seconds = 0;
}

}  // namespace

std::shared_ptr<rocksdb::Env> MakeEnvironment(const FileSystemPtr& fs) {
  return rocksdb::NewCompositeEnv(WithoutUnreadFiles(fs));
}

std::shared_ptr<rocksdb::Cache> MakeBlockCache(uint64_t bytes) {
  // A store has few reading threads, and blocks do not fall evenly on many small shards.
  constexpr uint64_t kShardBytesMin = 64 * kMiB;
  constexpr int kShardBitsMax = 4;
  // Of this part indexes and filters are never pushed out by data. The state cache holds what is
  // read again and again; of what is left, the data block of a key is rarely that of the next.
  constexpr double kForIndexesAndFilters = 0.9;
  rocksdb::LRUCacheOptions options;
  options.capacity = bytes;
  options.num_shard_bits = 0;
  while (options.num_shard_bits < kShardBitsMax &&
         bytes >> (options.num_shard_bits + 1) >= kShardBytesMin)
    ++options.num_shard_bits;
  options.high_pri_pool_ratio = kForIndexesAndFilters;
  return rocksdb::NewLRUCache(options);
}

int MaxOpenFiles(bool passing, uint64_t block_cache_bytes) {
  // An open file holds about 2 KiB; those of one database should not take more than a sixteenth of
  // a cache that serves several.
  constexpr uint64_t kCacheBytesPerFile = 32 * kKiB;
  // The host has files and sockets of its own, and perhaps many stores.
  uint64_t share = std::clamp<uint64_t>(OpenFilesMax() / 8, 64, 4096);
  share = std::clamp<uint64_t>(block_cache_bytes / kCacheBytesPerFile, 64, share);
  return static_cast<int>(passing ? std::max<uint64_t>(share / 4, 32) : share);
}

rocksdb::DBOptions DatabaseOptions(rocksdb::Env* env, int background_jobs, int max_open_files,
                                   Limiter limiter) {
  rocksdb::DBOptions options;
  options.env = env;
  options.create_if_missing = true;
  // RocksDB keeps a quarter of the jobs for flushes, of which there are none. One more, so that
  // sorted runs are merged while a whole table is rewritten.
  options.max_background_jobs = background_jobs + 1 + std::max(1, background_jobs / 3);
  options.max_open_files = max_open_files;
  // Started anew for each column family at each opening, however few files it has.
  options.max_file_opening_threads = 4;
  options.file_checksum_gen_factory = FileChecksumFactory();
  // The MANIFEST is copied into every base, so it starts afresh before it is long.
  options.max_manifest_file_size = kMiB;
  // RocksDB takes 4 MiB from the file system at a time, which every close gives back.
  options.manifest_preallocation_size = 64 * kKiB;
  // Readers release views; they should not delete files on the way.
  options.avoid_unnecessary_blocking_io = true;
  // Memtables are always empty.
  options.avoid_flush_during_shutdown = true;
  // Spreads what compactions write, so that the commit lane's next sync does not wait for all of
  // it.
  options.bytes_per_sync = kMiB;
  options.rate_limiter = std::move(limiter);
  // A library in somebody else's process: few and short logs, no statistics threads.
  options.info_log_level = rocksdb::WARN_LEVEL;
  options.keep_log_file_num = 2;
  options.max_log_file_size = kMiB;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  return options;
}

rocksdb::DBOptions ReadingOptions(rocksdb::Env* env) {
  rocksdb::DBOptions options;
  options.env = env;
  options.max_open_files = -1;
  options.max_file_opening_threads = 4;
  // Who opens it has looked at the sizes, and statistics are for choosing compactions.
  options.skip_checking_sst_file_sizes_on_db_open = true;
  options.skip_stats_update_on_db_open = true;
  options.info_log_level = rocksdb::WARN_LEVEL;
  options.keep_log_file_num = 1;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  return options;
}

rocksdb::ColumnFamilyOptions TableOptions(const std::shared_ptr<rocksdb::Cache>& cache,
                                          uint64_t sst_target_bytes) {
  rocksdb::ColumnFamilyOptions options;
  ShrinkMemtable(&options);
  KeepOldFiles(&options);
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(StateTableOptions(cache)));
  options.merge_operator = AppendOperator();
  // Write-back must keep up with the task, and a read decompresses on its thread.
  options.compression = rocksdb::kLZ4Compression;
  options.target_file_size_base = sst_target_bytes;
  // Files come in by bulk, a sorted run with each write-back. Levels would rewrite a part of the
  // largest one with every few of them. Tiers wait until there are many, and what is dead the
  // planner has rewritten when it is worth that, and when no snapshot holds it any more: RocksDB
  // starts a compaction directly after the ingestion that calls for it, while the writer still
  // reads through the snapshot before.
  options.compaction_style = rocksdb::kCompactionStyleUniversal;
  options.level0_file_num_compaction_trigger = kSortedRunsMax;
  options.compaction_options_universal.max_size_amplification_percent = 200;
  return options;
}

rocksdb::ColumnFamilyOptions ChangelogOptions(const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions options;
  ShrinkMemtable(&options);
  KeepOldFiles(&options);
  rocksdb::BlockBasedTableOptions table = SegmentTableOptions();
  table.block_cache = cache;
  // That of a large segment is all that an open file has worth counting.
  table.cache_index_and_filter_blocks = true;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.compression = rocksdb::kNoCompression;
  // Whole segments come, and go: nothing is ever merged, and all of them lie in the last level.
  options.disable_auto_compactions = true;
  options.level_compaction_dynamic_level_bytes = false;
  options.num_levels = 2;
  return options;
}

rocksdb::Options SegmentFileOptions(rocksdb::Env* env, Limiter limiter) {
  static const std::shared_ptr<rocksdb::TableFactory> factory = [] {
    rocksdb::BlockBasedTableOptions table = SegmentTableOptions();
    table.no_block_cache = true;
    return std::shared_ptr<rocksdb::TableFactory>(rocksdb::NewBlockBasedTableFactory(table));
  }();
  rocksdb::Options options;
  options.env = env;
  options.file_checksum_gen_factory = FileChecksumFactory();
  options.table_factory = factory;
  options.compression = rocksdb::kNoCompression;  // frames are compressed already
  options.rate_limiter = std::move(limiter);
  return options;
}

rocksdb::Options StateFileOptions(rocksdb::Env* env, const rocksdb::ColumnFamilyOptions& table,
                                  Limiter limiter) {
  rocksdb::Options options(rocksdb::DBOptions(), table);
  options.env = env;
  options.file_checksum_gen_factory = FileChecksumFactory();
  options.bytes_per_sync = kMiB;
  options.rate_limiter = std::move(limiter);
  return options;
}

rocksdb::IngestExternalFileOptions IngestOptions(bool links_work) {
  rocksdb::IngestExternalFileOptions options;
  options.move_files = links_work;
  // The sequence number lives in the MANIFEST only: a file may be linked into a repository.
  options.write_global_seqno = false;
  // Views see what was applied when they were made.
  options.snapshot_consistency = true;
  options.allow_global_seqno = true;
  options.allow_blocking_flush = true;
  // Digests come with the files, computed while they were written.
  options.verify_file_checksum = false;
  return options;
}

rocksdb::ReadOptions ScanOptions() {
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  // About three frames at a time. Replay reads hundreds of segments at once, each with such a
  // buffer.
  options.readahead_size = 128 * kKiB;
  return options;
}

}  // namespace tidemark::storage
