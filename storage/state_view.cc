#include "storage/state_view.h"

#include "storage/rocksdb_options.h"

#include <utility>

namespace tidemark::storage {

SnapshotView::SnapshotView(std::shared_ptr<Database> database, TableFamilies tables, uint64_t epoch)
    : database_(std::move(database)),
      tables_(std::move(tables)),
      snapshot_((*database_)->GetSnapshot()),
      scan_options_(ScanOptions()) {
  epoch_ = epoch;
  get_options_.snapshot = snapshot_;
  scan_options_.snapshot = snapshot_;
}

SnapshotView::~SnapshotView() { (*database_)->ReleaseSnapshot(snapshot_); }

Result<bool> SnapshotView::Get(uint32_t table_id, std::string_view stored_key,
                               std::string* value) const {
  const auto table = tables_.find(table_id);
  if (table == tables_.end()) return false;
  const rocksdb::Status status =
      (*database_)
          ->Get(get_options_, table->second.get(), {stored_key.data(), stored_key.size()}, value);
  if (status.ok()) return true;
  if (status.IsNotFound()) return false;
  return Failed(status, "read a key", table_id);
}

Status SnapshotView::Scan(
    uint32_t table_id, const std::function<bool(std::string_view, std::string_view)>& visit) const {
  const auto table = tables_.find(table_id);
  if (table == tables_.end()) return {};
  const std::unique_ptr<rocksdb::Iterator> it(
      (*database_)->NewIterator(scan_options_, table->second.get()));
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    if (!visit(it->key().ToStringView(), it->value().ToStringView())) break;
  }
  const rocksdb::Status status = it->status();
  return status.ok() ? Status() : Failed(status, "scan", table_id);
}

Status SnapshotView::Failed(const rocksdb::Status& status, std::string_view what,
                            uint32_t table_id) const {
  return FromDatabase(status, std::string(what) + " of table " + std::to_string(table_id) + " in " +
                                  database_->path());
}

}  // namespace tidemark::storage
