#include "store/shared_block_cache.h"

#include "store/runtime_impl.h"

#include <algorithm>
#include <string>
#include <utility>

namespace tidemark::store {

std::shared_ptr<SharedBlockCache> SharedBlockCache::Of(const std::shared_ptr<Runtime>& runtime) {
  return runtime->impl().FindOrMakeBlockCache(
      [&] { return std::shared_ptr<SharedBlockCache>(new SharedBlockCache(runtime)); });
}

SharedBlockCache::SharedBlockCache(std::shared_ptr<Runtime> runtime)
    : runtime_(std::move(runtime)),
      bytes_(BlockCacheBytes(runtime_->options().memory_budget_bytes)),
      cache_(std::make_shared<storage::BlockCache>(bytes_)),
      counted_bytes_(bytes_) {
  runtime_->impl().budget().Add(static_cast<int64_t>(bytes_));
}

SharedBlockCache::~SharedBlockCache() {
  runtime_->impl().budget().Add(-static_cast<int64_t>(counted_bytes_));
}

uint64_t SharedBlockCache::UnusedBytes() const {
  const uint64_t used = cache_->used_bytes() + lent_bytes_;
  return counted_bytes_ > used ? counted_bytes_ - used : 0;
}

void SharedBlockCache::Set(uint64_t counted, uint64_t lent) {
  runtime_->impl().budget().Add(static_cast<int64_t>(counted) -
                                static_cast<int64_t>(counted_bytes_));
  counted_bytes_ = counted;
  lent_bytes_ = lent;
  cache_->SetCapacity(counted - lent);
}

bool SharedBlockCache::Yield(uint64_t bytes) {
  const uint64_t least = BlockCacheBytesMin(runtime_->options().memory_budget_bytes);
  std::lock_guard lock(mutex_);
  if (counted_bytes_ < std::max(least, lent_bytes_ + bytes_ / 8) + bytes) return false;
  if (UnusedBytes() < bytes + bytes_ / 16) return false;
  Set(counted_bytes_ - bytes, lent_bytes_);
  return true;
}

bool SharedBlockCache::WantsMore() const {
  std::lock_guard lock(mutex_);
  return counted_bytes_ < bytes_ && UnusedBytes() < bytes_ / 64;
}

bool SharedBlockCache::Take(uint64_t bytes) {
  std::lock_guard lock(mutex_);
  const uint64_t taken = std::min(bytes_, counted_bytes_ + bytes) - counted_bytes_;
  if (!runtime_->impl().budget().TryAdd(taken)) return false;
  counted_bytes_ += taken;
  cache_->SetCapacity(counted_bytes_ - lent_bytes_);
  return true;
}

SharedBlockCache::ViewCache::ViewCache(std::shared_ptr<SharedBlockCache> from, uint64_t bytes,
                                       bool borrowed)
    : from_(std::move(from)),
      bytes_(bytes),
      borrowed_(borrowed),
      cache_(std::make_shared<storage::BlockCache>(bytes)) {}

SharedBlockCache::ViewCache::~ViewCache() { from_->GiveBack(bytes_, borrowed_); }

Result<std::unique_ptr<SharedBlockCache::ViewCache>> SharedBlockCache::MakeViewCache(
    uint64_t bytes) {
  MemoryBudget& budget = runtime_->impl().budget();
  const bool taken = budget.TryAdd(bytes);
  if (!taken && !TryBorrow(bytes)) {
    return Status(StatusCode::kResourceExhausted, "memory-budget",
                  "no room for the block cache of a read view, " + std::to_string(bytes) +
                      " bytes: " + std::to_string(budget.used_bytes()) + " of the " +
                      std::to_string(budget.limit_bytes()) +
                      " bytes of the budget (RuntimeOptions::memory_budget_bytes) are in use, and "
                      "other views have what the stores can lend; close views, or ask for less "
                      "(ViewOptions::block_cache_bytes)");
  }
  return std::make_unique<ViewCache>(shared_from_this(), bytes, !taken);
}

bool SharedBlockCache::TryBorrow(uint64_t bytes) {
  std::lock_guard lock(mutex_);
  const uint64_t lent = lent_bytes_ + bytes;
  if (lent > bytes_ / 2 || lent + bytes_ / 8 > counted_bytes_) return false;
  Set(counted_bytes_, lent);
  return true;
}

void SharedBlockCache::GiveBack(uint64_t bytes, bool borrowed) {
  if (!borrowed) {
    runtime_->impl().budget().Add(-static_cast<int64_t>(bytes));
    return;
  }
  std::lock_guard lock(mutex_);
  Set(counted_bytes_, lent_bytes_ - bytes);
}

}  // namespace tidemark::store
