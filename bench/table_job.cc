#include "bench/table_job.h"

#include "bench/measure.h"
#include "format/key.h"

#include <algorithm>
#include <thread>
#include <vector>

namespace tidemark::bench {
namespace {

constexpr uint64_t kLoadEpoch = 1'000'000;

uint64_t BudgetOf(const RowContext& context, const TableJobOptions& options) {
  return options.memory_budget_bytes != 0 ? options.memory_budget_bytes
                                          : context.scale.memory_budget_bytes;
}

EngineOptions EngineOptionsOf(const RowContext& context, const TableJobOptions& options) {
  EngineOptions engine;
  engine.directory = context.directory;
  engine.memory_budget_bytes = BudgetOf(context, options);
  engine.keep_checkpoints = options.keep_checkpoints;
  return engine;
}

StoreOptions PolicyOf(const TableJobOptions& options) {
  StoreOptions policy;
  policy.space_amplification_max = options.space_amplification_max;
  policy.restore_budget_seconds = options.restore_budget_seconds;
  return policy;
}

// The store counts stored keys, which begin with their key group; other workloads count those that
// the user knows.
uint64_t NetChangeBytes(const std::vector<CheckpointStatistics>& checkpoints) {
  uint64_t bytes = 0;
  for (const CheckpointStatistics& checkpoint : checkpoints) {
    bytes += checkpoint.net_change_bytes - checkpoint.records * format::kKeyGroupBytes;
  }
  return bytes;
}

}  // namespace

TableJob::TableJob(const RowContext& context, const TableJobOptions& options)
    : context_(context),
      memory_budget_bytes_(BudgetOf(context, options)),
      interval_(options.interval),
      store_(TidemarkStore::Open(EngineOptionsOf(context, options), PolicyOf(options)).value()),
      table_(options.order, options.value_bytes, options.made_of) {
  table_.Open(store());
}

void TableJob::Load(uint64_t keys) {
  for (uint64_t begin = 0; begin < keys; begin += kLoadEpoch) {
    const uint64_t end = std::min(begin + kLoadEpoch, keys);
    for (uint64_t number = begin; number < end; ++number) table_.Put(number);
    Checkpoint();
  }
  Drain();
}

void TableJob::Start() {
  store_->ResetFigures();
  table_.ResetOperations();
  AwaitIdleThreads();
  context_.on_start();
  timings_ = {};
  timings_.start = SampleProcess();
}

void TableJob::Checkpoint() {
  std::this_thread::sleep_until(next_barrier_);
  next_barrier_ = std::chrono::steady_clock::now() + interval_;
  store_->AwaitAllBut(1).Check();
  timings_.barriers.push_back(TimeOf([&] { store_->Checkpoint(++checkpoints_).Check(); }));
}

void TableJob::Stop() {
  timings_.last_operation = SampleProcess();
  Drain();
  timings_.drained = AwaitIdleThreads();
  context_.on_stop();
}

void TableJob::AddFigures(Counters& counters) {
  AddTimings(table_.operations(), timings_, counters);
  // Before anything takes memory that is not the store's.
  counters.emplace_back("peak_rss_bytes", PeakRssBytes());
  counters.emplace_back("budget_bytes", memory_budget_bytes_);
  AddEngineFigures(store_->Figures(), counters);
  const uint64_t net_change_bytes = NetChangeBytes(store_->Statistics());
  counters.emplace_back("net_change_bytes", net_change_bytes);
  counters.emplace_back("write_amplification", Ratio(timings_.written_bytes(), net_change_bytes));
}

uint64_t TableJob::AddSpace(Counters& counters) {
  const DirectoryUsage usage = UsageOf(store_->repository());
  const uint64_t live_bytes = table_.LiveBytes(context_.directory + "/dump");
  AddUsage(usage, counters);
  counters.emplace_back("live_bytes", live_bytes);
  counters.emplace_back("space_amplification", Ratio(usage.bytes, live_bytes));
  return live_bytes;
}

void TableJob::Verify(Counters& counters) {
  table_.CheckAll("the state");
  store_->Restore().Check();
  table_.Open(store());
  counters.emplace_back("result_hash",
                        ResultHash(table_.CheckAll("the newest checkpoint, restored,")));
}

}  // namespace tidemark::bench
