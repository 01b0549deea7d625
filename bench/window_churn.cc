// WindowChurn: keys that live for the length of a window and are purged when it has closed, as
// most of the state of a windowed job does. The state stays as large as it is, while all of it is
// replaced every ten seconds of event time: a store that only ever adds to what it has published,
// or keeps what is deleted, shows it here.
#include "bench/measure.h"
#include "bench/table_job.h"
#include "bench/workloads.h"

#include <algorithm>
#include <string>

namespace tidemark::bench {
namespace {

// Of event time. Windows of ten seconds slide by one: a key of one second is of no use any more ten
// seconds later, and all keys of that second are purged at once.
constexpr uint64_t kTicksPerSecond = 10;
constexpr uint64_t kWindowSeconds = 10;
constexpr uint64_t kSampleSeconds = 10;

struct Variant {
  const char* name;
  uint64_t ticks_a_checkpoint;
};
constexpr Variant kVariants[] = {{"every_100ms", 1}, {"every_1s", 10}, {"every_10s", 100}};

class WindowChurn {
 public:
  WindowChurn(const RowContext& context, const Variant& variant)
      : size_(context.scale.window_churn),
        ticks_a_checkpoint_(variant.ticks_a_checkpoint),
        job_(context, {}) {}

  Counters Run();

 private:
  // The tick number `tick`, from 0, of event time.
  void Tick(uint64_t tick);
  void Purge(uint64_t second);
  void Sample();

  const WindowSize size_;
  const uint64_t ticks_a_checkpoint_;
  TableJob job_;
  // Of samples, after the drain and before it.
  uint64_t retained_bytes_max_ = 0;
  uint64_t undrained_bytes_max_ = 0;
};

Counters WindowChurn::Run() {
  job_.Start();
  const uint64_t ticks = size_.seconds * kTicksPerSecond;
  for (uint64_t tick = 0; tick < ticks; ++tick) Tick(tick);
  if (ticks % ticks_a_checkpoint_ != 0) job_.Checkpoint();  // what is restored is all that there is
  job_.Stop();
  Counters counters;
  job_.AddFigures(counters);
  // At all samples as many keys of the same size are live, so that one dump does for all.
  const uint64_t live_bytes = job_.AddSpace(counters);
  counters.emplace_back("space_amplification_max", Ratio(retained_bytes_max_, live_bytes));
  counters.emplace_back("space_amplification_undrained_max",
                        Ratio(undrained_bytes_max_, live_bytes));
  job_.Verify(counters);
  return counters;
}

void WindowChurn::Tick(uint64_t tick) {
  const uint64_t keys = size_.keys_per_second / kTicksPerSecond;
  for (uint64_t i = 0; i < keys; ++i) job_.table().Put(tick * keys + i);
  const uint64_t now = tick + 1;
  const uint64_t seconds = now / kTicksPerSecond;
  const bool second_ends = now % kTicksPerSecond == 0;
  if (second_ends && seconds > kWindowSeconds) Purge(seconds - kWindowSeconds - 1);
  if (now % ticks_a_checkpoint_ == 0) job_.Checkpoint();
  if (second_ends && seconds % kSampleSeconds == 0) Sample();
}

void WindowChurn::Sample() {
  const std::string repository = job_.tidemark().repository();
  undrained_bytes_max_ = std::max(undrained_bytes_max_, UsageOf(repository).bytes);
  job_.Drain();
  retained_bytes_max_ = std::max(retained_bytes_max_, UsageOf(repository).bytes);
}

void WindowChurn::Purge(uint64_t second) {
  const uint64_t keys = size_.keys_per_second;
  for (uint64_t i = second * keys; i < (second + 1) * keys; ++i) job_.table().Delete(i);
}

}  // namespace

std::vector<Row> WindowChurnRows() {
  std::vector<Row> rows;
  for (const Variant& variant : kVariants) {
    rows.push_back(
        {"WindowChurn", "tidemark", variant.name,
         [&variant](const RowContext& context) { return WindowChurn(context, variant).Run(); },
         RowKind::kBytes});
  }
  return rows;
}

}  // namespace tidemark::bench
