// Nexmark: the accesses to state of seven of its queries, over ten million events of its generator,
// with a checkpoint every 200,000. The benchmark has no number for the latter; a checkpoint every
// so many seconds of processing time would give a faster engine fewer of them.
#include "bench/nexmark_query.h"
#include "bench/workloads.h"

#include <memory>

namespace tidemark::bench {
namespace {

constexpr uint64_t kEpochEvents = 200'000;

struct Query {
  const char* name;
  std::unique_ptr<Session> (*make)(const NexmarkEvents& events, Engine& engine);
};
constexpr Query kQueries[] = {
    {"q4", MakeNexmarkQ4},   {"q5", MakeNexmarkQ5},   {"q7", MakeNexmarkQ7},  {"q8", MakeNexmarkQ8},
    {"q11", MakeNexmarkQ11}, {"q18", MakeNexmarkQ18}, {"q20", MakeNexmarkQ20}};

Job MakeJob(const Query& query, const Scale& scale) {
  Job job;
  job.memory_budget_bytes = scale.memory_budget_bytes;
  job.operations = scale.nexmark_events;
  job.epoch = kEpochEvents / scale.epoch_divisor;
  // Shared, because a std::function can be copied.
  const auto events = std::make_shared<const NexmarkEvents>(job.operations);
  job.open = [make = query.make, events](Engine& engine) { return make(*events, engine); };
  return job;
}

}  // namespace

std::vector<Row> NexmarkRows() {
  std::vector<Row> rows;
  for (const Query& query : kQueries) {
    AddRows(
        "Nexmark", query.name, [&query](const Scale& scale) { return MakeJob(query, scale); }, rows,
        RowKind::kLong, kHasBytes | kExceedsMemory);
  }
  return rows;
}

}  // namespace tidemark::bench
