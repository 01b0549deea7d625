// MicroBatch on RocksDB as Spark's first RocksDB state store had it: no WAL; what a batch changes
// is gathered in an indexed write batch, which is thrown away, or written at once and followed by a
// checkpoint. The database has the options of the engine `rocksdb`.
#include "bench/checkpoint_folder.h"
#include "bench/micro_batch.h"
#include "bench/rocksdb_database.h"
#include "bench/rocksdb_table.h"

#include <rocksdb/comparator.h>
#include <rocksdb/db.h>
#include <rocksdb/utilities/write_batch_with_index.h>

#include <chrono>
#include <vector>

namespace tidemark::bench {
namespace {

class WriteBatches final : public MicroBatchStore {
 public:
  explicit WriteBatches(const EngineOptions& options)
      : options_(options),
        batch_(rocksdb::BytewiseComparator(), /*reserved_bytes=*/0, /*overwrite_key=*/true),
        folder_(repository(), options.keep_checkpoints) {
    write_options_.disableWAL = true;
  }

  Status Open() { return database_.Open(TunedOptions(options_), options_.directory + "/live"); }

  Status Put(std::string_view key, std::string_view value) override {
    return Translate(batch_.Put(key, value));
  }
  Status Delete(std::string_view key) override { return Translate(batch_.Delete(key)); }
  Status Evict(std::string_view from, std::string_view to, const Visitor& visit) override;
  Status Rollback() override {
    batch_.Clear();
    return {};
  }
  Status Commit(uint64_t id) override;

  Status Drain() override {
    database_.AwaitIdle();
    return folder_.Drain();
  }
  Status Restore() override { return database_.Reopen(TunedOptions(options_), folder_.newest()); }
  void ResetFigures() override {
    durable_.clear();
    folder_.ResetCounters();
    database_.ResetStall();
  }
  EngineFigures Figures() override;
  std::string repository() const override { return options_.directory + "/repository"; }
  Status ForEach(const Visitor& visit) override;

 private:
  const EngineOptions options_;
  rocksdb::WriteOptions write_options_;
  RocksDbDatabase database_;
  rocksdb::WriteBatchWithIndex batch_;
  std::vector<std::string> evicted_;
  std::vector<std::chrono::nanoseconds> durable_;
  // Last, so that its thread ends first.
  CheckpointFolder folder_;
};

// The batch must not change below an iterator that stands on what is changed, so the keys are
// gathered first.
Status WriteBatches::Evict(std::string_view from, std::string_view to, const Visitor& visit) {
  const rocksdb::Slice bound = to;
  rocksdb::ReadOptions options;
  options.iterate_upper_bound = &bound;
  evicted_.clear();
  {
    const std::unique_ptr<rocksdb::Iterator> rows(batch_.NewIteratorWithBase(
        database_.db().DefaultColumnFamily(), database_.db().NewIterator(options)));
    for (rows->Seek(from); rows->Valid() && rows->key().compare(bound) < 0; rows->Next()) {
      visit(rows->key().ToStringView(), rows->value().ToStringView());
      evicted_.push_back(rows->key().ToString());
    }
    TIDEMARK_RETURN_IF_ERROR(Translate(rows->status()));
  }
  for (const std::string& key : evicted_) TIDEMARK_RETURN_IF_ERROR(Delete(key));
  return {};
}

Status WriteBatches::Commit(uint64_t id) {
  const auto begin = std::chrono::steady_clock::now();
  TIDEMARK_RETURN_IF_ERROR(Translate(database_.db().Write(write_options_, batch_.GetWriteBatch())));
  batch_.Clear();
  TIDEMARK_RETURN_IF_ERROR(TakeCheckpoint(database_.db(), folder_.PathOf(id)));
  durable_.push_back(std::chrono::steady_clock::now() - begin);
  folder_.Add(id);
  return {};
}

EngineFigures WriteBatches::Figures() {
  EngineFigures figures;
  figures.durable = durable_;
  figures.published_bytes = folder_.published_bytes();
  figures.stall_s = database_.StallSeconds();
  return figures;
}

Status WriteBatches::ForEach(const Visitor& visit) {
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  const std::unique_ptr<rocksdb::Iterator> rows(database_.db().NewIterator(options));
  for (rows->SeekToFirst(); rows->Valid(); rows->Next()) {
    visit(rows->key().ToStringView(), rows->value().ToStringView());
  }
  return Translate(rows->status());
}

}  // namespace

Result<std::unique_ptr<MicroBatchStore>> OpenWriteBatches(const EngineOptions& options) {
  auto batches = std::make_unique<WriteBatches>(options);
  TIDEMARK_RETURN_IF_ERROR(batches->Open());
  return std::unique_ptr<MicroBatchStore>(std::move(batches));
}

}  // namespace tidemark::bench
