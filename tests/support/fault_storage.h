// FaultStorage: any CheckpointStorage with faults: chosen calls fail, or are carried out and
// reported as failed; links can be denied, locks hidden, and a call held up until the test lets it
// go.
#pragma once

#include "storage/file_system.h"
#include "tests/support/fault_plan.h"

#include <tidemark/storage.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace tidemark::test {

enum class StorageOperation {
  kPut,
  kPutFile,
  kCreateIfAbsent,
  kRead,
  kSize,
  kFetch,
  kList,
  kDelete,  // once for each name
  kDeleteUnfinished,
  kLock,
};
using StorageFault = Fault<StorageOperation>;

// Calls that would change something; what most tests inject into.
inline const std::set<StorageOperation> kStorageWrites = {
    StorageOperation::kPut, StorageOperation::kPutFile, StorageOperation::kCreateIfAbsent,
    StorageOperation::kDelete};

// Thread safety: all members may be called concurrently.
class FaultStorage final : public CheckpointStorage {
 public:
  // Holds up one of the calls that match, before it does anything, until released.
  class Pause {
   public:
    Pause(StorageOperation operation, std::string contains, uint64_t call)
        : operation_(operation), contains_(std::move(contains)), call_(call) {}
    // Blocks until the call has arrived.
    void WaitUntilReached();
    void Release();

   private:
    friend class FaultStorage;
    void Meet(StorageOperation operation, std::string_view name);

    const StorageOperation operation_;
    const std::string contains_;
    const uint64_t call_;
    std::mutex mutex_;
    std::condition_variable changed_;
    uint64_t met_ = 0;
    bool reached_ = false;
    bool released_ = false;
  };

  // `fs` is where the files lie that PutFile is given.
  explicit FaultStorage(std::shared_ptr<CheckpointStorage> target,
                        storage::FileSystemPtr fs = storage::DefaultFileSystem())
      : target_(std::move(target)), fs_(std::move(fs)) {}

  FaultPlan<StorageOperation>& plan() noexcept { return plan_; }
  // PutFile and Fetch copy.
  void DenyLinks(bool deny) noexcept { deny_links_.store(deny); }
  // One byte of the next file that is copied here, of an object with such a name and of so many
  // bytes, goes wrong on the way.
  void GarbleNextCopy(std::string contains, uint64_t bytes_min = 1);
  // TryLock says Unsupported, as object stores do.
  void HideLocks(bool hide) noexcept { hide_locks_.store(hide); }
  // Objects are no files of the operating system.
  void HidePaths(bool hide) noexcept { hide_paths_.store(hide); }
  // `call`: which of the matching calls, counted from 1.
  std::shared_ptr<Pause> PauseBefore(StorageOperation operation, std::string contains,
                                     uint64_t call = 1);

  std::string Uri() const override { return target_->Uri(); }
  Status Put(std::string_view name, std::string_view bytes) override;
  Result<TransferKind> PutFile(std::string_view name, const std::string& path) override;
  Status CreateIfAbsent(std::string_view name, std::string_view bytes) override;
  Result<std::string> Read(std::string_view name, uint64_t offset, uint64_t length) const override;
  Result<uint64_t> Size(std::string_view name) const override;
  Result<TransferKind> Fetch(std::string_view name, const std::string& path,
                             bool may_link) const override;
  std::string LocalPath(std::string_view name) const override {
    return hide_paths_.load() ? std::string() : target_->LocalPath(name);
  }
  Result<std::vector<ObjectInfo>> List(std::string_view prefix) const override;
  Status Delete(std::span<const std::string> names) override;
  Status DeleteUnfinished(std::string_view prefix) override;
  bool LinksFrom(const std::string& local_directory) const override;
  Result<std::unique_ptr<StorageLock>> TryLock(std::string_view name) override;

 private:
  Status GarbleIfAsked(std::string_view name, const std::string& path) const;
  template <class Call>
  auto Guarded(StorageOperation operation, std::string_view name, Call&& call) const;

  const std::shared_ptr<CheckpointStorage> target_;
  const storage::FileSystemPtr fs_;
  mutable FaultPlan<StorageOperation> plan_;
  std::atomic<bool> deny_links_{false};
  std::atomic<bool> hide_locks_{false};
  std::atomic<bool> hide_paths_{false};
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<Pause>> pauses_;  // guarded by mutex_
  mutable std::string garbled_;                 // guarded by mutex_; empty: no copy
  uint64_t garbled_bytes_min_ = 1;              // guarded by mutex_
};

}  // namespace tidemark::test
