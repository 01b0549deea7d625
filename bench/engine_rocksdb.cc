// RocksDB as a stream processor runs it today: no WAL, and a rocksdb::Checkpoint at every barrier.
// As `rocksdb` values are read, changed and put; as `rocksdb_merge` they are changed by a merge
// operator.
#include "bench/checkpoint_folder.h"
#include "bench/rocksdb_merge.h"
#include "bench/rocksdb_peer.h"

#include <rocksdb/utilities/checkpoint.h>

#include <optional>
#include <utility>

namespace tidemark::bench {
namespace {

enum class Updates { kReadModifyWrite, kMerge };

class RocksDbEngine final : public RocksDbPeer {
 public:
  RocksDbEngine(const EngineOptions& options, Updates updates)
      : RocksDbPeer(options), updates_(updates), folder_(repository(), options.keep_checkpoints) {}

  Status Open();

  Result<std::unique_ptr<Values>> OpenValues() override {
    return updates_ == Updates::kMerge ? MakeRocksDbMergedValues(*table_)
                                       : MakeRocksDbValues(*table_);
  }
  Status Checkpoint(uint64_t id) override;
  Status Drain() override;
  Status Restore() override;
  void ResetFigures() override;
  EngineFigures Figures() override;

 private:
  RocksDbTable& table() override { return *table_; }
  rocksdb::Options Options() const;
  void OpenTable();

  const Updates updates_;
  std::optional<DirectTable> table_;
  std::unique_ptr<rocksdb::Checkpoint> checkpoint_;
  // Last, so that its thread ends first.
  CheckpointFolder folder_;
};

rocksdb::Options RocksDbEngine::Options() const {
  rocksdb::Options options = TunedOptions(options_);
  options.merge_operator =
      updates_ == Updates::kMerge ? MakeChangeOperator() : MakeAppendOperator();
  return options;
}

void RocksDbEngine::OpenTable() {
  rocksdb::WriteOptions options;
  options.disableWAL = true;
  table_.emplace(database_.db(), options);
}

Status RocksDbEngine::Open() {
  TIDEMARK_RETURN_IF_ERROR(database_.Open(Options(), options_.directory + "/live"));
  OpenTable();
  rocksdb::Checkpoint* checkpoint = nullptr;
  TIDEMARK_RETURN_IF_ERROR(Translate(rocksdb::Checkpoint::Create(&database_.db(), &checkpoint)));
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

Status RocksDbEngine::Drain() {
  database_.AwaitIdle();
  return folder_.Drain();
}

Status RocksDbEngine::Restore() {
  checkpoint_.reset();
  table_.reset();
  TIDEMARK_RETURN_IF_ERROR(database_.Reopen(Options(), folder_.newest()));
  OpenTable();
  return {};
}

void RocksDbEngine::ResetFigures() {
  durable_.clear();
  folder_.ResetCounters();
  database_.ResetStall();
}

EngineFigures RocksDbEngine::Figures() {
  EngineFigures figures;
  figures.durable = durable_;
  figures.published_bytes = folder_.published_bytes();
  figures.stall_s = database_.StallSeconds();
  return figures;
}

Result<std::unique_ptr<Engine>> OpenWith(const EngineOptions& options, Updates updates) {
  auto engine = std::make_unique<RocksDbEngine>(options, updates);
  TIDEMARK_RETURN_IF_ERROR(engine->Open());
  return std::unique_ptr<Engine>(std::move(engine));
}

}  // namespace

Result<std::unique_ptr<Engine>> OpenRocksDb(const EngineOptions& options) {
  return OpenWith(options, Updates::kReadModifyWrite);
}

Result<std::unique_ptr<Engine>> OpenRocksDbMerge(const EngineOptions& options) {
  return OpenWith(options, Updates::kMerge);
}

}  // namespace tidemark::bench
