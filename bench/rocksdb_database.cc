#include "bench/rocksdb_database.h"

#include "bench/rocksdb_merge.h"
#include "bench/rocksdb_table.h"

#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/checkpoint.h>
#include <rocksdb/write_buffer_manager.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <thread>
#include <utility>

namespace tidemark::bench {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;
// A shard must hold several filter blocks, of 1.5 MiB for a table of 64 MiB: one that does not fit
// is read for every look-up. So few shards, which the few threads here do not fight over.
constexpr int kCacheShardBits = 1;

rocksdb::BlockBasedTableOptions TunedTableOptions(std::shared_ptr<rocksdb::Cache> cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = std::move(cache);
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.data_block_index_type = rocksdb::BlockBasedTableOptions::kDataBlockBinaryAndHash;
  table.data_block_hash_table_util_ratio = 0.75;
  table.format_version = 5;
  table.checksum = rocksdb::kXXH3;
  return table;
}

}  // namespace

rocksdb::Options TunedOptions(const EngineOptions& engine) {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.info_log_level = rocksdb::WARN_LEVEL;
  options.stats_dump_period_sec = 0;

  // One budget: what memtables hold is charged to the block cache.
  auto cache = rocksdb::NewLRUCache(engine.memory_budget_bytes, kCacheShardBits);
  options.write_buffer_manager =
      std::make_shared<rocksdb::WriteBufferManager>(engine.memory_budget_bytes / 2, cache);
  // Half of what memtables may take, because the filter below is made for a full one.
  options.write_buffer_size = std::min(64 * kMiB, engine.memory_budget_bytes / 4);
  options.max_write_buffer_number = 4;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(TunedTableOptions(cache)));

  options.compression = rocksdb::kLZ4Compression;
  options.level_compaction_dynamic_level_bytes = true;
  options.compaction_pri = rocksdb::kMinOverlappingRatio;
  options.max_background_jobs = static_cast<int>(engine.background_threads);
  options.bytes_per_sync = kMiB;
  options.max_open_files = -1;

  // One thread writes.
  options.allow_concurrent_memtable_write = false;
  options.memtable_prefix_bloom_size_ratio = 0.1;
  options.memtable_whole_key_filtering = true;

  options.merge_operator = MakeAppendOperator();
  return options;
}

Status TakeCheckpoint(rocksdb::DB& db, const std::string& path) {
  rocksdb::Checkpoint* made = nullptr;
  TIDEMARK_RETURN_IF_ERROR(Translate(rocksdb::Checkpoint::Create(&db, &made)));
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
  return Translate(checkpoint->CreateCheckpoint(path));
}

Status RocksDbDatabase::Open(const rocksdb::Options& options, const std::string& path) {
  rocksdb::DB* db = nullptr;
  TIDEMARK_RETURN_IF_ERROR(Translate(rocksdb::DB::Open(options, path, &db)));
  db_.reset(db);
  return {};
}

Status RocksDbDatabase::Reopen(const rocksdb::Options& options, const std::string& path) {
  TIDEMARK_RETURN_IF_ERROR(Translate(db_->Close()));
  db_.reset();
  rocksdb::DB* db = nullptr;
  TIDEMARK_RETURN_IF_ERROR(Translate(rocksdb::DB::OpenForReadOnly(options, path, &db)));
  db_.reset(db);
  return {};
}

bool RocksDbDatabase::IsBusy() const {
  for (const std::string& property :
       {rocksdb::DB::Properties::kMemTableFlushPending, rocksdb::DB::Properties::kNumRunningFlushes,
        rocksdb::DB::Properties::kCompactionPending,
        rocksdb::DB::Properties::kNumRunningCompactions}) {
    uint64_t value = 0;
    if (db_->GetIntProperty(property, &value) && value != 0) return true;
  }
  return false;
}

// Between two jobs there may be an instant with none, so one look does not do.
void RocksDbDatabase::AwaitIdle() const {
  for (int idle = 0; idle < 3; idle = IsBusy() ? 0 : idle + 1) {
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
}

double RocksDbDatabase::StallSecondsSinceOpen() const {
  std::map<std::string, std::string> statistics;
  db_->GetMapProperty(rocksdb::DB::Properties::kDBStats, &statistics);
  const auto found = statistics.find("db.user_write_stall_micros");
  return found == statistics.end() ? 0 : std::stod(found->second) * 1e-6;
}

}  // namespace tidemark::bench
