#include "bench/value_update.h"

#include "bench/engine.h"
#include "bench/measure.h"
#include "bench/random.h"
#include "bench/records.h"
#include "bench/zipf.h"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <stdexcept>
#include <string>
#include <utility>

namespace tidemark::bench {
namespace {

enum class Distribution { kZipf, kUniform };
constexpr double kTheta = 0.99;

struct Variant {
  const char* name;
  uint64_t epoch_updates;
};
constexpr Variant kVariants[] = {{"epoch_200k", 200'000}, {"epoch_20k", 20'000}};

struct Job {
  uint64_t keys;
  uint64_t epoch_updates;
  // The key number of each operation. Drawn before the clock starts, so that drawing costs no
  // engine anything.
  std::vector<uint32_t> updates;
};

struct Timings {
  ProcessSample start;
  ProcessSample last_update;  // before the drain
  ProcessSample drained;
  std::vector<double> barrier_us;
};

// Popular keys lie anywhere: neither their bytes nor the order of loading tells them from others.
std::vector<uint32_t> ScatteredKeys(uint64_t keys, Random& random) {
  std::vector<uint32_t> scattered(keys);
  std::iota(scattered.begin(), scattered.end(), 0);
  for (uint64_t i = keys - 1; i > 0; --i) std::swap(scattered[i], scattered[random.Below(i + 1)]);
  return scattered;
}

std::vector<uint32_t> DrawUpdates(Distribution distribution, uint64_t keys, uint64_t count) {
  Random random(20'240'229);
  std::vector<uint32_t> updates(count);
  if (distribution == Distribution::kUniform) {
    for (uint32_t& key : updates) key = static_cast<uint32_t>(random.Below(keys));
    return updates;
  }
  const ZipfRanks ranks(keys, kTheta);
  const std::vector<uint32_t> scattered = ScatteredKeys(keys, random);
  for (uint32_t& key : updates) key = scattered[ranks.Next(random)];
  return updates;
}

// Loads all keys and checkpoints them as number 1, with nothing left to do for the background.
void Load(Engine& engine, const Job& job) {
  for (uint64_t i = 0; i < job.keys; ++i) engine.Put(Key::At(i), Value::InitialOf(i)).Check();
  engine.Checkpoint(1).Check();
  engine.Drain().Check();
  engine.ResetFigures();
}

double TimeBarrierMicroseconds(Engine& engine, uint64_t id) {
  const auto begin = std::chrono::steady_clock::now();
  engine.Checkpoint(id).Check();
  const std::chrono::duration<double, std::micro> barrier =
      std::chrono::steady_clock::now() - begin;
  return barrier.count();
}

void UpdateEpoch(Engine& engine, const Job& job, uint64_t begin, uint64_t end) {
  for (uint64_t i = begin; i < end; ++i) {
    engine.Update(Key::At(job.updates[i]), Change{i}).Check();
  }
}

// Every epoch ends with a checkpoint, the last one too.
Timings Run(Engine& engine, const Job& job) {
  Timings timings;
  timings.barrier_us.reserve(job.updates.size() / job.epoch_updates + 1);
  uint64_t id = 1;
  timings.start = SampleProcess();
  for (uint64_t begin = 0; begin < job.updates.size(); begin += job.epoch_updates) {
    UpdateEpoch(engine, job, begin,
                std::min<uint64_t>(begin + job.epoch_updates, job.updates.size()));
    timings.barrier_us.push_back(TimeBarrierMicroseconds(engine, ++id));
  }
  timings.last_update = SampleProcess();
  engine.Drain().Check();
  timings.drained = SampleProcess();
  return timings;
}

uint64_t HashOf(Engine& engine) {
  ContentHash hash;
  engine.ForEach([&](const Key& key, const Value& value) { hash.Add(key, value); }).Check();
  return hash.value();
}

// The same operations on a plain array: what every engine must end with, and what no engine can do
// without.
struct Model {
  uint64_t result_hash = 0;
  uint64_t net_change_bytes = 0;
};
Model RunModel(const Job& job) {
  std::vector<Value> values(job.keys);
  std::vector<uint64_t> last_epoch(job.keys, ~uint64_t{0});
  for (uint64_t i = 0; i < job.keys; ++i) values[i] = Value::InitialOf(i);
  Model model;
  for (uint64_t i = 0; i < job.updates.size(); ++i) {
    const uint32_t key = job.updates[i];
    Change{i}.ApplyTo(values[key]);
    const uint64_t epoch = i / job.epoch_updates;
    if (std::exchange(last_epoch[key], epoch) != epoch) {
      model.net_change_bytes += sizeof(Key) + sizeof(Value);
    }
  }
  ContentHash hash;
  for (uint64_t i = 0; i < job.keys; ++i) hash.Add(Key::At(i), values[i]);
  model.result_hash = hash.value();
  return model;
}

void CheckHash(const char* of_what, uint64_t expected, uint64_t got) {
  if (expected == got) return;
  throw std::runtime_error(std::string(of_what) + " differs from the model: result_hash expected " +
                           std::to_string(expected) + ", got " + std::to_string(got));
}

void AddTimings(const Job& job, const Timings& timings, Counters& counters) {
  const auto updates = static_cast<double>(job.updates.size());
  counters.emplace_back("sustained_ops_s",
                        updates / SecondsBetween(timings.start, timings.drained));
  counters.emplace_back("burst_ops_s",
                        updates / SecondsBetween(timings.start, timings.last_update));
  counters.emplace_back("cpu_s_per_mop",
                        (timings.drained.cpu_s - timings.start.cpu_s) / (updates * 1e-6));
  counters.emplace_back("barrier_p50_us", Quantile(timings.barrier_us, 0.5));
  counters.emplace_back("barrier_p99_us", Quantile(timings.barrier_us, 0.99));
  counters.emplace_back("barrier_p999_us", Quantile(timings.barrier_us, 0.999));
  counters.emplace_back("barrier_max_us", Quantile(timings.barrier_us, 1));
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

Counters RunRow(const EngineKind& kind, Distribution distribution, const Variant& variant,
                const RowContext& context) {
  const Scale& scale = context.scale;
  const Job job{scale.keys, variant.epoch_updates / scale.epoch_divisor,
                DrawUpdates(distribution, scale.keys, scale.updates)};
  EngineOptions options;
  options.directory = context.directory;
  options.memory_budget_bytes = scale.memory_budget_bytes;
  const auto engine = kind.open(options).value();
  Load(*engine, job);

  context.on_start();
  const Timings timings = Run(*engine, job);
  context.on_stop();

  Counters counters;
  AddTimings(job, timings, counters);
  counters.emplace_back("written_bytes",
                        timings.drained.written_bytes - timings.start.written_bytes);
  // Before anything below takes memory of its own.
  counters.emplace_back("peak_rss_bytes", PeakRssBytes());
  AddEngineFigures(engine->Figures(), counters);
  const DirectoryUsage usage = UsageOf(engine->repository());
  counters.emplace_back("retained_bytes", usage.bytes);
  counters.emplace_back("files", usage.files);

  const Model model = RunModel(job);
  counters.emplace_back("net_change_bytes", model.net_change_bytes);
  CheckHash("the state", model.result_hash, HashOf(*engine));
  engine->Restore().Check();
  CheckHash("the newest checkpoint, restored,", model.result_hash, HashOf(*engine));
  counters.emplace_back("result_hash", model.result_hash);
  return counters;
}

Row MakeRow(Distribution distribution, const EngineKind& kind, const Variant& variant) {
  return {distribution == Distribution::kZipf ? "ValueUpdateZipf" : "ValueUpdateUniform",
          std::string(kind.name), variant.name,
          [=](const RowContext& context) { return RunRow(kind, distribution, variant, context); }};
}

}  // namespace

std::vector<Row> ValueUpdateRows() {
  std::vector<Row> rows;
  for (const Distribution distribution : {Distribution::kZipf, Distribution::kUniform}) {
    for (const Variant& variant : kVariants) {
      for (const EngineKind& kind : kEngines) {
        rows.push_back(MakeRow(distribution, kind, variant));
      }
    }
  }
  return rows;
}

}  // namespace tidemark::bench
