#include "store/view_memory.h"

#include "store/runtime_impl.h"

#include <string>
#include <utility>

namespace tidemark::store {

void ViewMemory::Lend(storage::LiveDatabase* live, uint64_t bytes) {
  std::lock_guard lock(mutex_);
  live_ = live;
  lendable_bytes_ = bytes;
}

uint64_t ViewMemory::EndLending() {
  std::lock_guard lock(mutex_);
  live_ = nullptr;
  return std::exchange(lent_bytes_, 0);
}

Result<std::unique_ptr<ViewMemory::Share>> ViewMemory::Take(uint64_t bytes) {
  MemoryBudget& budget = runtime_->impl().budget();
  const bool taken = budget.TryAdd(bytes);
  if (!taken && !TryBorrow(bytes)) {
    return Status(StatusCode::kResourceExhausted, "memory-budget",
                  "no room for the block cache of a read view, " + std::to_string(bytes) +
                      " bytes: " + std::to_string(budget.used_bytes()) + " of the " +
                      std::to_string(budget.limit_bytes()) +
                      " bytes of the budget (RuntimeOptions::memory_budget_bytes) are in use, and "
                      "other views have what the store can lend; close views, or ask for less "
                      "(ViewOptions::block_cache_bytes)");
  }
  return std::make_unique<Share>(shared_from_this(), bytes, !taken);
}

bool ViewMemory::TryBorrow(uint64_t bytes) {
  std::lock_guard lock(mutex_);
  if (live_ == nullptr || lent_bytes_ + bytes > lendable_bytes_ / 2) return false;
  lent_bytes_ += bytes;
  live_->SetBlockCacheBytes(lendable_bytes_ - lent_bytes_);
  return true;
}

void ViewMemory::GiveBack(uint64_t bytes, bool borrowed) {
  if (borrowed) {
    std::lock_guard lock(mutex_);
    if (live_ != nullptr) {
      lent_bytes_ -= bytes;
      live_->SetBlockCacheBytes(lendable_bytes_ - lent_bytes_);
      return;
    }
  }
  runtime_->impl().budget().Add(-static_cast<int64_t>(bytes));
}

}  // namespace tidemark::store
