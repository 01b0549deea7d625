// ModelRun: carries out the steps of a plan, each compared with the oracle.
//
// A plan is a configuration and a list of steps, both made of the seed alone. A step is an
// operation and a random word, from which the operation draws its arguments in view of what there
// is by then: any selection of a plan's steps is a sequence that means something, so a failing one
// can be shrunk.
#pragma once

#include "tests/store/model_world.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidemark::store {

struct ModelStep {
  size_t operation = 0;  // of ModelRun::Operations()
  uint64_t word = 0;
};

struct ModelPlan {
  uint64_t seed = 0;
  ModelConfig config;
  std::vector<ModelStep> steps;

  static ModelPlan Of(uint64_t seed);
  // The numbers of all steps.
  std::vector<size_t> AllSteps() const;
};

struct ModelOutcome {
  std::optional<std::string> failure;
  std::vector<std::string> notes;  // what was done, oldest first
  ModelCounts counts;
};

class ModelRun {
 public:
  // What a sequence consists of.
  struct Operation {
    std::string_view name;
    int weight;  // its share of the steps, before a sequence makes it more or less frequent
    void (ModelRun::*run)(ModelRandom&);
  };
  static std::span<const Operation> Operations();
  // The operations that plans place by themselves.
  static size_t RestartOperation();

  // Those steps of the plan (by number, ascending), between an opening and a restore of what was
  // retained. `performed` counts steps by operation.
  static ModelOutcome Perform(const ModelPlan& plan, std::span<const size_t> steps,
                              std::vector<uint64_t>* performed = nullptr);

 private:
  explicit ModelRun(const ModelPlan& plan) : plan_(plan), world_(plan.config) {}
  void Run(std::span<const size_t> steps, std::vector<uint64_t>* performed);
  void Before(ModelRandom& random);
  void After();
  void FinishIterators();
  void RestoreRetained(ModelRandom& random);

  struct Target {
    std::string name;
    ModelTable& content;
    std::shared_ptr<TableCore> table;
  };

  // ---- Operations: writes (model_writes.cc) ----
  void Put(ModelRandom& random);
  void PutView(ModelRandom& random);
  void Delete(ModelRandom& random);
  void Update(ModelRandom& random);
  void Mutable(ModelRandom& random);
  void Append(ModelRandom& random);
  void WriteAtIterator(ModelRandom& random);
  void Fill(ModelRandom& random);
  void FillFrom(const std::string& prefix, const Target& target, ModelRandom& random);
  void DeleteRange(ModelRandom& random);
  void Neighbours(ModelRandom& random);
  void DeleteRangeOf(const Target& target, const ScanOptions& range, ModelRandom& random);
  // ---- Reads (model_reads.cc) ----
  void Get(ModelRandom& random);
  void MultiGet(ModelRandom& random);
  void Count(ModelRandom& random);
  void ForEach(ModelRandom& random);
  void OpenIterator(ModelRandom& random);
  void AdvanceIterator(ModelRandom& random);
  void CloseIterator(ModelRandom& random);
  void OpenView(ModelRandom& random);
  void ReadView(ModelRandom& random);
  void CloseView(ModelRandom& random);
  // What was read of that key, in the table (or elsewhere) of that name.
  void ExpectValue(const ModelTable& content, const std::string& key,
                   const std::optional<std::string_view>& got, const std::string& name) const;
  // ---- Pins (model_pins.cc) ----
  void Pin(ModelRandom& random);
  void Unpin(ModelRandom& random);
  void ViewPin(ModelRandom& random);
  // ---- Reading beside the store (model_in_place.cc) ----
  void ReadInPlace(ModelRandom& random);
  // ---- Barriers and tables ----
  void Checkpoint(ModelRandom& random);
  void Rollback(ModelRandom& random);
  void DropTable(ModelRandom& random);
  void UseStaleHandle(ModelRandom& random);
  // ---- What happens to a store ----
  void Drain(ModelRandom& random);
  void Fault(ModelRandom& random);
  void Crowd(ModelRandom& random);
  void Metrics(ModelRandom& random);
  void Refused(ModelRandom& random);
  void Restart(ModelRandom& random);

  // Perhaps a new one.
  Target RandomTarget(ModelRandom& random);
  // One that can be scanned, unless it is hard to find.
  Target RandomTargetThat(bool (*is_wanted)(TableKind), ModelRandom& random);
  static bool IsOrdered(TableKind kind) {
    return kind == TableKind::kOrderedBytes || kind == TableKind::kMap;
  }
  std::string RandomKey(ModelRandom& random, const ModelTable& content) const;
  // What keys of a table of partitions begin with.
  static std::string RandomPartition(ModelRandom& random);
  ModelValue RandomValue(ModelRandom& random) const;
  ScanOptions RandomRange(ModelRandom& random, const ModelTable& content) const;
  // The write was carried out, or refused for want of memory, or because a disk that fails kept
  // the epoch from being spilled: then `settle` finds out what is left to do, a checkpoint makes
  // room, and it is made again.
  template <class Write>
  void Carry(ModelRandom& random, Write&& write);
  template <class Write, class Settle>
  void Carry(ModelRandom& random, Write&& write, Settle&& settle);
  void CountWrite(size_t bytes) { epoch_bytes_ += bytes; }
  void CheckpointSoon(ModelRandom& random, bool wait);

  const ModelPlan& plan_;
  ModelWorld world_;
  size_t epoch_bytes_ = 0;
  uint64_t fault_steps_ = 0;  // until the fault is cleared
};

}  // namespace tidemark::store
