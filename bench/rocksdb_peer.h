// RocksDbPeer: what the RocksDB peers share as engines: a database, and the states in it.
#pragma once

#include "bench/peer.h"
#include "bench/rocksdb_database.h"
#include "bench/rocksdb_rows.h"
#include "bench/rocksdb_states.h"

#include <cstdint>
#include <memory>

namespace tidemark::bench {

class RocksDbPeer : public Peer {
 public:
  Result<std::unique_ptr<Values>> OpenValues() override { return MakeRocksDbValues(table()); }
  Result<std::unique_ptr<Maps>> OpenMaps() override { return MakeRocksDbMaps(table()); }
  Result<std::unique_ptr<Lists>> OpenLists() override { return MakeRocksDbLists(table()); }
  Result<std::unique_ptr<ByteRows>> OpenByteRows(uint8_t number, ByteRowsKind /*kind*/) override {
    return MakeRocksDbRows(table(), number);
  }
  Status Drain() override {
    database_.AwaitIdle();
    return {};
  }
  void ResetFigures() override {
    Peer::ResetFigures();
    database_.ResetStall();
  }
  EngineFigures Figures() override {
    EngineFigures figures = Peer::Figures();
    figures.stall_s = database_.StallSeconds();
    return figures;
  }

 protected:
  using Peer::Peer;

  // That of the open database.
  virtual RocksDbTable& table() = 0;

  RocksDbDatabase database_;
};

}  // namespace tidemark::bench
