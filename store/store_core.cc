#include "store/store_core.h"

#include <algorithm>
#include <utility>

namespace tidemark::store {

namespace {

constexpr size_t kMetadataBytesMax = size_t{1} << 20;
// How long Drain waits for RocksDB to have rewritten what a base is to hold.
constexpr std::chrono::seconds kPatienceWithRocksDb{60};
// From here on a chunk of 2 MiB for every size class in use is a small part of the budget.

Status InvalidArgument(std::string_view name, std::string message) {
  return Status(StatusCode::kInvalidArgument, name, std::move(message));
}

}  // namespace

StoreCore::StoreCore(StoreOptions options, const Environment& environment)
    : options_(std::move(options)),
      environment_(environment),
      runtime_(options_.runtime),
      groups_{.first = format::KeyGroupsOf(options_.subtask, options_.parallelism,
                                           options_.max_parallelism)
                           .first,
              .max_parallelism = options_.max_parallelism},
      recorder_(options_.listener),
      account_(std::in_place, runtime_->impl().budget()),
      arena_(
          runtime_->impl().chunks() != nullptr ? Arena::kHugeChunkBytes : Arena::kSmallChunkBytes,
          runtime_->impl().chunks()),
      doorkeeper_(runtime_->impl().budget().doorkeeper_bytes()) {}

StoreCore::~StoreCore() { (void)Close(); }

Status StoreCore::WhyBlocked() const {
  if (in_callback_) {
    return InvalidArgument("reentrant-call",
                           "the store was called from within one of its callbacks; return first");
  }
  std::lock_guard lock(mutex_);
  return closed_.load() ? StoreClosed() : failure_;
}

Status StoreCore::StoreClosed() {
  return Status(StatusCode::kClosed, "store-closed", "the store was closed; open it again");
}

// ---- Barrier and rollback ----

Status StoreCore::CheckCheckpointArguments(uint64_t id, const CheckpointOptions& options) {
  TIDEMARK_RETURN_IF_ERROR(CheckUsable());
  std::erase_if(in_flight_, [this](const std::shared_ptr<CheckpointTicket>& ticket) {
    std::lock_guard lock(ticket->mutex);
    if (ticket->done && ticket->status.ok())
      stands_on_id_ = std::max(stands_on_id_.value_or(0), ticket->id);
    return ticket->done;
  });
  std::optional<uint64_t> highest = stands_on_id_;
  for (const auto& ticket : in_flight_) highest = std::max(highest.value_or(0), ticket->id);
  if (highest && id <= *highest) {
    return InvalidArgument("checkpoint-id",
                           "checkpoint id " + std::to_string(id) + " must exceed " +
                               std::to_string(*highest) +
                               ", the newest one that this store stands on or has under way");
  }
  size_t bytes = 0;
  for (const auto& [key, value] : options.metadata) bytes += key.size() + value.size();
  if (bytes > kMetadataBytesMax) {
    return InvalidArgument("metadata-too-large", "metadata of " + std::to_string(bytes) +
                                                     " bytes; the limit is " +
                                                     std::to_string(kMetadataBytesMax));
  }
  return {};
}

std::shared_ptr<SealedEpoch> StoreCore::SealEpoch() {
  if (!dropped_.empty()) [[unlikely]]
    CommitDrops();
  auto sealed = std::make_shared<SealedEpoch>();
  sealed->first_epoch = sealed->last_epoch = epoch_;
  sealed->tables = table_ids_;
  const auto spilled = layers_.FindSpilled(epoch_);
  for (TableCore* table : table_list_) {
    const bool has_spilled = spilled != nullptr && spilled->HasTable(table->meta().id);
    if (!table->dirty() && !has_spilled) continue;
    sealed->parts.push_back(table->Seal());
    if (table->keeps_count()) sealed->counts.push_back({table->meta().id, table->keys()});
    if (has_spilled) sealed->parts.back().spilled = spilled;
  }
  AddSortBytes(static_cast<int64_t>(SortBytes(*sealed)));
  sealed->tables_created = std::exchange(tables_created_, {});
  return sealed;
}

Result<std::shared_ptr<CheckpointTicket>> StoreCore::Checkpoint(uint64_t id,
                                                                CheckpointOptions options) {
  TIDEMARK_RETURN_IF_ERROR(CheckCheckpointArguments(id, options));
  if (in_flight_.size() >= CommitLane::kInFlightMax) {
    return Status(
        StatusCode::kBusy, "checkpoints-in-flight",
        std::to_string(in_flight_.size()) + " checkpoints are under way; wait for the oldest");
  }
  auto ticket = std::make_shared<CheckpointTicket>(id, std::move(options), table_ids_);
  std::shared_ptr<SealedEpoch> sealed = SealEpoch();
  sealed->bytes = epoch_bytes_.Get();
  epoch_bytes_.Set(0);
  spilled_epoch_bytes_ = 0;
  account_->AddUnapplied(static_cast<int64_t>(sealed->bytes));
  in_flight_.push_back(ticket);
  unreleased_epochs_.fetch_add(1);
  commits_->Submit(std::move(sealed), ticket);
  ++epoch_;
  const std::chrono::nanoseconds barrier = ticket->SinceBarrier();
  ticket->SetBarrierDuration(barrier);
  recorder_.BarrierTook(barrier);
  GiveIfAsked();
  return ticket;
}

Status StoreCore::Rollback() {
  TIDEMARK_RETURN_IF_ERROR(CheckUsable());
  RollbackSpilled();
  for (TableCore* table : table_list_) table->Rollback();
  if (!dropped_.empty()) {
    for (const auto& table : dropped_) table->Rollback();
    TakeBackDrops();
  }
  may_evict_ = true;
  epoch_bytes_.Set(0);
  spilled_epoch_bytes_ = 0;
  AccountMemory();
  return {};
}

// ---- What the lanes hand back ----

void StoreCore::OnApplied(Applied applied) {
  for (const auto& epoch : applied.epochs)
    account_->AddUnapplied(-static_cast<int64_t>(epoch->bytes));
  std::lock_guard lock(mutex_);
  mail_.view = std::move(applied.view);
  std::move(applied.epochs.begin(), applied.epochs.end(), std::back_inserter(mail_.epochs));
  has_mail_.store(true, std::memory_order_release);
  mail_arrived_.notify_all();
}

void StoreCore::OnFatal(const Status& status) { (void)Fail(status); }

// Remembers why nothing works any more; the first reason stays. Returns `status`.
Status StoreCore::Fail(const Status& status) {
  bool is_first = false;
  {
    std::lock_guard lock(mutex_);
    is_first = failure_.ok();
    if (is_first) failure_ = status;
    blocked_.store(true);
    mail_arrived_.notify_all();
  }
  if (status.code() == StatusCode::kCorruption) (void)live_->Quarantine();
  if (is_first) recorder_.StoreFailed(status);
  return status;
}

bool StoreCore::TakeMail() {
  Applied mail;
  {
    std::lock_guard lock(mutex_);
    mail = std::exchange(mail_, {});
    has_mail_.store(false, std::memory_order_relaxed);
  }
  const bool has_view = mail.view != nullptr;
  if (has_view) {
    layers_.SetView(std::move(mail.view));
    for (TableCore* table : table_list_) table->ForgetRanges(view()->epoch());
    if (maintenance_ != nullptr) maintenance_->ViewAdopted();
  }
  std::move(mail.epochs.begin(), mail.epochs.end(), std::back_inserter(releasing_));
  return has_view;
}

void StoreCore::FreeChain(Version* version) {
  while (version != nullptr) {
    Version* older = version->older;
    Free(version);
    version = older;
  }
}

// Frees the superseded versions of applied epochs, in epoch order. When an epoch is through, what
// is left of it is clean.
void StoreCore::Release(size_t steps) {
  while (steps > 0 && !releasing_.empty()) {
    SealedEpoch& epoch = *releasing_.front();
    if (release_part_ == epoch.parts.size()) {
      released_epoch_ = epoch.last_epoch;
      may_evict_ = true;
      releasing_.pop_front();
      release_part_ = release_position_ = 0;
      if (!leaving_.empty()) [[unlikely]]
        FreeReleasedTables();
      unreleased_epochs_.fetch_sub(1);
      continue;
    }
    std::vector<Version*>& versions = epoch.parts[release_part_].versions;
    if (release_position_ == versions.size()) {
      if (TableCore* table = FindTableOrDropped(epoch.parts[release_part_].table_id))
        table->KeepList(std::move(versions));
      ++release_part_;
      release_position_ = 0;
      continue;
    }
    if (release_position_ + kReleaseSteps < versions.size()) {
      __builtin_prefetch(versions[release_position_ + kReleaseSteps]);
    }
    Version* version = versions[release_position_++];
    --steps;
    // Normally gone before. Not so if this one was made while the older one's epoch was being
    // released and had been looked at already.
    FreeChain(std::exchange(version->older, nullptr));
    if (version->newer == nullptr) {
      version->place = epoch.parts[release_part_].table_id;
      if (version->op != format::Op::kMerge) continue;
      TableCore* table = FindTableOrDropped(epoch.parts[release_part_].table_id);
      if (table != nullptr) table->ForgetMerged(version);
      continue;
    }
    if (version->op == format::Op::kPut && version->newer->op == format::Op::kMerge) {
      TableCore* table = FindTableOrDropped(epoch.parts[release_part_].table_id);
      if (table != nullptr) table->KeepMerged(*version);
    }
    version->newer->older = nullptr;
    Free(version);
  }
}

// ---- Reads of RocksDB ----

Status StoreCore::ScanState(uint32_t table_id,
                            const std::function<bool(std::string_view, std::string_view)>& visit) {
  return NoteReadError(view()->Scan(table_id, visit));
}

// ---- Background as a whole ----

std::vector<CheckpointInfo> StoreCore::Checkpoints() const {
  std::vector<CheckpointInfo> infos;
  if (repository_ == nullptr || closed_.load()) return infos;
  repository_->WithManifest([&](const format::Manifest& manifest) {
    for (const format::Checkpoint& checkpoint : manifest.checkpoints)
      infos.push_back(InfoOf(checkpoint));
  });
  return infos;
}

void StoreCore::LookForRequests() {
  if (CheckUsable().ok()) maintenance_->LookForRequests();
}

Status StoreCore::Drain() {
  return DrainUntil(std::chrono::steady_clock::now() + kPatienceWithRocksDb);
}

Status StoreCore::PublishBase() {
  TIDEMARK_RETURN_IF_ERROR(CheckUsable());
  maintenance_->RequestBase();
  return DrainUntil(std::chrono::steady_clock::time_point::max());
}

Status StoreCore::DrainUntil(std::chrono::steady_clock::time_point deadline) {
  TIDEMARK_RETURN_IF_ERROR(CheckUsable());
  commits_->WaitIdle();
  maintenance_->RequestWriteBack();
  do {
    maintenance_->WaitIdle();
  } while (TakeMail() ||
           (maintenance_->AwaitRocksDb() && std::chrono::steady_clock::now() < deadline));
  Release(SIZE_MAX);
  AccountMemory();
  TIDEMARK_RETURN_IF_ERROR(CheckUsable());
  return maintenance_->last_error();
}

Status StoreCore::Close() {
  if (in_callback_) return WhyBlocked();
  if (closed_.exchange(true)) return {};
  blocked_.store(true);
  WaitForOpeningViews();
  if (commits_ != nullptr) commits_->WaitIdle();
  if (maintenance_ != nullptr) maintenance_->Stop();
  if (commits_ != nullptr) commits_->Stop();
  Status status;
  Applied unread;  // goes outside of the lock
  {
    std::lock_guard lock(mutex_);
    status = failure_;
    unread = std::exchange(mail_, {});
  }
  unread = {};
  // Where maintenance has not got to it. If it fails the next opening restores from the repository.
  if (maintenance_ != nullptr && status.ok()) maintenance_->MarkReady();
  if (repository_ != nullptr) {
    Status closed = repository_->Close();
    if (status.ok()) {
      recorder_.StoreFailed(closed);  // tells nothing if it is OK
      status = std::move(closed);
    }
  }
  maintenance_.reset();
  commits_.reset();
  releasing_.clear();
  for (const auto& table : dropped_) table->FreeAll();
  for (const Leaving& leaving : leaving_) leaving.table->FreeAll();
  for (TableCore* table : table_list_) {
    table->FailScans(StoreClosed());
    table->FreeAll();
  }
  layers_.Clear();
  std::unique_ptr<storage::LiveDatabase> live;
  {
    std::lock_guard lock(mutex_);
    live = std::move(live_);
    if (live != nullptr) compaction_waits_ = live->compaction_waits();
  }
  live.reset();
  block_cache_.reset();
  directory_lock_.reset();
  repository_.reset();
  {
    std::lock_guard lock(mutex_);
    account_.reset();
  }
  accounted_arena_bytes_ = 0;
  accounted_table_bytes_.Set(0);
  return status;
}

}  // namespace tidemark::store
