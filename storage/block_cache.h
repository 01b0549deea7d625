// BlockCache: what RocksDB keeps in memory of its files, for any number of live databases.
//
// Thread safety: all members may be called concurrently.
#pragma once

#include <cstdint>
#include <memory>

namespace rocksdb {
class Cache;
}

namespace tidemark::storage {

class BlockCache {
 public:
  explicit BlockCache(uint64_t bytes);

  uint64_t capacity_bytes() const;
  // Smaller drops what no longer fits. Never blocks on I/O.
  void SetCapacity(uint64_t bytes);
  // Blocks, and what open files hold. Costs next to nothing.
  uint64_t used_bytes() const;

  const std::shared_ptr<rocksdb::Cache>& rocksdb() const { return cache_; }

 private:
  const std::shared_ptr<rocksdb::Cache> cache_;
};

}  // namespace tidemark::storage
