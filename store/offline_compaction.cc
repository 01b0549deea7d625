#include "store/offline_compaction.h"

#include "compaction/rebase.h"
#include "format/key.h"
#include "storage/file_system.h"
#include "storage/repository.h"
#include "store/bounds.h"

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace tidemark::store {

namespace {

using Footprint = CompactedSubtask::Footprint;

Status BadOption(std::string_view name, std::string message) {
  return Status(StatusCode::kInvalidArgument, name, std::move(message));
}

Status CheckOptions(const CompactOptions& options) {
  if (options.directory.empty()) {
    return BadOption("option-missing",
                     "CompactOptions::directory is not set; name a local directory to work in");
  }
  if (options.repository.empty() && options.storage == nullptr) {
    return BadOption("option-missing",
                     "CompactOptions::repository is not set; name the repository to compact, "
                     "file:///mnt/checkpoints/job for example");
  }
  if (!options.repository.empty() && options.storage != nullptr) {
    return BadOption(
        "option-conflict",
        "CompactOptions::repository and CompactOptions::storage are both set; set one of them");
  }
  TIDEMARK_RETURN_IF_ERROR(CheckBounds("CompactOptions::subtask", options.subtask.value_or(0),
                                       uint32_t{0}, format::kMaxParallelismMax - 1));
  TIDEMARK_RETURN_IF_ERROR(CheckBounds("CompactOptions::memory_budget_bytes",
                                       options.memory_budget_bytes, uint64_t{16} << 20,
                                       uint64_t{1} << 40));
  return CheckBounds("CompactOptions::space_amplification_max", options.space_amplification_max,
                     1.1, 100.0);
}

// The directory of one subtask's store. Its name is the same each time, so that what a process that
// died has restored is reused, or at least removed; the repository's lock keeps others away.
class Scratch {
 public:
  Scratch(storage::FileSystemPtr fs, std::string path)
      : fs_(std::move(fs)), path_(std::move(path)) {}
  // Not from under a process that is still at work there though it was taken over from.
  ~Scratch() {
    if (!storage::IsLocked(path_ + "/LOCK")) (void)storage::RemoveAll(*fs_, path_);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  const std::string& path() const noexcept { return path_; }

 private:
  const storage::FileSystemPtr fs_;
  const std::string path_;
};

std::string ScratchPath(const std::string& directory, const format::WriterId& repository,
                        uint32_t subtask) {
  char digits[8];
  std::snprintf(digits, sizeof(digits), "%05u", subtask);
  return directory + "/compact-" + repository.Hex() + "-" + digits;
}

Footprint FootprintOf(const format::Manifest& list) {
  Footprint footprint;
  for (const auto& [id, file] : list.files) footprint.retained_bytes += file.size;
  if (list.checkpoints.empty()) return footprint;
  const format::Checkpoint& newest = list.checkpoints.back();
  footprint.segments = newest.segments.size();
  const auto base = list.bases.find(newest.base);
  if (base != list.bases.end()) footprint.base_bytes = compaction::SstBytesOf(list, base->second);
  return footprint;
}

class OfflineCompaction {
 public:
  OfflineCompaction(const CompactOptions& options, const Environment& environment,
                    std::shared_ptr<CheckpointStorage> storage, const format::RepositoryInfo& info,
                    std::shared_ptr<Runtime> runtime)
      : options_(options),
        environment_(environment),
        storage_(std::move(storage)),
        info_(info),
        runtime_(std::move(runtime)) {}

  Result<CompactReport> Run() const {
    TIDEMARK_ASSIGN_OR_RETURN(const std::vector<uint32_t> subtasks, Subtasks());
    CompactReport report;
    for (const uint32_t subtask : subtasks) {
      auto list = storage::ReadManifest(*storage_, info_.id, subtask);
      // A folder whose first version was never made.
      if (!options_.subtask && list.error().code() == StatusCode::kNotFound) continue;
      auto compacted = list.has_value() ? Compact(list->manifest)
                                        : Result<CompactedSubtask>(std::move(list).error());
      if (!compacted.has_value())
        return std::move(compacted).error().WithContext("subtask " + std::to_string(subtask));
      report.subtasks.push_back(*std::move(compacted));
      if (options_.on_subtask) options_.on_subtask(report.subtasks.back());
    }
    return report;
  }

 private:
  Result<std::vector<uint32_t>> Subtasks() const {
    if (options_.subtask) return std::vector<uint32_t>{*options_.subtask};
    return storage::ListSubtasks(*storage_);
  }

  StoreOptions StoreOptionsFor(const format::Manifest& list, const std::string& directory) const {
    StoreOptions store;
    store.runtime = runtime_;
    store.directory = directory;
    store.storage = storage_;
    store.subtask = list.subtask;
    store.parallelism = list.parallelism;
    store.max_parallelism = list.max_parallelism;
    store.take_over = options_.take_over;
    store.space_amplification_max = options_.space_amplification_max;
    return store;
  }

  Result<CompactedSubtask> Compact(const format::Manifest& list) const {
    Scratch scratch(environment_.fs,
                    ScratchPath(options_.directory, list.repository_id, list.subtask));
    const auto core = StoreCore::Open(StoreOptionsFor(list, scratch.path()), environment_);
    if (!core.has_value()) return core.error();
    CompactedSubtask compacted;
    compacted.subtask = list.subtask;
    const Status done = PublishBase(**core, &compacted);
    const Status closed = (*core)->Close();
    TIDEMARK_RETURN_IF_ERROR(done);
    TIDEMARK_RETURN_IF_ERROR(closed);
    return compacted;
  }

  static Status PublishBase(StoreCore& core, CompactedSubtask* compacted) {
    compacted->restored = core.restored();
    compacted->before = core.WithManifest(FootprintOf);
    TIDEMARK_RETURN_IF_ERROR(core.PublishBase());
    compacted->after = core.WithManifest(FootprintOf);
    const StoreMetrics metrics = core.Metrics();
    compacted->written_bytes = metrics.base_bytes + metrics.log_merge_bytes;
    return {};
  }

  const CompactOptions& options_;
  const Environment& environment_;
  const std::shared_ptr<CheckpointStorage> storage_;
  const format::RepositoryInfo info_;
  const std::shared_ptr<Runtime> runtime_;
};

}  // namespace

Result<CompactReport> CompactOffline(const CompactOptions& options,
                                     const Environment& environment) {
  TIDEMARK_RETURN_IF_ERROR(CheckOptions(options));
  std::shared_ptr<CheckpointStorage> storage = options.storage;
  if (storage == nullptr) {
    TIDEMARK_ASSIGN_OR_RETURN(storage, storage::OpenStorageOn(options.repository, environment.fs));
  }
  // Before anything is made: a writer would create what is not there.
  TIDEMARK_ASSIGN_OR_RETURN(const format::RepositoryInfo info,
                            storage::ReadRepositoryInfo(*storage));
  // Whoever waits for maintenance does it, so no thread is idle and none is started.
  TIDEMARK_ASSIGN_OR_RETURN(std::shared_ptr<Runtime> runtime,
                            Runtime::Create({.memory_budget_bytes = options.memory_budget_bytes,
                                             .background_threads = 0}));
  return OfflineCompaction(options, environment, std::move(storage), info, std::move(runtime))
      .Run();
}

}  // namespace tidemark::store

namespace tidemark {

Result<CompactReport> CompactRepository(const CompactOptions& options) {
  return store::CompactOffline(options, {});
}

}  // namespace tidemark
