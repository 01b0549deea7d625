// BlockCache: what RocksDB keeps in memory of its files, for any number of live databases.
//
// Thread safety: all members may be called concurrently.
#pragma once

#include <atomic>
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

  // Whether the blocks of the next point read should enter it. While it is not full, all of them;
  // then those of one read in eight: a data block rarely serves two reads beyond the state cache,
  // and bringing it in costs as much as decompressing it, while one that is read often enters soon.
  bool WantsBlocks();

  const std::shared_ptr<rocksdb::Cache>& rocksdb() const { return cache_; }

 private:
  const std::shared_ptr<rocksdb::Cache> cache_;
  std::atomic<uint32_t> reads_{0};
  std::atomic<bool> is_full_{false};
};

}  // namespace tidemark::storage
