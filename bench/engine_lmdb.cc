// LMDB: a copy-on-write B-tree in a mapped file. An epoch is one transaction, which the barrier
// commits and syncs. The database itself is the repository, and it has the newest committed epoch
// only.
#include "bench/lmdb_table.h"
#include "bench/ordered_peer.h"

namespace tidemark::bench {
namespace {

class LmdbEngine final : public OrderedPeer<LmdbTable> {
 public:
  explicit LmdbEngine(const EngineOptions& options) : OrderedPeer(options) {}

  Status Open() { return table_.OpenForWriting(repository()); }

  Status Checkpoint(uint64_t /*id*/) override {
    return TimeCheckpoint([&] { return table_.Commit(); });
  }
  Status Restore() override {
    table_.Close();
    return table_.OpenForReading(repository());
  }
};

}  // namespace

Result<std::unique_ptr<Engine>> OpenLmdb(const EngineOptions& options) {
  return OpenEngine<LmdbEngine>(options);
}

}  // namespace tidemark::bench
