#include "storage/state_view.h"

#include "storage/rocksdb_options.h"

#include <utility>

namespace tidemark::storage {

namespace {

rocksdb::Slice SliceOf(std::string_view bytes) { return {bytes.data(), bytes.size()}; }

// A table that has no column family yet.
class EmptyCursor final : public StateCursor {
 public:
  void SeekAtOrAfter(std::string_view) override {}
  void SeekBefore(std::string_view) override {}
  void Next() override {}
  void Previous() override {}
  bool valid() const override { return false; }
  Status status() const override { return {}; }
  std::string_view key() const override { return {}; }
  std::string_view value() const override { return {}; }
};

class RocksDbCursor final : public StateCursor {
 public:
  RocksDbCursor(std::shared_ptr<Database> database, ColumnFamily family,
                rocksdb::ReadOptions options, std::string_view from, std::string_view to)
      : database_(std::move(database)),
        family_(std::move(family)),
        from_(from),
        to_(to),
        from_slice_(SliceOf(from_)),
        to_slice_(SliceOf(to_)) {
    options.iterate_lower_bound = &from_slice_;
    options.iterate_upper_bound = &to_slice_;
    iterator_.reset((*database_)->NewIterator(options, family_.get()));
  }

  void SeekAtOrAfter(std::string_view stored_key) override { iterator_->Seek(SliceOf(stored_key)); }
  void SeekBefore(std::string_view stored_key) override {
    iterator_->SeekForPrev(SliceOf(stored_key));
    if (iterator_->Valid() && iterator_->key() == SliceOf(stored_key)) iterator_->Prev();
  }
  void Next() override { iterator_->Next(); }
  void Previous() override { iterator_->Prev(); }
  bool valid() const override { return iterator_->Valid(); }
  Status status() const override {
    const rocksdb::Status status = iterator_->status();
    return status.ok() ? Status() : FromDatabase(status, "scan of a table in " + database_->path());
  }
  std::string_view key() const override { return iterator_->key().ToStringView(); }
  std::string_view value() const override { return iterator_->value().ToStringView(); }

 private:
  // The iterator goes before what it reads from.
  const std::shared_ptr<Database> database_;
  const ColumnFamily family_;
  const std::string from_;
  const std::string to_;
  const rocksdb::Slice from_slice_;
  const rocksdb::Slice to_slice_;
  std::unique_ptr<rocksdb::Iterator> iterator_;
};

}  // namespace

std::unique_ptr<StateCursor> NewRocksDbCursor(std::shared_ptr<Database> database,
                                              ColumnFamily family, rocksdb::ReadOptions options,
                                              std::string_view from, std::string_view to) {
  return std::make_unique<RocksDbCursor>(std::move(database), std::move(family), std::move(options),
                                         from, to);
}

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

Status SnapshotView::MultiGet(uint32_t table_id, const std::vector<std::string>& stored_keys,
                              std::vector<std::optional<std::string>>* values) const {
  values->assign(stored_keys.size(), std::nullopt);
  const auto table = tables_.find(table_id);
  if (table == tables_.end()) return {};
  const std::vector<rocksdb::Slice> keys(stored_keys.begin(), stored_keys.end());
  std::vector<rocksdb::PinnableSlice> found(keys.size());
  std::vector<rocksdb::Status> statuses(keys.size());
  (*database_)
      ->MultiGet(get_options_, table->second.get(), keys.size(), keys.data(), found.data(),
                 statuses.data());
  for (size_t i = 0; i < keys.size(); ++i) {
    if (statuses[i].ok()) {
      (*values)[i] = found[i].ToString();
    } else if (!statuses[i].IsNotFound()) {
      return Failed(statuses[i], "read keys", table_id);
    }
  }
  return {};
}

uint64_t SnapshotView::EstimateKeys(uint32_t table_id) const {
  uint64_t keys = 0;
  if (const auto table = tables_.find(table_id); table != tables_.end()) {
    (*database_)
        ->GetIntProperty(table->second.get(), rocksdb::DB::Properties::kEstimateNumKeys, &keys);
  }
  return keys;
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

std::unique_ptr<StateCursor> SnapshotView::NewCursor(uint32_t table_id, std::string_view from,
                                                     std::string_view to) const {
  const auto table = tables_.find(table_id);
  if (table == tables_.end()) return std::make_unique<EmptyCursor>();
  return NewRocksDbCursor(database_, table->second, get_options_, from, to);
}

Status SnapshotView::Failed(const rocksdb::Status& status, std::string_view what,
                            uint32_t table_id) const {
  return FromDatabase(status, std::string(what) + " of table " + std::to_string(table_id) + " in " +
                                  database_->path());
}

}  // namespace tidemark::storage
