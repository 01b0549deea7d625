#include "bench/random.h"
#include "bench/value_job.h"
#include "bench/workloads.h"
#include "bench/zipf.h"

#include <numeric>

namespace tidemark::bench {
namespace {

enum class Distribution { kZipf, kUniform };
constexpr double kTheta = 0.99;

struct Variant {
  const char* name;
  uint64_t epoch;
};
constexpr uint64_t kShortEpoch = 20'000;
constexpr Variant kVariants[] = {{"epoch_200k", 200'000}, {"epoch_20k", kShortEpoch}};

// Popular keys lie anywhere: neither their bytes nor the order of loading tells them from others.
std::vector<uint32_t> ScatteredKeys(uint64_t keys, Random& random) {
  std::vector<uint32_t> scattered(keys);
  std::iota(scattered.begin(), scattered.end(), 0);
  for (uint64_t i = keys - 1; i > 0; --i) std::swap(scattered[i], scattered[random.Below(i + 1)]);
  return scattered;
}

std::vector<uint32_t> DrawZipf(uint64_t keys, uint64_t count) {
  Random random(20'240'229);
  const ZipfRanks ranks(keys, kTheta);
  const std::vector<uint32_t> scattered = ScatteredKeys(keys, random);
  std::vector<uint32_t> drawn(count);
  for (uint32_t& key : drawn) key = scattered[ranks.Next(random)];
  return drawn;
}

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
