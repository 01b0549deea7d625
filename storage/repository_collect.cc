// Deleting what the chain no longer needs, and what crashed writers left behind. Only what is
// certain goes:
//
//   - files that an acknowledged edit dropped, unless somebody in this process holds them, or a pin
//   - versions up to the list's snapshot, in ascending order, but for those that open an attempt or
//     precede one that does, and those whose inlined segment a retained checkpoint, a pin, or
//     somebody in this process still needs
//   - snapshots before the one that the newest acknowledged version names
//   - log/ and base/ files of attempts before this handle's first that neither the list nor a pin
//     names; files of its own attempts may be on their way into a checkpoint that is tried again
//
// A handle that found damage when it opened leaves alone what was there before: people may want to
// look at it. A writer that was fenced without knowing looks first whether its next version is
// there already, and then deletes nothing.
#include "format/names.h"
#include "storage/manifest_chain.h"
#include "storage/repository.h"

#include <algorithm>
#include <iterator>

namespace tidemark::storage {
namespace {

constexpr uint64_t kEditsPerSnapshotMin = 32;
constexpr uint64_t kSnapshotBytesPerEdit = 4096;

}  // namespace

// The next versions may be our own: one that is being published at this moment, and those before it
// of which we do not know whether they were. Another writer's follows them.
Status Repository::CheckNotFenced() {
  uint64_t next = 0;
  {
    std::lock_guard lock(mutex_);
    if (health_ == Health::kFenced || health_ == Health::kClosed) return Usable();
    next = manifest_.version + 1;
  }
  auto version = chain_->ReadVersion(next);
  while (version && IsOwn(version->writer)) version = chain_->ReadVersion(++next);
  if (version) return BecomeFenced(*version);
  if (version.error().code() == StatusCode::kNotFound) return {};
  if (!IsDamage(version.error())) return version.error();
  // Whose it is nobody can tell, so nothing may go. But nothing of ours is lost: the next Prepare
  // finds its way around it.
  return Status(StatusCode::kUnavailable, "manifest-in-doubt",
                "nothing is deleted: " + std::string(version.error().message()));
}

Status Repository::DeleteDropped() {
  if (!deletions_allowed_.load()) return {};
  std::vector<std::string> names;
  {
    std::lock_guard lock(mutex_);
    for (const format::FileMeta& file : dropped_)
      if (!held_.contains(file.name)) names.push_back(ObjectName(file.name));
  }
  std::sort(names.begin(), names.end());
  TIDEMARK_RETURN_IF_ERROR(DeleteUnlessPinned(&names));
  std::lock_guard lock(mutex_);
  std::erase_if(dropped_, [&](const format::FileMeta& file) {
    return std::binary_search(names.begin(), names.end(), ObjectName(file.name));
  });
  return {};
}

Status Repository::DeleteLeftovers() {
  if (!deletions_allowed_.load() || !damaged_.empty()) return {};
  TIDEMARK_RETURN_IF_ERROR(CheckNotFenced());
  TIDEMARK_RETURN_IF_ERROR(ReadPins());  // so that a damaged one costs no more than this look
  // One thing that cannot be deleted keeps no other.
  Status outcome = storage_->DeleteUnfinished(format::SubtaskPrefix(subtask_));
  for (const std::string_view prefix : {format::kLogPrefix, format::kBasePrefix}) {
    TIDEMARK_ASSIGN_OR_RETURN(std::vector<std::string> files, LeftoverFiles(prefix));
    const std::vector<std::string> all = files;
    if (Status deleted = DeleteUnlessPinned(&files); !deleted.ok()) {
      if (deleted.code() == StatusCode::kFenced || deleted.name() == kPinUnreadable) return deleted;
      if (outcome.ok()) outcome = std::move(deleted);
      continue;
    }
    // What a pin has kept of them goes when the pin has gone.
    for (const std::string& name : all)
      if (!std::binary_search(files.begin(), files.end(), name)) AddDropped(FileNameOf(name));
  }
  TIDEMARK_ASSIGN_OR_RETURN(std::vector<std::string> snapshots, LeftoverSnapshots());
  Status deleted = DeleteUnlessPinned(&snapshots);
  return outcome.ok() ? deleted : outcome;
}

void Repository::AddDropped(std::string_view file) {
  format::FileMeta dropped;
  dropped.name = file;
  std::lock_guard lock(mutex_);
  dropped_.push_back(std::move(dropped));
}

Result<std::vector<std::string>> Repository::LeftoverFiles(std::string_view prefix) const {
  TIDEMARK_ASSIGN_OR_RETURN(const std::vector<ObjectInfo> objects,
                            storage_->List(ObjectName(prefix)));
  const size_t folder = format::SubtaskPrefix(subtask_).size();
  std::vector<std::string> leftovers;
  std::lock_guard lock(mutex_);
  std::set<std::string_view> named;
  for (const auto& [id, file] : manifest_.files) named.insert(file.name);
  for (const format::FileMeta& file : dropped_)
    named.insert(file.name);  // DeleteDropped's business
  for (const ObjectInfo& object : objects) {
    const std::string_view name = std::string_view(object.name).substr(folder);
    const auto attempt = format::ParseFileAttempt(name);
    if (attempt && *attempt < first_attempt_ && !named.contains(name))
      leftovers.push_back(object.name);
  }
  return leftovers;
}

Result<std::vector<std::string>> Repository::LeftoverSnapshots() const {
  TIDEMARK_ASSIGN_OR_RETURN(const std::vector<std::string> names, chain_->Snapshots());
  std::vector<std::string> leftovers;
  std::lock_guard lock(mutex_);
  for (const std::string& name : names)
    if (format::ParseSnapshotName(name).value_or(snapshot_.version) < snapshot_.version)
      leftovers.push_back(ObjectName(name));
  return leftovers;
}

Status Repository::CollectManifests() {
  TIDEMARK_RETURN_IF_ERROR(WriteSnapshotIfDue());
  if (!deletions_allowed_.load()) return {};
  if (damaged_.empty()) TIDEMARK_RETURN_IF_ERROR(ClassifyOldVersions());
  return DeleteSuperseded();
}

Result<std::string> Repository::EncodeSnapshot(const format::Manifest& list) {
  TIDEMARK_ASSIGN_OR_RETURN(std::string bytes, format::EncodeManifestSnapshot(list));
  const Status decoded = format::DecodeManifestSnapshot(bytes, "the snapshot").error();
  if (decoded.ok()) return bytes;
  return Status(
      StatusCode::kInternal, "manifest-snapshot",
      "the list of checkpoints was encoded as nobody could read it, and is not written: " +
          std::string(decoded.message()));
}

// Every so many edits that a commit writes 8 KiB on average, however long the list is.
Status Repository::WriteSnapshotIfDue() {
  format::Manifest list;
  {
    std::lock_guard lock(mutex_);
    if (health_ == Health::kFenced || health_ == Health::kClosed) return Usable();
    const uint64_t edits = manifest_.version - snapshot_.version;
    const bool due =
        edits > std::max(kEditsPerSnapshotMin, snapshot_.bytes / kSnapshotBytesPerEdit);
    if (!due || next_snapshot_ || health_ != Health::kFit) return {};
    list = manifest_;
  }
  TIDEMARK_RETURN_IF_ERROR(format::CheckManifest(list));
  TIDEMARK_ASSIGN_OR_RETURN(const std::string bytes, EncodeSnapshot(list));
  Snapshot snapshot{.version = list.version,
                    .name = format::SnapshotName(list.version, format::RandomUnique()),
                    .bytes = bytes.size()};
  TIDEMARK_RETURN_IF_ERROR(storage_->Put(ObjectName(snapshot.name), bytes));
  std::lock_guard lock(mutex_);
  // A new attempt may have brought a snapshot of its own meanwhile.
  if (snapshot.version > snapshot_.version) {
    next_snapshot_ = std::move(snapshot);
  } else {
    superseded_snapshots_.push_back(std::move(snapshot.name));
  }
  return {};
}

// Versions that were there before this handle: some of them open an attempt. Those with an inlined
// segment that the list names do not, and are none of our business until they are dropped.
Status Repository::ClassifyOldVersions() {
  std::vector<uint64_t> unknown;
  {
    std::lock_guard lock(mutex_);
    if (unclassified_.empty()) return {};
    std::set<std::string_view> inlined;
    for (const auto& [id, file] : manifest_.files)
      if (file.kind == format::FileKind::kInlined) inlined.insert(file.name);
    for (const uint64_t version : unclassified_)
      if (!inlined.contains(format::ManifestName(version))) unknown.push_back(version);
    unclassified_.clear();
  }
  for (size_t i = 0; i < unknown.size(); ++i) {
    const Result<Fate> fate = FateOf(unknown[i]);
    std::lock_guard lock(mutex_);
    if (!fate) {
      unclassified_.insert(unclassified_.end(), unknown.begin() + static_cast<ptrdiff_t>(i),
                           unknown.end());
      return fate.error();
    }
    if (*fate == Fate::kStays)
      Keep(unknown[i]);
    else
      Supersede(unknown[i], *fate == Fate::kGoesIfUnpinned);
  }
  return {};
}

// What no pin can keep goes first, and whatever becomes of pins: while one cannot be read, chains
// must not grow.
Status Repository::DeleteSuperseded() {
  std::vector<std::string> names;
  std::vector<std::string> with_segments;
  {
    std::lock_guard lock(mutex_);
    const auto end = superseded_versions_.upper_bound(snapshot_.version);
    for (auto it = superseded_versions_.begin(); it != end; ++it)
      if (const std::string name = format::ManifestName(it->first); !held_.contains(name))
        (it->second ? with_segments : names).push_back(ObjectName(name));
    for (const std::string& name : superseded_snapshots_) names.push_back(ObjectName(name));
  }
  Status deleted;
  if (!names.empty()) {
    TIDEMARK_RETURN_IF_ERROR(CheckNotFenced());
    deleted = storage_->Delete(names);
    if (deleted.ok()) ForgetSuperseded(names);
  }
  // What cannot be deleted keeps nothing else.
  const Status unpinned = DeleteUnlessPinned(&with_segments);
  if (unpinned.ok()) ForgetSuperseded(with_segments);
  return deleted.ok() ? unpinned : deleted;
}

void Repository::ForgetSuperseded(const std::vector<std::string>& objects) {
  std::set<std::string> snapshots;
  std::lock_guard lock(mutex_);
  for (const std::string& object : objects) {
    std::string name = FileNameOf(object);
    if (const auto version = format::ParseManifestName(name))
      superseded_versions_.erase(*version);
    else
      snapshots.insert(std::move(name));
  }
  std::erase_if(superseded_snapshots_,
                [&](const std::string& name) { return snapshots.contains(name); });
}

// Damaged ones may open an attempt: they stay.
Result<Repository::Fate> Repository::FateOf(uint64_t version) const {
  const auto found = chain_->ReadVersion(version);
  if (found && found->edit.opens_attempt) return Fate::kStays;
  if (found) return found->inlined.empty() ? Fate::kGoes : Fate::kGoesIfUnpinned;
  if (found.error().code() == StatusCode::kNotFound) return Fate::kGoes;
  if (IsDamage(found.error())) return Fate::kStays;
  return found.error();
}

}  // namespace tidemark::storage
