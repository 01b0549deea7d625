// RocksDB as a stream processor runs it today: no WAL, and a rocksdb::Checkpoint at every barrier.
// README.md says why each option has the value that TunedOptions gives it.
#include "bench/checkpoint_folder.h"
#include "bench/engine.h"
#include "bench/rocksdb_states.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/checkpoint.h>
#include <rocksdb/write_buffer_manager.h>

#include <algorithm>
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

class RocksDbEngine final : public Engine {
 public:
  explicit RocksDbEngine(const EngineOptions& options)
      : options_(options), folder_(repository(), options.keep_checkpoints) {
    write_options_.disableWAL = true;
  }

  Status Open();

  Result<std::unique_ptr<Values>> OpenValues() override {
    return MakeRocksDbValues(*db_, write_options_);
  }
  Result<std::unique_ptr<Maps>> OpenMaps() override {
    return MakeRocksDbMaps(*db_, write_options_);
  }
  Result<std::unique_ptr<Lists>> OpenLists() override {
    return MakeRocksDbLists(*db_, write_options_);
  }
  Status Checkpoint(uint64_t id) override;
  Status Drain() override;
  Status Restore() override;
  void ResetFigures() override;
  EngineFigures Figures() override;
  std::string repository() const override { return options_.directory + "/repository"; }

 private:
  bool IsBusy() const;
  double StallSeconds() const;

  const EngineOptions options_;
  rocksdb::WriteOptions write_options_;
  std::unique_ptr<rocksdb::DB> db_;
  std::unique_ptr<rocksdb::Checkpoint> checkpoint_;
  std::vector<std::chrono::nanoseconds> durable_;
  double stall_s_before_ = 0;
  // Last, so that its thread ends first.
  CheckpointFolder folder_;
};

Status RocksDbEngine::Open() {
  rocksdb::DB* db = nullptr;
  TIDEMARK_RETURN_IF_ERROR(
      Translate(rocksdb::DB::Open(TunedOptions(options_), options_.directory + "/live", &db)));
  db_.reset(db);
  rocksdb::Checkpoint* checkpoint = nullptr;
  TIDEMARK_RETURN_IF_ERROR(Translate(rocksdb::Checkpoint::Create(db, &checkpoint)));
  checkpoint_.reset(checkpoint);
  return {};
}

// Flushes, links and syncs before it returns, so a checkpoint is durable as soon as the caller may
// go on.
Status RocksDbEngine::Checkpoint(uint64_t id) {
  const auto begin = std::chrono::steady_clock::now();
  TIDEMARK_RETURN_IF_ERROR(Translate(checkpoint_->CreateCheckpoint(folder_.PathOf(id))));
  durable_.push_back(std::chrono::steady_clock::now() - begin);
  folder_.Add(id);
  return {};
}

bool RocksDbEngine::IsBusy() const {
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
Status RocksDbEngine::Drain() {
  for (int idle = 0; idle < 3; idle = IsBusy() ? 0 : idle + 1) {
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  return folder_.Drain();
}

Status RocksDbEngine::Restore() {
  checkpoint_.reset();
  TIDEMARK_RETURN_IF_ERROR(Translate(db_->Close()));
  db_.reset();
  rocksdb::DB* db = nullptr;
  TIDEMARK_RETURN_IF_ERROR(
      Translate(rocksdb::DB::OpenForReadOnly(TunedOptions(options_), folder_.newest(), &db)));
  db_.reset(db);
  return {};
}

void RocksDbEngine::ResetFigures() {
  durable_.clear();
  folder_.ResetCounters();
  stall_s_before_ = StallSeconds();
}

EngineFigures RocksDbEngine::Figures() {
  EngineFigures figures;
  figures.durable = durable_;
  figures.published_bytes = folder_.published_bytes();
  figures.stall_s = StallSeconds() - stall_s_before_;
  return figures;
}

// Since the database was opened, 0 where RocksDB does not tell.
double RocksDbEngine::StallSeconds() const {
  std::map<std::string, std::string> statistics;
  db_->GetMapProperty(rocksdb::DB::Properties::kDBStats, &statistics);
  const auto found = statistics.find("db.user_write_stall_micros");
  return found == statistics.end() ? 0 : std::stod(found->second) * 1e-6;
}

}  // namespace

Result<std::unique_ptr<Engine>> OpenRocksDb(const EngineOptions& options) {
  auto engine = std::make_unique<RocksDbEngine>(options);
  TIDEMARK_RETURN_IF_ERROR(engine->Open());
  return std::unique_ptr<Engine>(std::move(engine));
}

}  // namespace tidemark::bench
