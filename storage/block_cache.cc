#include "storage/block_cache.h"

#include "storage/rocksdb_options.h"

namespace tidemark::storage {

BlockCache::BlockCache(uint64_t bytes) : cache_(MakeBlockCache(bytes)) {}

uint64_t BlockCache::capacity_bytes() const { return cache_->GetCapacity(); }
void BlockCache::SetCapacity(uint64_t bytes) { cache_->SetCapacity(bytes); }
uint64_t BlockCache::used_bytes() const { return cache_->GetUsage(); }

}  // namespace tidemark::storage
