#include "store/maintenance.h"

#include "compaction/write_back.h"
#include "storage/segment_file.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <thread>
#include <utility>

namespace tidemark::store {

namespace {

using format::Manifest;

constexpr std::chrono::milliseconds kRocksDbPoll{10};

// Every epoch's changes, by table.
std::vector<compaction::TableChanges> ChangesOf(const std::deque<DurableEpoch>& epochs) {
  std::map<uint32_t, compaction::TableChanges> tables;
  for (const DurableEpoch& durable : epochs) {
    for (const SealedPart& part : durable.epoch->parts) {
      if (part.empty()) continue;
      compaction::TableChanges& table = tables[part.table_id];
      table.table_id = part.table_id;
      table.streams.push_back(StreamOf(part));
    }
  }
  std::vector<compaction::TableChanges> changes;
  changes.reserve(tables.size());
  for (auto& [id, table] : tables) changes.push_back(std::move(table));
  return changes;
}

// The log of the newest checkpoint.
std::vector<compaction::LogSegment> LogOf(const Manifest& manifest) {
  std::vector<compaction::LogSegment> log;
  for (const uint64_t id : manifest.checkpoints.back().segments) {
    const format::FileMeta& file = manifest.files.at(id);
    log.push_back({id, file.first_epoch, file.last_epoch, file.size, file.records});
  }
  return log;
}

}  // namespace

Maintenance::Maintenance(Executor& executor, storage::Repository& repository,
                         storage::LiveDatabase& live, CommitLane& commits,
                         MaintenanceOptions options,
                         std::vector<std::shared_ptr<SealedEpoch>> unapplied)
    : repository_(repository),
      live_(live),
      commits_(commits),
      options_(std::move(options)),
      lane_(executor, [this] { Step(); }) {
  for (auto& epoch : unapplied) {
    unapplied_bytes_ += epoch->bytes;
    unapplied_.push_back({std::move(epoch), std::nullopt, {}});
  }
  fed_ = unapplied_.size();  // they were replayed from the change log
  live_.SetOnCompacted([this] { lane_.Kick(); });
}

void Maintenance::Start() {
  if (options_.write_gate != nullptr) options_.write_gate->SetOpen(false);
  lane_.Kick();
}

// What is going on ends at the speed of the disk: who closes should not wait for the limit.
void Maintenance::Stop() {
  stopping_.store(true);
  if (options_.write_gate != nullptr) options_.write_gate->SetOpen(true);
  live_.SetOnCompacted(nullptr);
  lane_.Stop();
}

void Maintenance::ViewAdopted() {
  if (waiting_.load()) lane_.Kick();
}

bool Maintenance::AwaitRocksDb() {
  if (!waiting_.load() || !rocksdb_is_compacting_.load()) return false;
  std::this_thread::sleep_for(kRocksDbPoll);
  lane_.Kick();
  return true;
}

void Maintenance::Add(std::vector<DurableEpoch> epochs) {
  {
    std::lock_guard lock(mutex_);
    std::move(epochs.begin(), epochs.end(), std::back_inserter(inbox_));
  }
  lane_.Kick();
}

void Maintenance::LookForRequests() {
  look_for_requests_.store(true);
  lane_.Kick();
}

void Maintenance::RequestWriteBack() {
  write_back_requested_.store(true);
  lane_.Kick();
}

void Maintenance::RequestBase() {
  base_requested_.store(true);
  lane_.Kick();
}

Status Maintenance::last_error() const {
  std::lock_guard lock(mutex_);
  return last_error_;
}

void Maintenance::Step() {
  Status status = RunStep();
  if (status.code() == StatusCode::kCorruption || status.code() == StatusCode::kFenced)
    options_.on_fatal(status);
  std::lock_guard lock(mutex_);
  last_error_ = std::move(status);
}

void Maintenance::MarkReady() {
  if (IsVerified()) (void)live_.MarkReady();
}

Status Maintenance::RunStep() {
  // First of all, as a process that dies before it has to restore again; also before the inbox is
  // emptied, since what comes in meanwhile is to be written back with what is there. Where it fails
  // for want of room the next step may find some.
  MarkReady();
  {
    std::lock_guard lock(mutex_);
    for (DurableEpoch& durable : inbox_) {
      unapplied_bytes_ += durable.epoch->bytes;
      unapplied_.push_back(std::move(durable));
    }
    inbox_.clear();
  }
  // Before the facts, so that whatever ends after them brings another step.
  waiting_.store(true);
  const compaction::Plan plan =
      compaction::MakePlan(GatherFacts(), options_.costs, options_.policy);
  if (plan.action != compaction::Plan::Action::kWait) waiting_.store(false);
  Status moved = Do(plan);
  // After the write-back, which frees memory that the writer may wait for.
  if (moved.ok() && !IsVerified()) moved = VerifyNextFile();
  // Room that dropped files take up may be just what a full disk lacks: so they go also when
  // nothing else goes on.
  const bool collect = moved.ok() || moved.code() == StatusCode::kResourceExhausted ||
                       moved.code() == StatusCode::kUnavailable;
  if (!collect) return moved;
  const Status collected = Collect();
  const Status looked = LookForTools();
  TellOfUnreadable(collected.ok() ? looked : collected);
  if (!moved.ok()) return moved;
  return collected.ok() ? looked : collected;
}

compaction::Facts Maintenance::GatherFacts() {
  compaction::Facts facts;
  facts.state = live_.Shape();
  rocksdb_is_compacting_.store(facts.state.compacting);
  repository_.WithManifest([&](const Manifest& manifest) {
    facts.can_publish = IsVerified() && !manifest.checkpoints.empty() &&
                        IsOfThisHistory(manifest.checkpoints.back());
    if (manifest.checkpoints.empty()) return;
    const auto base = manifest.bases.find(manifest.checkpoints.back().base);
    if (base != manifest.bases.end()) {
      facts.base_epoch = base->second.at.epoch;
      facts.base_bytes = compaction::SstBytesOf(manifest, base->second);
    }
    if (!options_.costs.links_are_free)
      facts.rebase_bytes = compaction::BytesToPut(facts.state, manifest, uploads_);
    facts.log = LogOf(manifest);
  });
  for (compaction::LogSegment& segment : facts.log)
    segment.mergeable = !unmergeable_.contains(segment.id);
  facts.log_is_damaged = log_is_damaged_;
  facts.base_requested = base_requested_.load();
  facts.unapplied_epochs = unapplied_.size();
  facts.unapplied_bytes = unapplied_bytes_;
  facts.write_back_requested = write_back_requested_.load();
  facts.wrote_back_last = wrote_back_last_;
  facts.applied_epoch = live_.mark().at.epoch;
  facts.compacted = compacted_;
  return facts;
}

// Not if a store that was restored from an older checkpoint is going to abandon it with its first
// commit, which comes soon if at all.
bool Maintenance::IsOfThisHistory(const format::Checkpoint& newest) const {
  return newest.at.attempt >= repository_.first_attempt() || newest.at == options_.restored_at;
}

Status Maintenance::Do(const compaction::Plan& plan) {
  using Action = compaction::Plan::Action;
  if (plan.action != Action::kWriteBack && plan.action != Action::kCompact)
    TIDEMARK_RETURN_IF_ERROR(FeedChangeLog());
  Status done;
  wrote_back_last_ = plan.action == Action::kWriteBack;
  switch (plan.action) {
    case Action::kNothing:
    case Action::kWait:
      return {};
    case Action::kWriteBack:
      done = WriteBackAll();
      break;
    case Action::kCompact:
      Compact(plan.table);
      break;
    case Action::kRebase:
      done = Rebase();
      break;
    case Action::kMergeLog:
      done = MergeLog(plan.segments);
      break;
  }
  if (done.ok()) lane_.Kick();  // there may be more to do
  return done;
}

// One file a step, so that a large base does not hold up write-backs.
Status Maintenance::VerifyNextFile() {
  const Status checked =
      storage::VerifyLate(repository_, *options_.fs, options_.verify_first[verified_files_]);
  if (checked.code() == StatusCode::kCorruption)
    return Status(checked.code(), checked.name(),
                  std::string(checked.message()) +
                      "; the running store was restored from it: close it and restore with "
                      "Verification::kFull, which falls back to an intact checkpoint");
  TIDEMARK_RETURN_IF_ERROR(checked);
  ++verified_files_;
  lane_.Kick();
  if (!IsVerified()) return {};
  repository_.SetDeletionsAllowed(true);
  commits_.SetKeepPresent(false);
  return {};
}

// Brings the segments that write-back has not overtaken into the local change log, so that a local
// restart needs nothing of them from the repository. Where links are free the repository itself is
// as near.
Status Maintenance::FeedChangeLog() {
  if (options_.costs.links_are_free || fed_ == unapplied_.size()) return {};
  std::vector<storage::SstFile> files;
  for (size_t i = fed_; i < unapplied_.size(); ++i) {
    DurableEpoch& durable = unapplied_[i];
    if (!durable.file) {
      TIDEMARK_ASSIGN_OR_RETURN(
          durable.file, storage::WriteSegmentFile(options_.fs, live_.TemporaryPath("inlined.sst"),
                                                  durable.entries));
      durable.entries.clear();
    }
    files.push_back(*durable.file);
  }
  Status added = live_.AddSegments(files);
  // The files are consumed in any case. What did not get in, restore will fetch from the
  // repository.
  fed_ = unapplied_.size();
  return added;
}

// Moves every durable epoch into `state`, with the mark that says so, and gives the writer the new
// view.
Status Maintenance::WriteBackAll() {
  // A request stays until there is something to write back, and that has succeeded: the writer may
  // have asked while the epoch that it waits for was still in the commit lane.
  const bool requested = write_back_requested_.exchange(false);
  format::AppliedMark mark;
  mark.at = unapplied_.back().epoch->identity;
  // Tables that were dropped meanwhile leave with all they have.
  const std::vector<uint32_t>& existing = *unapplied_.back().epoch->tables;
  const auto exists = [&](uint32_t table) {
    return std::binary_search(existing.begin(), existing.end(), table);
  };
  std::vector<compaction::TableChanges> changes = ChangesOf(unapplied_);
  std::erase_if(changes, [&](const auto& table) { return !exists(table.table_id); });
  std::set<uint32_t> tables;
  for (const uint32_t table : live_.mark().tables) {
    if (exists(table)) tables.insert(table);
  }
  for (const compaction::TableChanges& table : changes) tables.insert(table.table_id);
  mark.tables.assign(tables.begin(), tables.end());
  mark.counts = live_.mark().counts;
  for (const DurableEpoch& durable : unapplied_)
    format::UpdateCounts(durable.epoch->counts, &mark.counts);
  std::erase_if(mark.counts, [&](const auto& count) { return !exists(count.table_id); });
  const auto begin = std::chrono::steady_clock::now();
  const auto written = compaction::WriteBack(live_, std::move(changes), mark);
  options_.recorder->WriteBackEnded(written, std::chrono::steady_clock::now() - begin);
  if (!written.has_value()) {
    if (requested) write_back_requested_.store(true);
    return written.error();
  }

  Applied applied;
  applied.view = live_.View();
  for (size_t i = 0; i < unapplied_.size(); ++i) {
    DurableEpoch& durable = unapplied_[i];
    if (i >= fed_ && durable.file) live_.RemoveTemporary(durable.file->path);
    applied.epochs.push_back(std::move(durable.epoch));
  }
  unapplied_.clear();
  unapplied_bytes_ = 0;
  compacted_.clear();
  const bool drop = fed_ > 0;
  fed_ = 0;
  options_.on_applied(std::move(applied));
  return drop ? live_.DropSegments(0, mark.at.epoch) : Status();
}

void Maintenance::Compact(uint32_t table) {
  compacted_.insert(table);
  options_.recorder->TableCompacted();
  live_.StartCompaction(table);
}

// A base that is copied takes its time. It lets an urgent write-back go first after any SST but the
// first, so that it gets further each time; what it has put is kept for the next.
Status Maintenance::Rebase() {
  // The attempt in the names may be older than the one that publishes: it only has to be one of
  // this writer's.
  const auto [attempt, version] = repository_.WithManifest(
      [](const Manifest& manifest) { return std::pair(manifest.attempt, manifest.version); });
  bool any_put = false;
  const auto may_put = [&](uint64_t bytes) {
    if (options_.costs.links_are_free) return true;
    if (stopping_.load() || (std::exchange(any_put, true) && IsWriteBackUrgent())) return false;
    return options_.write_gate == nullptr || options_.write_gate->Wait(bytes);
  };
  std::vector<std::string> obsolete;
  const auto uploaded =
      compaction::UploadBase(live_, repository_, attempt, &uploads_, &obsolete, may_put);
  for (std::string& name : obsolete) unnamed_.emplace_back(std::move(name), version);
  if (!uploaded.has_value())
    return uploaded.error().name() == "rebase-interrupted" ? Status() : uploaded.error();
  bool added = false;
  TIDEMARK_RETURN_IF_ERROR(
      commits_.PublishEdit([&](const Manifest& manifest, format::ManifestEdit* edit) {
        added = compaction::AddBase(*uploaded, manifest, edit);
      }));
  if (!added) return {};  // the list has moved on meanwhile
  uint64_t bytes = 0;
  for (const auto& [name, file] : uploaded->fresh) bytes += file.size;
  options_.recorder->BasePublished(bytes);
  ForgetUploads(*uploaded);
  // Every segment that a merge may have met is behind the base now.
  unmergeable_.clear();
  log_is_damaged_ = false;
  return {};
}

// What was put for a base that was put off, and has been compacted since, no list will name: edits
// before the one of `published` are decided.
void Maintenance::ForgetUploads(const compaction::UploadedBase& published) {
  std::set<std::string> named;
  for (const auto& [live_name, file] : published.fresh) named.insert(file.name);
  for (const auto& [key, file] : uploads_) {
    if (!named.contains(file.name)) unnamed_.emplace_back(file.name, 0);
  }
  uploads_.clear();
}

// A writer waits for the memory of what has become durable meanwhile. A request that there is
// nothing for yet is no reason to give anything up: it stays until there is.
bool Maintenance::IsWriteBackUrgent() const {
  if (!write_back_requested_.load()) return false;
  std::lock_guard lock(mutex_);
  return !unapplied_.empty() || !inbox_.empty();
}

Status Maintenance::MergeLog(const std::vector<uint64_t>& segments) {
  const compaction::ScratchSpace scratch{
      options_.fs, [this](std::string_view suffix) { return live_.TemporaryPath(suffix); },
      [this](const std::string& path) { live_.RemoveTemporary(path); }};
  compaction::SegmentMergeOptions options;
  options.codec = options_.codec;
  options.codec_level = options_.codec_level;
  options.goes_on = [this] { return IsMergeWanted(); };
  options.gate = options_.write_gate.get();
  options.may_put = [this](uint64_t bytes) {
    return !CopiesAreLimited() ||
           options_.write_gate->Wait(bytes, [this] { return IsMergeWanted(); });
  };
  auto merged = compaction::MergeLog(repository_, scratch, segments, std::move(options));
  if (!merged.has_value()) return MergeFailed(segments, std::move(merged).error());
  // Of the list that the edit changes: a checkpoint that is under way may be published before it.
  uint64_t version = 0;
  bool added = false;
  Status published =
      commits_.PublishEdit([&](const Manifest& manifest, format::ManifestEdit* edit) {
        version = manifest.version;
        added = compaction::AddMerge(*merged, manifest, edit);
      });
  if (!published.ok() || !added) unnamed_.emplace_back(merged->file.name, version);
  if (published.ok() && added) options_.recorder->LogMerged(merged->file.size);
  return published;
}

// A segment that cannot be read, or merged, harms nobody as long as this process lives, which has
// in memory or in RocksDB what is in there: a new base makes it superfluous.
Status Maintenance::MergeFailed(const std::vector<uint64_t>& segments, Status status) {
  if (status.code() == StatusCode::kNotFound || status.name() == "merge-interrupted") return {};
  if (status.code() == StatusCode::kUnavailable || status.code() == StatusCode::kResourceExhausted)
    return status;
  // What is missing another writer may have deleted.
  TIDEMARK_RETURN_IF_ERROR(repository_.CheckNotFenced());
  unmergeable_.insert(segments.begin(), segments.end());
  if (status.code() == StatusCode::kCorruption) {
    log_is_damaged_ = true;
    options_.recorder->Damage(status);
  }
  return {};
}

// Files that no version names, once one is published after the list that they were to be added to:
// what was in doubt then is void.
void Maintenance::DropUnnamed() {
  std::vector<std::string> unwanted;
  repository_.WithManifest([&](const Manifest& manifest) {
    std::erase_if(unnamed_, [&](const auto& file) {
      if (manifest.version <= file.second) return false;
      if (!manifest.references.file_names.contains(file.first)) unwanted.push_back(file.first);
      return true;
    });
  });
  for (const std::string& file : unwanted) repository_.AddDropped(file);
}

// Manifests are collected whatever becomes of files: a chain must not grow because a pin is
// damaged.
Status Maintenance::Collect() {
  DropUnnamed();
  Status files;
  if (!leftovers_deleted_ && IsVerified()) {
    files = repository_.DeleteLeftovers();
    leftovers_deleted_ = files.ok();
  }
  Status dropped = repository_.DeleteDropped();
  if (files.ok()) files = std::move(dropped);
  const Status manifests = repository_.CollectManifests();
  return files.ok() ? manifests : files;
}

}  // namespace tidemark::store
