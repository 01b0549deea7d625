// Tidemark as a stream processor would use it: one typed state, its repository a directory beside
// the live database, no option other than the ones that all engines share.
#include "bench/counting_storage.h"
#include "bench/engine.h"
#include "bench/tidemark_states.h"

#include <tidemark/store.h>

#include <filesystem>
#include <utility>

namespace tidemark::bench {
namespace {

// The commit thread is one of the engine's threads.
uint32_t MaintenanceThreads(const EngineOptions& options) {
  return options.background_threads > 1 ? options.background_threads - 1 : 1;
}

class TidemarkEngine final : public Engine {
 public:
  explicit TidemarkEngine(const EngineOptions& options) : options_(options) {}

  Status Open();

  Result<std::unique_ptr<Values>> OpenValues() override { return OpenTidemarkValues(*store_); }
  Result<std::unique_ptr<Maps>> OpenMaps() override { return OpenTidemarkMaps(*store_); }
  Result<std::unique_ptr<Lists>> OpenLists() override { return OpenTidemarkLists(*store_); }
  Status Checkpoint(uint64_t id) override;
  Status Drain() override;
  Status Restore() override;
  void ResetFigures() override;
  EngineFigures Figures() override;
  std::string repository() const override { return options_.directory + "/repository"; }

 private:
  Status OpenStore(const std::string& live);
  uint64_t RetainedSegments() const;

  const EngineOptions options_;
  std::shared_ptr<Runtime> runtime_;
  std::shared_ptr<CountingStorage> storage_;
  std::unique_ptr<StateStore> store_;
  std::vector<PendingCheckpoint> checkpoints_;
  std::chrono::nanoseconds stalled_before_{};
};

Status TidemarkEngine::Open() {
  TIDEMARK_ASSIGN_OR_RETURN(runtime_,
                            Runtime::Create({.memory_budget_bytes = options_.memory_budget_bytes,
                                             .background_threads = MaintenanceThreads(options_)}));
  TIDEMARK_ASSIGN_OR_RETURN(auto directory, OpenLocalDirectory(repository()));
  storage_ = std::make_shared<CountingStorage>(std::move(directory));
  return OpenStore("live");
}

Status TidemarkEngine::OpenStore(const std::string& live) {
  StoreOptions options;
  options.runtime = runtime_;
  options.directory = options_.directory + "/" + live;
  options.storage = storage_;
  options.keep_last = options_.keep_checkpoints;
  // Defaults, written down because the comparison depends on them.
  options.log_compression = Compression::kZstd;
  options.log_compression_level = 1;
  TIDEMARK_ASSIGN_OR_RETURN(store_, StateStore::Open(std::move(options)));
  return {};
}

Status TidemarkEngine::Checkpoint(uint64_t id) {
  // What a job keeps with its state: how far it has read.
  TIDEMARK_ASSIGN_OR_RETURN(auto pending,
                            store_->Checkpoint(id, {.metadata = {{"position", std::to_string(id)}},
                                                    .on_complete = nullptr}));
  checkpoints_.push_back(std::move(pending));
  return {};
}

Status TidemarkEngine::Drain() {
  TIDEMARK_RETURN_IF_ERROR(store_->Drain());
  for (const PendingCheckpoint& checkpoint : checkpoints_) {
    TIDEMARK_RETURN_IF_ERROR(checkpoint.Wait());
  }
  return {};
}

// A fresh directory: nothing but the repository can help.
Status TidemarkEngine::Restore() {
  TIDEMARK_RETURN_IF_ERROR(store_->Close());
  store_.reset();
  return OpenStore("restored");
}

void TidemarkEngine::ResetFigures() {
  checkpoints_.clear();
  storage_->ResetCounters();
  stalled_before_ = store_->Metrics().stall_time;
}

EngineFigures TidemarkEngine::Figures() {
  EngineFigures figures;
  figures.published_bytes = storage_->published_bytes();
  figures.log_bytes = 0;
  for (const PendingCheckpoint& checkpoint : checkpoints_) {
    const CheckpointStatistics statistics = checkpoint.statistics();
    figures.durable.push_back(statistics.durable);
    *figures.log_bytes += statistics.log_bytes;
  }
  figures.segments = RetainedSegments();
  const std::chrono::duration<double> stalled = store_->Metrics().stall_time - stalled_before_;
  figures.stall_s = stalled.count();
  return figures;
}

// Those that are files of their own.
uint64_t TidemarkEngine::RetainedSegments() const {
  uint64_t segments = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(repository())) {
    segments += entry.is_regular_file() && entry.path().parent_path().filename() == "log";
  }
  return segments;
}

}  // namespace

Result<std::unique_ptr<Engine>> OpenTidemark(const EngineOptions& options) {
  auto engine = std::make_unique<TidemarkEngine>(options);
  TIDEMARK_RETURN_IF_ERROR(engine->Open());
  return std::unique_ptr<Engine>(std::move(engine));
}

}  // namespace tidemark::bench
