// The kinds of state that workloads use, as every engine offers them: thin adapters, so that all
// engines are driven by the same code and what is compared is below it.
//
// What is called a key here is what a stream is partitioned by. Numbers are stored so that their
// bytes sort as they do.
//
// Thread safety: as the engine that a state belongs to.
#pragma once

#include "bench/records.h"

#include <tidemark/status.h>

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace tidemark::bench {

// What an update of a key without a value ends with.
inline Status NoValueToUpdate() {
  return Status(StatusCode::kNotFound, "key-not-found", "an update met a key that was not loaded");
}

// One value a key.
class Values {
 public:
  using Visitor = std::function<void(const Key&, const Value&)>;

  virtual ~Values() = default;

  virtual Status Put(const Key& key, const Value& value) = 0;
  // False if there is none; `value` is as it was then.
  virtual Result<bool> Get(const Key& key, Value& value) = 0;
  // Read-modify-write of a value that exists; NotFound otherwise.
  virtual Status Update(const Key& key, const Change& change) = 0;
  // All of them, in any order.
  virtual Status ForEach(const Visitor& visit) = 0;
};

struct MapEntry {
  uint64_t entry;
  double value;
};

// A map a key.
class Maps {
 public:
  virtual ~Maps() = default;

  virtual Status Put(uint64_t key, uint64_t entry, double value) = 0;
  virtual Status PutAll(uint64_t key, std::span<const MapEntry> entries) = 0;
  // False if there is none; `value` is as it was then.
  virtual Result<bool> Get(uint64_t key, uint64_t entry, double& value) = 0;
  virtual Result<bool> Contains(uint64_t key, uint64_t entry) = 0;
  // Present or not.
  virtual Status Remove(uint64_t key, uint64_t entry) = 0;
  // Replaces what is in `entries` by those of one map, in order.
  virtual Status Entries(uint64_t key, std::vector<MapEntry>& entries) = 0;
};

// A list a key.
class Lists {
 public:
  virtual ~Lists() = default;

  virtual Status Append(uint64_t key, uint64_t element) = 0;
  virtual Status AppendAll(uint64_t key, std::span<const uint64_t> elements) = 0;
  // Replaces what is in `elements` by those of one list, the oldest first.
  virtual Status Get(uint64_t key, std::vector<uint64_t>& elements) = 0;
};

}  // namespace tidemark::bench
