// SharedBlockCache: the block cache of all stores of a runtime.
//
// It is made for the first of them and goes with the last store or view; as long as it is there its
// capacity counts in the budget, used or not. What it does not use it leaves to entries, down to
// half, and asks for again when reads miss: a state that fits in memory needs few blocks.
//
// A view has a cache of its own, so that its readers do not push out what the writer will want. It
// counts too. But a budget is full as soon as the state outgrows it, with entries that only the
// writer may evict; a view that asked for room there could never be opened. So if there is none, it
// borrows from this cache, which counts already and shrinks on any thread without anybody waiting.
// Half of it at most, and an eighth always stays with the stores.
//
// Thread safety: all members may be called concurrently.
#pragma once

#include "storage/block_cache.h"

#include <tidemark/runtime.h>
#include <tidemark/status.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

namespace tidemark::store {

// A quarter: indexes and filters of a state eight times as large as the budget take a fifth of the
// budget, and reads that do not find them cost several times as much.
constexpr uint64_t BlockCacheBytes(uint64_t budget) { return budget / 4; }
// What stays when entries have the rest.
constexpr uint64_t BlockCacheBytesMin(uint64_t budget) { return BlockCacheBytes(budget) / 2; }

class SharedBlockCache : public std::enable_shared_from_this<SharedBlockCache> {
 public:
  // The one of `runtime`.
  static std::shared_ptr<SharedBlockCache> Of(const std::shared_ptr<Runtime>& runtime);
  ~SharedBlockCache();
  SharedBlockCache(const SharedBlockCache&) = delete;
  SharedBlockCache& operator=(const SharedBlockCache&) = delete;

  const std::shared_ptr<storage::BlockCache>& cache() const noexcept { return cache_; }

  // Gives so much of what is not used back to the budget. False if that is not there: what is not
  // used now, less a 16th of all, as it comes and goes.
  bool Yield(uint64_t bytes);
  // Whether it has yielded something and is full.
  bool WantsMore() const;
  // Takes so much back, and no more than it has yielded. False if that is not free: what belongs to
  // no store leaves the reserves of all of them alone.
  bool Take(uint64_t bytes);

  // A view's, counted or borrowed until this goes.
  class ViewCache {
   public:
    ViewCache(std::shared_ptr<SharedBlockCache> from, uint64_t bytes, bool borrowed);
    ~ViewCache();
    ViewCache(const ViewCache&) = delete;
    ViewCache& operator=(const ViewCache&) = delete;

    const std::shared_ptr<storage::BlockCache>& cache() const noexcept { return cache_; }

   private:
    const std::shared_ptr<SharedBlockCache> from_;
    const uint64_t bytes_;
    const bool borrowed_;
    const std::shared_ptr<storage::BlockCache> cache_;
  };

  // ResourceExhausted (`memory-budget`).
  Result<std::unique_ptr<ViewCache>> MakeViewCache(uint64_t bytes);

 private:
  explicit SharedBlockCache(std::shared_ptr<Runtime> runtime);
  bool TryBorrow(uint64_t bytes);
  void GiveBack(uint64_t bytes, bool borrowed);

  void Set(uint64_t counted, uint64_t lent);
  uint64_t UnusedBytes() const;

  const std::shared_ptr<Runtime> runtime_;
  const uint64_t bytes_;  // with all that it may yield, and may lend
  const std::shared_ptr<storage::BlockCache> cache_;
  mutable std::mutex mutex_;  // guards the rest
  uint64_t counted_bytes_;    // in the budget
  uint64_t lent_bytes_ = 0;   // of these
};

}  // namespace tidemark::store
