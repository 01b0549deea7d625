// StoreCore's opening: repository, restore, replay into the cache, background lanes.
#include "store/store_core.h"

#include "compaction/merge.h"
#include "store/bounds.h"
#include "store/live_directory.h"

#include <algorithm>

namespace tidemark::store {

namespace {

constexpr uint64_t kWriteBackBytesMax = uint64_t{64} << 20;

uint64_t WriteBackBytes(const StoreOptions& options) {
  if (options.write_back_bytes != 0) return options.write_back_bytes;
  return std::min(kWriteBackBytesMax, options.runtime->options().memory_budget_bytes / 8);
}

// Without opening for writing, so that asking for a checkpoint that does not exist costs nobody the
// repository.
Status CheckExplicitCheckpoint(const CheckpointStorage& storage, const StoreOptions& options) {
  if (!options.restore_checkpoint) return {};
  const auto info = storage::ReadRepositoryInfo(storage);
  if (!info.has_value()) {
    if (info.error().code() != StatusCode::kNotFound) return info.error();
    return format::CheckCheckpointExists({}, *options.restore_checkpoint)
        .WithContext(storage.Uri());
  }
  const auto reading = storage::ReadManifest(storage, info->id, options.subtask);
  if (!reading.has_value()) {
    if (reading.error().code() != StatusCode::kNotFound) return reading.error();
    return format::CheckCheckpointExists({}, *options.restore_checkpoint)
        .WithContext(storage.Uri());
  }
  Status exists = CheckCheckpointExists(reading->manifest, *options.restore_checkpoint)
                      .WithContext(storage.Uri());
  if (exists.ok() || reading->damaged.empty()) return exists;
  // All of them: the first may only say that what it builds on is damaged.
  std::string message = std::string(exists.message()) + "; but part of the list cannot be read";
  for (const Status& damaged : reading->damaged) message.append(": ").append(damaged.message());
  return Status(StatusCode::kCorruption, reading->damaged.front().name(), std::move(message));
}

}  // namespace

Result<std::shared_ptr<StoreCore>> StoreCore::Open(const StoreOptions& options,
                                                   const Environment& environment) {
  TIDEMARK_RETURN_IF_ERROR(CheckOptions(options));
  for (bool again = false;; again = true) {
    std::shared_ptr<StoreCore> core(new StoreCore(options, environment));
    Status opened = core->OpenRepository();
    if (opened.ok()) opened = core->Restore();
    if (opened.ok()) return core;
    // Local damage that showed only while records were loaded: by now it is quarantined, and the
    // repository is the truth.
    const bool local =
        core->report_.reused_live_database && opened.code() == StatusCode::kCorruption;
    if (local && !again) continue;
    core->recorder_.Damage(opened);
    return opened;
  }
}

Status StoreCore::OpenRepository() {
  std::shared_ptr<CheckpointStorage> storage = options_.storage;
  if (storage == nullptr) {
    TIDEMARK_ASSIGN_OR_RETURN(storage,
                              storage::OpenStorageOn(options_.repository, environment_.fs));
  }
  TIDEMARK_RETURN_IF_ERROR(CheckExplicitCheckpoint(*storage, options_));
  TIDEMARK_RETURN_IF_ERROR(storage::MakeDirectories(*environment_.fs, options_.directory));
  storage::RepositoryOptions repository;
  repository.storage = std::move(storage);
  repository.subtask = options_.subtask;
  repository.parallelism = options_.parallelism;
  repository.max_parallelism = options_.max_parallelism;
  repository.take_over = options_.take_over;
  TIDEMARK_ASSIGN_OR_RETURN(repository_, storage::Repository::Open(repository));
  auto lock = storage::LockFile(options_.directory + "/LOCK", "directory-locked");
  if (lock) {
    directory_lock_ = *std::move(lock);
  } else if (lock.error().code() != StatusCode::kBusy || !options_.take_over) {
    return lock.error();
  }
  return {};
}

Status StoreCore::Restore() {
  const uint64_t budget = runtime_->options().memory_budget_bytes;
  RestoreOptions options;
  options.directory = options_.directory;
  options.fs = environment_.fs;
  options.checkpoint = options_.restore_checkpoint;
  options.verification = options_.verification;
  block_cache_ = SharedBlockCache::Of(runtime_);
  options.block_cache = block_cache_->cache();
  write_gate_ = runtime_->impl().MakeWriteGate();
  options.write_gate = write_gate_;
  // An entry takes up to twice the bytes of its record.
  options.load_bytes_max = std::min(budget / 4, account_->free_bytes() / 2);
  options.background_jobs = static_cast<int>(runtime_->options().background_threads);
  TIDEMARK_ASSIGN_OR_RETURN(RestoredState restored, store::Restore(*repository_, options));

  live_ = std::move(restored.live);
  RemoveOtherLiveDirectories(*environment_.fs, options_.directory, live_->directory());
  RemoveLeftViewDirectories(*environment_.fs, options_.directory);
  repository_->WithManifest([&](const format::Manifest& manifest) {
    next_table_id_ = manifest.next_table_id;
    if (!restored.checkpoint) return;
    for (const uint32_t id : *restored.checkpoint->tables) AddTable(manifest.tables.at(id));
  });
  RefreshTableIds();
  layers_.SetView(live_->View());
  released_epoch_ = live_->mark().at.epoch;
  if (restored.checkpoint) {
    epoch_ = restored.checkpoint->at.epoch + 1;
    stands_on_id_ = restored.checkpoint->id;
  }
  report_ = std::move(restored.report);
  SetCounts(live_->mark().counts);
  std::vector<std::shared_ptr<SealedEpoch>> replayed;
  if (Status loaded = Load(restored, &replayed); !loaded.ok()) {
    if (loaded.code() == StatusCode::kCorruption)
      (void)live_->Quarantine();
    else if (restored.verify_first.empty())
      (void)live_->MarkReady();  // the next opening need not fetch it all again
    return loaded;
  }
  recorder_.Restored(report_);
  StartLanes(restored, std::move(replayed));
  return {};
}

void StoreCore::SetCounts(const format::TableCounts& counts) {
  for (const format::TableCount& count : counts) {
    if (TableCore* table = FindTable(count.table_id)) table->SetCount(count.keys);
  }
}

// Replays what one segment has of one table.
Status StoreCore::Load(format::RecordStream& records, TableCore& table, SealedEpoch* epoch) {
  SealedPart part;
  part.table_id = table.meta().id;
  std::map<uint64_t, RangeSet> ranges;
  while (true) {
    TIDEMARK_ASSIGN_OR_RETURN(const bool more, records.Next());
    if (!more) break;
    const format::Record& record = records.record();
    epoch->bytes += table.Replay(record, &part);
    if (record.op == format::Op::kRangeDelete)
      ranges[record.epoch].emplace(record.key, record.value);
  }
  table.CountSealedList(part.versions);
  epoch->parts.push_back(std::move(part));
  for (auto& [at, set] : ranges) {
    SealedPart deleted;
    deleted.table_id = table.meta().id;
    deleted.epoch = at;
    deleted.ranges = std::make_shared<const RangeSet>(std::move(set));
    table.AddSealedRanges(at, deleted.ranges);
    epoch->parts.push_back(std::move(deleted));
  }
  return {};
}

// Replays segments into the cache as epochs that are durable and not applied yet.
Status StoreCore::Load(const RestoredState& restored,
                       std::vector<std::shared_ptr<SealedEpoch>>* replayed) {
  if (restored.to_load.empty()) return {};
  const uint64_t mark_epoch = released_epoch_;
  const auto lineage =
      repository_->WithManifest([](const format::Manifest& manifest) { return manifest.lineage; });
  TIDEMARK_ASSIGN_OR_RETURN(const std::vector<format::SegmentHeader> headers, live_->Segments());
  for (const format::SegmentHeader& header : headers) {
    auto epoch = std::make_shared<SealedEpoch>();
    epoch->first_epoch = header.first_epoch;
    epoch->last_epoch = header.last_epoch;
    epoch->counts = header.counts;
    SetCounts(header.counts);
    epoch->tables = table_ids_;
    epoch->identity = header.last_epoch == restored.checkpoint->at.epoch
                          ? restored.checkpoint->at
                          : IdentityAt(lineage, header.last_epoch);
    for (const uint32_t table_id : header.tables) {
      TableCore* table = FindTable(table_id);
      if (table == nullptr) continue;  // dropped later in this history
      std::vector<std::unique_ptr<format::RecordStream>> records;
      records.push_back(live_->OpenSegment(header.last_epoch, table_id));
      const auto merged = compaction::MergeNewest(std::move(records), mark_epoch);
      TIDEMARK_RETURN_IF_ERROR(Load(*merged, *table, epoch.get()));
    }
    const CountedBytes sorting(runtime_->impl().budget(), SortBytes(*epoch));
    TIDEMARK_RETURN_IF_ERROR(Sort(*epoch));
    account_->AddUnapplied(static_cast<int64_t>(epoch->bytes));
    replayed->push_back(std::move(epoch));
  }
  unreleased_epochs_.store(replayed->size());
  return {};
}

void StoreCore::StartLanes(const RestoredState& restored,
                           std::vector<std::shared_ptr<SealedEpoch>> replayed) {
  const bool links_are_free = repository_->storage().LinksFrom(live_->directory());
  CommitLaneOptions commits;
  commits.fs = environment_.fs;
  commits.scratch_directory = live_->directory() + "/tmp";
  commits.remove_scratch = [this](const std::string& path) { live_->RemoveTemporary(path); };
  commits.codec = options_.log_compression;
  commits.codec_level = options_.log_compression_level;
  commits.inline_bytes_max = options_.inline_segment_bytes_max;
  commits.retention = {options_.keep_last, options_.keep_within};
  commits.keep_segments = !links_are_free;
  if (restored.checkpoint) {
    commits.stands_on_id = restored.checkpoint->id;
    commits.stands_on = restored.checkpoint->at;
  }
  commits.on_durable = [this](std::vector<DurableEpoch> epochs) {
    maintenance_->Add(std::move(epochs));
  };
  commits.on_sorted = [this](const SealedEpoch& epoch) {
    AddSortBytes(-static_cast<int64_t>(SortBytes(epoch)));
  };
  commits.on_fatal = [this](const Status& status) { OnFatal(status); };
  commits.recorder = &recorder_;
  commits.budget = &runtime_->impl().budget();
  commits_ = std::make_unique<CommitLane>(*repository_, std::move(commits));

  MaintenanceOptions maintenance;
  maintenance.fs = environment_.fs;
  maintenance.policy = {WriteBackBytes(options_), options_.write_back_segments,
                        options_.space_amplification_max, options_.restore_budget_seconds,
                        options_.log_merge_segments};
  maintenance.costs.links_are_free = links_are_free;
  maintenance.codec = options_.log_compression;
  maintenance.codec_level = options_.log_compression_level;
  if (restored.checkpoint) maintenance.restored_at = restored.checkpoint->at;
  maintenance.verify_first = restored.verify_first;
  maintenance.write_gate = write_gate_;
  maintenance.on_applied = [this](Applied applied) { OnApplied(std::move(applied)); };
  maintenance.on_fatal = [this](const Status& status) { OnFatal(status); };
  maintenance.recorder = &recorder_;
  if (!restored.verify_first.empty()) {
    repository_->SetDeletionsAllowed(false);
    commits_->SetKeepPresent(true);
  }
  maintenance_ =
      std::make_unique<Maintenance>(runtime_->impl().executor(), *repository_, *live_, *commits_,
                                    std::move(maintenance), std::move(replayed));
  maintenance_->Start();
}

}  // namespace tidemark::store
