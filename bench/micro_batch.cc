// MicroBatch: what a micro-batch engine does with its state, in the shape of Spark's
// StateStoreBasicOperationsBenchmark: batches of rows that are put, deleted or evicted, each of
// them rolled back, so that the next one meets the same state, or committed.
#include "bench/micro_batch.h"

#include "bench/figures.h"
#include "bench/measure.h"
#include "bench/micro_batch_rows.h"
#include "bench/records.h"
#include "bench/workloads.h"

#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace tidemark::bench {
namespace {

constexpr BatchVariant kVariants[] = {
    {"overwrite_100", BatchOperation::kPut, 100}, {"overwrite_50", BatchOperation::kPut, 50},
    {"overwrite_10", BatchOperation::kPut, 10},   {"overwrite_0", BatchOperation::kPut, 0},
    {"delete", BatchOperation::kDelete, 0},       {"evict", BatchOperation::kEvict, 0},
};
// Batches that are loaded with one commit.
constexpr uint64_t kBatchesALoad = 100;

struct StoreKind {
  const char* name;
  Result<std::unique_ptr<MicroBatchStore>> (*open)(const EngineOptions&);
};
constexpr StoreKind kStores[] = {{"tidemark", OpenTidemarkBatches},
                                 {"writebatch", OpenWriteBatches}};

// Rows are put in version batch + 1; those that were loaded are version 0.
class MicroBatch {
 public:
  MicroBatch(const StoreKind& kind, const BatchVariant& variant, BatchEnd end,
             const RowContext& context)
      : variant_(variant),
        end_(end),
        context_(context),
        plan_(variant, end, context.scale.micro_batch) {
    store_ = kind.open({.directory = context.directory,
                        .memory_budget_bytes = context.scale.memory_budget_bytes})
                 .value();
  }

  Counters Run();

 private:
  BatchKey KeyOf(uint64_t number) const {
    return variant_.operation == BatchOperation::kEvict ? BatchKey::ByAge(number)
                                                        : BatchKey::Spread(number);
  }
  void Put(uint64_t number, uint64_t version) {
    store_->Put(KeyOf(number).bytes(), BatchValue::Of(number, version).bytes()).Check();
  }
  void Load();
  Timings RunBatches();
  void RunBatch(uint64_t batch);
  void Evict(uint64_t batch);
  void EndBatch();
  uint64_t NetChangeBytes() const;
  void Verify(Counters& counters);
  uint64_t ExpectedReads() const;
  uint64_t ExpectedState() const;
  uint64_t HashOfState();

  const BatchVariant variant_;
  const BatchEnd end_;
  const RowContext& context_;
  const BatchPlan plan_;
  std::unique_ptr<MicroBatchStore> store_;
  uint64_t commits_ = 0;
  ReadHash reads_;
};

Counters MicroBatch::Run() {
  Load();
  context_.on_start();
  const Timings timings = RunBatches();
  context_.on_stop();

  Counters counters;
  const uint64_t rows = plan_.batches() * plan_.rows();
  AddTimings(rows, timings, counters);
  const auto add_ns_per_row = [&](const char* name, const ProcessSample& end) {
    const double ns = 1e9 * SecondsBetween(timings.start, end);
    counters.emplace_back(name, ns / static_cast<double>(rows));
  };
  add_ns_per_row("ns_per_row", timings.drained);
  add_ns_per_row("burst_ns_per_row", timings.last_operation);
  counters.emplace_back("peak_rss_bytes", PeakRssBytes());
  counters.emplace_back("budget_bytes", context_.scale.memory_budget_bytes);
  AddEngineFigures(store_->Figures(), counters);
  AddUsage(UsageOf(store_->repository()), counters);
  counters.emplace_back("net_change_bytes", NetChangeBytes());
  Verify(counters);
  return counters;
}

void MicroBatch::Load() {
  const uint64_t rows_a_commit = kBatchesALoad * plan_.rows();
  for (uint64_t number = 0; number < plan_.loaded(); ++number) {
    Put(number, /*version=*/0);
    if ((number + 1) % rows_a_commit == 0) store_->Commit(++commits_).Check();
  }
  store_->Commit(++commits_).Check();
  store_->Drain().Check();
  store_->ResetFigures();
  AwaitIdleThreads();
}

Timings MicroBatch::RunBatches() {
  Timings timings;
  timings.barriers.reserve(plan_.batches());
  timings.start = SampleProcess();
  for (uint64_t batch = 0; batch < plan_.batches(); ++batch) {
    RunBatch(batch);
    timings.barriers.push_back(TimeOf([&] { EndBatch(); }));
  }
  timings.last_operation = SampleProcess();
  store_->Drain().Check();
  timings.drained = AwaitIdleThreads();
  return timings;
}

void MicroBatch::RunBatch(uint64_t batch) {
  switch (variant_.operation) {
    case BatchOperation::kPut:
      for (const uint32_t number : plan_.Batch(batch)) Put(number, batch + 1);
      return;
    case BatchOperation::kDelete:
      for (const uint32_t number : plan_.Batch(batch)) {
        store_->Delete(KeyOf(number).bytes()).Check();
      }
      return;
    case BatchOperation::kEvict:
      Evict(batch);
      return;
  }
}

void MicroBatch::Evict(uint64_t batch) {
  const uint64_t oldest = plan_.Oldest(batch);
  const BatchKey from = KeyOf(oldest);
  // Nothing that is older than the first row that stays sorts behind it.
  const BatchKey to = KeyOf(oldest + plan_.rows());
  store_
      ->Evict(from.bytes(), to.bytes(),
              [&](std::string_view /*key*/, std::string_view value) {
                uint64_t word;
                std::memcpy(&word, value.data(), sizeof(word));
                reads_.Add(word);
              })
      .Check();
}

void MicroBatch::EndBatch() {
  (end_ == BatchEnd::kRollback ? store_->Rollback() : store_->Commit(++commits_)).Check();
}

uint64_t MicroBatch::NetChangeBytes() const {
  if (end_ == BatchEnd::kRollback) return 0;
  const bool puts = variant_.operation == BatchOperation::kPut;
  return plan_.batches() * plan_.rows() * (sizeof(BatchKey) + (puts ? sizeof(BatchValue) : 0));
}

// What was rolled back must not be in a later checkpoint either.
void MicroBatch::Verify(Counters& counters) {
  if (end_ == BatchEnd::kRollback) {
    store_->Commit(++commits_).Check();
    store_->Drain().Check();
  }
  CheckHash("what was read", ExpectedReads(), reads_.value());
  const uint64_t expected = ExpectedState();
  CheckHash("the state", expected, HashOfState());
  const std::chrono::duration<double> restore = TimeOf([&] { store_->Restore().Check(); });
  counters.emplace_back("restore_s", restore.count());
  CheckHash("the newest checkpoint, restored,", expected, HashOfState());
  counters.emplace_back("result_hash", ResultHash(reads_.value() ^ Mix(expected)));
}

// The first word of each row that was evicted, which tells its number and version.
uint64_t MicroBatch::ExpectedReads() const {
  ReadHash hash;
  if (variant_.operation != BatchOperation::kEvict) return hash.value();
  for (uint64_t batch = 0; batch < plan_.batches(); ++batch) {
    for (uint64_t row = 0; row < plan_.rows(); ++row) {
      hash.Add(BatchValue::Of(plan_.Oldest(batch) + row, /*version=*/0).words[0]);
    }
  }
  return hash.value();
}

uint64_t MicroBatch::ExpectedState() const {
  // Of each row, by its number; 0: it was loaded.
  std::vector<uint32_t> versions(plan_.loaded());
  uint64_t oldest = 0;
  if (end_ == BatchEnd::kCommit && variant_.operation == BatchOperation::kPut) {
    for (uint64_t batch = 0; batch < plan_.batches(); ++batch) {
      for (const uint32_t number : plan_.Batch(batch)) {
        if (number >= versions.size()) versions.resize(number + 1);
        versions[number] = static_cast<uint32_t>(batch + 1);
      }
    }
  } else if (end_ == BatchEnd::kCommit) {
    oldest = plan_.Oldest(plan_.batches());
  }
  ContentHash hash;
  for (uint64_t number = oldest; number < versions.size(); ++number) {
    hash.Add(KeyOf(number).bytes(), BatchValue::Of(number, versions[number]).bytes());
  }
  return hash.value();
}

uint64_t MicroBatch::HashOfState() {
  ContentHash hash;
  store_->ForEach([&](std::string_view key, std::string_view value) { hash.Add(key, value); })
      .Check();
  return hash.value();
}

}  // namespace

std::vector<Row> MicroBatchRows() {
  std::vector<Row> rows;
  // Of RocksDB those that commit take minutes at the largest scale.
  for (const auto& [end_name, end] :
       {std::pair("rollback_", BatchEnd::kRollback), std::pair("commit_", BatchEnd::kCommit)}) {
    for (const BatchVariant& variant : kVariants) {
      for (const StoreKind& kind : kStores) {
        rows.push_back({"MicroBatch", kind.name, std::string(end_name) + variant.name,
                        [&kind, variant, end = end](const RowContext& context) {
                          return MicroBatch(kind, variant, end, context).Run();
                        },
                        end == BatchEnd::kCommit ? RowKind::kLong : RowKind::kShort});
      }
    }
  }
  return rows;
}

}  // namespace tidemark::bench
