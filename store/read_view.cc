// The public ReadView and ReadTable are handles to their cores.
#include <tidemark/read_view.h>

#include "store/view_core.h"

namespace tidemark {

Result<std::optional<std::string>> ReadTable::Get(std::string_view key) const {
  return core_->Get(key);
}
Result<KeyCount> ReadTable::Count() const { return core_->Count(); }
Status ReadTable::ForEachWith(const ScanOptions* options, VisitFunction visit,
                              void* context) const {
  return core_->ForEach(options, visit, context);
}
const std::string& ReadTable::name() const noexcept { return core_->meta().name; }
const TableOptions& ReadTable::options() const noexcept { return core_->options(); }

CheckpointInfo ReadView::checkpoint() const { return core_->checkpoint(); }

std::vector<std::string> ReadView::Tables() const {
  std::vector<std::string> names;
  for (const auto& [name, table] : core_->tables()) names.push_back(name);
  return names;
}

Result<std::string> ReadView::Digest() const { return core_->Digest(); }

Result<ReadTable> ReadView::Table(std::string_view name) const {
  TIDEMARK_ASSIGN_OR_RETURN(const format::TableMeta* meta, core_->FindTable(name));
  return ReadTable(std::make_shared<const store::ViewTable>(core_, *meta));
}

Result<ReadTable> ReadView::Table(std::string_view name, const TableOptions& options) const {
  TIDEMARK_ASSIGN_OR_RETURN(ReadTable table, Table(name));
  TIDEMARK_RETURN_IF_ERROR(store::CheckOpenedAs(table.core_->meta(), options));
  return table;
}

void ReadView::Close() { core_->Close(); }

}  // namespace tidemark
