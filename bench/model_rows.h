// The rows of the model: plain containers.
#pragma once

#include "bench/keyed_rows.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>

namespace tidemark::bench {

struct ModelRow {
  std::string row;
  uint64_t last_epoch = 0;
};
using RowTable = std::unordered_map<uint64_t, std::map<std::string, ModelRow, std::less<>>>;

// Says how many bytes of key and row a change has, and, with a row that stays, its `last_epoch`.
using CountChange = std::function<void(uint64_t* last_epoch, uint64_t bytes)>;

std::unique_ptr<Rows> MakeModelRows(RowTable& table, CountChange count);

}  // namespace tidemark::bench
