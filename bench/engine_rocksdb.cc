// RocksDB as a stream processor runs it today: no WAL, and a rocksdb::Checkpoint at every barrier.
// As `rocksdb` values are read, changed and put; as `rocksdb_merge` they are changed by a merge
// operator.
#include "bench/checkpoint_folder.h"
#include "bench/rocksdb_merge.h"
#include "bench/rocksdb_peer.h"

#include <optional>

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

  const Updates updates_;
  std::optional<DirectTable> table_;
  // Last, so that its thread ends first.
  CheckpointFolder folder_;
};

rocksdb::Options RocksDbEngine::Options() const {
  rocksdb::Options options = TunedOptions(options_);
  if (updates_ == Updates::kMerge) options.merge_operator = MakeChangeOperator();
  return options;
}

Status RocksDbEngine::Open() {
  TIDEMARK_RETURN_IF_ERROR(database_.Open(Options(), options_.directory + "/live"));
  table_.emplace(database_.db());
  return {};
}

// Flushes, links and syncs before it returns, so a checkpoint is durable as soon as the caller may
// go on.
Status RocksDbEngine::Checkpoint(uint64_t id) {
  TIDEMARK_RETURN_IF_ERROR(
      TimeCheckpoint([&] { return TakeCheckpoint(database_.db(), folder_.PathOf(id)); }));
  folder_.Add(id);
  return {};
}

Status RocksDbEngine::Drain() {
  TIDEMARK_RETURN_IF_ERROR(RocksDbPeer::Drain());
  return folder_.Drain();
}

Status RocksDbEngine::Restore() {
  table_.reset();
  TIDEMARK_RETURN_IF_ERROR(database_.Reopen(Options(), folder_.newest()));
  table_.emplace(database_.db());
  return {};
}

void RocksDbEngine::ResetFigures() {
  RocksDbPeer::ResetFigures();
  folder_.ResetCounters();
}

EngineFigures RocksDbEngine::Figures() {
  EngineFigures figures = RocksDbPeer::Figures();
  figures.published_bytes = folder_.published_bytes();
  return figures;
}

}  // namespace

Result<std::unique_ptr<Engine>> OpenRocksDb(const EngineOptions& options) {
  return OpenEngine<RocksDbEngine>(options, Updates::kReadModifyWrite);
}

Result<std::unique_ptr<Engine>> OpenRocksDbMerge(const EngineOptions& options) {
  return OpenEngine<RocksDbEngine>(options, Updates::kMerge);
}

}  // namespace tidemark::bench
