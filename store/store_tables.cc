// StoreCore's tables: opening, dropping, and what barriers and rollbacks make of that.
#include "store/store_core.h"

#include <algorithm>
#include <utility>

namespace tidemark::store {

namespace {

constexpr size_t kSchemaBytesMax = size_t{1} << 20;
constexpr size_t kTableNameBytesMax = 255;

Status InvalidArgument(std::string_view name, std::string message) {
  return Status(StatusCode::kInvalidArgument, name, std::move(message));
}

Status CheckTable(std::string_view name, const TableOptions& options) {
  if (name.empty() || name.size() > kTableNameBytesMax) {
    return InvalidArgument("table-name", "a table name of " + std::to_string(name.size()) +
                                             " bytes; expected 1 to " +
                                             std::to_string(kTableNameBytesMax));
  }
  if (options.kind < TableKind::kBytes || options.kind > TableKind::kList) {
    return Status(
        StatusCode::kUnsupported, "table-kind",
        "table `" + std::string(name) + "`: kind " +
            std::to_string(static_cast<int>(options.kind)) +
            " is reserved and not built yet; kBytes, kOrderedBytes, kValue, kMap and kList are");
  }
  if (options.schema.size() > kSchemaBytesMax) {
    return InvalidArgument("schema-too-large", "table `" + std::string(name) + "`: a schema of " +
                                                   std::to_string(options.schema.size()) +
                                                   " bytes; the limit is " +
                                                   std::to_string(kSchemaBytesMax));
  }
  return {};
}

}  // namespace

Result<std::shared_ptr<TableCore>> StoreCore::OpenTable(std::string_view name,
                                                        const TableOptions& options) {
  TIDEMARK_RETURN_IF_ERROR(CheckUsable());
  TIDEMARK_RETURN_IF_ERROR(CheckTable(name, options));
  if (const auto found = tables_.find(name); found != tables_.end()) {
    TIDEMARK_RETURN_IF_ERROR(CheckOpenedAs(found->second->meta(), options));
    return HandleTo(found->second);
  }
  format::TableMeta meta{next_table_id_++,   std::string(name),   options.kind,
                         options.key_codec,  options.value_codec, options.schema,
                         options.exact_count};
  tables_created_.push_back(meta);
  const std::shared_ptr<TableCore>& table = AddTable(std::move(meta));
  table->SetHoldsAll();
  RefreshTableIds();
  return HandleTo(table);
}

// Handles share the ownership of the store, so that one used after Close finds out instead of
// crashing, and of the table, which may be dropped.
std::shared_ptr<TableCore> StoreCore::HandleTo(const std::shared_ptr<TableCore>& table) {
  struct Handle {
    std::shared_ptr<StoreCore> store;  // goes last: the table's memory is its
    std::shared_ptr<TableCore> table;
  };
  const auto handle = std::make_shared<Handle>(Handle{shared_from_this(), table});
  return std::shared_ptr<TableCore>(handle, table.get());
}

const std::shared_ptr<TableCore>& StoreCore::AddTable(format::TableMeta meta) {
  auto table = std::make_shared<TableCore>(*this, std::move(meta));
  {
    std::lock_guard lock(mutex_);
    counted_.push_back(table.get());
  }
  return List(std::move(table));
}

const std::shared_ptr<TableCore>& StoreCore::List(std::shared_ptr<TableCore> table) {
  const auto by_id = [](const TableCore* a, const TableCore* b) {
    return a->meta().id < b->meta().id;
  };
  table_list_.insert(std::upper_bound(table_list_.begin(), table_list_.end(), table.get(), by_id),
                     table.get());
  const std::string name = table->meta().name;
  return tables_[name] = std::move(table);
}

Status StoreCore::DropTable(std::string_view name) {
  TIDEMARK_RETURN_IF_ERROR(CheckUsable());
  const auto found = tables_.find(name);
  if (found == tables_.end()) {
    return Status(
        StatusCode::kNotFound, "table-not-found",
        "table `" + std::string(name) + "` cannot be dropped: there is none of that name");
  }
  std::shared_ptr<TableCore> table = std::move(found->second);
  tables_.erase(found);
  std::erase(table_list_, table.get());
  table->SetDropped(true);
  dropped_.push_back(std::move(table));
  RefreshTableIds();
  return {};
}

TableCore* StoreCore::FindTable(uint32_t id) const {
  const auto found = std::lower_bound(
      table_list_.begin(), table_list_.end(), id,
      [](const TableCore* table, uint32_t wanted) { return table->meta().id < wanted; });
  return found != table_list_.end() && (*found)->meta().id == id ? *found : nullptr;
}

TableCore* StoreCore::FindTableOrDropped(uint32_t id) const {
  if (TableCore* table = FindTable(id)) return table;
  const auto found = std::find_if(dropped_.begin(), dropped_.end(),
                                  [id](const auto& table) { return table->meta().id == id; });
  return found != dropped_.end() ? found->get() : nullptr;
}

// Created in the current epoch: no checkpoint has it.
bool StoreCore::IsNew(const TableCore& table) const {
  return std::any_of(tables_created_.begin(), tables_created_.end(),
                     [&](const format::TableMeta& meta) { return meta.id == table.meta().id; });
}

// Tables that were there at the last barrier come back; what has taken their names meanwhile goes
// for good.
void StoreCore::TakeBackDrops() {
  std::vector<std::shared_ptr<TableCore>> back;
  for (auto& table : dropped_) {
    if (IsNew(*table)) {
      Retire(*table);
    } else {
      back.push_back(std::move(table));
    }
  }
  dropped_.clear();
  for (auto& table : back) {
    if (const auto usurper = tables_.find(table->meta().name); usurper != tables_.end()) {
      usurper->second->SetDropped(true);
      Retire(*usurper->second);
      std::erase(table_list_, usurper->second.get());
      tables_.erase(usurper);
    }
    table->SetDropped(false);
    List(std::move(table));
  }
  ForgetGoneCreations();
  RefreshTableIds();
}

// What the current epoch has changed in dropped tables goes with them.
void StoreCore::CommitDrops() {
  for (auto& table : dropped_) {
    table->Rollback();
    if (IsNew(*table)) {
      Retire(*table);
    } else {
      leaving_.push_back({epoch_, std::move(table)});
    }
  }
  dropped_.clear();
  ForgetGoneCreations();
}

// Tables that were created in the current epoch and are not there any more.
void StoreCore::ForgetGoneCreations() {
  std::erase_if(tables_created_,
                [this](const format::TableMeta& meta) { return FindTable(meta.id) == nullptr; });
}

// Nobody but handles that were left over knows the table any more.
void StoreCore::Retire(TableCore& table) {
  table.FreeAll();
  std::lock_guard lock(mutex_);
  table.AddTo(&gone_);
  std::erase(counted_, &table);
}

void StoreCore::FreeReleasedTables() {
  while (!leaving_.empty() && leaving_.front().last_epoch <= released_epoch_) {
    Retire(*leaving_.front().table);
    leaving_.pop_front();
  }
}

void StoreCore::RefreshTableIds() {
  std::vector<uint32_t> ids;
  for (const TableCore* table : table_list_) ids.push_back(table->meta().id);
  table_ids_ = std::make_shared<const std::vector<uint32_t>>(std::move(ids));
}

}  // namespace tidemark::store
