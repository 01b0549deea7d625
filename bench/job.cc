#include "bench/job.h"

#include "bench/figures.h"
#include "bench/measure.h"
#include "bench/model.h"
#include "bench/random.h"
#include "bench/records.h"

#include <algorithm>
#include <chrono>

namespace tidemark::bench {
namespace {

// The engine at work, and the state that it works on.
struct Worker {
  Worker(Engine& of_engine, const Job& job) : engine(of_engine), session(job.open(of_engine)) {}

  Engine& engine;
  std::unique_ptr<Session> session;
  uint64_t checkpoints = 0;
};

// Calls `operate(begin, end)` and `checkpoint()` in turn.
template <class Operate, class Checkpoint>
void ForEachEpoch(uint64_t operations, uint64_t epoch, const Operate& operate,
                  const Checkpoint& checkpoint) {
  for (uint64_t begin = 0; begin < operations; begin += epoch) {
    operate(begin, std::min(begin + epoch, operations));
    checkpoint();
  }
}

// The moment from which on there was nothing left to do.
ProcessSample Drain(Engine& engine) {
  engine.Drain().Check();
  return AwaitIdleThreads();
}

// Fills the state and leaves nothing to do for the background.
void Load(Worker& worker, const Job& job) {
  ForEachEpoch(
      job.load_operations, job.load_epoch,
      [&](uint64_t begin, uint64_t end) { worker.session->Load(begin, end); },
      [&] { worker.engine.Checkpoint(++worker.checkpoints).Check(); });
  Drain(worker.engine);
  worker.engine.ResetFigures();
}

Timings Run(Worker& worker, const Job& job) {
  Timings timings;
  timings.barriers.reserve(job.operations / job.epoch + 1);
  timings.start = SampleProcess();
  ForEachEpoch(
      job.operations, job.epoch,
      [&](uint64_t begin, uint64_t end) { worker.session->Run(begin, end); },
      [&] {
        timings.barriers.push_back(
            TimeOf([&] { worker.engine.Checkpoint(++worker.checkpoints).Check(); }));
      });
  timings.last_operation = SampleProcess();
  timings.drained = Drain(worker.engine);
  return timings;
}

struct Expected {
  uint64_t reads = 0;
  uint64_t state = 0;
  uint64_t net_change_bytes = 0;

  double result_hash() const { return ResultHash(reads ^ Mix(state)); }
};

Expected RunModel(const Job& job) {
  const std::unique_ptr<Engine> model = MakeModel();
  Worker worker(*model, job);
  Load(worker, job);
  Run(worker, job);
  return {worker.session->HashOfReads(), worker.session->HashOfState(),
          *model->Figures().net_change_bytes};
}

}  // namespace

Counters RunJob(const EngineKind& kind, const Job& job, const RowContext& context) {
  EngineOptions options;
  options.directory = context.directory;
  options.memory_budget_bytes = job.memory_budget_bytes;
  const auto engine = kind.open(options).value();
  Worker worker(*engine, job);
  Load(worker, job);

  context.on_start();
  const Timings timings = Run(worker, job);
  context.on_stop();

  Counters counters;
  AddTimings(job.operations, timings, counters);
  worker.session->AddCounters(counters);
  // Before anything below takes memory of its own.
  counters.emplace_back("peak_rss_bytes", PeakRssBytes());
  counters.emplace_back("budget_bytes", job.memory_budget_bytes);
  AddEngineFigures(engine->Figures(), counters);
  AddUsage(UsageOf(engine->repository()), counters);

  const Expected expected = RunModel(job);
  counters.emplace_back("net_change_bytes", expected.net_change_bytes);
  CheckHash("what was read", expected.reads, worker.session->HashOfReads());
  CheckHash("the state", expected.state, worker.session->HashOfState());
  worker.session.reset();
  const std::chrono::duration<double> restore = TimeOf([&] { engine->Restore().Check(); });
  counters.emplace_back("restore_s", restore.count());
  CheckHash("the newest checkpoint, restored,", expected.state, job.open(*engine)->HashOfState());
  counters.emplace_back("result_hash", expected.result_hash());
  return counters;
}

std::vector<uint32_t> DrawUniform(uint64_t keys, uint64_t count) {
  Random random(20'240'229);
  std::vector<uint32_t> drawn(count);
  for (uint32_t& key : drawn) key = static_cast<uint32_t>(random.Below(keys));
  return drawn;
}

}  // namespace tidemark::bench
