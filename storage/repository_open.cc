// Opening attempts: the first one of a handle, and a new one after a publish whose outcome is
// unknown.
//
// An opening version stands directly after the newest version and builds on a snapshot of its own,
// so it depends on nothing before it. It fences the writer before, whose next version has the same
// number. That is why it is never deleted. The version directly before it stays too: the fenced
// writer's last request may still be on its way, and must find its name taken.
#include "format/key.h"
#include "format/names.h"
#include "storage/manifest_chain.h"
#include "storage/repository.h"

#include <algorithm>
#include <chrono>
#include <random>
#include <thread>

namespace tidemark::storage {
namespace {

constexpr int kOpenTriesMax = 10;

// Openers that collide must not collide again in step.
void PauseAfterCollision(int tries) {
  std::random_device device;
  std::this_thread::sleep_for(std::chrono::microseconds(device() % (1000u << std::min(tries, 5))));
}

Status CheckOptions(const RepositoryOptions& options) {
  const auto bad = [](const std::string& message) {
    return Status(StatusCode::kInvalidArgument, "parallelism", message);
  };
  if (options.max_parallelism == 0 || options.max_parallelism > format::kMaxParallelismMax)
    return bad("max_parallelism: expected 1 to " + std::to_string(format::kMaxParallelismMax) +
               ", got " + std::to_string(options.max_parallelism));
  if (options.parallelism == 0 || options.parallelism > options.max_parallelism)
    return bad("parallelism: expected 1 to max_parallelism (" +
               std::to_string(options.max_parallelism) + "), got " +
               std::to_string(options.parallelism));
  if (options.subtask >= options.parallelism)
    return bad("subtask: expected less than parallelism (" + std::to_string(options.parallelism) +
               "), got " + std::to_string(options.subtask));
  return {};
}

// Creates FORMAT unless somebody else does at the same time.
Result<format::RepositoryInfo> ReadOrCreateInfo(const RepositoryOptions& options) {
  CheckpointStorage& storage = *options.storage;
  auto info = ReadRepositoryInfo(storage);
  if (info || info.error().code() != StatusCode::kNotFound) return info;
  const format::RepositoryInfo fresh{.id = format::WriterId::Random(),
                                     .max_parallelism = options.max_parallelism,
                                     .created_ms = NowMs()};
  TIDEMARK_ASSIGN_OR_RETURN(const std::string bytes, format::EncodeRepositoryInfo(fresh));
  const Status created = storage.CreateIfAbsent(format::kFormatName, bytes);
  if (created.ok()) return fresh;
  if (created.code() != StatusCode::kAlreadyExists) return created;
  return ReadRepositoryInfo(storage);
}

Status LateForTheTenthTime(const ManifestChain& chain) {
  return Status(StatusCode::kFenced, "opening-fenced",
                chain.Where("") + ": other writers opened it " + std::to_string(kOpenTriesMax) +
                    " times while this one was opening; make sure that only one is started");
}

}  // namespace

Repository::Repository(const RepositoryOptions& options)
    : storage_(options.storage), subtask_(options.subtask) {}

// Without Close the writer counts as open; the lock goes.
Repository::~Repository() = default;

Result<std::unique_ptr<Repository>> Repository::Open(const RepositoryOptions& options) {
  TIDEMARK_RETURN_IF_ERROR(CheckOptions(options));
  TIDEMARK_ASSIGN_OR_RETURN(const format::RepositoryInfo info, ReadOrCreateInfo(options));
  if (info.max_parallelism != options.max_parallelism)
    return Status(StatusCode::kInvalidArgument, "max-parallelism",
                  options.storage->Uri() + ": expected max_parallelism " +
                      std::to_string(info.max_parallelism) +
                      ", which was fixed when the repository was created, got " +
                      std::to_string(options.max_parallelism));
  std::unique_ptr<Repository> repository(new Repository(options));
  repository->repository_id_ = info.id;
  repository->chain_ = std::make_unique<ManifestChain>(*options.storage, info.id, options.subtask);
  TIDEMARK_RETURN_IF_ERROR(repository->TakeLock(options.take_over));
  TIDEMARK_RETURN_IF_ERROR(repository->OpenFirstAttempt(options));
  // So that the first commit does not drop what is pinned. A damaged pin keeps nobody from opening.
  const Status pins = repository->ReadPins();
  if (!pins.ok() && pins.name() != kPinUnreadable) return pins;
  return repository;
}

Status Repository::TakeLock(bool take_over) {
  auto lock = storage_->TryLock(format::LockName(subtask_));
  if (lock) {
    lock_ = *std::move(lock);
    return {};
  }
  const Status& error = lock.error();
  if (take_over || error.code() == StatusCode::kUnsupported) return {};
  if (error.code() != StatusCode::kBusy) return error;
  return Status(
      StatusCode::kBusy, "repository-locked",
      std::string(error.message()) +
          "; if that writer hangs or must be replaced, open with take_over, which fences it");
}

Status Repository::OpenFirstAttempt(const RepositoryOptions& options) {
  for (int tries = 0; tries < kOpenTriesMax; ++tries) {
    if (tries > 0) PauseAfterCollision(tries);
    TIDEMARK_ASSIGN_OR_RETURN(const bool opened, TryOpenFirstAttempt(options));
    if (opened) return {};
  }
  return LateForTheTenthTime(*chain_);
}

// False if another opener was faster.
Result<bool> Repository::TryOpenFirstAttempt(const RepositoryOptions& options) {
  ChainReading read;
  format::Manifest& list = read.reading.manifest;
  if (auto found = ReadChain(*chain_); found) {
    read = *std::move(found);
    TIDEMARK_RETURN_IF_ERROR(CheckShape(options, list));
  } else if (found.error().code() == StatusCode::kNotFound) {
    list.repository_id = repository_id_;
    list.subtask = options.subtask;
    list.parallelism = options.parallelism;
    list.max_parallelism = options.max_parallelism;
  } else {
    return found.error();
  }
  if (lock_ == nullptr && list.writer_open && !options.take_over)
    return Status(StatusCode::kBusy, "writer-open",
                  chain_->Where("") + ": its last writer (attempt " + std::to_string(list.attempt) +
                      ") did not close, and this storage cannot tell whether it lives; if it does "
                      "not, or must be replaced, open with take_over, which fences it");

  const uint64_t newest = read.reading.newest_version;
  const uint64_t attempt = std::max(read.attempt, attempts_used_) + 1;
  TIDEMARK_ASSIGN_OR_RETURN(Opening opening, OpenAttempt(std::move(list), newest, attempt));
  if (opening.late) return false;
  damaged_ = std::move(read.reading.damaged);
  first_attempt_ = attempt;
  unclassified_ = std::move(read.versions);
  Adopt(std::move(opening));
  return true;
}

Status Repository::CheckShape(const RepositoryOptions& options,
                              const format::Manifest& list) const {
  if (list.parallelism == options.parallelism && list.max_parallelism == options.max_parallelism)
    return {};
  const auto shape = [](uint32_t parallelism, uint32_t max_parallelism) {
    return "parallelism " + std::to_string(parallelism) + " of " + std::to_string(max_parallelism);
  };
  return Status(StatusCode::kInvalidArgument, "parallelism",
                chain_->Where("") + ": expected " + shape(list.parallelism, list.max_parallelism) +
                    ", as it was written, got " +
                    shape(options.parallelism, options.max_parallelism));
}

// `list` is what shall be true from now on; `newest` is the newest version that exists, whatever it
// holds. Nothing of this handle changes but the writers and attempts that it has used.
Result<Repository::Opening> Repository::OpenAttempt(format::Manifest list, uint64_t newest,
                                                    uint64_t attempt) {
  Opening opening;
  list.version = newest;
  TIDEMARK_RETURN_IF_ERROR(format::CheckManifest(list));
  TIDEMARK_ASSIGN_OR_RETURN(opening.snapshot, PutOpeningSnapshot(list));

  format::ManifestVersion version;
  version.repository_id = repository_id_;
  version.version = newest + 1;
  version.attempt = attempt;
  version.writer = format::WriterId::Random();
  version.snapshot_version = newest;
  version.snapshot_name = opening.snapshot.name;
  version.time_ms = NowMs();
  version.edit.opens_attempt = true;
  TIDEMARK_RETURN_IF_ERROR(format::ApplyEdit(version, &list, nullptr));
  TIDEMARK_ASSIGN_OR_RETURN(const std::string bytes, format::EncodeManifestVersion(version));
  opening.list = std::move(list);

  RegisterWriter(version.writer, attempt);
  const Created created = Create(version, bytes);
  if (created.outcome == Creation::kInDoubt) return created.status;
  // A version after ours means that ours came too late: it fills the place of a version that was
  // collected, or a newer attempt has fenced it already.
  opening.late = created.outcome == Creation::kAnothers;
  if (!opening.late) {
    TIDEMARK_ASSIGN_OR_RETURN(const auto versions, chain_->Versions());
    opening.late = !versions.empty() && versions.rbegin()->first > version.version;
  }
  return opening;
}

// A version in doubt may name its snapshot, which therefore stays. So the next try takes the same
// one, if it says the same: a full disk must not become fuller with every try.
Result<Repository::Snapshot> Repository::PutOpeningSnapshot(const format::Manifest& list) {
  TIDEMARK_ASSIGN_OR_RETURN(const std::string bytes, EncodeSnapshot(list));
  const format::Checksum128 checksum = format::Checksum128Of(bytes);
  if (spare_snapshot_ && spare_snapshot_->checksum == checksum) return spare_snapshot_->snapshot;
  Snapshot snapshot{.version = list.version,
                    .name = format::SnapshotName(list.version, format::RandomUnique()),
                    .bytes = bytes.size()};
  TIDEMARK_RETURN_IF_ERROR(storage_->Put(ObjectName(snapshot.name), bytes));
  spare_snapshot_ = {snapshot, checksum};
  return snapshot;
}

void Repository::Adopt(Opening opening) {
  spare_snapshot_.reset();
  std::lock_guard lock(mutex_);
  manifest_ = std::move(opening.list);
  attempt_ = manifest_.attempt;
  writer_ = manifest_.writer;
  if (!snapshot_.name.empty()) superseded_snapshots_.push_back(snapshot_.name);
  if (next_snapshot_) superseded_snapshots_.push_back(next_snapshot_->name);
  next_snapshot_.reset();
  snapshot_ = std::move(opening.snapshot);
  Keep(manifest_.version);
  health_ = Health::kFit;
}

Status Repository::Prepare() {
  for (int tries = 0; tries < kOpenTriesMax; ++tries) {
    {
      std::lock_guard lock(mutex_);
      if (health_ == Health::kFit) return {};
      if (health_ != Health::kInDoubt) return Usable();
    }
    TIDEMARK_ASSIGN_OR_RETURN(const bool reopened, TryReopen());
    if (reopened) return {};
  }
  return LateForTheTenthTime(*chain_);
}

// False if the chain went on meanwhile: who by, the next try finds out.
Result<bool> Repository::TryReopen() {
  format::Manifest list = manifest();
  const uint64_t acknowledged = list.version;
  TIDEMARK_ASSIGN_OR_RETURN(const uint64_t last, LastOfOurs(acknowledged));
  TIDEMARK_ASSIGN_OR_RETURN(Opening opening,
                            OpenAttempt(std::move(list), last, attempts_used_ + 1));
  if (opening.late) return false;
  std::vector<uint64_t> in_doubt;
  for (uint64_t version = acknowledged + 1; version <= last; ++version) in_doubt.push_back(version);
  Adopt(std::move(opening));
  std::lock_guard lock(mutex_);
  unclassified_.insert(unclassified_.end(), in_doubt.begin(), in_doubt.end());
  return true;
}

// What we cannot read is taken for ours: should it be the opening of another writer, who has then
// published nothing yet, ours will fence it.
Result<uint64_t> Repository::LastOfOurs(uint64_t acknowledged) {
  TIDEMARK_ASSIGN_OR_RETURN(const auto versions, chain_->Versions());
  uint64_t last = acknowledged;
  for (auto found = versions.upper_bound(acknowledged); found != versions.end(); ++found) {
    last = found->first;
    const auto version = chain_->ReadVersion(last);
    if (version && !IsOwn(version->writer)) return BecomeFenced(*version);
    if (!version && !IsDamage(version.error())) return version.error();
  }
  return last;
}

}  // namespace tidemark::storage
