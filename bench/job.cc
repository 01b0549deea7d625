#include "bench/job.h"

#include "bench/measure.h"
#include "bench/model.h"
#include "bench/random.h"

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <string>

namespace tidemark::bench {
namespace {

struct Timings {
  ProcessSample start;
  ProcessSample last_operation;  // before the drain
  ProcessSample drained;
  std::vector<double> barrier_us;
};

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

double TimeBarrierMicroseconds(Worker& worker) {
  const auto begin = std::chrono::steady_clock::now();
  worker.engine.Checkpoint(++worker.checkpoints).Check();
  const std::chrono::duration<double, std::micro> barrier =
      std::chrono::steady_clock::now() - begin;
  return barrier.count();
}

Timings Run(Worker& worker, const Job& job) {
  Timings timings;
  timings.barrier_us.reserve(job.operations / job.epoch + 1);
  timings.start = SampleProcess();
  ForEachEpoch(
      job.operations, job.epoch,
      [&](uint64_t begin, uint64_t end) { worker.session->Run(begin, end); },
      [&] { timings.barrier_us.push_back(TimeBarrierMicroseconds(worker)); });
  timings.last_operation = SampleProcess();
  timings.drained = Drain(worker.engine);
  return timings;
}

void AddTimings(const Job& job, const Timings& timings, Counters& counters) {
  const auto operations = static_cast<double>(job.operations);
  counters.emplace_back("sustained_ops_s",
                        operations / SecondsBetween(timings.start, timings.drained));
  counters.emplace_back("burst_ops_s",
                        operations / SecondsBetween(timings.start, timings.last_operation));
  counters.emplace_back("cpu_s_per_mop",
                        (timings.drained.cpu_s - timings.start.cpu_s) / (operations * 1e-6));
  counters.emplace_back("barrier_p50_us", Quantile(timings.barrier_us, 0.5));
  counters.emplace_back("barrier_p99_us", Quantile(timings.barrier_us, 0.99));
  counters.emplace_back("barrier_p999_us", Quantile(timings.barrier_us, 0.999));
  counters.emplace_back("barrier_max_us", Quantile(timings.barrier_us, 1));
  counters.emplace_back("written_bytes",
                        timings.drained.written_bytes - timings.start.written_bytes);
}

void AddEngineFigures(const EngineFigures& figures, Counters& counters) {
  std::vector<double> durable_ms;
  for (const std::chrono::duration<double, std::milli> durable : figures.durable) {
    durable_ms.push_back(durable.count());
  }
  counters.emplace_back("durable_p50_ms", Quantile(durable_ms, 0.5));
  counters.emplace_back("durable_p99_ms", Quantile(durable_ms, 0.99));
  counters.emplace_back("published_bytes", figures.published_bytes);
  if (figures.log_bytes) counters.emplace_back("log_bytes", *figures.log_bytes);
  if (figures.segments) counters.emplace_back("segments", *figures.segments);
  if (figures.stall_s) counters.emplace_back("stall_s", *figures.stall_s);
}

void AddUsage(const DirectoryUsage& usage, Counters& counters) {
  counters.emplace_back("retained_bytes", usage.bytes);
  counters.emplace_back("files", usage.files);
}

struct Expected {
  uint64_t reads = 0;
  uint64_t state = 0;
  uint64_t net_change_bytes = 0;

  // 52 bits: Google Benchmark's counters are doubles, which hold no more.
  double result_hash() const { return static_cast<double>(Mix(reads ^ Mix(state)) >> 12); }
};

Expected RunModel(const Job& job) {
  const std::unique_ptr<Engine> model = MakeModel();
  Worker worker(*model, job);
  Load(worker, job);
  Run(worker, job);
  return {worker.session->HashOfReads(), worker.session->HashOfState(),
          *model->Figures().net_change_bytes};
}

void CheckHash(const char* of_what, uint64_t expected, uint64_t got) {
  if (expected == got) return;
  throw std::runtime_error(std::string(of_what) + " differs from the model: hash expected " +
                           std::to_string(expected) + ", got " + std::to_string(got));
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
  AddTimings(job, timings, counters);
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
  const auto restore_begin = std::chrono::steady_clock::now();
  engine->Restore().Check();
  const std::chrono::duration<double> restore = std::chrono::steady_clock::now() - restore_begin;
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
