// SteadyUpdate and LocalUpdate: a large state of which each epoch changes a small part, for long
// enough that whatever compaction there is comes to rest. The keys of an epoch lie anywhere, or
// within a twentieth of all keys that moves about, as with keys that carry a time or a place. What
// is asked is how much is written and kept for what has changed, and in LocalUpdate whether a new
// base is the size of the change or the size of the state.
//
// Updates are puts, which read nothing. A checkpoint every 100 ms, which is 200,000 updates a
// second: a job that does nothing but write would show how the processors are shared, and not what
// a checkpoint takes.
#include "bench/random.h"
#include "bench/repository_folder.h"
#include "bench/table_job.h"
#include "bench/workloads.h"

#include <algorithm>

namespace tidemark::bench {
namespace {

enum class Locality { kAnywhere, kRange };
// Of all keys, how many there are in a range.
constexpr uint64_t kKeysToRange = 20;
// How often the manifest is looked into: reading it takes a share of the processor.
constexpr uint64_t kCheckpointsASample = 10;
constexpr std::chrono::milliseconds kInterval{100};

// What new bases add to the repository, out of metrics that are looked at often enough that there
// is rarely more than one in between.
class BaseWatch {
 public:
  explicit BaseWatch(const StoreMetrics& start) : start_(start), last_(start) {}

  void Look(const StoreMetrics& now);
  void AddTo(uint64_t live_bytes, Counters& counters) const;

 private:
  const StoreMetrics start_;
  StoreMetrics last_;
  uint64_t bytes_max_ = 0;  // of one base
};

void BaseWatch::Look(const StoreMetrics& now) {
  const uint64_t bases = now.bases_published - last_.bases_published;
  if (bases == 0) return;
  bytes_max_ = std::max(bytes_max_, (now.base_bytes - last_.base_bytes) / bases);
  last_ = now;
}

void BaseWatch::AddTo(uint64_t live_bytes, Counters& counters) const {
  const uint64_t bases = last_.bases_published - start_.bases_published;
  const uint64_t bytes = last_.base_bytes - start_.base_bytes;
  counters.emplace_back("bases", bases);
  counters.emplace_back("base_published_fraction_mean",
                        bases == 0 ? 0 : Ratio(bytes, bases * live_bytes));
  counters.emplace_back("base_published_fraction_max", Ratio(bytes_max_, live_bytes));
}

// The keys to change.
class Draw {
 public:
  Draw(Locality locality, uint64_t keys)
      : keys_(keys), range_(locality == Locality::kRange ? keys / kKeysToRange : keys) {}

  void BeginEpoch() { begin_ = random_.Below(keys_ - range_ + 1); }
  uint64_t Next() { return begin_ + random_.Below(range_); }

 private:
  const uint64_t keys_;
  const uint64_t range_;
  uint64_t begin_ = 0;
  Random random_{20'240'229};
};

Counters Run(Locality locality, const RowContext& context) {
  const auto [keys, checkpoints, changes] = context.scale.steady_update;
  TableJob job(context,
               {.order = locality == Locality::kRange ? KeyOrder::kNumbers : KeyOrder::kHashed,
                .interval = kInterval});
  job.Load(keys);
  Draw draw(locality, keys);
  BaseWatch bases(job.store().Metrics());
  uint64_t segments_max = 0;

  job.Start();
  for (uint64_t i = 0; i < checkpoints; ++i) {
    draw.BeginEpoch();
    for (uint64_t change = 0; change < changes; ++change) job.table().Put(draw.Next());
    job.Checkpoint();
    bases.Look(job.store().Metrics());
    if (i % kCheckpointsASample == 0)
      segments_max = std::max(segments_max, SegmentsOfNewest(job.tidemark().storage()));
  }
  job.Stop();
  bases.Look(job.store().Metrics());

  Counters counters;
  job.AddFigures(counters);
  counters.emplace_back("segments_max", segments_max);
  bases.AddTo(job.AddSpace(counters), counters);
  job.Verify(counters);
  return counters;
}

}  // namespace

std::vector<Row> SteadyUpdateRows() {
  std::vector<Row> rows;
  const auto add = [&](const char* workload, Locality locality) {
    rows.push_back({workload, "tidemark", /*variant=*/"",
                    [=](const RowContext& context) { return Run(locality, context); },
                    RowKind::kBytes});
  };
  add("SteadyUpdate", Locality::kAnywhere);
  add("LocalUpdate", Locality::kRange);
  return rows;
}

}  // namespace tidemark::bench
