// RocksDbDatabase: the live database of a RocksDB peer, with the options that all of these peers
// share.
#pragma once

#include "bench/engine.h"

#include <rocksdb/db.h>
#include <rocksdb/options.h>

#include <memory>
#include <string>

namespace tidemark::bench {

// README.md says why each option has the value that it has. The merge operator is
// MakeAppendOperator's.
rocksdb::Options TunedOptions(const EngineOptions& engine);

// Makes a rocksdb::Checkpoint of what the database holds. It flushes, links and syncs.
Status TakeCheckpoint(rocksdb::DB& db, const std::string& path);

// Thread safety: one thread at a time.
class RocksDbDatabase {
 public:
  Status Open(const rocksdb::Options& options, const std::string& path);
  // Closes what is open, and opens `path` for reading only.
  Status Reopen(const rocksdb::Options& options, const std::string& path);
  // As long as one is open.
  rocksdb::DB& db() { return *db_; }

  // Blocks until no flush and no compaction is running or pending.
  void AwaitIdle() const;
  // What writes waited for background work since ResetStall, 0 where RocksDB does not tell.
  double StallSeconds() const { return StallSecondsSinceOpen() - stall_s_before_; }
  void ResetStall() { stall_s_before_ = StallSecondsSinceOpen(); }

 private:
  bool IsBusy() const;
  double StallSecondsSinceOpen() const;

  std::unique_ptr<rocksdb::DB> db_;
  double stall_s_before_ = 0;
};

}  // namespace tidemark::bench
