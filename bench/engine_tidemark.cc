// Tidemark as a stream processor would use it: one typed state, its repository a directory beside
// the live database, no option other than the ones that all engines share.
#include "bench/engine.h"
#include "bench/tidemark_rows.h"
#include "bench/tidemark_states.h"
#include "bench/tidemark_store.h"

#include <utility>

namespace tidemark::bench {
namespace {

class TidemarkEngine final : public Engine {
 public:
  explicit TidemarkEngine(std::unique_ptr<TidemarkStore> store) : store_(std::move(store)) {}

  Result<std::unique_ptr<Values>> OpenValues() override {
    return OpenTidemarkValues(store_->store());
  }
  Result<std::unique_ptr<Maps>> OpenMaps() override { return OpenTidemarkMaps(store_->store()); }
  Result<std::unique_ptr<Lists>> OpenLists() override { return OpenTidemarkLists(store_->store()); }
  Result<std::unique_ptr<ByteRows>> OpenByteRows(uint8_t number, ByteRowsKind kind) override {
    return OpenTidemarkRows(store_->store(), number, kind);
  }
  Status Checkpoint(uint64_t id) override { return store_->Checkpoint(id); }
  Status Drain() override { return store_->Drain(); }
  Status Restore() override { return store_->Restore(); }
  void ResetFigures() override { store_->ResetFigures(); }
  EngineFigures Figures() override { return store_->Figures(); }
  std::string repository() const override { return store_->repository(); }

 private:
  const std::unique_ptr<TidemarkStore> store_;
};

}  // namespace

Result<std::unique_ptr<Engine>> OpenTidemark(const EngineOptions& options) {
  TIDEMARK_ASSIGN_OR_RETURN(auto store, TidemarkStore::Open(options));
  return std::unique_ptr<Engine>(std::make_unique<TidemarkEngine>(std::move(store)));
}

}  // namespace tidemark::bench
