#include "bench/value_job.h"
#include "bench/workloads.h"
#include "bench/zipf.h"

namespace tidemark::bench {
namespace {

constexpr uint64_t kEpoch = 200'000;
using Draw = std::vector<uint32_t> (*)(uint64_t keys, uint64_t count);

Job MakeJob(Draw draw, const Scale& scale) {
  const auto [keys, operations] = scale.value_update;
  Job job = MakeValueJob(ValueOperation::kGet, keys, draw(keys, operations));
  job.memory_budget_bytes = scale.memory_budget_bytes;
  job.load_epoch = keys;
  job.epoch = kEpoch / scale.epoch_divisor;
  return job;
}

}  // namespace

std::vector<Row> ValueGetRows() {
  std::vector<Row> rows;
  const auto add = [&](const char* variant, Draw draw) {
    AddRows(
        "ValueGet", variant, [=](const Scale& scale) { return MakeJob(draw, scale); }, rows,
        RowKind::kShort, kReadsValues);
  };
  add("zipf", DrawZipf);
  add("uniform", DrawUniform);
  return rows;
}

}  // namespace tidemark::bench
