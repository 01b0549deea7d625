// WiredTiger: a B-tree with a cache. Every barrier takes a named checkpoint; the last ones are
// kept, and each of them can be opened. The database itself is the repository.
#include "bench/ordered_peer.h"
#include "bench/wiredtiger_table.h"

#include <cstdint>
#include <string>

namespace tidemark::bench {
namespace {

class WiredTigerEngine final : public OrderedPeer<WiredTigerTable> {
 public:
  explicit WiredTigerEngine(const EngineOptions& options) : OrderedPeer(options) {}

  Status Open() { return table_.OpenForWriting(repository(), TableOptions()); }

  // Ids are consecutive.
  Status Checkpoint(uint64_t id) override {
    const uint64_t kept = options_.keep_checkpoints;
    TIDEMARK_RETURN_IF_ERROR(TimeCheckpoint(
        [&] { return table_.Checkpoint(NameOf(id), id > kept ? NameOf(id - kept) : ""); }));
    newest_ = id;
    return {};
  }
  Status Restore() override {
    TIDEMARK_RETURN_IF_ERROR(table_.Close());
    return table_.OpenCheckpoint(repository(), TableOptions(), NameOf(newest_));
  }

 private:
  static std::string NameOf(uint64_t id) { return "checkpoint-" + std::to_string(id); }
  WiredTigerOptions TableOptions() const {
    return {.cache_bytes = options_.memory_budget_bytes,
            .eviction_threads = options_.background_threads};
  }

  uint64_t newest_ = 0;
};

}  // namespace

Result<std::unique_ptr<Engine>> OpenWiredTiger(const EngineOptions& options) {
  return OpenEngine<WiredTigerEngine>(options);
}

}  // namespace tidemark::bench
