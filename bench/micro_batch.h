// MicroBatchStore: what MicroBatch runs on: one table in key order, changed batch by batch. A batch
// is undone, or it becomes a checkpoint.
#pragma once

#include "bench/engine.h"

#include <tidemark/status.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace tidemark::bench {

// Thread safety: one thread at a time.
class MicroBatchStore {
 public:
  using Visitor = std::function<void(std::string_view key, std::string_view value)>;

  virtual ~MicroBatchStore() = default;

  // These three are part of the batch at hand.
  virtual Status Put(std::string_view key, std::string_view value) = 0;
  // Present or not.
  virtual Status Delete(std::string_view key) = 0;
  // Shows the rows of [from, to) in key order and deletes them one by one.
  virtual Status Evict(std::string_view from, std::string_view to, const Visitor& visit) = 0;

  // The two ends of a batch. Committing returns when the caller may go on.
  virtual Status Rollback() = 0;
  virtual Status Commit(uint64_t id) = 0;

  // As those of Engine.
  virtual Status Drain() = 0;
  virtual Status Restore() = 0;
  virtual void ResetFigures() = 0;
  virtual EngineFigures Figures() = 0;
  virtual std::string repository() const = 0;

  // All rows, in any order; not within a batch.
  virtual Status ForEach(const Visitor& visit) = 0;
};

Result<std::unique_ptr<MicroBatchStore>> OpenTidemarkBatches(const EngineOptions& options);
// RocksDB, with each batch gathered in a rocksdb::WriteBatchWithIndex.
Result<std::unique_ptr<MicroBatchStore>> OpenWriteBatches(const EngineOptions& options);

}  // namespace tidemark::bench
