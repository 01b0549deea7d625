// The library's side of Runtime.
#pragma once

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
        executor_(options.background_threads) {}

  const RuntimeOptions& options() const noexcept { return options_; }
  store::MemoryBudget& budget() noexcept { return budget_; }
  store::Executor& executor() noexcept { return executor_; }

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
  store::Executor executor_;
  std::mutex block_cache_mutex_;
  std::weak_ptr<store::SharedBlockCache> block_cache_;  // guarded by block_cache_mutex_
};

}  // namespace tidemark
