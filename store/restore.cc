#include "store/restore.h"

#include "compaction/write_back.h"
#include "format/names.h"
#include "storage/fetch.h"
#include "storage/in_threads.h"
#include "storage/segment_file.h"
#include "storage/verify.h"
#include "store/live_directory.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <thread>

namespace tidemark::store {

namespace {

using format::Checkpoint;
using format::FileKind;
using format::FileMeta;
using format::Manifest;

// Segments merged and applied in one go when they are too many for the cache; bounds open
// iterators.
constexpr size_t kStreamSegmentsMax = 128;
// A record's cost in the cache beside its key and value.
constexpr uint64_t kRecordOverheadBytes = 96;

bool IsDamage(const Status& status) { return status.code() == StatusCode::kCorruption; }

class Restoring {
 public:
  Restoring(storage::Repository& repository, Manifest list, const RestoreOptions& options)
      : repository_(repository), options_(options), manifest_(std::move(list)) {}

  Result<RestoredState> Run();

 private:
  Result<RestoredState> TryFrom(const Checkpoint& target);
  Result<RestoredState> FromEmpty();
  Result<RestoredState> From(const Checkpoint& target);
  // The first commit on an older checkpoint drops the newer ones, so it must be known to be intact
  // before that.
  bool CommitDropsNewer(const Checkpoint& target) const {
    return !options_.for_reading && target.id != manifest_.checkpoints.back().id;
  }
  Status VerifyInRepository(const Checkpoint& target);
  Status VerifyOnce(const FileMeta& file);
  Status OpenLive(const Checkpoint& target);
  bool IsBoundary(const Checkpoint& target, uint64_t base_epoch, uint64_t epoch) const;
  Status MakeLive(const Checkpoint& target, const std::string& directory);
  struct Fetched {
    FileMeta meta;
    std::string path;
    bool hash = false;
    TransferKind transfer{};
  };

  Status FetchBase(const Checkpoint& target, const std::string& directory);
  Status Fetch(Fetched& file) const;
  Status SyncChangeLog(const std::vector<FileMeta>& segments);
  Result<storage::SstFile> FetchSegment(const FileMeta& meta);
  std::vector<FileMeta> SegmentsAfterMark(const Checkpoint& target) const;
  Status ApplyAll(const Checkpoint& target, const std::vector<FileMeta>& segments);
  Status Apply(const Checkpoint& target, std::span<const FileMeta> segments,
               const format::EpochIdentity& at);
  void Count(TransferKind kind, uint64_t bytes) {
    (kind == TransferKind::kLinked ? state_.report.linked_bytes : state_.report.copied_bytes) +=
        bytes;
  }
  storage::LiveDatabaseOptions LiveOptions(const std::string& directory) const {
    storage::LiveDatabaseOptions live;
    live.directory = directory;
    live.fs = fs();
    live.late_syncs = late_syncs_;
    live.block_cache = options_.block_cache;
    live.write_gate = options_.write_gate;
    live.background_jobs = options_.background_jobs;
    live.passing = options_.for_reading;
    return live;
  }
  // Through which the live database is written.
  const storage::FileSystemPtr& fs() const {
    return late_syncs_ != nullptr ? late_syncs_->fs() : options_.fs;
  }
  // A name that is free: another repository's attempts, which count from 1 too, may have left
  // directories here.
  std::string NewDirectory() {
    while (true) {
      std::string path =
          LiveDirectoryPath(options_.directory, repository_.attempt(), directories_made_++);
      if (storage::Exists(*options_.fs, path)) continue;
      late_syncs_ = std::make_shared<storage::LateSyncs>(options_.fs);
      return path;
    }
  }
  void CloseLive();
  void DropLive();  // with its directory
  Status CheckGoingOn() const;

  storage::Repository& repository_;
  const RestoreOptions& options_;
  const Manifest manifest_;
  RestoredState state_;
  std::shared_ptr<storage::LateSyncs> late_syncs_;  // of a directory made here; else null
  std::mutex verified_mutex_;
  std::map<uint64_t, Status> verified_;  // files that are as the list says, or proven not to be
  bool may_reuse_ = true;
  int directories_made_ = 0;
};

// Whether the target's segments can be replayed on a state of this epoch. Within a merged segment
// they cannot: it no longer tells what was created and deleted between its ends.
bool Restoring::IsBoundary(const Checkpoint& target, uint64_t base_epoch, uint64_t epoch) const {
  return epoch == base_epoch ||
         std::any_of(target.segments.begin(), target.segments.end(), [&](uint64_t segment) {
           return manifest_.files.at(segment).last_epoch == epoch;
         });
}

Result<RestoredState> Restoring::Run() {
  if (options_.checkpoint)
    TIDEMARK_RETURN_IF_ERROR(CheckCheckpointExists(manifest_, *options_.checkpoint));
  if (manifest_.checkpoints.empty()) return FromEmpty();
  std::string reasons;
  std::vector<RestoreReport::Skipped> skipped;
  for (auto target = manifest_.checkpoints.rbegin(); target != manifest_.checkpoints.rend();
       ++target) {
    if (options_.checkpoint && target->id != *options_.checkpoint) continue;
    Result<RestoredState> restored = TryFrom(*target);
    if (restored.has_value()) {
      restored->report.skipped = std::move(skipped);
      return restored;
    }
    // A passing error, of a storage say, is no reason to give up what took hours to copy.
    const bool stays = state_.report.reused_live_database && !IsDamage(restored.error()) &&
                       IsReady(*options_.fs, state_.live->directory());
    stays ? CloseLive() : DropLive();
    if (!IsDamage(restored.error()) || options_.checkpoint) {
      return std::move(restored).error().WithContext("restore of checkpoint " +
                                                     std::to_string(target->id));
    }
    reasons += "; checkpoint " + std::to_string(target->id) + ": " +
               std::string(restored.error().message());
    skipped.push_back({target->id, std::move(restored).error()});
  }
  return Status(StatusCode::kCorruption, "no-intact-checkpoint",
                repository_.storage().Uri() + ": none of the " +
                    std::to_string(manifest_.checkpoints.size()) +
                    " retained checkpoints verifies" + reasons);
}

// Damage that shows here need not be the checkpoint's: a live directory, the copy of a file and
// what this machine reads are no proof, nor is a file that another writer has deleted. A checkpoint
// that is passed over is dropped by the next commit, with its files.
Result<RestoredState> Restoring::TryFrom(const Checkpoint& target) {
  Result<RestoredState> restored = From(target);
  const auto is_damage = [&] { return !restored.has_value() && IsDamage(restored.error()); };
  if (is_damage() && state_.report.reused_live_database) {
    DropLive();
    may_reuse_ = false;
    restored = From(target);
  }
  if (!is_damage()) return restored;
  TIDEMARK_RETURN_IF_ERROR(repository_.CheckNotFenced());
  const Status in_repository = VerifyInRepository(target);
  if (IsDamage(in_repository)) return restored;
  TIDEMARK_RETURN_IF_ERROR(in_repository);
  // Every byte is as it was written: another copy may do, and if it does not, the files never did.
  DropLive();
  return From(target);
}

// Every byte that the target is made of, as it lies in the repository.
Status Restoring::VerifyInRepository(const Checkpoint& target) {
  std::vector<const FileMeta*> files;
  for (const uint64_t segment : target.segments) files.push_back(&manifest_.files.at(segment));
  if (const auto base = manifest_.bases.find(target.base); base != manifest_.bases.end())
    for (const format::BaseFile& file : base->second.files)
      files.push_back(&manifest_.files.at(file.file));
  const size_t threads =
      options_.for_reading ? 1 : std::max(1U, std::thread::hardware_concurrency());
  return storage::InThreads(files.size(), threads, [&](size_t i) { return VerifyOnce(*files[i]); });
}

// Neighbouring checkpoints have most of their files in common.
Status Restoring::VerifyOnce(const FileMeta& file) {
  TIDEMARK_RETURN_IF_ERROR(CheckGoingOn());
  {
    std::lock_guard lock(verified_mutex_);
    const auto known = verified_.find(file.id);
    if (known != verified_.end()) return known->second;
  }
  Status found = storage::VerifyFile(repository_.storage(), repository_.subtask(), file,
                                     storage::VerifyLevel::kChecksum);
  std::lock_guard lock(verified_mutex_);
  if (found.ok() || IsDamage(found)) verified_.emplace(file.id, found);
  return found;
}

void Restoring::CloseLive() {
  state_ = {};
  late_syncs_.reset();
}

void Restoring::DropLive() {
  const std::string directory = state_.live != nullptr ? state_.live->directory() : "";
  CloseLive();
  if (!directory.empty()) (void)storage::RemoveAll(*options_.fs, directory);
}

Status Restoring::CheckGoingOn() const {
  if (options_.given_up == nullptr || !options_.given_up->load()) return {};
  return Status(StatusCode::kClosed, "store-closed", "the store was closed meanwhile");
}

Result<RestoredState> Restoring::FromEmpty() {
  TIDEMARK_ASSIGN_OR_RETURN(state_.live, storage::LiveDatabase::Open(LiveOptions(NewDirectory())));
  return std::move(state_);
}

Result<RestoredState> Restoring::From(const Checkpoint& target) {
  TIDEMARK_RETURN_IF_ERROR(OpenLive(target));
  TIDEMARK_RETURN_IF_ERROR(state_.live->DropUnlistedTables());
  const std::vector<FileMeta> segments = SegmentsAfterMark(target);
  TIDEMARK_RETURN_IF_ERROR(SyncChangeLog(segments));
  uint64_t load_bytes = 0;
  for (const FileMeta& segment : segments) {
    load_bytes += segment.net_change_bytes + segment.records * kRecordOverheadBytes;
    state_.report.replayed_records += segment.records;
  }
  if (load_bytes <= options_.load_bytes_max && !options_.for_reading) {
    state_.to_load = segments;
  } else {
    TIDEMARK_RETURN_IF_ERROR(ApplyAll(target, segments));
  }
  state_.checkpoint = target;
  return std::move(state_);
}

// A local live database whose mark lies in the target's lineage, else a new one made of the
// target's base.
Status Restoring::OpenLive(const Checkpoint& target) {
  const auto base = manifest_.bases.find(target.base);
  const uint64_t base_epoch = base == manifest_.bases.end() ? 0 : base->second.at.epoch;
  for (const std::string& directory : ReusableLiveDirectories(*options_.fs, options_.directory)) {
    if (!may_reuse_) break;
    auto live = storage::LiveDatabase::Open(LiveOptions(directory));
    if (!live.has_value()) continue;  // taken, or damaged: the repository is the truth
    const format::EpochIdentity at = (*live)->mark().at;
    if (LiesInLineage(at, manifest_.lineage, base_epoch, target.at.epoch) &&
        IsBoundary(target, base_epoch, at.epoch)) {
      if (CommitDropsNewer(target)) TIDEMARK_RETURN_IF_ERROR(VerifyInRepository(target));
      state_.live = *std::move(live);
      state_.report.reused_live_database = true;
      return {};
    }
  }
  const std::string directory = NewDirectory();
  Status made = MakeLive(target, directory);
  if (made.ok()) return made;
  state_.live.reset();
  late_syncs_.reset();
  (void)storage::RemoveAll(*options_.fs, directory);
  return made;
}

Status Restoring::MakeLive(const Checkpoint& target, const std::string& directory) {
  const auto base = manifest_.bases.find(target.base);
  if (base != manifest_.bases.end()) TIDEMARK_RETURN_IF_ERROR(FetchBase(target, directory));
  TIDEMARK_ASSIGN_OR_RETURN(state_.live, storage::LiveDatabase::Open(LiveOptions(directory)));
  if (base == manifest_.bases.end() || state_.live->mark().at == base->second.at) return {};
  return Status(StatusCode::kCorruption, "base-mark",
                "base " + std::to_string(target.base) + ": expected epoch " +
                    std::to_string(base->second.at.epoch) + ", got a database that stands at " +
                    std::to_string(state_.live->mark().at.epoch));
}

Status Restoring::FetchBase(const Checkpoint& target, const std::string& directory) {
  const format::Base& base = manifest_.bases.at(target.base);
  // Of a copy that is only read a damaged block shows when it is read.
  const bool hash_all = options_.verification == Verification::kFull || CommitDropsNewer(target);
  const std::string state_directory = directory + "/state";
  TIDEMARK_RETURN_IF_ERROR(storage::MakeDirectories(*fs(), state_directory));
  std::vector<Fetched> files;
  for (const format::BaseFile& file : base.files) {
    if (!format::IsValidObjectName(file.live_name) ||
        file.live_name.find('/') != std::string::npos) {
      return Status(StatusCode::kCorruption, "base-file-name",
                    "base " + std::to_string(base.id) + " names a file `" + file.live_name +
                        "`, which is no RocksDB file");
    }
    const FileMeta& meta = manifest_.files.at(file.file);
    // RocksDB's MANIFEST is small, and what everything hangs on: always hashed.
    const bool hash = hash_all || meta.kind == FileKind::kBaseMeta;
    files.push_back({meta, state_directory + "/" + file.live_name, hash});
  }
  // A disk gives more than one core can copy or hash, and these machines have several. Links are
  // made faster than threads.
  const bool links_only = !hash_all && repository_.storage().LinksFrom(state_directory);
  const size_t threads_max =
      options_.for_reading || links_only ? 1 : std::max(1U, std::thread::hardware_concurrency());
  TIDEMARK_RETURN_IF_ERROR(
      storage::InThreads(files.size(), threads_max, [&](size_t i) { return Fetch(files[i]); }));
  for (const Fetched& file : files) {
    Count(file.transfer, file.meta.size);
    const bool is_copy = file.transfer == TransferKind::kCopied;
    if (!file.hash) state_.verify_first.push_back({file.meta, is_copy ? file.path : ""});
    if (is_copy) late_syncs_->Owe(file.path);
  }
  return storage::WriteFileDurably(*fs(), state_directory + "/CURRENT", base.current);
}

Status Restoring::Fetch(Fetched& file) const {
  TIDEMARK_RETURN_IF_ERROR(CheckGoingOn());
  TIDEMARK_ASSIGN_OR_RETURN(file.transfer, storage::FetchFile(repository_, file.meta, file.path));
  if (!file.hash) return {};
  TIDEMARK_ASSIGN_OR_RETURN(const storage::FileDigest digest,
                            storage::DigestFile(*fs(), file.path));
  return storage::CheckCopy(repository_, file.meta, digest, file.transfer);
}

std::vector<FileMeta> Restoring::SegmentsAfterMark(const Checkpoint& target) const {
  std::vector<FileMeta> segments;
  const uint64_t mark_epoch = state_.live->mark().at.epoch;
  for (const uint64_t id : target.segments) {
    const FileMeta& meta = manifest_.files.at(id);
    if (meta.last_epoch > mark_epoch) segments.push_back(meta);
  }
  return segments;
}

// Leaves exactly `segments` in the change log: what else is there belongs to abandoned or applied
// epochs.
Status Restoring::SyncChangeLog(const std::vector<FileMeta>& segments) {
  std::map<uint64_t, const FileMeta*>
      wanted;  // by their random part: epochs alone do not tell branches apart
  for (const FileMeta& segment : segments) wanted.emplace(segment.unique, &segment);
  TIDEMARK_ASSIGN_OR_RETURN(const std::vector<format::SegmentHeader> present,
                            state_.live->Segments());
  for (const format::SegmentHeader& header : present) {
    const auto found = wanted.find(header.unique);
    if (found != wanted.end() && found->second->last_epoch == header.last_epoch) {
      wanted.erase(found);
    } else {
      TIDEMARK_RETURN_IF_ERROR(state_.live->DropSegments(header.last_epoch, header.last_epoch));
    }
  }
  std::vector<storage::SstFile> missing;
  for (const FileMeta& segment : segments) {
    if (!wanted.contains(segment.unique)) continue;
    TIDEMARK_RETURN_IF_ERROR(CheckGoingOn());
    TIDEMARK_ASSIGN_OR_RETURN(storage::SstFile file, FetchSegment(segment));
    missing.push_back(std::move(file));
  }
  return missing.empty() ? Status() : state_.live->AddSegments(missing);
}

// A local, verified copy or link of the segment.
Result<storage::SstFile> Restoring::FetchSegment(const FileMeta& meta) {
  TIDEMARK_ASSIGN_OR_RETURN(
      storage::FetchedSegment fetched,
      storage::FetchSegment(repository_, fs(), meta, state_.live->TemporaryPath("segment.sst")));
  Count(fetched.transfer, meta.size);
  return std::move(fetched.file);
}

// Too much for the cache: merged into SSTs and ingested, some segments at a time.
Status Restoring::ApplyAll(const Checkpoint& target, const std::vector<FileMeta>& segments) {
  const std::span<const FileMeta> all(segments);
  // Between two parts the database stands at an epoch, but without the tables that are dropped
  // later on the way. After a crash there, a restore of a checkpoint that has them must not take it
  // for whole.
  if (all.size() > kStreamSegmentsMax) TIDEMARK_RETURN_IF_ERROR(state_.live->Retract());
  for (size_t first = 0; first < all.size(); first += kStreamSegmentsMax) {
    TIDEMARK_RETURN_IF_ERROR(CheckGoingOn());
    const auto part = all.subspan(first, std::min(kStreamSegmentsMax, all.size() - first));
    const uint64_t last_epoch = part.back().last_epoch;
    TIDEMARK_RETURN_IF_ERROR(Apply(
        target, part,
        last_epoch == target.at.epoch ? target.at : IdentityAt(manifest_.lineage, last_epoch)));
  }
  return state_.live->DropSegments(0, target.at.epoch);
}

Status Restoring::Apply(const Checkpoint& target, std::span<const FileMeta> segments,
                        const format::EpochIdentity& at) {
  const auto exists = [&](uint32_t table) {
    return std::binary_search(target.tables->begin(), target.tables->end(), table);
  };
  TIDEMARK_ASSIGN_OR_RETURN(const std::vector<format::SegmentHeader> headers,
                            state_.live->Segments());
  std::map<uint32_t, compaction::TableChanges> tables;
  format::TableCounts counts = state_.live->mark().counts;
  for (const format::SegmentHeader& header : headers) {
    if (header.last_epoch < segments.front().first_epoch ||
        header.last_epoch > segments.back().last_epoch)
      continue;
    format::UpdateCounts(header.counts, &counts);
    for (const uint32_t id : header.tables) {
      if (!exists(id)) continue;  // dropped later in this history
      tables[id].table_id = id;
      tables[id].streams.push_back(state_.live->OpenSegment(header.last_epoch, id));
    }
  }
  std::erase_if(counts, [&](const auto& count) { return !exists(count.table_id); });
  format::AppliedMark mark{at, state_.live->mark().tables, std::move(counts)};
  std::vector<compaction::TableChanges> changes;
  for (auto& [id, table] : tables) {
    mark.tables.push_back(id);
    changes.push_back(std::move(table));
  }
  std::sort(mark.tables.begin(), mark.tables.end());
  mark.tables.erase(std::unique(mark.tables.begin(), mark.tables.end()), mark.tables.end());
  const bool has_a_thread = !options_.for_reading && std::thread::hardware_concurrency() > 1;
  return compaction::WriteBack(
             *state_.live, std::move(changes), mark,
             has_a_thread ? compaction::WriteBackThreads::kTwo : compaction::WriteBackThreads::kOne)
      .error();
}

}  // namespace

CheckpointInfo InfoOf(const Checkpoint& checkpoint) {
  return {checkpoint.id, checkpoint.at.epoch,
          std::chrono::system_clock::time_point(std::chrono::milliseconds(checkpoint.time_ms)),
          checkpoint.metadata};
}

Result<RestoredState> Restore(storage::Repository& repository, const RestoreOptions& options) {
  return Restore(repository, repository.manifest(), options);
}

Result<RestoredState> Restore(storage::Repository& repository, format::Manifest list,
                              const RestoreOptions& options) {
  const auto begin = std::chrono::steady_clock::now();
  TIDEMARK_ASSIGN_OR_RETURN(RestoredState state,
                            Restoring(repository, std::move(list), options).Run());
  state.report.damaged_manifests = repository.damaged();
  state.report.duration = std::chrono::steady_clock::now() - begin;
  if (state.checkpoint) state.report.checkpoint = InfoOf(*state.checkpoint);
  return state;
}

}  // namespace tidemark::store
