// A store as the tests of this folder use it, over any file system; and looks at the repository
// that it leaves behind. Nothing here needs GoogleTest: the writer that is killed uses it too.
#pragma once

#include "format/manifest.h"
#include "storage/file_system.h"
#include "store/store_core.h"
#include "tests/crash/workload.h"

#include <tidemark/options.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tidemark::test {

// `root`/live and `root`/repository, and write-backs at every opportunity. Plain data without a
// runtime, which would start threads: a test makes options in its own process and opens the store
// in another one.
StoreOptions SmallStore(const std::string& root);

// Where syncs do nothing, for stores that die while the machine stays up: the kernel keeps what
// they have written, and a disk that syncs slowly is not what these tests measure.
storage::FileSystemPtr DiskWithoutSyncs();

// Thread safety: one thread at a time.
class TestStore {
 public:
  using Ticket = std::shared_ptr<store::CheckpointTicket>;

  // Without a runtime in the options the store gets one of its own, with a budget of 16 MiB.
  static Result<TestStore> Open(StoreOptions options,
                                storage::FileSystemPtr fs = storage::DefaultFileSystem());

  store::StoreCore& core() { return *core_; }
  const RestoreReport& restored() const { return core_->restored(); }
  // The id restored; 0 if there was none.
  uint64_t restored_id() const { return restored().checkpoint ? restored().checkpoint->id : 0; }
  std::vector<uint64_t> Ids() const;

  Status Run(const std::vector<Change>& changes);
  Status Put(const std::string& table, const std::string& key, const std::string& value);
  Result<std::optional<std::string>> Get(const std::string& table, const std::string& key);
  // All rows, from a scan; Internal if gets do not agree with it.
  Result<Content> ReadAll();

  Result<Ticket> Begin(uint64_t id, CheckpointOptions options = {}) {
    return core_->Checkpoint(id, std::move(options));
  }
  static Status Wait(const Ticket& ticket);
  // Waits for the outcome.
  Status Checkpoint(uint64_t id, Metadata metadata = {});
  // How many checkpoints that Checkpoint has made lie inside the manifest, and how often Run has
  // rolled back.
  uint64_t inlined() const { return inlined_; }
  uint64_t rollbacks() const { return rollbacks_; }
  // Writes back what there is.
  Status Drain() { return core_->Drain(); }
  // Until maintenance has done what is due by itself. Of a store with a runtime of its own.
  void AwaitMaintenance();
  Status Close() { return core_->Close(); }

 private:
  TestStore(std::shared_ptr<Runtime> runtime, std::shared_ptr<store::StoreCore> core)
      : runtime_(std::move(runtime)), core_(std::move(core)) {}

  std::shared_ptr<Runtime> runtime_;
  std::shared_ptr<store::StoreCore> core_;
  uint64_t inlined_ = 0;
  uint64_t rollbacks_ = 0;
};

// Where a repository lies.
std::shared_ptr<CheckpointStorage> StorageAt(
    const std::string& root, storage::FileSystemPtr fs = storage::DefaultFileSystem());
Result<format::Manifest> ReadNewest(const CheckpointStorage& storage);
std::vector<uint64_t> IdsOf(const format::Manifest& list);
// Every retained checkpoint with every byte of its files: what is wrong, in words; empty if nothing
// is.
std::string FindDamage(const CheckpointStorage& storage, const format::Manifest& list);
// Of a repository that export or import made: the same, and that it has one checkpoint.
std::string FindDamageOfExport(const std::string& repository);
// Exports the newest checkpoint.
Status ExportNewest(const CheckpointStorage& from, const std::string& to,
                    const storage::FileSystemPtr& disk);
// Makes `to`/repository of what is in `from`, by hard links and without the lock, so that another
// store may have it.
void CopyRepository(const std::string& from, const std::string& to);

// The names in log/ and base/ on the storage, and those that the list has; without the subtask's
// prefix.
std::vector<std::string> FilesThere(const CheckpointStorage& storage);
std::vector<std::string> FilesNamed(const format::Manifest& list);

// The checksums of all files below a directory, by their path relative to it. Locks are left out.
using Files = std::map<std::string, std::string>;
Files ReadTree(const std::string& directory);

}  // namespace tidemark::test
