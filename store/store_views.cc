// StoreCore's read views: a checkpoint made into a database of its own, on whichever thread asks,
// beside the writer and its lanes. What it shares with them: the list of checkpoints under its
// lock, the storage, the budget, and `mutex_` for a moment.
#include "storage/held_checkpoint.h"
#include "store/bounds.h"
#include "store/store_core.h"
#include "store/view_core.h"

#include <algorithm>
#include <utility>

namespace tidemark::store {

namespace {

uint64_t ViewCacheBytes(const ViewOptions& options, uint64_t budget) {
  if (options.block_cache_bytes != 0) return options.block_cache_bytes;
  return std::min(uint64_t{8} << 20, budget / 32);
}

Status CheckOptions(const ViewOptions& options) {
  TIDEMARK_RETURN_IF_ERROR(
      CheckBounds("ViewOptions::verification", static_cast<int>(options.verification),
                  static_cast<int>(Verification::kFull), static_cast<int>(Verification::kFast)));
  if (options.checkpoint && !options.pin.empty())
    return Status(
        StatusCode::kInvalidArgument, "option-conflict",
        "ViewOptions::checkpoint and ViewOptions::pin are both set, expected one of them");
  if (options.block_cache_bytes == 0) return {};
  return CheckBounds("ViewOptions::block_cache_bytes", options.block_cache_bytes,
                     uint64_t{64} << 10, uint64_t{64} << 30);
}

Status NoCheckpoint(const format::Manifest& manifest, std::optional<uint64_t> wanted) {
  if (wanted) return CheckCheckpointExists(manifest, *wanted);
  if (!manifest.checkpoints.empty()) return {};
  return Status(StatusCode::kNotFound, "checkpoint-not-found",
                "no checkpoint is complete yet; wait for the first one");
}

}  // namespace

// Keeps Close waiting, so that the store's parts stay where they are.
class StoreCore::OpeningView {
 public:
  explicit OpeningView(StoreCore& store) : store_(store) {
    std::lock_guard lock(store_.mutex_);
    refused_ = store_.closed_.load() ? StoreClosed() : store_.failure_;
    if (refused_.ok()) ++store_.opening_views_;
  }
  ~OpeningView() {
    if (!refused_.ok()) return;
    std::lock_guard lock(store_.mutex_);
    if (--store_.opening_views_ == 0) store_.no_opening_views_.notify_all();
  }
  OpeningView(const OpeningView&) = delete;
  OpeningView& operator=(const OpeningView&) = delete;

  const Status& refused() const noexcept { return refused_; }

 private:
  StoreCore& store_;
  Status refused_;
};

void StoreCore::WaitForOpeningViews() {
  std::unique_lock lock(mutex_);
  no_opening_views_.wait(lock, [this] { return opening_views_ == 0; });
}

Result<std::shared_ptr<ViewCore>> StoreCore::OpenView(const ViewOptions& options) {
  TIDEMARK_RETURN_IF_ERROR(CheckOptions(options));
  const OpeningView opening(*this);
  TIDEMARK_RETURN_IF_ERROR(opening.refused());
  TIDEMARK_ASSIGN_OR_RETURN(const auto held, HoldFor(options));
  const std::string what = "view of checkpoint " + std::to_string(held->checkpoint().id);
  auto source = MaterialiseView(*held, options);
  if (!source.has_value()) return std::move(source).error().WithContext(what);
  ViewCore::Tables tables;
  for (const auto& [id, table] : held->list().tables) tables.emplace(table.name, table);
  return std::make_shared<ViewCore>(InfoOf(held->checkpoint()), std::move(tables), groups_,
                                    *std::move(source));
}

Result<std::unique_ptr<storage::HeldCheckpoint>> StoreCore::HoldFor(const ViewOptions& options) {
  if (!options.pin.empty()) return repository_->HoldPin(options.pin);
  std::unique_ptr<storage::HeldCheckpoint> held = repository_->Hold(options.checkpoint);
  while (held == nullptr) {
    // It may have come to be just now.
    TIDEMARK_RETURN_IF_ERROR(repository_->WithManifest([&](const format::Manifest& manifest) {
      return NoCheckpoint(manifest, options.checkpoint);
    }));
    held = repository_->Hold(options.checkpoint);
  }
  return held;
}

Result<ViewCore::Source> StoreCore::MaterialiseView(const storage::HeldCheckpoint& held,
                                                    const ViewOptions& options) {
  RestoreOptions restore;
  restore.fs = environment_.fs;
  restore.checkpoint = held.checkpoint().id;
  restore.verification = options.verification;
  restore.for_reading = true;
  restore.given_up = &closed_;
  ViewCore::Source source;
  TIDEMARK_ASSIGN_OR_RETURN(source.cache, block_cache_->MakeViewCache(ViewCacheBytes(
                                              options, runtime_->options().memory_budget_bytes)));
  restore.block_cache = source.cache->cache();
  TIDEMARK_ASSIGN_OR_RETURN(source.directory,
                            ViewDirectory::Create(restore.fs, options_.directory));
  restore.directory = source.directory->path();
  auto restored = store::Restore(*repository_, held.list(), restore);
  if (!restored.has_value()) return std::move(restored).error();
  source.live = std::move(restored->live);
  source.state = source.live->View();
  return source;
}

}  // namespace tidemark::store
