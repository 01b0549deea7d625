// OrderedPeer: an engine that is one ordered table of bytes; see ordered_states.h.
#pragma once

#include "bench/ordered_states.h"
#include "bench/peer.h"

#include <memory>

namespace tidemark::bench {

template <class Table>
class OrderedPeer : public Peer {
 public:
  Result<std::unique_ptr<Values>> OpenValues() override {
    return std::unique_ptr<Values>(std::make_unique<OrderedValues<Table>>(table_));
  }
  Result<std::unique_ptr<Maps>> OpenMaps() override {
    return std::unique_ptr<Maps>(std::make_unique<OrderedMaps<Table>>(table_));
  }
  Result<std::unique_ptr<Lists>> OpenLists() override {
    return std::unique_ptr<Lists>(std::make_unique<OrderedLists<Table>>(table_));
  }
  // A checkpoint leaves nothing to do but what a cache evicts.
  Status Drain() override { return {}; }

 protected:
  using Peer::Peer;

  Table table_;
};

}  // namespace tidemark::bench
