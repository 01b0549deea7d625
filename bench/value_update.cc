#include "bench/value_job.h"
#include "bench/workloads.h"
#include "bench/zipf.h"

namespace tidemark::bench {
namespace {

enum class Distribution { kZipf, kUniform };

struct Variant {
  const char* name;
  uint64_t epoch;
};
constexpr uint64_t kShortEpoch = 20'000;
constexpr Variant kVariants[] = {{"epoch_200k", 200'000}, {"epoch_20k", kShortEpoch}};

Job MakeJob(Distribution distribution, const Size& size, uint64_t epoch, const Scale& scale) {
  const auto [keys, operations] = size;
  Job job = MakeValueJob(ValueOperation::kUpdate, keys,
                         distribution == Distribution::kZipf ? DrawZipf(keys, operations)
                                                             : DrawUniform(keys, operations));
  job.memory_budget_bytes = scale.memory_budget_bytes;
  job.load_epoch = keys;
  job.epoch = epoch / scale.epoch_divisor;
  return job;
}

}  // namespace

std::vector<Row> ValueUpdateRows() {
  std::vector<Row> rows;
  for (const Distribution distribution : {Distribution::kZipf, Distribution::kUniform}) {
    const bool is_zipf = distribution == Distribution::kZipf;
    for (const Variant& variant : kVariants) {
      AddRows(
          is_zipf ? "ValueUpdateZipf" : "ValueUpdateUniform", variant.name,
          [=](const Scale& scale) {
            return MakeJob(distribution, scale.value_update, variant.epoch, scale);
          },
          rows, RowKind::kShort, kChangesValues);
    }
  }
  return rows;
}

std::vector<Row> ShortEpochsRows() {
  std::vector<Row> rows;
  AddRows(
      "ShortEpochs", /*variant=*/"",
      [](const Scale& scale) {
        return MakeJob(Distribution::kZipf, scale.short_epochs, kShortEpoch, scale);
      },
      rows, RowKind::kBytes, kChangesValues);
  return rows;
}

}  // namespace tidemark::bench
