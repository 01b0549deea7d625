#include "tests/support/fault_storage.h"

namespace tidemark::test {
namespace {

Status ErrorOf(FaultError error, std::string_view name) {
  if (error == FaultError::kFull)
    return Status(StatusCode::kResourceExhausted, "disk-full", std::string(name) + ": injected");
  return Status(StatusCode::kUnavailable, "io-error", std::string(name) + ": injected");
}

}  // namespace

void FaultStorage::Pause::WaitUntilReached() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return reached_; });
}

void FaultStorage::Pause::Release() {
  std::lock_guard lock(mutex_);
  released_ = true;
  changed_.notify_all();
}

void FaultStorage::Pause::Meet(StorageOperation operation, std::string_view name) {
  if (operation != operation_ || name.find(contains_) == std::string_view::npos) return;
  std::unique_lock lock(mutex_);
  if (reached_ || ++met_ < call_) return;
  reached_ = true;
  changed_.notify_all();
  changed_.wait(lock, [this] { return released_; });
}

std::shared_ptr<FaultStorage::Pause> FaultStorage::PauseBefore(StorageOperation operation,
                                                               std::string contains,
                                                               uint64_t call) {
  auto pause = std::make_shared<Pause>(operation, std::move(contains), call);
  std::lock_guard lock(mutex_);
  pauses_.push_back(pause);
  return pause;
}

template <class Call>
auto FaultStorage::Guarded(StorageOperation operation, std::string_view name, Call&& call) const {
  std::vector<std::shared_ptr<Pause>> pauses;
  {
    std::lock_guard lock(mutex_);
    pauses = pauses_;
  }
  for (const auto& pause : pauses) pause->Meet(operation, name);
  const auto fault = plan_.Strike(operation, name);
  if (fault && !fault->answer_lost && !fault->repeated)
    return decltype(call())(ErrorOf(fault->error, name));
  auto result = call();
  if (fault && fault->repeated) return call();
  if (fault) return decltype(call())(ErrorOf(fault->error, name));
  return result;
}

Status FaultStorage::Put(std::string_view name, std::string_view bytes) {
  return Guarded(StorageOperation::kPut, name, [&] { return target_->Put(name, bytes); });
}

Result<TransferKind> FaultStorage::PutFile(std::string_view name, const std::string& path) {
  return Guarded(StorageOperation::kPutFile, name, [&]() -> Result<TransferKind> {
    if (!deny_links_.load()) return target_->PutFile(name, path);
    TIDEMARK_ASSIGN_OR_RETURN(const std::string bytes, storage::ReadWholeFile(*fs_, path));
    TIDEMARK_RETURN_IF_ERROR(target_->Put(name, bytes));
    return TransferKind::kCopied;
  });
}

Status FaultStorage::CreateIfAbsent(std::string_view name, std::string_view bytes) {
  return Guarded(StorageOperation::kCreateIfAbsent, name,
                 [&] { return target_->CreateIfAbsent(name, bytes); });
}

Result<std::string> FaultStorage::Read(std::string_view name, uint64_t offset,
                                       uint64_t length) const {
  return Guarded(StorageOperation::kRead, name,
                 [&] { return target_->Read(name, offset, length); });
}

Result<uint64_t> FaultStorage::Size(std::string_view name) const {
  return Guarded(StorageOperation::kSize, name, [&] { return target_->Size(name); });
}

Result<TransferKind> FaultStorage::Fetch(std::string_view name, const std::string& path,
                                         bool may_link) const {
  return Guarded(StorageOperation::kFetch, name, [&]() -> Result<TransferKind> {
    TIDEMARK_ASSIGN_OR_RETURN(const TransferKind kind,
                              target_->Fetch(name, path, may_link && !deny_links_.load()));
    if (kind == TransferKind::kCopied) TIDEMARK_RETURN_IF_ERROR(GarbleIfAsked(name, path));
    return kind;
  });
}

void FaultStorage::GarbleNextCopy(std::string contains, uint64_t bytes_min) {
  std::lock_guard lock(mutex_);
  garbled_ = std::move(contains);
  garbled_bytes_min_ = bytes_min;
}

Status FaultStorage::GarbleIfAsked(std::string_view name, const std::string& path) const {
  std::lock_guard lock(mutex_);
  if (garbled_.empty() || name.find(garbled_) == std::string_view::npos) return {};
  TIDEMARK_ASSIGN_OR_RETURN(std::string content, storage::ReadWholeFile(*fs_, path));
  if (content.size() < garbled_bytes_min_) return {};
  garbled_.clear();
  content[content.size() / 4] ^= 0x10;
  TIDEMARK_RETURN_IF_ERROR(storage::RemoveAll(*fs_, path));
  return storage::WriteFileDurably(*fs_, path, content);
}

Result<std::vector<ObjectInfo>> FaultStorage::List(std::string_view prefix) const {
  return Guarded(StorageOperation::kList, prefix, [&] { return target_->List(prefix); });
}

Status FaultStorage::Delete(std::span<const std::string> names) {
  Status outcome;
  for (const std::string& name : names) {
    Status deleted = Guarded(StorageOperation::kDelete, name, [&] {
      return target_->Delete({&name, 1});
    });
    if (outcome.ok()) outcome = std::move(deleted);
  }
  return outcome;
}

Status FaultStorage::DeleteUnfinished(std::string_view prefix) {
  return Guarded(StorageOperation::kDeleteUnfinished, prefix,
                 [&] { return target_->DeleteUnfinished(prefix); });
}

bool FaultStorage::LinksFrom(const std::string& local_directory) const {
  return !deny_links_.load() && target_->LinksFrom(local_directory);
}

Result<std::unique_ptr<StorageLock>> FaultStorage::TryLock(std::string_view name) {
  return Guarded(StorageOperation::kLock, name, [&]() -> Result<std::unique_ptr<StorageLock>> {
    if (!hide_locks_.load()) return target_->TryLock(name);
    return Status(StatusCode::kUnsupported, "no-locks", "this storage knows no locks");
  });
}

}  // namespace tidemark::test
