// The public Table is a handle to its TableCore.
#include <tidemark/table.h>

#include "store/store_core.h"

namespace tidemark {

Result<std::optional<std::string_view>> Table::Get(std::string_view key) { return core_->Get(key); }
Status Table::Put(std::string_view key, std::string_view value) { return core_->Put(key, value); }
Status Table::Delete(std::string_view key) { return core_->Delete(key); }
Result<std::span<char>> Table::Mutable(std::string_view key) { return core_->Mutable(key); }
Status Table::UpdateWith(std::string_view key, ChangeFunction change, void* context) {
  return core_->Update(key, change, context);
}
Status Table::ForEachWith(VisitFunction visit, void* context) {
  return core_->ForEach(visit, context);
}
Result<Iterator> Table::Scan(const ScanOptions& options) {
  TIDEMARK_ASSIGN_OR_RETURN(auto scan, store::TableCore::Scan(core_, options));
  return Iterator(std::move(scan));
}
const std::string& Table::name() const noexcept { return core_->meta().name; }
const TableOptions& Table::options() const noexcept { return core_->options(); }

Iterator::Iterator(std::unique_ptr<store::ScanCore> core) : core_(std::move(core)) {}
Iterator::Iterator(Iterator&&) noexcept = default;
Iterator& Iterator::operator=(Iterator&&) noexcept = default;
Iterator::~Iterator() = default;
Result<bool> Iterator::Next() {
  if (core_ != nullptr) return core_->Next();
  return Status(StatusCode::kClosed, "iterator-closed", "the iterator was moved from");
}
std::string_view Iterator::key() const { return core_->key(); }
std::string_view Iterator::value() const { return core_->value(); }
void Iterator::Close() {
  if (core_ != nullptr) core_->Close();
}

}  // namespace tidemark
