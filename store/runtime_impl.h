// The library's side of Runtime.
#pragma once

#include "store/executor.h"
#include "store/memory_budget.h"

#include <tidemark/runtime.h>

namespace tidemark {

class Runtime::Impl {
 public:
  explicit Impl(const RuntimeOptions& options)
      : options_(options),
        budget_(options.memory_budget_bytes),
        executor_(options.background_threads) {}

  const RuntimeOptions& options() const noexcept { return options_; }
  store::MemoryBudget& budget() noexcept { return budget_; }
  store::Executor& executor() noexcept { return executor_; }

 private:
  const RuntimeOptions options_;
  store::MemoryBudget budget_;
  store::Executor executor_;
};

}  // namespace tidemark
