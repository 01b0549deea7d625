// The library's side of Runtime.
#pragma once

#include "storage/write_limit.h"
#include "store/chunk_source.h"
#include "store/executor.h"
#include "store/memory_budget.h"

#include <tidemark/runtime.h>

#include <memory>
#include <mutex>

namespace tidemark {

namespace store {
class SharedBlockCache;
}

class Runtime::Impl {
 public:
  explicit Impl(const RuntimeOptions& options)
      : options_(options),
        budget_(options.memory_budget_bytes),
        write_limit_(
            options.background_bytes_per_second == 0
                ? nullptr
                : std::make_unique<storage::WriteLimit>(options.background_bytes_per_second)),
        chunks_(budget_.has_huge_chunks()
                    ? std::make_unique<store::ChunkSource>(budget_, options.background_threads > 0)
                    : nullptr),
        executor_(options.background_threads) {}

  const RuntimeOptions& options() const noexcept { return options_; }
  store::MemoryBudget& budget() noexcept { return budget_; }
  // Of huge chunks; null where arenas have small ones.
  store::ChunkSource* chunks() noexcept { return chunks_.get(); }
  store::Executor& executor() noexcept { return executor_; }
  // A new gate to the limit of background_bytes_per_second; null if there is none.
  std::shared_ptr<storage::WriteGate> MakeWriteGate() const {
    return write_limit_ == nullptr ? nullptr : std::make_shared<storage::WriteGate>(*write_limit_);
  }

  // The one that somebody has, else what make() returns. For SharedBlockCache::Of.
  template <class F>
  std::shared_ptr<store::SharedBlockCache> FindOrMakeBlockCache(F&& make) {
    std::lock_guard lock(block_cache_mutex_);
    std::shared_ptr<store::SharedBlockCache> cache = block_cache_.lock();
    if (cache == nullptr) block_cache_ = cache = make();
    return cache;
  }

 private:
  const RuntimeOptions options_;
  store::MemoryBudget budget_;
  const std::unique_ptr<const storage::WriteLimit> write_limit_;
  const std::unique_ptr<store::ChunkSource> chunks_;
  store::Executor executor_;
  std::mutex block_cache_mutex_;
  std::weak_ptr<store::SharedBlockCache> block_cache_;  // guarded by block_cache_mutex_
};

}  // namespace tidemark
