// WiredTiger: a B-tree with a cache. Every barrier takes a named checkpoint; the last ones are
// kept, and each of them can be opened. The database itself is the repository.
#include "bench/engine.h"
#include "bench/ordered_states.h"
#include "bench/wiredtiger_table.h"

#include <utility>

namespace tidemark::bench {
namespace {

class WiredTigerEngine final : public Engine {
 public:
  explicit WiredTigerEngine(const EngineOptions& options) : options_(options) {}

  Status Open() { return table_.OpenForWriting(repository(), TableOptions()); }

  Result<std::unique_ptr<Values>> OpenValues() override {
    return std::unique_ptr<Values>(std::make_unique<OrderedValues<WiredTigerTable>>(table_));
  }
  Result<std::unique_ptr<Maps>> OpenMaps() override {
    return std::unique_ptr<Maps>(std::make_unique<OrderedMaps<WiredTigerTable>>(table_));
  }
  Result<std::unique_ptr<Lists>> OpenLists() override {
    return std::unique_ptr<Lists>(std::make_unique<OrderedLists<WiredTigerTable>>(table_));
  }
  Status Checkpoint(uint64_t id) override;
  // A checkpoint leaves nothing to do but what the cache evicts.
  Status Drain() override { return {}; }
  Status Restore() override {
    TIDEMARK_RETURN_IF_ERROR(table_.Close());
    return table_.OpenCheckpoint(repository(), TableOptions(), NameOf(newest_));
  }
  void ResetFigures() override { durable_.clear(); }
  EngineFigures Figures() override {
    EngineFigures figures;
    figures.durable = durable_;
    return figures;
  }
  std::string repository() const override { return options_.directory + "/repository"; }

 private:
  static std::string NameOf(uint64_t id) { return "checkpoint-" + std::to_string(id); }
  WiredTigerOptions TableOptions() const {
    return {.cache_bytes = options_.memory_budget_bytes,
            .eviction_threads = options_.background_threads};
  }

  const EngineOptions options_;
  WiredTigerTable table_;
  uint64_t newest_ = 0;
  std::vector<std::chrono::nanoseconds> durable_;
};

// Ids are consecutive.
Status WiredTigerEngine::Checkpoint(uint64_t id) {
  const uint64_t kept = options_.keep_checkpoints;
  const auto begin = std::chrono::steady_clock::now();
  TIDEMARK_RETURN_IF_ERROR(table_.Checkpoint(NameOf(id), id > kept ? NameOf(id - kept) : ""));
  durable_.push_back(std::chrono::steady_clock::now() - begin);
  newest_ = id;
  return {};
}

}  // namespace

Result<std::unique_ptr<Engine>> OpenWiredTiger(const EngineOptions& options) {
  auto engine = std::make_unique<WiredTigerEngine>(options);
  TIDEMARK_RETURN_IF_ERROR(engine->Open());
  return std::unique_ptr<Engine>(std::move(engine));
}

}  // namespace tidemark::bench
