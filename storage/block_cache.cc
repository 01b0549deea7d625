#include "storage/block_cache.h"

#include "storage/rocksdb_options.h"

namespace tidemark::storage {

BlockCache::BlockCache(uint64_t bytes) : cache_(MakeBlockCache(bytes)) {}

uint64_t BlockCache::capacity_bytes() const { return cache_->GetCapacity(); }
void BlockCache::SetCapacity(uint64_t bytes) { cache_->SetCapacity(bytes); }
bool BlockCache::WantsBlocks() {
  constexpr uint32_t kReadsPerFill = 8;
  if (reads_.fetch_add(1, std::memory_order_relaxed) % kReadsPerFill != 0)
    return !is_full_.load(std::memory_order_relaxed);
  is_full_.store(used_bytes() + capacity_bytes() / 16 > capacity_bytes(),
                 std::memory_order_relaxed);
  return true;
}

uint64_t BlockCache::used_bytes() const { return cache_->GetUsage(); }

}  // namespace tidemark::storage
