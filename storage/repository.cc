// Publishing: one version after the other, each created only if absent.
#include "storage/repository.h"

#include "format/names.h"
#include "storage/manifest_chain.h"

#include <algorithm>

namespace tidemark::storage {

std::string Repository::ObjectName(std::string_view name) const { return chain_->ObjectName(name); }

format::Manifest Repository::manifest() const {
  std::lock_guard lock(mutex_);
  return manifest_;
}

uint64_t Repository::attempt() const {
  std::lock_guard lock(mutex_);
  return attempt_;
}

format::WriterId Repository::writer() const {
  std::lock_guard lock(mutex_);
  return writer_;
}

uint64_t Repository::next_version() const {
  std::lock_guard lock(mutex_);
  return manifest_.version + 1;
}

Status Repository::Usable() const {
  switch (health_) {
    case Health::kFit:
      return {};
    case Health::kFenced:
      return fenced_;
    case Health::kClosed:
      return Status(StatusCode::kClosed, "repository-closed",
                    chain_->Where("") + " was closed by this writer");
    case Health::kInDoubt:
      break;
  }
  return Status(StatusCode::kUnavailable, "manifest-in-doubt",
                chain_->Where(format::ManifestName(manifest_.version + 1)) +
                    ": it is unknown whether it was written; Prepare opens a new attempt");
}

Status Repository::Publish(format::ManifestEdit edit, std::vector<format::SegmentEntry> inlined) {
  TIDEMARK_ASSIGN_OR_RETURN(const format::ManifestVersion version,
                            MakeVersion(std::move(edit), std::move(inlined)));
  TIDEMARK_ASSIGN_OR_RETURN(const std::string bytes, format::EncodeManifestVersion(version));
  Created created = Create(version, bytes);
  if (created.outcome == Creation::kOurs) return Acknowledge(version);
  if (created.outcome == Creation::kInDoubt) {
    std::lock_guard lock(mutex_);
    if (health_ == Health::kFit) health_ = Health::kInDoubt;
  }
  return std::move(created.status);
}

// The next version, checked against the list, so that what is written can also be applied.
Result<format::ManifestVersion> Repository::MakeVersion(format::ManifestEdit edit,
                                                        std::vector<format::SegmentEntry> inlined) {
  format::ManifestVersion version;
  version.repository_id = repository_id_;
  version.time_ms = NowMs();
  version.edit = std::move(edit);
  version.inlined = std::move(inlined);

  std::lock_guard lock(mutex_);
  TIDEMARK_RETURN_IF_ERROR(Usable());
  const Snapshot& snapshot = next_snapshot_ ? *next_snapshot_ : snapshot_;
  version.version = manifest_.version + 1;
  version.attempt = attempt_;
  version.writer = writer_;
  version.snapshot_version = snapshot.version;
  version.snapshot_name = snapshot.name;
  TIDEMARK_RETURN_IF_ERROR(format::CheckListSize(version.edit, manifest_));
  TIDEMARK_RETURN_IF_ERROR(format::CheckEdit(version, manifest_));
  return version;
}

Repository::Created Repository::Create(const format::ManifestVersion& version,
                                       const std::string& bytes) {
  Status created =
      storage_->CreateIfAbsent(ObjectName(format::ManifestName(version.version)), bytes);
  if (created.ok()) return {Creation::kOurs, {}};
  if (created.code() != StatusCode::kAlreadyExists) return {Creation::kInDoubt, std::move(created)};
  return Compare(version.version, bytes);
}

// The name is taken. By `bytes` themselves, if the answer was lost and not the write: the writer's
// random id in them makes that certain.
Repository::Created Repository::Compare(uint64_t version, const std::string& bytes) {
  const auto found = ReadObject(*storage_, ObjectName(format::ManifestName(version)));
  if (!found) return {Creation::kInDoubt, found.error()};
  if (*found == bytes) return {Creation::kOurs, {}};
  const auto other = chain_->DecodeVersion(version, *found);
  if (!other) return {Creation::kInDoubt, other.error()};
  if (!IsOwn(other->writer)) return {Creation::kAnothers, BecomeFenced(*other)};
  return {Creation::kInDoubt,
          Status(StatusCode::kUnavailable, "manifest-in-doubt",
                 chain_->Where(format::ManifestName(version)) +
                     ": an earlier request of this writer was carried out late")};
}

Status Repository::Acknowledge(const format::ManifestVersion& version) {
  const bool inlined = !version.inlined.empty();
  std::vector<format::FileMeta> removed;
  std::lock_guard lock(mutex_);
  if (Status applied = format::ApplyEdit(version, &manifest_, &removed); !applied.ok()) {
    health_ = Health::kInDoubt;
    return Status(StatusCode::kInternal, "manifest-apply",
                  "a published edit does not apply: " + std::string(applied.message()));
  }
  if (version.snapshot_name != snapshot_.name) {
    superseded_snapshots_.push_back(snapshot_.name);
    snapshot_ = *std::move(next_snapshot_);
    next_snapshot_.reset();
  }
  if (!inlined) Supersede(version.version, /*inlined=*/false);
  for (format::FileMeta& file : removed) {
    if (file.kind != format::FileKind::kInlined) {
      dropped_.push_back(std::move(file));
    } else if (const auto in = format::ParseManifestName(file.name); in) {
      Supersede(*in, /*inlined=*/true);
    }
  }
  return {};
}

// The version may go once no reader replays it, unless it must stay for the sake of fencing.
void Repository::Supersede(uint64_t version, bool inlined) {
  if (!kept_versions_.contains(version)) superseded_versions_.emplace(version, inlined);
}

void Repository::Keep(uint64_t opening) {
  for (const uint64_t version : {opening - 1, opening}) {
    kept_versions_.insert(version);
    superseded_versions_.erase(version);
  }
}

Status Repository::BecomeFenced(const format::ManifestVersion& by) {
  Status fenced(StatusCode::kFenced, "writer-fenced",
                chain_->Where(format::ManifestName(by.version)) + " is by attempt " +
                    std::to_string(by.attempt) + ", writer " + by.writer.Hex() +
                    "; this writer (attempt " + std::to_string(attempt()) +
                    ") has been replaced and must stop");
  std::lock_guard lock(mutex_);
  // While the first attempt is being made there is nothing to lose: it starts over.
  if (attempt_ != 0) {
    health_ = Health::kFenced;
    fenced_ = fenced;
  }
  return fenced;
}

bool Repository::IsOwn(const format::WriterId& writer) const {
  std::lock_guard lock(mutex_);
  return std::find(own_writers_.begin(), own_writers_.end(), writer) != own_writers_.end();
}

void Repository::RegisterWriter(const format::WriterId& writer, uint64_t attempt) {
  std::lock_guard lock(mutex_);
  own_writers_.push_back(writer);
  attempts_used_ = attempt;
}

Status Repository::Close() {
  {
    std::lock_guard lock(mutex_);
    if (health_ == Health::kClosed) return {};
  }
  Status closed = Prepare();
  if (closed.ok()) {
    format::ManifestEdit edit;
    edit.closes_writer = true;
    closed = Publish(std::move(edit), {});
  }
  {
    std::lock_guard lock(mutex_);
    health_ = Health::kClosed;
  }
  lock_.reset();
  return closed;
}

}  // namespace tidemark::storage
