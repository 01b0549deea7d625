#include "bench/tidemark_store.h"

#include <filesystem>
#include <utility>

namespace tidemark::bench {
namespace {

// The commit thread is one of the engine's threads.
uint32_t MaintenanceThreads(const EngineOptions& options) {
  return options.background_threads > 1 ? options.background_threads - 1 : 1;
}

}  // namespace

Result<std::unique_ptr<TidemarkStore>> TidemarkStore::Open(const EngineOptions& options,
                                                           const StoreOptions& policy) {
  std::unique_ptr<TidemarkStore> opened(new TidemarkStore(options, policy));
  TIDEMARK_ASSIGN_OR_RETURN(opened->runtime_,
                            Runtime::Create({.memory_budget_bytes = options.memory_budget_bytes,
                                             .background_threads = MaintenanceThreads(options)}));
  TIDEMARK_ASSIGN_OR_RETURN(auto directory, OpenLocalDirectory(opened->repository()));
  opened->storage_ = std::make_shared<CountingStorage>(std::move(directory));
  TIDEMARK_RETURN_IF_ERROR(opened->OpenStore("live"));
  return opened;
}

Status TidemarkStore::OpenStore(const std::string& live) {
  StoreOptions options;
  options.runtime = runtime_;
  options.directory = options_.directory + "/" + live;
  options.storage = storage_;
  options.keep_last = options_.keep_checkpoints;
  options.space_amplification_max = policy_.space_amplification_max;
  options.restore_budget_seconds = policy_.restore_budget_seconds;
  options.log_compression = policy_.log_compression;
  options.log_compression_level = policy_.log_compression_level;
  TIDEMARK_ASSIGN_OR_RETURN(store_, StateStore::Open(std::move(options)));
  return {};
}

Status TidemarkStore::Checkpoint(uint64_t id) {
  // What a job keeps with its state: how far it has read.
  TIDEMARK_ASSIGN_OR_RETURN(auto pending,
                            store_->Checkpoint(id, {.metadata = {{"position", std::to_string(id)}},
                                                    .on_complete = nullptr}));
  checkpoints_.push_back(std::move(pending));
  return {};
}

Status TidemarkStore::AwaitAllBut(size_t newest) {
  for (; awaited_ + newest < checkpoints_.size(); ++awaited_) {
    TIDEMARK_RETURN_IF_ERROR(checkpoints_[awaited_].Wait());
  }
  return {};
}

Status TidemarkStore::Drain() {
  TIDEMARK_RETURN_IF_ERROR(store_->Drain());
  return AwaitAllBut(0);
}

Status TidemarkStore::Restore() {
  TIDEMARK_RETURN_IF_ERROR(store_->Close());
  store_.reset();
  return OpenStore("restored");
}

void TidemarkStore::ResetFigures() {
  checkpoints_.clear();
  awaited_ = 0;
  storage_->ResetCounters();
  stalled_before_ = store_->Metrics().stall_time;
}

EngineFigures TidemarkStore::Figures() {
  EngineFigures figures;
  figures.published_bytes = storage_->published_bytes();
  figures.log_bytes = 0;
  for (const CheckpointStatistics& statistics : Statistics()) {
    figures.durable.push_back(statistics.durable);
    *figures.log_bytes += statistics.log_bytes;
  }
  figures.segments = RetainedSegments();
  const std::chrono::duration<double> stalled = store_->Metrics().stall_time - stalled_before_;
  figures.stall_s = stalled.count();
  return figures;
}

std::vector<CheckpointStatistics> TidemarkStore::Statistics() const {
  std::vector<CheckpointStatistics> statistics;
  statistics.reserve(checkpoints_.size());
  for (const PendingCheckpoint& checkpoint : checkpoints_) {
    statistics.push_back(checkpoint.statistics());
  }
  return statistics;
}

// Those that are files of their own.
uint64_t TidemarkStore::RetainedSegments() const {
  uint64_t segments = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(repository())) {
    segments += entry.is_regular_file() && entry.path().parent_path().filename() == "log";
  }
  return segments;
}

}  // namespace tidemark::bench
