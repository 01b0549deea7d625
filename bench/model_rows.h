// The rows of the model: plain containers.
#pragma once

#include "bench/byte_rows.h"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>

namespace tidemark::bench {

struct RowTable {
  std::unordered_map<uint64_t, std::map<std::string, std::string, std::less<>>> rows;
  // In this epoch: key and entry as one -> bytes of the last change.
  std::unordered_map<std::string, uint64_t> changes;

  // Key and row of the last change of each key in the epoch, which ends.
  uint64_t EndEpoch();
};

// `table` outlives it.
std::unique_ptr<ByteRows> MakeModelRows(RowTable& table);

}  // namespace tidemark::bench
