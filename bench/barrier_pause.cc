// BarrierPause: what a job feels of checkpoints, of states of three sizes: how long the barrier
// holds it up, and how long any single operation may take, while the state, and with it the index
// from keys to entries, grows under checkpoints that are being made: every operation puts a new
// key.
//
// The whole state fits in memory, so no operation has a reason to wait.
#include "bench/slow_operations.h"
#include "bench/table_job.h"
#include "bench/workloads.h"

#include <string>
#include <vector>

namespace tidemark::bench {
namespace {

constexpr size_t kValueBytes = 64;
constexpr uint64_t kMemoryBudgetBytes = uint64_t{4} << 30;

class BarrierPause {
 public:
  // The scale's keys are divided by `part`.
  BarrierPause(uint64_t part, const RowContext& context)
      : size_(context.scale.barrier_pause),
        keys_(size_.keys / part),
        job_(context, {.value_bytes = kValueBytes, .memory_budget_bytes = kMemoryBudgetBytes}) {}

  Counters Run();

 private:
  void RunEpoch(SlowOperations& operations);

  const ChurnSize size_;
  const uint64_t keys_;
  TableJob job_;
  uint64_t next_key_ = 0;
};

Counters BarrierPause::Run() {
  job_.table().Reserve(keys_ + size_.checkpoints * size_.changes);
  job_.Load(keys_);
  next_key_ = keys_;
  job_.Start();
  const uint64_t index_bytes = job_.store().Metrics().index_bytes;
  SlowOperations operations(job_.store());
  for (uint64_t i = 0; i < size_.checkpoints; ++i) {
    RunEpoch(operations);
    job_.Checkpoint();
  }
  const uint64_t grown = job_.store().Metrics().index_bytes - index_bytes;
  job_.Stop();
  Counters counters;
  job_.AddFigures(counters);
  operations.AddTo(counters);
  counters.emplace_back("index_growth_bytes", grown);
  job_.Verify(counters);
  return counters;
}

void BarrierPause::RunEpoch(SlowOperations& operations) {
  operations.Resume();
  for (uint64_t change = 0; change < size_.changes; ++change) {
    operations.Time([&] { job_.table().Put(next_key_); });
    ++next_key_;
  }
}

}  // namespace

std::vector<Row> BarrierPauseRows() {
  std::vector<Row> rows;
  const auto add = [&](const char* variant, uint64_t part) {
    rows.push_back({"BarrierPause", "tidemark", variant,
                    [=](const RowContext& context) { return BarrierPause(part, context).Run(); },
                    RowKind::kBytes});
  };
  add("keys_100k", 100);
  add("keys_1m", 10);
  add("keys_10m", 1);
  return rows;
}

}  // namespace tidemark::bench
