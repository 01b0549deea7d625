#include "bench/value_job.h"
#include "bench/workloads.h"
#include "bench/zipf.h"

namespace tidemark::bench {
namespace {

constexpr uint64_t kEpoch = 200'000;

}  // namespace

std::vector<Row> ValueGetRows() {
  std::vector<Row> rows;
  const auto add = [&](const char* variant, Draw draw) {
    AddRows(
        "ValueGet", variant,
        [=](const Scale& scale) {
          return MakeResidentJob(ValueOperation::kGet, draw, scale.value_update, kEpoch, scale);
        },
        rows, RowKind::kShort, kReadsValues);
  };
  add("zipf", DrawZipf);
  add("uniform", DrawUniform);
  return rows;
}

}  // namespace tidemark::bench
