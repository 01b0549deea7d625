// RocksDB with a write-ahead log: the changes of an epoch are one batch, which the barrier writes
// and syncs. The database itself is the repository, and it has the newest committed epoch only.
#include "bench/rocksdb_merge.h"
#include "bench/rocksdb_peer.h"

#include <optional>
#include <utility>

namespace tidemark::bench {
namespace {

class RocksDbWalEngine final : public RocksDbPeer {
 public:
  explicit RocksDbWalEngine(const EngineOptions& options) : RocksDbPeer(options) {}

  Status Open();

  Status Checkpoint(uint64_t id) override;
  Status Drain() override;
  Status Restore() override;
  void ResetFigures() override;
  EngineFigures Figures() override;

 private:
  RocksDbTable& table() override { return *table_; }
  rocksdb::Options Options() const;

  std::optional<BatchTable> table_;
};

rocksdb::Options RocksDbWalEngine::Options() const {
  rocksdb::Options options = TunedOptions(options_);
  options.merge_operator = MakeAppendOperator();
  return options;
}

Status RocksDbWalEngine::Open() {
  TIDEMARK_RETURN_IF_ERROR(database_.Open(Options(), repository()));
  table_.emplace(database_.db());
  return {};
}

// The log is synced before it returns.
Status RocksDbWalEngine::Checkpoint(uint64_t /*id*/) {
  rocksdb::WriteOptions synced;
  synced.sync = true;
  const auto begin = std::chrono::steady_clock::now();
  TIDEMARK_RETURN_IF_ERROR(Translate(table_->Commit(synced)));
  durable_.push_back(std::chrono::steady_clock::now() - begin);
  return {};
}

Status RocksDbWalEngine::Drain() {
  database_.AwaitIdle();
  return {};
}

// Reads the log again, as after a crash.
Status RocksDbWalEngine::Restore() {
  table_.reset();
  TIDEMARK_RETURN_IF_ERROR(database_.Reopen(Options(), repository()));
  table_.emplace(database_.db());
  return {};
}

void RocksDbWalEngine::ResetFigures() {
  durable_.clear();
  database_.ResetStall();
}

EngineFigures RocksDbWalEngine::Figures() {
  EngineFigures figures;
  figures.durable = durable_;
  figures.stall_s = database_.StallSeconds();
  return figures;
}

}  // namespace

Result<std::unique_ptr<Engine>> OpenRocksDbWal(const EngineOptions& options) {
  auto engine = std::make_unique<RocksDbWalEngine>(options);
  TIDEMARK_RETURN_IF_ERROR(engine->Open());
  return std::unique_ptr<Engine>(std::move(engine));
}

}  // namespace tidemark::bench
