// RocksDB with a write-ahead log: the changes of an epoch are one batch, which the barrier writes
// and syncs. The database itself is the repository, and it has the newest committed epoch only.
#include "bench/rocksdb_peer.h"

#include <optional>

namespace tidemark::bench {
namespace {

class RocksDbWalEngine final : public RocksDbPeer {
 public:
  explicit RocksDbWalEngine(const EngineOptions& options) : RocksDbPeer(options) {}

  Status Open();

  Status Checkpoint(uint64_t id) override;
  Status Restore() override;

 private:
  RocksDbTable& table() override { return *table_; }

  std::optional<BatchTable> table_;
};

Status RocksDbWalEngine::Open() {
  TIDEMARK_RETURN_IF_ERROR(database_.Open(TunedOptions(options_), repository()));
  table_.emplace(database_.db());
  return {};
}

// The log is synced before it returns.
Status RocksDbWalEngine::Checkpoint(uint64_t /*id*/) {
  rocksdb::WriteOptions synced;
  synced.sync = true;
  return TimeCheckpoint([&] { return Translate(table_->Commit(synced)); });
}

// Reads the log again, as after a crash.
Status RocksDbWalEngine::Restore() {
  table_.reset();
  TIDEMARK_RETURN_IF_ERROR(database_.Reopen(TunedOptions(options_), repository()));
  table_.emplace(database_.db());
  return {};
}

}  // namespace

Result<std::unique_ptr<Engine>> OpenRocksDbWal(const EngineOptions& options) {
  return OpenEngine<RocksDbWalEngine>(options);
}

}  // namespace tidemark::bench
