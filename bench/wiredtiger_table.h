// WiredTigerTable: one table of a WiredTiger database, without a log: checkpoints make it durable.
#pragma once

#include "bench/ordered_states.h"

#include <tidemark/status.h>
#include <wiredtiger.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace tidemark::bench {

struct WiredTigerOptions {
  uint64_t cache_bytes = 0;
  uint32_t eviction_threads = 1;
};

// Its members are those that ordered_states.h asks for, and checkpoints.
//
// Thread safety: one thread at a time.
class WiredTigerTable {
 public:
  WiredTigerTable() = default;
  ~WiredTigerTable();
  WiredTigerTable(const WiredTigerTable&) = delete;
  WiredTigerTable& operator=(const WiredTigerTable&) = delete;

  // Creates what is missing at `path`.
  Status OpenForWriting(const std::string& path, const WiredTigerOptions& options);
  // Opens what the checkpoint of that name holds.
  Status OpenCheckpoint(const std::string& path, const WiredTigerOptions& options,
                        const std::string& name);
  Status Close();

  // Returns when the checkpoint is durable. The one named `dropped` is gone then, if there was one.
  Status Checkpoint(const std::string& name, const std::string& dropped);

  Status Put(std::string_view key, std::string_view value);
  Result<bool> Find(std::string_view key, std::string_view& value);
  Status PutFound(std::string_view key, std::string_view value);
  Status Remove(std::string_view key);
  Result<bool> Seek(std::string_view key, TableEntry& entry);
  Result<bool> Next(TableEntry& entry);

 private:
  Status Connect(const std::string& path, const WiredTigerOptions& options, const std::string& how);
  Result<bool> Read(int code, TableEntry& entry);

  WT_CONNECTION* connection_ = nullptr;
  WT_SESSION* session_ = nullptr;
  WT_CURSOR* cursor_ = nullptr;
};

}  // namespace tidemark::bench
