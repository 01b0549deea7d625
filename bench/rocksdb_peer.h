// RocksDbPeer: what the RocksDB peers share as engines: a database, the states in it, and how long
// checkpoints took.
#pragma once

#include "bench/engine.h"
#include "bench/rocksdb_database.h"
#include "bench/rocksdb_rows.h"
#include "bench/rocksdb_states.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace tidemark::bench {

class RocksDbPeer : public Engine {
 public:
  Result<std::unique_ptr<Values>> OpenValues() override { return MakeRocksDbValues(table()); }
  Result<std::unique_ptr<Maps>> OpenMaps() override { return MakeRocksDbMaps(table()); }
  Result<std::unique_ptr<Lists>> OpenLists() override { return MakeRocksDbLists(table()); }
  Result<std::unique_ptr<ByteRows>> OpenByteRows(uint8_t number, ByteRowsKind /*kind*/) override {
    return MakeRocksDbRows(table(), number);
  }
  std::string repository() const override { return options_.directory + "/repository"; }

 protected:
  explicit RocksDbPeer(const EngineOptions& options) : options_(options) {}

  // That of the open database.
  virtual RocksDbTable& table() = 0;

  const EngineOptions options_;
  RocksDbDatabase database_;
  std::vector<std::chrono::nanoseconds> durable_;
};

}  // namespace tidemark::bench
