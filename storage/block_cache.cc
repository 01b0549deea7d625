#include "storage/block_cache.h"

#include "storage/rocksdb_options.h"

namespace tidemark::storage {

BlockCache::BlockCache(uint64_t bytes) : cache_(MakeBlockCache(bytes)) {}

uint64_t BlockCache::capacity_bytes() const { return cache_->GetCapacity(); }
void BlockCache::SetCapacity(uint64_t bytes) { cache_->SetCapacity(bytes); }
bool BlockCache::WantsBlocks() {
  constexpr int kReadsPerFillBits = 3;
  // Spread, so that reads by turns of several tables are all among them.
  const uint32_t read = reads_.fetch_add(1, std::memory_order_relaxed) * 0x9e3779b1;
  if (read >> (32 - kReadsPerFillBits) != 0) return !is_full_.load(std::memory_order_relaxed);
  is_full_.store(used_bytes() + capacity_bytes() / 16 > capacity_bytes(),
                 std::memory_order_relaxed);
  return true;
}

uint64_t BlockCache::used_bytes() const { return cache_->GetUsage(); }

}  // namespace tidemark::storage
