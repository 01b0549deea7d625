#include "storage/live_database.h"

#include "storage/changelog.h"
#include "storage/file_set.h"
#include "storage/rocksdb_options.h"
#include "storage/rocksdb_status.h"
#include "storage/scratch_files.h"
#include "storage/spilled_epoch.h"
#include "storage/state_database.h"
#include "storage/state_files.h"
#include "storage/steady_directory.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <utility>

namespace tidemark::storage {
namespace {

class LiveDatabaseImpl final : public LiveDatabase {
 public:
  explicit LiveDatabaseImpl(const LiveDatabaseOptions& options)
      : options_(options),
        scratch_(std::make_shared<ScratchFiles>(options.fs, PathOf(kLiveTemporaryName))) {}

  Status Open() {
    TIDEMARK_RETURN_IF_ERROR(MakeDirectories(*options_.fs, options_.directory));
    TIDEMARK_ASSIGN_OR_RETURN(lock_, LockFile(PathOf(kLiveLockName), "live-locked"));
    ready_ = Exists(*options_.fs, PathOf(kLiveReadyName));
    TIDEMARK_RETURN_IF_ERROR(scratch_->Empty());
    links_work_ = LinksWork();
    const std::string state = PathOf(kLiveStateName);
    TIDEMARK_ASSIGN_OR_RETURN(const FileSystemPtr steady, OpenSteadyDirectory(options_.fs, state));
    TIDEMARK_ASSIGN_OR_RETURN(state_, StateDatabase::Open(options_, MakeEnvironment(steady),
                                                          scratch_, state, links_work_));
    TIDEMARK_ASSIGN_OR_RETURN(changelog_,
                              Changelog::Open(options_, MakeEnvironment(options_.fs), scratch_,
                                              PathOf(kLiveSideName), links_work_));
    exporter_ = std::make_unique<FileSetExporter>(state_->database(), options_.fs, scratch_,
                                                  state_->file_options(), options_.late_syncs);
    return {};
  }

  const std::string& directory() const override { return options_.directory; }

  std::string TemporaryPath(std::string_view suffix) override { return scratch_->NewPath(suffix); }
  void RemoveTemporary(const std::string& path) override { scratch_->Remove(path); }

  // Last READY, which vouches for all before it.
  Status MarkReady() override {
    if (ready_ || quarantined_.load()) return {};
    rocksdb::FileSystem& fs = *options_.fs;
    TIDEMARK_RETURN_IF_ERROR(Settle());
    // The names in `state` may be links that restore made.
    TIDEMARK_RETURN_IF_ERROR(SyncDirectory(fs, PathOf(kLiveStateName)));
    if (Exists(fs, PathOf(kLiveSideName)))
      TIDEMARK_RETURN_IF_ERROR(SyncDirectory(fs, PathOf(kLiveSideName)));
    TIDEMARK_RETURN_IF_ERROR(SyncDirectory(fs, options_.directory));
    TIDEMARK_RETURN_IF_ERROR(WriteFileDurably(fs, PathOf(kLiveReadyName), ""));
    TIDEMARK_RETURN_IF_ERROR(SyncDirectory(fs, options_.directory));
    ready_ = true;
    // Whichever of the two comes later sees the other.
    return quarantined_.load() ? RemoveReady() : Status();
  }

  Status Retract() override {
    ready_ = false;
    return RemoveReady();
  }

  Status Quarantine() override {
    quarantined_.store(true);
    return RemoveReady();
  }

  format::AppliedMark mark() const override { return state_->mark(); }
  std::shared_ptr<const StateView> View() override { return state_->View(); }
  Status DropUnlistedTables() override { return state_->DropUnlistedTables(); }

  std::unique_ptr<StateFileWriter> NewStateFiles(uint32_t table_id) override {
    return NewStateFileWriter(*scratch_, state_->file_options(), table_id,
                              options_.sst_target_bytes);
  }

  Status Apply(std::vector<TableFiles> tables, const format::AppliedMark& mark) override {
    return state_->Apply(std::move(tables), mark);
  }

  CompactionWaits compaction_waits() const override { return state_->compaction_waits(); }
  StateShape Shape() override { return state_->Shape(); }
  void StartCompaction(uint32_t table_id) override { state_->StartCompaction(table_id); }
  void SetOnCompacted(std::function<void()> on_compacted) override {
    state_->database()->compactions().SetOnEnded(std::move(on_compacted));
  }

  void DiscardStateFiles(const std::vector<TableFiles>& tables) override {
    std::vector<std::string> paths;
    for (const TableFiles& table : tables) {
      for (const SstFile& file : table.files) paths.push_back(file.path);
    }
    scratch_->Remove(std::move(paths));
  }

  Result<FileSet> ExportFileSet(
      const std::function<bool(std::string_view unique_id)>& have) override {
    // A repository relies on what is linked into it; the exporter asks what is lost.
    (void)Settle();
    return exporter_->Export(mark(), have);
  }

  void ReleaseFileSet(const FileSet& files) override {
    const auto held = std::find_if(files.files.begin(), files.files.end(),
                                   [](const FileSetEntry& file) { return !file.path.empty(); });
    if (held == files.files.end()) return;
    scratch_->Remove(std::filesystem::path(held->path).parent_path().string());
  }

  Result<std::vector<format::SegmentHeader>> Segments() override { return changelog_->Segments(); }

  Status AddSegments(std::span<const SstFile> files) override { return changelog_->Add(files); }

  Status DropSegments(uint64_t first, uint64_t last) override {
    return changelog_->Drop(first, last);
  }

  std::unique_ptr<format::RecordStream> OpenSegment(uint64_t last_epoch,
                                                    uint32_t table_id) override {
    return changelog_->OpenSegment(last_epoch, table_id);
  }

  Result<std::shared_ptr<SpilledEpoch>> NewSpilledEpoch(uint64_t epoch) override {
    TIDEMARK_ASSIGN_OR_RETURN(const std::shared_ptr<Database> database, changelog_->database());
    return storage::NewSpilledEpoch(database, state_->table_options(), scratch_, links_work_,
                                    epoch);
  }

 private:
  std::string PathOf(std::string_view name) const {
    return options_.directory + '/' + std::string(name);
  }

  // RocksDB's MANIFEST may be among what is lost: no base is made until it has begun another one.
  Status Settle() {
    if (options_.late_syncs == nullptr || settled_) return {};
    Status settled = options_.late_syncs->Settle();
    settled_ = settled.ok();
    if (!settled.ok() && !std::exchange(unsettled_, true)) {
      state_->database()->NoteLostManifest();
      changelog_->NoteLostManifest();
    }
    return settled;
  }

  Status RemoveReady() {
    const std::string ready = PathOf(kLiveReadyName);
    const rocksdb::IOStatus removed = options_.fs->DeleteFile(ready, rocksdb::IOOptions(), nullptr);
    Status status = FromRocksDb(removed, "remove " + ready);
    if (!status.ok() && status.code() != StatusCode::kNotFound) return status;
    return SyncDirectory(*options_.fs, options_.directory);
  }

  // RocksDB notices by itself when a link leads to another medium, not when there are no links at
  // all.
  bool LinksWork() {
    const std::string probe = TemporaryPath(".probe");
    const std::string link = TemporaryPath(".probe");
    std::unique_ptr<rocksdb::FSWritableFile> file;
    const bool works =
        options_.fs->NewWritableFile(probe, rocksdb::FileOptions(), &file, nullptr).ok() &&
        options_.fs->LinkFile(probe, link, rocksdb::IOOptions(), nullptr).ok();
    scratch_->Remove({probe, link});
    return works;
  }

  const LiveDatabaseOptions options_;
  const std::shared_ptr<ScratchFiles> scratch_;
  // Constant after Open. The lock is given up last.
  std::unique_ptr<StorageLock> lock_;
  bool links_work_ = false;
  std::unique_ptr<StateDatabase> state_;
  std::unique_ptr<Changelog> changelog_;
  std::unique_ptr<FileSetExporter> exporter_;

  // Of whoever may change the database.
  bool ready_ = false;
  bool settled_ = false;
  bool unsettled_ = false;
  std::atomic<bool> quarantined_{false};
};

}  // namespace

Result<std::unique_ptr<LiveDatabase>> LiveDatabase::Open(const LiveDatabaseOptions& options) {
  auto database = std::make_unique<LiveDatabaseImpl>(options);
  TIDEMARK_RETURN_IF_ERROR(database->Open().WithContext("open live database " + options.directory));
  return std::unique_ptr<LiveDatabase>(std::move(database));
}

}  // namespace tidemark::storage
