// TableJob: one NumberedTable in a store of its own, at work as a job would have it: what the rows
// share that look at Tidemark's files rather than at its speed.
#pragma once

#include "bench/figures.h"
#include "bench/numbered_table.h"
#include "bench/row.h"
#include "bench/tidemark_store.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace tidemark::bench {

struct TableJobOptions {
  KeyOrder order = KeyOrder::kHashed;
  size_t value_bytes = 100;
  ValueBytes made_of = ValueBytes::kHalfRandom;
  uint64_t memory_budget_bytes = 0;  // 0: the scale's
  uint32_t keep_checkpoints = 1;
  double space_amplification_max = 1.5;
  double restore_budget_seconds = 10;
  // From one barrier to the next, at least; 0: the job goes as fast as it can.
  std::chrono::milliseconds interval{0};
};

// Members throw std::exception if the store fails or has anything else than it should.
//
// Thread safety: one thread at a time.
class TableJob {
 public:
  TableJob(const RowContext& context, const TableJobOptions& options);

  NumberedTable& table() { return table_; }
  StateStore& store() { return store_->store(); }
  const TidemarkStore& tidemark() const { return *store_; }
  // Of the newest checkpoint.
  uint64_t checkpoint() const { return checkpoints_; }

  // Puts the keys with the numbers below `keys`, with a checkpoint every million, and leaves
  // nothing to do for the background.
  void Load(uint64_t keys);

  // What follows counts.
  void Start();
  // The barrier. It waits, outside of what counts as barrier, until all checkpoints but the last
  // are durable: so two of them at most are in flight, as in a job that limits them. Otherwise a
  // job that does nothing but write runs ahead of the commit thread, and how long a checkpoint
  // takes to be durable tells how long the queue is and nothing else.
  void Checkpoint();
  // Blocks until the last checkpoint is durable.
  void AwaitDurable() { store_->AwaitAllBut(0).Check(); }
  // Blocks until all are, old ones are deleted, and nothing is left to do in the background.
  void Drain() { store_->Drain().Check(); }
  // Drains; what follows counts no more.
  void Stop();

  // After Stop, in this order; each of them adds counters.
  // Of what has counted, those that other workloads have as well, and `write_amplification`.
  void AddFigures(Counters& counters);
  // What the state needs at least, which it returns, and how much more the repository holds.
  uint64_t AddSpace(Counters& counters);
  // Compares the whole table with what it must hold, as it is live and restored.
  void Verify(Counters& counters);

 private:
  const RowContext& context_;
  const uint64_t memory_budget_bytes_;
  const std::chrono::milliseconds interval_;
  std::chrono::steady_clock::time_point next_barrier_{};
  const std::unique_ptr<TidemarkStore> store_;
  NumberedTable table_;
  uint64_t checkpoints_ = 0;
  Timings timings_;
};

}  // namespace tidemark::bench
