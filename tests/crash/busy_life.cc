#include "tests/crash/busy_life.h"

#include "tests/support/fault_storage.h"

#include <algorithm>
#include <filesystem>
#include <vector>

namespace tidemark::test {
namespace {

namespace fs = std::filesystem;

std::string FindMissing(const std::vector<uint64_t>& ids, uint64_t keep_last,
                        const std::set<uint64_t>& acknowledged) {
  std::string wrong;
  if (ids.size() > keep_last)
    wrong += "\n" + std::to_string(ids.size()) + " checkpoints are retained, expected at most " +
             std::to_string(keep_last);
  for (const uint64_t id : acknowledged) {
    const auto newer = std::upper_bound(ids.begin(), ids.end(), id);
    const bool is_listed = newer != ids.begin() && *std::prev(newer) == id;
    if (!is_listed && static_cast<uint64_t>(ids.end() - newer) < keep_last)
      wrong += "\nacknowledged checkpoint " + std::to_string(id) + " is not in the list";
  }
  return wrong;
}

// With nothing at work but the restore: maintenance would go on where the store left off.
Result<Content> Restore(const std::string& root, uint64_t id) {
  StoreOptions options = SmallStore(root);
  options.restore_checkpoint = id;
  TIDEMARK_ASSIGN_OR_RETURN(
      options.runtime, Runtime::Create({.memory_budget_bytes = 16 << 20, .background_threads = 0}));
  TIDEMARK_ASSIGN_OR_RETURN(TestStore store, TestStore::Open(options, DiskWithoutSyncs()));
  if (store.restored_id() != id)
    return Status(StatusCode::kInternal, "other-checkpoint",
                  "restored " + std::to_string(store.restored_id()));
  TIDEMARK_ASSIGN_OR_RETURN(Content content, store.ReadAll());
  TIDEMARK_RETURN_IF_ERROR(store.Close());
  fs::remove_all(options.directory);
  return content;
}

std::string FindWrong(const std::string& root, uint64_t id, const Content& expected) {
  const auto content = Restore(root, id);
  const std::string wrong =
      content.has_value() ? Difference(expected, *content) : content.error().ToString();
  return wrong.empty() ? "" : "\ncheckpoint " + std::to_string(id) + ": " + wrong;
}

}  // namespace

std::shared_ptr<CheckpointStorage> StorageAt(const std::string& root, storage::FileSystemPtr disk,
                                             Transfer transfer) {
  auto storage = StorageAt(root, disk);
  if (transfer == Transfer::kLink) return storage;
  auto copying = std::make_shared<FaultStorage>(std::move(storage), std::move(disk));
  copying->DenyLinks(true);
  return copying;
}

StoreOptions BusyStore(const std::string& root, const std::string& live,
                       std::shared_ptr<CheckpointStorage> storage) {
  StoreOptions options = SmallStore(root);
  options.repository.clear();
  options.storage = std::move(storage);
  options.directory = root + "/" + live;
  options.write_back_segments = 4;
  options.write_back_bytes = 16 << 20;  // else the log is short-lived, and never merged
  options.log_merge_segments = 2;
  options.inline_segment_bytes_max = 1500;  // rounds are below and above
  options.keep_last = kKeepLast;
  return options;
}

Status RunRound(TestStore& store, uint64_t round) {
  if (round == kRoundRolledBack) TIDEMARK_RETURN_IF_ERROR(store.Run(ChangesRolledBack()));
  return store.Run(ChangesOfRound(1, round, kSmallRounds));
}

Status Settle(TestStore& store, uint64_t round, Transfer transfer) {
  if (round % 4 == 3) store.AwaitMaintenance();  // one less than a write-back takes
  if (round % 4 != 0) return {};
  TIDEMARK_RETURN_IF_ERROR(store.Drain());
  return transfer == Transfer::kCopy ? store.core().PublishBase() : Status();
}

std::string FindUnreached(TestStore& store) {
  const StoreMetrics metrics = store.core().Metrics();
  std::string unreached;
  const auto expect = [&](bool reached, const char* what) {
    if (!reached) unreached += std::string("\nnever: ") + what;
  };
  expect(metrics.write_backs >= 2, "two write-backs");
  expect(metrics.log_merges > 0, "a log merge");
  expect(metrics.bases_published >= 2, "two bases");
  expect(store.inlined() > 0, "a checkpoint inside the manifest");
  expect(store.inlined() < metrics.checkpoints_completed, "a checkpoint with a file");
  expect(!store.Ids().empty() && store.Ids().front() > 1, "a checkpoint that is dropped");
  expect(store.rollbacks() > 0, "a rollback");
  return unreached;
}

std::string FindLost(const std::string& root, uint64_t keep_last,
                     const std::set<uint64_t>& acknowledged,
                     const std::function<Content(uint64_t)>& after) {
  const auto list = ReadNewest(*StorageAt(root, DiskWithoutSyncs()));
  if (!list.has_value()) return acknowledged.empty() ? "" : list.error().ToString();
  const std::vector<uint64_t> ids = IdsOf(*list);
  std::string wrong = FindMissing(ids, keep_last, acknowledged);
  const std::string copy = root + "-restored";
  CopyRepository(root, copy);
  for (const uint64_t id : ids) wrong += FindWrong(copy, id, after(id));
  const auto left = ReadNewest(*StorageAt(copy, DiskWithoutSyncs()));
  if (!left.has_value() || left->checkpoints != list->checkpoints)
    wrong += "\nlooking at the checkpoints has changed their list";
  fs::remove_all(copy);
  return wrong;
}

std::set<uint64_t> IdsUpTo(uint64_t last) {
  std::set<uint64_t> ids;
  for (uint64_t id = 1; id <= last; ++id) ids.insert(id);
  return ids;
}

}  // namespace tidemark::test
