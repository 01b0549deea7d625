#include "store/maintenance.h"

#include "compaction/write_back.h"
#include "storage/segment_file.h"

#include <algorithm>
#include <map>
#include <set>

namespace tidemark::store {

namespace {

using format::Manifest;

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

uint64_t LogBytesSinceBase(const Manifest& manifest) {
  uint64_t bytes = 0;
  if (manifest.checkpoints.empty()) return bytes;
  for (const uint64_t file : manifest.checkpoints.back().segments)
    bytes += manifest.files.at(file).size;
  return bytes;
}

uint64_t BaseBytes(const Manifest& manifest) {
  uint64_t bytes = 0;
  if (manifest.checkpoints.empty()) return bytes;
  const auto base = manifest.bases.find(manifest.checkpoints.back().base);
  if (base == manifest.bases.end()) return bytes;
  for (const format::BaseFile& file : base->second.files)
    bytes += manifest.files.at(file.file).size;
  return bytes;
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
}

void Maintenance::Add(std::vector<DurableEpoch> epochs) {
  {
    std::lock_guard lock(mutex_);
    std::move(epochs.begin(), epochs.end(), std::back_inserter(inbox_));
  }
  lane_.Kick();
}

void Maintenance::RequestWriteBack() {
  write_back_requested_.store(true);
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

Status Maintenance::RunStep() {
  {
    std::lock_guard lock(mutex_);
    for (DurableEpoch& durable : inbox_) {
      unapplied_bytes_ += durable.epoch->bytes;
      unapplied_.push_back(std::move(durable));
    }
    inbox_.clear();
  }
  // A request stays until there is something to write back: the writer may have asked while the
  // epoch that it waits for was still in the commit lane.
  const bool requested = !unapplied_.empty() && write_back_requested_.exchange(false);
  const Status moved = MoveOn(requested);
  // Room that dropped files take up may be just what a full disk lacks: so they go also when
  // nothing else goes on.
  const bool collect = moved.ok() || moved.code() == StatusCode::kResourceExhausted ||
                       moved.code() == StatusCode::kUnavailable;
  const Status collected = collect ? Collect() : Status();
  return moved.ok() ? collected : moved;
}

// Write-back or change log, then what follows from it.
Status Maintenance::MoveOn(bool requested) {
  if (requested ||
      compaction::ShouldWriteBack(options_.write_back, unapplied_bytes_, unapplied_.size())) {
    TIDEMARK_RETURN_IF_ERROR(WriteBackAll());
    rebase_due_ = true;
  } else {
    TIDEMARK_RETURN_IF_ERROR(FeedChangeLog());
  }
  // After the write-back, which frees memory that the writer may wait for.
  if (!IsVerified()) TIDEMARK_RETURN_IF_ERROR(VerifyNextFile());
  return rebase_due_ ? Rebase() : Status();
}

// One file a step, so that a large base does not hold up write-backs.
Status Maintenance::VerifyNextFile() {
  const format::FileMeta& file = options_.verify_first[verified_files_];
  const std::string name = repository_.ObjectName(file.name);
  TIDEMARK_ASSIGN_OR_RETURN(const storage::FileDigest digest,
                            storage::DigestObject(repository_.storage(), name));
  if (digest.checksum != file.checksum || digest.size != file.size) {
    return Status(StatusCode::kCorruption, "file-checksum",
                  repository_.storage().Uri() + "/" + name + ": expected " +
                      std::to_string(file.size) + " bytes with checksum " + file.checksum.Hex() +
                      ", got " + std::to_string(digest.size) + " bytes with " +
                      digest.checksum.Hex() +
                      "; the running store was restored from it: close it and restore with "
                      "Verification::kFull, which "
                      "falls back to an intact checkpoint");
  }
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
  if (options_.links_are_free || fed_ == unapplied_.size()) return {};
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
  TIDEMARK_RETURN_IF_ERROR(written.error());

  Applied applied;
  applied.view = live_.View();
  for (size_t i = 0; i < unapplied_.size(); ++i) {
    DurableEpoch& durable = unapplied_[i];
    if (i >= fed_ && durable.file) live_.RemoveTemporary(durable.file->path);
    applied.epochs.push_back(std::move(durable.epoch));
  }
  unapplied_.clear();
  unapplied_bytes_ = 0;
  const bool drop = fed_ > 0;
  fed_ = 0;
  options_.on_applied(std::move(applied));
  return drop ? live_.DropSegments(0, mark.at.epoch) : Status();
}

Status Maintenance::Rebase() {
  if (!IsVerified()) return {};  // the file set that it would share is not yet known to be intact
  const auto [log_bytes, base_bytes] = repository_.WithManifest([](const Manifest& manifest) {
    return std::pair(LogBytesSinceBase(manifest), BaseBytes(manifest));
  });
  if (!compaction::ShouldRebase(options_.links_are_free, log_bytes, base_bytes)) {
    rebase_due_ = false;
    return {};
  }
  // Not before the first commit of a branch, which comes soon if at all.
  const uint64_t epoch = live_.mark().at.epoch;
  if (!repository_.WithManifest(
          [&](const Manifest& manifest) { return compaction::CanRebaseTo(manifest, epoch); })) {
    return {};
  }
  // The attempt in the names may be older than the one that publishes: it only has to be one of
  // this writer's.
  const uint64_t attempt =
      repository_.WithManifest([](const Manifest& manifest) { return manifest.attempt; });
  TIDEMARK_ASSIGN_OR_RETURN(const compaction::UploadedBase uploaded,
                            compaction::UploadBase(live_, repository_, attempt, &uploads_));
  bool added = false;
  TIDEMARK_RETURN_IF_ERROR(
      commits_.PublishEdit([&](const Manifest& manifest, format::ManifestEdit* edit) {
        added = compaction::AddBase(uploaded, manifest, edit);
      }));
  rebase_due_ = !added;
  if (added) {
    uint64_t bytes = 0;
    for (const auto& [name, file] : uploaded.fresh) bytes += file.size;
    options_.recorder->BasePublished(bytes);
    uploads_.clear();
  } else {
    lane_.Kick();  // the list has moved on meanwhile
  }
  return {};
}

Status Maintenance::Collect() {
  if (!leftovers_deleted_ && IsVerified()) {
    TIDEMARK_RETURN_IF_ERROR(repository_.DeleteLeftovers());
    leftovers_deleted_ = true;
  }
  TIDEMARK_RETURN_IF_ERROR(repository_.DeleteDropped());
  return repository_.CollectManifests();
}

}  // namespace tidemark::store
