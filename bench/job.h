// Job: what a row does, whatever the engine; RunJob does it, times it, and checks it against the
// model.
#pragma once

#include "bench/engine.h"
#include "bench/row.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace tidemark::bench {

// A job at work on the state of one engine. Operations are numbered, and the same number is the
// same operation for every engine.
class Session {
 public:
  virtual ~Session() = default;

  // The operations [begin, end) of those that fill the state. Throws BadStatus, as all members do.
  virtual void Load(uint64_t begin, uint64_t end) = 0;
  // ... and of those that are timed.
  virtual void Run(uint64_t begin, uint64_t end) = 0;
  // Counters of its own, of what Run has done.
  virtual void AddCounters(Counters& /*counters*/) {}
  // Of what Run has read, in order.
  virtual uint64_t HashOfReads() const = 0;
  // Of all that the state holds now.
  virtual uint64_t HashOfState() = 0;
};

struct Job {
  uint64_t memory_budget_bytes = 0;
  // Operations, and after how many of them a checkpoint is taken; there is one at the end as well.
  uint64_t load_operations = 0;
  uint64_t load_epoch = 0;
  uint64_t operations = 0;
  uint64_t epoch = 0;
  // Opens the job's state.
  std::function<std::unique_ptr<Session>(Engine&)> open;
};

// Throws std::exception if the engine fails, or if it reads or ends with anything else than the
// model, live or restored.
Counters RunJob(const EngineKind& kind, const Job& job, const RowContext& context);

// The number of a key for each operation, evenly from all keys. Drawn before the clock starts, so
// that drawing costs no engine anything.
std::vector<uint32_t> DrawUniform(uint64_t keys, uint64_t count);

}  // namespace tidemark::bench
