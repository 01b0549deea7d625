// MicroBatch on Tidemark, through the public API: a batch is an epoch.
#include "bench/micro_batch.h"
#include "bench/tidemark_store.h"

#include <optional>
#include <utility>

namespace tidemark::bench {
namespace {

class TidemarkBatches final : public MicroBatchStore {
 public:
  explicit TidemarkBatches(std::unique_ptr<TidemarkStore> store) : store_(std::move(store)) {}

  Status OpenRows() {
    TIDEMARK_ASSIGN_OR_RETURN(
        rows_, store_->store().OpenTable("rows", {.kind = TableKind::kOrderedBytes}));
    return {};
  }

  Status Put(std::string_view key, std::string_view value) override {
    return rows_->Put(key, value);
  }
  Status Delete(std::string_view key) override { return rows_->Delete(key); }
  Status Evict(std::string_view from, std::string_view to, const Visitor& visit) override;
  Status Rollback() override { return store_->store().Rollback(); }
  Status Commit(uint64_t id) override { return store_->Checkpoint(id); }

  Status Drain() override { return store_->Drain(); }
  Status Restore() override {
    rows_.reset();
    TIDEMARK_RETURN_IF_ERROR(store_->Restore());
    return OpenRows();
  }
  void ResetFigures() override { store_->ResetFigures(); }
  EngineFigures Figures() override { return store_->Figures(); }
  std::string repository() const override { return store_->repository(); }
  Status ForEach(const Visitor& visit) override {
    return rows_->ForEach([&](std::string_view key, std::string_view value) {
      visit(key, value);
      return true;
    });
  }

 private:
  const std::unique_ptr<TidemarkStore> store_;
  std::optional<Table> rows_;
};

Status TidemarkBatches::Evict(std::string_view from, std::string_view to, const Visitor& visit) {
  ScanOptions range;
  range.from = from;
  range.to = to;
  TIDEMARK_ASSIGN_OR_RETURN(Iterator iterator, rows_->Scan(range));
  while (true) {
    TIDEMARK_ASSIGN_OR_RETURN(const bool more, iterator.Next());
    if (!more) return {};
    visit(iterator.key(), iterator.value());
    TIDEMARK_RETURN_IF_ERROR(rows_->Delete(iterator.key()));
  }
}

}  // namespace

Result<std::unique_ptr<MicroBatchStore>> OpenTidemarkBatches(const EngineOptions& options) {
  TIDEMARK_ASSIGN_OR_RETURN(auto store, TidemarkStore::Open(options));
  auto batches = std::make_unique<TidemarkBatches>(std::move(store));
  TIDEMARK_RETURN_IF_ERROR(batches->OpenRows());
  return std::unique_ptr<MicroBatchStore>(std::move(batches));
}

}  // namespace tidemark::bench
