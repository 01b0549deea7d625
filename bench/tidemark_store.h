// TidemarkStore: a StateStore with a repository of its own and what rows want to know of it. The
// engine `tidemark` is one, and so is what the rows of Tidemark alone work on.
#pragma once

#include "bench/counting_storage.h"
#include "bench/engine.h"

#include <tidemark/store.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace tidemark::bench {

// No option of the store other than those that all engines share, and what a row asks of its
// checkpoints.
//
// Thread safety: one thread at a time.
class TidemarkStore {
 public:
  // `policy`: its space_amplification_max, restore_budget_seconds and log compression count.
  static Result<std::unique_ptr<TidemarkStore>> Open(const EngineOptions& options,
                                                     const StoreOptions& policy = {});

  StateStore& store() { return *store_; }
  const CheckpointStorage& storage() const { return *storage_; }
  std::string repository() const { return options_.directory + "/repository"; }

  // The barrier.
  Status Checkpoint(uint64_t id);
  // Blocks until all checkpoints but the `newest` ones are durable.
  Status AwaitAllBut(size_t newest);
  // Blocks until all of them are, and nothing is left to do in the background.
  Status Drain();
  // Closes the store and opens the repository beside it with full verification in a fresh
  // directory: nothing but the repository can help.
  Status Restore();

  // Both when drained; of the checkpoints since ResetFigures.
  void ResetFigures();
  EngineFigures Figures();
  std::vector<CheckpointStatistics> Statistics() const;
  // As EngineFigures has them, and of these the ones of bases.
  uint64_t published_bytes() const { return storage_->published_bytes(); }
  uint64_t published_base_bytes() const { return storage_->published_base_bytes(); }

 private:
  TidemarkStore(const EngineOptions& options, const StoreOptions& policy)
      : options_(options), policy_(policy) {}
  Status OpenStore(const std::string& live);
  uint64_t RetainedSegments() const;

  const EngineOptions options_;
  const StoreOptions policy_;
  std::shared_ptr<Runtime> runtime_;
  std::shared_ptr<CountingStorage> storage_;
  std::unique_ptr<StateStore> store_;
  std::vector<PendingCheckpoint> checkpoints_;
  size_t awaited_ = 0;  // of these, the first ones
  std::chrono::nanoseconds stalled_before_{};
};

}  // namespace tidemark::bench
