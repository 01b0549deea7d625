// ManyCheckpoints: what a small commit costs when thousands of checkpoints are retained, against
// the same commits on a repository that has none. It should be the same: a manifest version holds
// what has changed, not the list.
#include "bench/measure.h"
#include "bench/random.h"
#include "bench/table_job.h"
#include "bench/workloads.h"

#include <string>

namespace tidemark::bench {
namespace {

enum class Repository { kFilled, kEmpty };
// The most that there may be.
constexpr uint32_t kKeepCheckpoints = 10'000;
constexpr size_t kValueBytes = 64;

class ManyCheckpoints {
 public:
  explicit ManyCheckpoints(const RowContext& context)
      : size_(context.scale.many_checkpoints),
        job_(context, {.value_bytes = kValueBytes, .keep_checkpoints = kKeepCheckpoints}) {}

  // `retained`: checkpoints that there are before those that are timed.
  Counters Run(uint64_t retained);

 private:
  // So many small checkpoints, one after the other.
  void Commit(uint64_t checkpoints);
  void AddBytesPerCommit(Counters& counters) const;

  const ChurnSize size_;
  TableJob job_;
  Random random_{20'240'229};
};

Counters ManyCheckpoints::Run(uint64_t retained) {
  job_.Load(size_.keys);
  Commit(retained);
  job_.Drain();
  job_.Start();
  Commit(size_.checkpoints);
  job_.Stop();
  Counters counters;
  job_.AddFigures(counters);
  counters.emplace_back("checkpoints_retained", job_.store().Checkpoints().size());
  AddBytesPerCommit(counters);
  job_.AddSpace(counters);
  job_.Verify(counters);
  return counters;
}

void ManyCheckpoints::Commit(uint64_t checkpoints) {
  for (uint64_t i = 0; i < checkpoints; ++i) {
    for (uint64_t change = 0; change < size_.changes; ++change) {
      job_.table().Put(random_.Below(size_.keys));
    }
    job_.Checkpoint();
    job_.AwaitDurable();
  }
}

// What commits put into the repository: versions and snapshots of the manifest, and segments.
// Inlined segments are told apart, and bases are not the work of commits.
void ManyCheckpoints::AddBytesPerCommit(Counters& counters) const {
  const TidemarkStore& store = job_.tidemark();
  uint64_t inlined_bytes = 0;
  for (const CheckpointStatistics& statistics : store.Statistics()) {
    if (statistics.inlined) inlined_bytes += statistics.log_bytes;
  }
  const uint64_t bytes = store.published_bytes() - store.published_base_bytes();
  counters.emplace_back("bytes_per_commit", Ratio(bytes - inlined_bytes, size_.checkpoints));
  counters.emplace_back("inlined_bytes_per_commit", Ratio(inlined_bytes, size_.checkpoints));
}

}  // namespace

std::vector<Row> ManyCheckpointsRows() {
  std::vector<Row> rows;
  const auto add = [&](const char* variant, Repository repository) {
    rows.push_back({"ManyCheckpoints", "tidemark", variant,
                    [=](const RowContext& context) {
                      const bool is_filled = repository == Repository::kFilled;
                      return ManyCheckpoints(context).Run(
                          is_filled ? context.scale.checkpoints_retained : 0);
                    },
                    RowKind::kBytes});
  };
  add("retained_10000", Repository::kFilled);
  add("empty", Repository::kEmpty);
  return rows;
}

}  // namespace tidemark::bench
