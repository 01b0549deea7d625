#include "storage/state_database.h"

#include "storage/file_checksum.h"
#include "storage/rocksdb_status.h"
#include "storage/sst_file.h"
#include "storage/state_families.h"
#include "storage/table_entries.h"

#include <rocksdb/convenience.h>

#include <algorithm>
#include <thread>
#include <utility>

namespace tidemark::storage {
namespace {

// RocksDB itself never refuses an ingestion because level 0 is deep; every read looks into all of
// it.
constexpr uint64_t kSortedRunsMax = 20;
constexpr std::chrono::milliseconds kCompactionPoll{5};

// No table has this id.
constexpr uint32_t kNoTable = 0;

bool Lists(const format::AppliedMark& mark, uint32_t table_id) {
  return std::find(mark.tables.begin(), mark.tables.end(), table_id) != mark.tables.end();
}

int FilesAtLevel0(const Database& database, const ColumnFamily& family) {
  std::string count;
  database->GetProperty(family.get(), rocksdb::DB::Properties::kNumFilesAtLevelPrefix + "0",
                        &count);
  return std::atoi(count.c_str());
}

Result<SstFile> WriteMarkFile(const rocksdb::Options& options, const std::string& path,
                              const format::AppliedMark& mark) {
  const std::string doing = "write the applied mark " + path;
  rocksdb::SstFileWriter writer(rocksdb::EnvOptions(options), options);
  rocksdb::ExternalSstFileInfo info;
  TIDEMARK_RETURN_IF_ERROR(FromRocksDb(writer.Open(path), doing));
  const rocksdb::Slice key(format::kAppliedMarkKey.data(), format::kAppliedMarkKey.size());
  TIDEMARK_RETURN_IF_ERROR(FromRocksDb(writer.Put(key, format::EncodeAppliedMark(mark)), doing));
  TIDEMARK_RETURN_IF_ERROR(FromRocksDb(writer.Finish(&info), doing));
  SstFile file;
  file.path = path;
  TIDEMARK_ASSIGN_OR_RETURN(
      file.checksum, DecodeFileChecksum(info.file_checksum, info.file_checksum_func_name, path));
  return file;
}

Status CheckApply(const std::vector<TableFiles>& tables, const format::AppliedMark& from,
                  const format::AppliedMark& to) {
  if (to.at.epoch < from.at.epoch) {
    return Status(StatusCode::kInternal, "apply-backwards",
                  "the state stands at epoch " + std::to_string(from.at.epoch) +
                      " and cannot go back to " + std::to_string(to.at.epoch));
  }
  for (const TableFiles& table : tables) {
    if (!Lists(to, table.table_id)) {
      return Status(StatusCode::kInternal, "apply-unlisted-table",
                    "files for table " + std::to_string(table.table_id) +
                        ", which the mark of epoch " + std::to_string(to.at.epoch) +
                        " does not list");
    }
  }
  return {};
}

}  // namespace

StateDatabase::StateDatabase(const LiveDatabaseOptions& options,
                             std::shared_ptr<ScratchFiles> scratch, bool links_work,
                             rocksdb::ColumnFamilyOptions table_options,
                             rocksdb::Options file_options)
    : scratch_(std::move(scratch)),
      links_work_(links_work),
      compaction_patience_(options.compaction_patience),
      table_options_(std::move(table_options)),
      file_options_(std::move(file_options)) {}

Result<std::unique_ptr<StateDatabase>> StateDatabase::Open(const LiveDatabaseOptions& options,
                                                           std::shared_ptr<rocksdb::Env> env,
                                                           std::shared_ptr<ScratchFiles> scratch,
                                                           const std::string& path,
                                                           bool links_work) {
  rocksdb::ColumnFamilyOptions table_options =
      TableOptions(options.block_cache->rocksdb(), options.sst_target_bytes);
  table_options.disable_auto_compactions = options.passing;
  const Limiter limiter = options.write_gate == nullptr ? nullptr : options.write_gate->rocksdb();
  std::unique_ptr<StateDatabase> state(
      new StateDatabase(options, std::move(scratch), links_work, table_options,
                        StateFileOptions(env.get(), table_options, limiter)));
  const rocksdb::DBOptions database_options = DatabaseOptions(
      env.get(), options.background_jobs,
      MaxOpenFiles(options.passing, options.block_cache->capacity_bytes()), limiter);
  TIDEMARK_ASSIGN_OR_RETURN(const Database::Opened opened,
                            Database::Open(options.fs, database_options, std::move(env), path,
                                           [&](const std::string&) { return table_options; }));
  TIDEMARK_RETURN_IF_ERROR(state->TakeOver(opened));
  return state;
}

Status StateDatabase::TakeOver(const Database::Opened& opened) {
  database_ = opened.database;
  TIDEMARK_ASSIGN_OR_RETURN(StateFamilies families, ReadStateFamilies(opened));
  default_family_ = std::move(families.default_family);
  tables_ = std::move(families.tables);
  Publish(families.mark);
  return {};
}

format::AppliedMark StateDatabase::mark() const {
  const std::lock_guard lock(mutex_);
  return mark_;
}

std::shared_ptr<const StateView> StateDatabase::View() const {
  const std::lock_guard lock(mutex_);
  return view_;
}

void StateDatabase::Publish(const format::AppliedMark& mark) {
  TableFamilies listed;
  for (const uint32_t id : mark.tables) listed.emplace(id, tables_.at(id));
  std::shared_ptr<const StateView> view =
      std::make_shared<SnapshotView>(database_, std::move(listed), mark.at.epoch);
  {
    const std::lock_guard lock(mutex_);
    mark_ = mark;
    view_.swap(view);
  }
  std::erase_if(views_before_, [](const auto& before) { return before.expired(); });
  views_before_.push_back(view);
  // The view before this one, if nobody else holds it, ends here: outside the lock.
}

Status StateDatabase::DropUnlistedTables() {
  const format::AppliedMark listed = mark();
  for (auto table = tables_.begin(); table != tables_.end();) {
    const auto& [id, family] = *table;
    if (Lists(listed, id)) {
      ++table;
      continue;
    }
    TIDEMARK_RETURN_IF_ERROR(
        FromDatabase(database_->Changed((*database_)->DropColumnFamily(family.get())),
                     "drop table " + std::to_string(id) + " of " + database_->path()));
    // The files go when the last view that can read them has gone.
    hidden_bytes_.erase(id);
    ingested_.erase(id);
    table = tables_.erase(table);
  }
  return {};
}

// RocksDB removes the names of what it has moved in, but does not mind when that fails: so all of
// them are removed here, and of most there is nothing left.
Status StateDatabase::Apply(std::vector<TableFiles> tables, const format::AppliedMark& mark) {
  std::erase_if(tables, [](const TableFiles& table) { return table.files.empty(); });
  const std::string mark_path = scratch_->NewPath(".mark.sst");
  const Status status = TryApply(tables, mark, mark_path);
  std::vector<std::string> paths{mark_path};
  for (const TableFiles& table : tables) {
    for (const SstFile& file : table.files) paths.push_back(file.path);
  }
  scratch_->Remove(std::move(paths));
  return status.WithContext("apply epoch " + std::to_string(mark.at.epoch));
}

Status StateDatabase::TryApply(const std::vector<TableFiles>& tables,
                               const format::AppliedMark& mark, const std::string& mark_path) {
  TIDEMARK_RETURN_IF_ERROR(CheckApply(tables, this->mark(), mark));
  database_->ReplaceLostManifest(FamilyName(kNoTable), table_options_);
  // What a crash left between creating a table and ingesting into it, or between ingesting and
  // dropping.
  TIDEMARK_RETURN_IF_ERROR(DropUnlistedTables());
  TIDEMARK_RETURN_IF_ERROR(CreateTables(mark.tables));
  TIDEMARK_RETURN_IF_ERROR(WaitForCompaction(tables));
  TIDEMARK_ASSIGN_OR_RETURN(const SstFile mark_file, WriteMarkFile(file_options_, mark_path, mark));
  std::map<uint32_t, uint64_t> hidden;
  for (const TableFiles& table : tables) hidden[table.table_id] = HiddenBytes(table);
  TIDEMARK_RETURN_IF_ERROR(Ingest(tables, mark_file));
  for (const auto& [id, bytes] : hidden) hidden_bytes_[id] += bytes;
  for (const TableFiles& table : tables) {
    Ingested& ingested = ingested_[table.table_id];
    ++ingested.times;
    ingested.files += table.files.size();
  }
  Publish(mark);
  // The epoch is applied, whatever becomes of this; the next Apply or Open tries again.
  (void)DropUnlistedTables();
  return {};
}

StateShape StateDatabase::Shape() {
  NoteCompaction();
  std::map<std::string, TableEntries, std::less<>> families;
  StateShape state;
  std::vector<rocksdb::LiveFileMetaData> files;
  (*database_)->GetLiveFilesMetaData(&files);
  for (const rocksdb::LiveFileMetaData& file : files) {
    families[file.column_family_name].Add(file);
    const auto checksum = DecodeFileChecksum(file.file_checksum, file.file_checksum_func_name,
                                             file.relative_filename);
    state.ssts.push_back({checksum.value_or(format::Checksum128()), file.size});
  }
  // After an I/O error it tries again later, and may go on failing.
  state.compacting =
      (compaction_running_.load() || database_->compactions().running()) && database_->settled();
  state.exportable = database_->settled();
  state.settled = std::all_of(views_before_.begin(), views_before_.end(),
                              [](const auto& view) { return view.expired(); });
  for (const auto& [id, family] : tables_) {
    const TableEntries& entries = families[family->GetName()];
    uint64_t estimate = 0;
    (*database_)
        ->GetIntProperty(family.get(), rocksdb::DB::Properties::kEstimateLiveDataSize, &estimate);
    const auto hidden = hidden_bytes_.find(id);
    const uint64_t hidden_bytes = hidden == hidden_bytes_.end() ? 0 : hidden->second;
    state.tables.push_back({id, entries.bytes(), entries.LiveBytes(estimate, hidden_bytes)});
  }
  return state;
}

// On a thread of its own: RocksDB lets the caller wait for as long as it takes, and write-backs
// must go on. One at a time.
void StateDatabase::StartCompaction(uint32_t table_id) {
  EndCompaction();
  NoteCompaction();
  const auto table = tables_.find(table_id);
  if (table == tables_.end()) return;
  const auto hidden = hidden_bytes_.find(table_id);
  in_compaction_ = {table_id, hidden == hidden_bytes_.end() ? 0 : hidden->second};
  compaction_canceled_.store(false);
  compaction_running_.store(true);
  compaction_ = std::thread([this, family = table->second] {
    rocksdb::CompactRangeOptions options;
    options.exclusive_manual_compaction = false;
    options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
    options.canceled = &compaction_canceled_;
    // A failure has changed nothing and is counted by the listener.
    const rocksdb::Status status =
        (*database_)->CompactRange(options, family.get(), nullptr, nullptr);
    compaction_succeeded_.store(status.ok());
    compaction_running_.store(false);
    database_->compactions().Ended();
  });
}

// What range deletes had hidden before a compaction is gone after it.
void StateDatabase::NoteCompaction() {
  if (!in_compaction_ || compaction_running_.load()) return;
  const auto [table, bytes] = *std::exchange(in_compaction_, std::nullopt);
  const auto hidden = hidden_bytes_.find(table);
  if (compaction_succeeded_.load() && hidden != hidden_bytes_.end())
    hidden->second -= std::min(hidden->second, bytes);
}

void StateDatabase::EndCompaction() {
  compaction_canceled_.store(true);
  if (compaction_.joinable()) compaction_.join();
}

// One that has not begun looks at nothing, until others have ended: these must end too.
StateDatabase::~StateDatabase() {
  if (compaction_running_.load())
    rocksdb::CancelAllBackgroundWork(database_->get(), /*wait=*/false);
  EndCompaction();
}

// About how much of a table the range deletes of its new files hide.
uint64_t StateDatabase::HiddenBytes(const TableFiles& table) const {
  uint64_t bytes = 0;
  for (const auto& [from, to] : table.range_deletes) {
    const rocksdb::Range range(from, to);
    uint64_t size = 0;
    rocksdb::SizeApproximationOptions options;
    options.include_files = true;
    (*database_)
        ->GetApproximateSizes(options, tables_.at(table.table_id).get(), &range, 1, &size)
        .PermitUncheckedError();
    bytes += size;
  }
  return bytes;
}

Status StateDatabase::CreateTables(const std::vector<uint32_t>& ids) {
  std::vector<uint32_t> missing;
  std::vector<std::string> names;
  for (const uint32_t id : ids) {
    if (tables_.contains(id)) continue;
    missing.push_back(id);
    names.push_back(FamilyName(id));
  }
  if (missing.empty()) return {};
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  const rocksdb::Status status =
      database_->Changed((*database_)->CreateColumnFamilies(table_options_, names, &handles));
  // After an error there are handles for those that were made before it.
  for (size_t i = 0; i < handles.size(); ++i) {
    tables_.emplace(missing[i], database_->Own(handles[i]));
  }
  return FromDatabase(status,
                      "create " + std::to_string(names.size()) + " tables in " + database_->path());
}

Status StateDatabase::WaitForCompaction(const std::vector<TableFiles>& tables) {
  if (table_options_.disable_auto_compactions) return {};
  TIDEMARK_RETURN_IF_ERROR(WaitForCompaction(default_family_, {1, 1}));
  for (const TableFiles& table : tables) {
    const auto ingested = ingested_.find(table.table_id);
    if (ingested == ingested_.end()) continue;
    TIDEMARK_RETURN_IF_ERROR(WaitForCompaction(tables_.at(table.table_id), ingested->second));
  }
  return {};
}

Status StateDatabase::WaitForCompaction(const ColumnFamily& family, const Ingested& ingested) {
  uint64_t runs = SortedRuns(family, ingested);
  if (runs < kSortedRunsMax) return {};
  ++waits_begun_;
  const auto begin = std::chrono::steady_clock::now();
  std::chrono::nanoseconds waited{};
  while (runs >= kSortedRunsMax && waited < compaction_patience_) {
    std::this_thread::sleep_for(kCompactionPoll);
    runs = SortedRuns(family, ingested);
    waited = std::chrono::steady_clock::now() - begin;
  }
  waits_ns_ += waited.count();
  return runs < kSortedRunsMax ? Status() : CompactionBehind(family, runs);
}

// The files of one ingestion do not overlap: they are one sorted run, however many they are. All of
// them come into level 0, as somebody always has a snapshot.
uint64_t StateDatabase::SortedRuns(const ColumnFamily& family, const Ingested& ingested) const {
  const auto files = static_cast<uint64_t>(FilesAtLevel0(*database_, family));
  return files * ingested.times / ingested.files;
}

Status StateDatabase::CompactionBehind(const ColumnFamily& family, uint64_t runs) const {
  return Status(StatusCode::kUnavailable, "compaction-behind",
                database_->path() + ", column family " + family->GetName() + ": " +
                    std::to_string(FilesAtLevel0(*database_, family)) +
                    " files in level 0, about " + std::to_string(runs) +
                    " sorted runs, after waiting " + std::to_string(compaction_patience_.count()) +
                    " ms for compaction, expected fewer than " + std::to_string(kSortedRunsMax) +
                    "; the last error in the background: " + database_->last_background_error());
}

Status StateDatabase::Ingest(const std::vector<TableFiles>& tables, const SstFile& mark_file) {
  std::vector<rocksdb::IngestExternalFileArg> args;
  args.push_back(IngestArg(default_family_, {&mark_file, 1}, links_work_));
  for (const TableFiles& table : tables) {
    args.push_back(IngestArg(tables_.at(table.table_id), table.files, links_work_));
  }
  return FromDatabase(database_->Ingest(args), "ingest into " + database_->path());
}

}  // namespace tidemark::storage
