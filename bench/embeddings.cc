// Embeddings: a table of vectors, 64 floats a row, as a recommender trains them. In an interval a
// few percent of all rows, each of them once, get a new vector. Floats at random are what no codec
// makes much smaller, so what is saved is what has not changed: `log_bytes` beside a dump of all
// rows.
#include "bench/measure.h"
#include "bench/random.h"
#include "bench/table_job.h"
#include "bench/workloads.h"

#include <utility>
#include <vector>

namespace tidemark::bench {
namespace {

constexpr size_t kRowBytes = 256;

// `count` different numbers below `rows`.
std::vector<uint64_t> DrawDistinct(uint64_t rows, uint64_t count, Random& random) {
  std::vector<bool> is_drawn(rows);
  std::vector<uint64_t> drawn;
  drawn.reserve(count);
  while (drawn.size() < count) {
    const uint64_t number = random.Below(rows);
    if (is_drawn[number]) continue;
    is_drawn[number] = true;
    drawn.push_back(number);
  }
  return drawn;
}

double CounterOf(const Counters& counters, std::string_view name) {
  for (const auto& [found, value] : counters) {
    if (found == name) return value;
  }
  return 0;
}

Counters Run(uint64_t percent, const RowContext& context) {
  const ChurnSize& size = context.scale.embeddings;
  TableJob job(context, {.value_bytes = kRowBytes, .made_of = ValueBytes::kFloats});
  job.Load(size.keys);
  Random random(20'240'229);
  std::vector<std::vector<uint64_t>> intervals;
  for (uint64_t i = 0; i < size.checkpoints; ++i) {
    intervals.push_back(DrawDistinct(size.keys, size.keys * percent / 100, random));
  }

  job.Start();
  for (const std::vector<uint64_t>& touched : intervals) {
    for (const uint64_t number : touched) job.table().Put(number);
    job.Checkpoint();
  }
  job.Stop();

  Counters counters;
  job.AddFigures(counters);
  const auto dumps_bytes = static_cast<double>(size.checkpoints * size.keys * kRowBytes);
  counters.emplace_back("full_dump_bytes", dumps_bytes);
  counters.emplace_back("fewer_than_dump", dumps_bytes / CounterOf(counters, "log_bytes"));
  job.Verify(counters);
  return counters;
}

}  // namespace

std::vector<Row> EmbeddingsRows() {
  const auto row = [](std::string variant, uint64_t percent) {
    return Row{"Embeddings", "tidemark", std::move(variant),
               [percent](const RowContext& context) { return Run(percent, context); },
               RowKind::kBytes};
  };
  return {row("touched_1pct", 1), row("touched_5pct", 5)};
}

}  // namespace tidemark::bench
