// RocksDB with a BackupEngine: every barrier makes an incremental backup, which copies the tables
// that the earlier ones do not have.
#include "bench/rocksdb_peer.h"

#include <rocksdb/utilities/backup_engine.h>

#include <optional>
#include <set>
#include <string>

namespace tidemark::bench {
namespace {

class RocksDbBackupEngine final : public RocksDbPeer {
 public:
  explicit RocksDbBackupEngine(const EngineOptions& options) : RocksDbPeer(options) {}

  Status Open();

  Status Checkpoint(uint64_t id) override;
  Status Restore() override;
  void ResetFigures() override;
  EngineFigures Figures() override;

 private:
  RocksDbTable& table() override { return *table_; }
  rocksdb::BackupEngineOptions BackupOptions() const;
  Status CountNewBytes(rocksdb::BackupID id);

  std::optional<DirectTable> table_;
  std::unique_ptr<rocksdb::BackupEngine> backups_;
  std::set<std::string> known_tables_;  // a table of a backup has a name of its own
  uint64_t published_bytes_ = 0;
};

rocksdb::BackupEngineOptions RocksDbBackupEngine::BackupOptions() const {
  rocksdb::BackupEngineOptions options(repository());
  options.share_table_files = true;
  options.sync = true;
  options.backup_log_files = false;
  options.max_background_operations = static_cast<int>(options_.background_threads);
  return options;
}

Status RocksDbBackupEngine::Open() {
  TIDEMARK_RETURN_IF_ERROR(database_.Open(TunedOptions(options_), options_.directory + "/live"));
  table_.emplace(database_.db());
  rocksdb::BackupEngine* backups = nullptr;
  TIDEMARK_RETURN_IF_ERROR(
      Translate(rocksdb::BackupEngine::Open(BackupOptions(), rocksdb::Env::Default(), &backups)));
  backups_.reset(backups);
  return {};
}

// Flushes, copies and syncs before it returns.
Status RocksDbBackupEngine::Checkpoint(uint64_t /*id*/) {
  rocksdb::CreateBackupOptions options;
  options.flush_before_backup = true;  // there is no log
  rocksdb::BackupID backup = 0;
  TIDEMARK_RETURN_IF_ERROR(TimeCheckpoint(
      [&] { return Translate(backups_->CreateNewBackup(options, &database_.db(), &backup)); }));
  TIDEMARK_RETURN_IF_ERROR(CountNewBytes(backup));
  return Translate(backups_->PurgeOldBackups(options_.keep_checkpoints));
}

Status RocksDbBackupEngine::CountNewBytes(rocksdb::BackupID id) {
  rocksdb::BackupInfo backup;
  TIDEMARK_RETURN_IF_ERROR(
      Translate(backups_->GetBackupInfo(id, &backup, /*include_file_details=*/true)));
  for (const rocksdb::BackupFileInfo& file : backup.file_details) {
    const bool is_table = file.relative_filename.ends_with(".sst");
    if (is_table && !known_tables_.insert(file.relative_filename).second) continue;
    published_bytes_ += file.size;
  }
  return {};
}

Status RocksDbBackupEngine::Restore() {
  table_.reset();
  const std::string restored = options_.directory + "/restored";
  TIDEMARK_RETURN_IF_ERROR(Translate(backups_->RestoreDBFromLatestBackup(restored, restored)));
  TIDEMARK_RETURN_IF_ERROR(database_.Reopen(TunedOptions(options_), restored));
  table_.emplace(database_.db());
  return {};
}

void RocksDbBackupEngine::ResetFigures() {
  RocksDbPeer::ResetFigures();
  published_bytes_ = 0;
}

EngineFigures RocksDbBackupEngine::Figures() {
  EngineFigures figures = RocksDbPeer::Figures();
  figures.published_bytes = published_bytes_;
  return figures;
}

}  // namespace

Result<std::unique_ptr<Engine>> OpenRocksDbBackup(const EngineOptions& options) {
  return OpenEngine<RocksDbBackupEngine>(options);
}

}  // namespace tidemark::bench
