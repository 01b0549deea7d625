#include "bench/value_job.h"
#include "bench/workloads.h"
#include "bench/zipf.h"

namespace tidemark::bench {
namespace {

struct Variant {
  const char* name;
  uint64_t epoch;
};
constexpr uint64_t kShortEpoch = 20'000;
constexpr Variant kVariants[] = {{"epoch_200k", 200'000}, {"epoch_20k", kShortEpoch}};

}  // namespace

std::vector<Row> ValueUpdateRows() {
  std::vector<Row> rows;
  const auto add = [&](const char* workload, Draw draw) {
    for (const Variant& variant : kVariants) {
      AddRows(
          workload, variant.name,
          [=](const Scale& scale) {
            return MakeResidentJob(ValueOperation::kUpdate, draw, scale.value_update, variant.epoch,
                                   scale);
          },
          rows, RowKind::kShort, kChangesValues);
    }
  };
  add("ValueUpdateZipf", DrawZipf);
  add("ValueUpdateUniform", DrawUniform);
  return rows;
}

std::vector<Row> ShortEpochsRows() {
  std::vector<Row> rows;
  AddRows(
      "ShortEpochs", /*variant=*/"",
      [](const Scale& scale) {
        return MakeResidentJob(ValueOperation::kUpdate, DrawZipf, scale.short_epochs, kShortEpoch,
                               scale);
      },
      rows, RowKind::kBytes, kChangesValues);
  return rows;
}

}  // namespace tidemark::bench
