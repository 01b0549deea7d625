// ByteRows: a state of bytes of any length: values that are found by key, and maps whose entries
// are rows. Thin adapters like those of states.h.
//
// A row is found by a number, which its stream is partitioned by, and by an entry under it; of
// kValue states the entry is the rest of the key.
//
// Thread safety: as the engine that a state belongs to.
#pragma once

#include "bench/records.h"

#include <tidemark/status.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

namespace tidemark::bench {

enum class ByteRowsKind : uint8_t {
  kValue,  // found by the whole key only
  kMap,    // ... and all entries of a key in the order of their bytes
};

class ByteRows {
 public:
  // Both must not call the engine. What `Change` returns is the new row, valid until Update
  // returns; it gets nullopt if there is none.
  using Change = std::function<std::string_view(const std::optional<std::string_view>& row)>;
  using Visitor = std::function<void(std::string_view entry, std::string_view row)>;

  virtual ~ByteRows() = default;

  virtual Status Put(uint64_t key, std::string_view entry, std::string_view row) = 0;
  // Nullopt if there is none. Valid until the next call on the engine.
  virtual Result<std::optional<std::string_view>> Get(uint64_t key, std::string_view entry) = 0;
  virtual Status Update(uint64_t key, std::string_view entry, const Change& change) = 0;
  // Present or not.
  virtual Status Delete(uint64_t key, std::string_view entry) = 0;
  // The entries of one key; kMap only.
  virtual Status Scan(uint64_t key, const Visitor& visit) = 0;
  // All rows, in any order; `key` and entry as one.
  virtual Status ForEach(const Visitor& visit) = 0;
};

// Of all rows.
inline uint64_t HashOf(ByteRows& rows) {
  ContentHash hash;
  rows.ForEach([&](std::string_view entry, std::string_view row) { hash.Add(entry, row); }).Check();
  return hash.value();
}

}  // namespace tidemark::bench
