// The hash of all that a table of Tidemark holds, to compare with that of what it must hold.
#pragma once

#include "bench/records.h"

#include <tidemark/store.h>

#include <cstdint>
#include <string_view>

namespace tidemark::bench {

inline uint64_t HashOf(Table& table) {
  ContentHash hash;
  table
      .ForEach([&](std::string_view key, std::string_view value) {
        hash.Add(key, value);
        return true;
      })
      .Check();
  return hash.value();
}

}  // namespace tidemark::bench
