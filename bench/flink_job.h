// What the jobs of FlinkMap and FlinkList share. Like Flink's own benchmarks of these states each
// of them times one kind of call, on keys drawn evenly.
#pragma once

#include "bench/job.h"
#include "bench/random.h"
#include "bench/records.h"
#include "bench/workloads.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace tidemark::bench {

// In each map or list when it has been loaded.
inline constexpr uint64_t kElementsLoaded = 10;
// From one checkpoint to the next, at scales that measure: operations on one element.
inline constexpr uint64_t kEpochOperations = 200'000;

// The key number `index`, far from its neighbours.
constexpr uint64_t FlinkKey(uint64_t index) { return Mix(index + 1); }

// A variant, of which `Subject` has the operations:
//   Subject(Engine&)                     opens the state
//   kElementsALoad                       elements that one call of Load adds
//   Load(keys, i)                        the load operation number i of keys * kElementsLoaded /
//                                        kElementsALoad
//   (this->*operate)(key, i, reads)      the timed operation number i
//   HashOf(key, hash)                    adds all that the state has of a key
//   kAsked                               what it asks of an engine
template <class Subject>
struct FlinkVariant {
  const char* name;
  // As how many operations on one element one of these counts: the larger it is the fewer there
  // are, and the fewer make an epoch.
  uint64_t weight;
  void (Subject::*operate)(uint64_t key, uint64_t i, ReadHash& reads);
};

template <class Subject>
class FlinkSession final : public Session {
 public:
  FlinkSession(const FlinkVariant<Subject>& variant, uint64_t keys,
               const std::vector<uint32_t>& drawn, Engine& engine)
      : variant_(variant), keys_(keys), drawn_(drawn), subject_(engine) {}

  void Load(uint64_t begin, uint64_t end) override {
    for (uint64_t i = begin; i < end; ++i) subject_.Load(keys_, i);
  }
  void Run(uint64_t begin, uint64_t end) override {
    for (uint64_t i = begin; i < end; ++i) {
      (subject_.*variant_.operate)(FlinkKey(drawn_[i]), i, reads_);
    }
  }
  uint64_t HashOfReads() const override { return reads_.value(); }
  uint64_t HashOfState() override {
    ReadHash hash;
    for (uint64_t i = 0; i < keys_; ++i) subject_.HashOf(FlinkKey(i), hash);
    return hash.value();
  }

 private:
  const FlinkVariant<Subject> variant_;
  const uint64_t keys_;
  const std::vector<uint32_t>& drawn_;
  Subject subject_;
  ReadHash reads_;
};

template <class Subject>
Job MakeFlinkJob(const FlinkVariant<Subject>& variant, const Scale& scale) {
  const auto [keys, operations] = scale.flink;
  const uint64_t epoch = kEpochOperations / scale.epoch_divisor;
  Job job;
  job.memory_budget_bytes = scale.memory_budget_bytes;
  job.load_operations = keys * kElementsLoaded / Subject::kElementsALoad;
  job.load_epoch = epoch / Subject::kElementsALoad;
  job.operations = operations / variant.weight;
  job.epoch = epoch / variant.weight;
  // Shared, because a std::function can be copied.
  const auto drawn =
      std::make_shared<const std::vector<uint32_t>>(DrawUniform(keys, job.operations));
  job.open = [variant, keys = keys, drawn](Engine& engine) {
    return std::make_unique<FlinkSession<Subject>>(variant, keys, *drawn, engine);
  };
  return job;
}

template <class Subject>
std::vector<Row> FlinkRows(const std::string& workload,
                           std::span<const FlinkVariant<Subject>> variants) {
  std::vector<Row> rows;
  for (const FlinkVariant<Subject>& variant : variants) {
    AddRows(
        workload, variant.name,
        [variant](const Scale& scale) { return MakeFlinkJob(variant, scale); }, rows,
        RowKind::kShort, Subject::kAsked);
  }
  return rows;
}

}  // namespace tidemark::bench
