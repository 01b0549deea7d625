// StateDatabase: the RocksDB `state` of a live database, and the only code that changes it.
//
// Invariants:
//   - its content changes by ingestion only, together with the mark, so it stands at an epoch
//   boundary;
//     nothing is ever in its WAL or its memtables
//   - a snapshot is open at all times (that of the current view). RocksDB therefore gives every
//     ingested file a sequence number of its own, and no view can see what came after it
#pragma once

#include "storage/database.h"
#include "storage/live_database.h"
#include "storage/rocksdb_options.h"
#include "storage/scratch_files.h"
#include "storage/state_view.h"

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace tidemark::storage {

// Thread safety: mark, View and compaction_waits from any thread, everything else from one thread
// at a time.
class StateDatabase {
 public:
  static Result<std::unique_ptr<StateDatabase>> Open(const LiveDatabaseOptions& options,
                                                     std::shared_ptr<rocksdb::Env> env,
                                                     std::shared_ptr<ScratchFiles> scratch,
                                                     const std::string& path, bool links_work);

  ~StateDatabase();

  format::AppliedMark mark() const;
  std::shared_ptr<const StateView> View() const;
  Status DropUnlistedTables();
  // The files are consumed, whatever the outcome.
  Status Apply(std::vector<TableFiles> tables, const format::AppliedMark& mark);
  CompactionWaits compaction_waits() const {
    return {waits_begun_.load(), std::chrono::nanoseconds(waits_ns_.load())};
  }
  StateShape Shape();
  void StartCompaction(uint32_t table_id);

  const std::shared_ptr<Database>& database() const { return database_; }
  // Options of a column family like those of its tables.
  const rocksdb::ColumnFamilyOptions& table_options() const { return table_options_; }
  // Options for SSTs that are to be ingested here, or were made here.
  const rocksdb::Options& file_options() const { return file_options_; }

 private:
  StateDatabase(const LiveDatabaseOptions& options, std::shared_ptr<ScratchFiles> scratch,
                bool links_work, rocksdb::ColumnFamilyOptions table_options,
                rocksdb::Options file_options);

  Status TakeOver(const Database::Opened& opened);
  Status TryApply(const std::vector<TableFiles>& tables, const format::AppliedMark& mark,
                  const std::string& mark_path);
  Status CreateTables(const std::vector<uint32_t>& ids);
  Status WaitForCompaction(const std::vector<TableFiles>& tables);
  struct Ingested {
    uint64_t times = 0;
    uint64_t files = 0;
  };
  Status WaitForCompaction(const ColumnFamily& family, const Ingested& ingested);
  uint64_t SortedRuns(const ColumnFamily& family, const Ingested& ingested) const;
  Status CompactionBehind(const ColumnFamily& family, uint64_t runs) const;
  Status Ingest(const std::vector<TableFiles>& tables, const SstFile& mark_file);
  void Publish(const format::AppliedMark& mark);
  uint64_t HiddenBytes(const TableFiles& table) const;
  void NoteCompaction();
  void EndCompaction();

  // Constant after Open.
  const std::shared_ptr<ScratchFiles> scratch_;
  const bool links_work_;
  const std::chrono::milliseconds compaction_patience_;
  const rocksdb::ColumnFamilyOptions table_options_;
  const rocksdb::Options file_options_;
  std::shared_ptr<Database> database_;
  ColumnFamily default_family_;

  TableFamilies tables_;  // that exist in RocksDB, listed or not; the applying thread's
  // Also the applying thread's: about how much range deletes have hidden, by table, since it was
  // compacted; how much of that a compaction under way removes; and what this process has ingested.
  std::map<uint32_t, uint64_t> hidden_bytes_;
  std::optional<std::pair<uint32_t, uint64_t>> in_compaction_;
  std::map<uint32_t, Ingested> ingested_;
  std::atomic<uint64_t> waits_begun_{0};
  std::atomic<int64_t> waits_ns_{0};
  // What StartCompaction has started.
  std::thread compaction_;
  std::atomic<bool> compaction_running_{false};
  std::atomic<bool> compaction_succeeded_{false};
  std::atomic<bool> compaction_canceled_{false};
  std::vector<std::weak_ptr<const StateView>> views_before_;  // that somebody may still have

  mutable std::mutex mutex_;  // guards the rest
  format::AppliedMark mark_;
  std::shared_ptr<const StateView> view_;
};

}  // namespace tidemark::storage
