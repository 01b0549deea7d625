// The public Table is a handle to its TableCore.
#include <tidemark/table.h>

#include "store/store_core.h"

namespace tidemark {

Result<std::optional<std::string_view>> Table::Get(std::string_view key) { return core_->Get(key); }
Result<std::optional<std::string_view>> Table::GetAt(std::string_view* key) {
  return core_->Get(key);
}
Status Table::Put(std::string_view key, std::string_view value) { return core_->Put(key, value); }
Status Table::Delete(std::string_view key) { return core_->Delete(key); }
Result<std::span<char>> Table::Mutable(std::string_view key) { return core_->Mutable(key); }
Result<std::span<char>> Table::MutableAt(std::string_view* key) { return core_->Mutable(key); }
Status Table::Append(std::string_view key, std::string_view bytes) {
  return core_->Append(key, bytes);
}
Status Table::MultiGetWith(std::span<const std::string_view> keys, FoundFunction visit,
                           void* context) {
  return core_->MultiGet(keys, visit, context);
}
Status Table::UpdateWith(std::string_view* key, ChangeFunction change, void* context) {
  return core_->Update(key, change, context);
}
Status Table::ForEachWith(VisitFunction visit, void* context) {
  return core_->ForEach(visit, context);
}
Result<Iterator> Table::Scan(const ScanOptions& options) {
  TIDEMARK_ASSIGN_OR_RETURN(auto scan, store::TableCore::Scan(core_, options));
  return Iterator(std::move(scan));
}
Status Table::DeleteRange(const ScanOptions& range) {
  return store::TableCore::DeleteRange(core_, range);
}
Result<KeyCount> Table::Count() const { return core_->Count(); }
const std::string& Table::name() const noexcept { return core_->meta().name; }
const TableOptions& Table::options() const noexcept { return core_->options(); }

Status table_internal::AtKey(const Status& refused, std::string_view table, std::string_view key) {
  // Keys are bytes: those that are no text are shown as such, and long ones in part.
  constexpr size_t kShownMax = 64;
  constexpr char kDigits[] = "0123456789abcdef";
  std::string shown;
  for (const char byte : key.substr(0, kShownMax)) {
    const auto code = static_cast<uint8_t>(byte);
    if (code >= 0x20 && code < 0x7f && byte != '\\') {
      shown += byte;
    } else {
      shown.append("\\x").append({kDigits[code >> 4], kDigits[code & 15]});
    }
  }
  if (key.size() > kShownMax) shown += "... (" + std::to_string(key.size()) + " bytes)";
  return refused.WithContext("table `" + std::string(table) + "`, key `" + shown + "`");
}

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
