#include "storage/spilled_epoch.h"

#include "format/key.h"
#include "storage/rocksdb_options.h"
#include "storage/rocksdb_status.h"
#include "storage/sst_file.h"
#include "storage/state_view.h"

#include <rocksdb/sst_file_writer.h>

#include <atomic>
#include <set>
#include <string>
#include <utility>

namespace tidemark::storage {
namespace {

constexpr std::string_view kFamilyPrefix = "epoch-";
constexpr size_t kTableBytes = 4;

void AppendTable(uint32_t table_id, std::string* key) {
  for (int shift = 24; shift >= 0; shift -= 8) key->push_back(static_cast<char>(table_id >> shift));
}

std::string KeyOf(uint32_t table_id, std::string_view stored_key) {
  std::string key;
  AppendTable(table_id, &key);
  return key.append(stored_key);
}

// Without the table.
class TableCursor final : public StateCursor {
 public:
  TableCursor(std::unique_ptr<StateCursor> cursor, uint32_t table_id)
      : cursor_(std::move(cursor)), table_id_(table_id) {}
  void SeekAtOrAfter(std::string_view stored_key) override {
    cursor_->SeekAtOrAfter(KeyOf(table_id_, stored_key));
  }
  void SeekBefore(std::string_view stored_key) override {
    cursor_->SeekBefore(KeyOf(table_id_, stored_key));
  }
  void Next() override { cursor_->Next(); }
  void Previous() override { cursor_->Previous(); }
  bool valid() const override { return cursor_->valid(); }
  Status status() const override { return cursor_->status(); }
  std::string_view key() const override { return cursor_->key().substr(kTableBytes); }
  std::string_view value() const override { return cursor_->value(); }

 private:
  const std::unique_ptr<StateCursor> cursor_;
  const uint32_t table_id_;
};

class Stream final : public format::RecordStream {
 public:
  Stream(std::shared_ptr<const SpilledEpoch> epoch, uint32_t table_id)
      : epoch_(std::move(epoch)),
        cursor_(epoch_->NewCursor(table_id, "", std::string(2, '\xff'))) {}

  Result<bool> Next() override {
    started_ ? cursor_->Next() : cursor_->SeekAtOrAfter("");
    started_ = true;
    if (!cursor_->valid()) {
      TIDEMARK_RETURN_IF_ERROR(cursor_->status());
      return false;
    }
    TIDEMARK_ASSIGN_OR_RETURN(const SpilledRecord spilled, ParseSpilledRecord(cursor_->value()));
    record_ = {cursor_->key(), {}, epoch_->epoch(), 0, spilled.op};
    if (spilled.op == format::Op::kDelete) return true;
    TIDEMARK_ASSIGN_OR_RETURN(const format::StoredValue value,
                              format::ParseStoredValue(spilled.stored_value));
    record_.value = value.value;
    return true;
  }

 private:
  const std::shared_ptr<const SpilledEpoch> epoch_;
  const std::unique_ptr<StateCursor> cursor_;
  bool started_ = false;
};

class FamilyEpoch final : public SpilledEpoch, public std::enable_shared_from_this<FamilyEpoch> {
 public:
  FamilyEpoch(std::shared_ptr<Database> database, ColumnFamily family,
              const rocksdb::ColumnFamilyOptions& options, std::shared_ptr<ScratchFiles> scratch,
              bool links_work, uint64_t epoch)
      : database_(std::move(database)),
        family_(std::move(family)),
        file_options_(StateFileOptions(database_->env(), options)),
        scratch_(std::move(scratch)),
        links_work_(links_work),
        epoch_(epoch) {}
  // If it cannot be dropped now it is when the database is opened again.
  ~FamilyEpoch() override {
    database_->Changed((*database_)->DropColumnFamily(family_.get())).PermitUncheckedError();
  }

  uint64_t epoch() const override { return epoch_; }
  std::unique_ptr<SpillRun> NewRun() override;
  bool HasTable(uint32_t table_id) const override { return tables_.contains(table_id); }

  Result<bool> Get(uint32_t table_id, std::string_view stored_key,
                   std::string* record) const override {
    if (!HasTable(table_id)) return false;
    const rocksdb::Status status =
        (*database_)
            ->Get(rocksdb::ReadOptions(), family_.get(), KeyOf(table_id, stored_key), record);
    if (status.IsNotFound()) return false;
    TIDEMARK_RETURN_IF_ERROR(FromDatabase(status, "read a spilled key in " + database_->path()));
    return true;
  }

  std::unique_ptr<StateCursor> NewCursor(uint32_t table_id, std::string_view from,
                                         std::string_view to) const override {
    return std::make_unique<TableCursor>(
        NewRocksDbCursor(database_, family_, rocksdb::ReadOptions(), KeyOf(table_id, from),
                         KeyOf(table_id, to)),
        table_id);
  }

  std::unique_ptr<format::RecordStream> NewStream(uint32_t table_id) const override {
    return std::make_unique<Stream>(shared_from_this(), table_id);
  }

 private:
  friend class FamilyRun;

  const std::shared_ptr<Database> database_;
  const ColumnFamily family_;
  const rocksdb::Options file_options_;
  const std::shared_ptr<ScratchFiles> scratch_;
  const bool links_work_;
  const uint64_t epoch_;
  std::set<uint32_t> tables_;
};

class FamilyRun final : public SpillRun {
 public:
  explicit FamilyRun(FamilyEpoch& epoch)
      : epoch_(epoch),
        path_(epoch.scratch_->NewPath(".run.sst")),
        writer_(rocksdb::EnvOptions(epoch.file_options_), epoch.file_options_) {}
  // What was moved in has no name here any more.
  ~FamilyRun() override { epoch_.scratch_->Remove(path_); }

  Status Add(uint32_t table_id, std::string_view stored_key, format::Op op,
             std::string_view value) override {
    if (tables_.empty())
      TIDEMARK_RETURN_IF_ERROR(FromRocksDb(writer_.Open(path_), "write " + path_));
    tables_.insert(table_id);
    key_.clear();
    AppendTable(table_id, &key_);
    key_.append(stored_key);
    value_.assign(1, static_cast<char>(op));
    if (op != format::Op::kDelete) {
      format::AppendValueHeader(0, &value_);
      value_.append(value);
    }
    const rocksdb::Status status = writer_.Put(key_, value_);
    return status.ok() ? Status() : FromRocksDb(status, "write " + path_);
  }

  Result<uint64_t> Finish() override {
    if (tables_.empty()) return uint64_t{0};
    rocksdb::ExternalSstFileInfo info;
    TIDEMARK_RETURN_IF_ERROR(FromRocksDb(writer_.Finish(&info), "write " + path_));
    TIDEMARK_ASSIGN_OR_RETURN(const SstFile file, DescribeSst(epoch_.file_options_, info));
    TIDEMARK_RETURN_IF_ERROR(FromDatabase(
        epoch_.database_->Ingest({IngestArg(epoch_.family_, {&file, 1}, epoch_.links_work_)}),
        "ingest " + path_ + " into " + epoch_.database_->path()));
    epoch_.tables_.merge(tables_);
    return file.size;
  }

 private:
  FamilyEpoch& epoch_;
  const std::string path_;
  rocksdb::SstFileWriter writer_;
  std::set<uint32_t> tables_;
  std::string key_;
  std::string value_;
};

std::unique_ptr<SpillRun> FamilyEpoch::NewRun() { return std::make_unique<FamilyRun>(*this); }

}  // namespace

Result<SpilledRecord> ParseSpilledRecord(std::string_view record) {
  if (record.empty() || !format::IsOp(static_cast<uint8_t>(record[0]))) {
    return Status(StatusCode::kCorruption, "spilled-record",
                  "a record of an epoch that was moved out of memory begins with no operation");
  }
  return SpilledRecord{static_cast<format::Op>(record[0]), record.substr(1)};
}

Result<std::shared_ptr<SpilledEpoch>> NewSpilledEpoch(const std::shared_ptr<Database>& database,
                                                      const rocksdb::ColumnFamilyOptions& options,
                                                      std::shared_ptr<ScratchFiles> scratch,
                                                      bool links_work, uint64_t epoch) {
  // Numbers of epochs recur after a rollback, while a reader may still hold the one before.
  static std::atomic<uint64_t> next{1};
  const std::string name =
      std::string(kFamilyPrefix) + std::to_string(epoch) + "-" + std::to_string(next.fetch_add(1));
  rocksdb::ColumnFamilyHandle* handle = nullptr;
  TIDEMARK_RETURN_IF_ERROR(
      FromDatabase(database->Changed((*database)->CreateColumnFamily(options, name, &handle)),
                   "create column family " + name + " in " + database->path()));
  return std::shared_ptr<SpilledEpoch>(std::make_shared<FamilyEpoch>(
      database, database->Own(handle), options, std::move(scratch), links_work, epoch));
}

bool IsSpilledFamily(std::string_view name) { return name.starts_with(kFamilyPrefix); }

}  // namespace tidemark::storage
