// LMDB: a copy-on-write B-tree in a mapped file. An epoch is one transaction, which the barrier
// commits and syncs. The database itself is the repository, and it has the newest committed epoch
// only.
#include "bench/engine.h"
#include "bench/lmdb_table.h"
#include "bench/ordered_states.h"

#include <utility>

namespace tidemark::bench {
namespace {

class LmdbEngine final : public Engine {
 public:
  explicit LmdbEngine(const EngineOptions& options) : options_(options) {}

  Status Open() { return table_.OpenForWriting(repository()); }

  Result<std::unique_ptr<Values>> OpenValues() override {
    return std::unique_ptr<Values>(std::make_unique<OrderedValues<LmdbTable>>(table_));
  }
  Result<std::unique_ptr<Maps>> OpenMaps() override {
    return std::unique_ptr<Maps>(std::make_unique<OrderedMaps<LmdbTable>>(table_));
  }
  Result<std::unique_ptr<Lists>> OpenLists() override {
    return std::unique_ptr<Lists>(std::make_unique<OrderedLists<LmdbTable>>(table_));
  }
  Status Checkpoint(uint64_t /*id*/) override {
    const auto begin = std::chrono::steady_clock::now();
    TIDEMARK_RETURN_IF_ERROR(table_.Commit());
    durable_.push_back(std::chrono::steady_clock::now() - begin);
    return {};
  }
  // A commit leaves nothing to do.
  Status Drain() override { return {}; }
  Status Restore() override {
    table_.Close();
    return table_.OpenForReading(repository());
  }
  void ResetFigures() override { durable_.clear(); }
  EngineFigures Figures() override {
    EngineFigures figures;
    figures.durable = durable_;
    return figures;
  }
  std::string repository() const override { return options_.directory + "/repository"; }

 private:
  const EngineOptions options_;
  LmdbTable table_;
  std::vector<std::chrono::nanoseconds> durable_;
};

}  // namespace

Result<std::unique_ptr<Engine>> OpenLmdb(const EngineOptions& options) {
  auto engine = std::make_unique<LmdbEngine>(options);
  TIDEMARK_RETURN_IF_ERROR(engine->Open());
  return std::unique_ptr<Engine>(std::move(engine));
}

}  // namespace tidemark::bench
