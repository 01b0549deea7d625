// ViewMemory: where the block caches of a store's read views come from.
//
// A view has a cache of its own, so that its readers do not push out what the writer will want. It
// is counted in the budget. But a budget is full as soon as the state outgrows it, with entries
// that only the writer may evict; a view that asked for room there could never be opened. So if
// there is none, it borrows from the block cache of the store's live database, which counts already
// and shrinks on any thread without anybody waiting. Half of that always stays with the store.
//
// Thread safety: all members may be called concurrently.
#pragma once

#include "storage/live_database.h"

#include <tidemark/runtime.h>
#include <tidemark/status.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

namespace tidemark::store {

class ViewMemory : public std::enable_shared_from_this<ViewMemory> {
 public:
  explicit ViewMemory(std::shared_ptr<Runtime> runtime) : runtime_(std::move(runtime)) {}

  // Memory of one view until this goes; it may outlive the store.
  class Share {
   public:
    Share(std::shared_ptr<ViewMemory> from, uint64_t bytes, bool borrowed)
        : from_(std::move(from)), bytes_(bytes), borrowed_(borrowed) {}
    ~Share() { from_->GiveBack(bytes_, borrowed_); }
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;

   private:
    const std::shared_ptr<ViewMemory> from_;
    const uint64_t bytes_;
    const bool borrowed_;
  };

  // From now on views may borrow from `live`, whose block cache has `bytes`, counted by the caller.
  void Lend(storage::LiveDatabase* live, uint64_t bytes);
  // `live` is about to go. What it has lent counts for the views alone from now on: returns those
  // bytes, which the caller does not give back to the budget.
  uint64_t EndLending();

  // ResourceExhausted (`memory-budget`).
  Result<std::unique_ptr<Share>> Take(uint64_t bytes);

 private:
  void GiveBack(uint64_t bytes, bool borrowed);
  bool TryBorrow(uint64_t bytes);

  const std::shared_ptr<Runtime> runtime_;
  std::mutex mutex_;  // guards the rest; never held during I/O
  storage::LiveDatabase* live_ = nullptr;
  uint64_t lendable_bytes_ = 0;  // all of its block cache
  uint64_t lent_bytes_ = 0;
};

}  // namespace tidemark::store
