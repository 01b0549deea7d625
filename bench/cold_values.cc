#include "bench/value_job.h"
#include "bench/workloads.h"

#include <algorithm>

namespace tidemark::bench {
namespace {

// The state's keys and values are this many times the budget.
constexpr uint64_t kBudgets = 8;
// What tidemark's runtime needs at least. Only the scale that measures nothing is as small.
constexpr uint64_t kBudgetMin = uint64_t{16} << 20;
constexpr uint64_t kEpochs = 10;

Job MakeJob(ValueOperation operation, const Scale& scale) {
  const auto [keys, operations] = scale.cold_values;
  Job job = MakeValueJob(operation, keys, DrawUniform(keys, operations));
  job.memory_budget_bytes = std::max(keys * (sizeof(Key) + sizeof(Value)) / kBudgets, kBudgetMin);
  job.epoch = operations / kEpochs;
  job.load_epoch = job.epoch;
  return job;
}

}  // namespace

std::vector<Row> ColdValueRows() {
  std::vector<Row> rows;
  const auto add = [&](const char* workload, const char* variant, ValueOperation operation,
                       Abilities asked) {
    AddRows(
        workload, variant, [=](const Scale& scale) { return MakeJob(operation, scale); }, rows,
        RowKind::kLong, asked | kExceedsMemory);
  };
  add("ValueGet", "cold", ValueOperation::kGet, kReadsValues);
  add("ValueUpdateCold", /*variant=*/"", ValueOperation::kUpdate, kChangesValues);
  return rows;
}

}  // namespace tidemark::bench
