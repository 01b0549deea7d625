// ModelRun: one random sequence of operations on a store, each compared with the oracle.
#pragma once

#include "tests/store/model_world.h"

#include <cstdint>
#include <string>
#include <vector>

namespace tidemark::store {

class ModelRun {
 public:
  explicit ModelRun(uint64_t seed);

  // Throws ModelFailure when the store does not do as the oracle.
  void Run();

  const ModelConfig& config() const { return config_; }
  // What was done, oldest first.
  const std::vector<std::string>& notes() const { return world_.notes(); }

 private:
  void Step();
  void WriteStep();
  void ReadStep();
  void BarrierStep();
  void ReopenStep();

  void Put();
  void PutView();
  void Delete();
  void Update();
  void Mutable();
  // The write was carried out, or refused for want of memory: then a checkpoint makes room, and it
  // is made again.
  template <class Write>
  void Carry(Write&& write);
  void CheckpointSoon(bool wait);
  void RefusedCheckpoint();

  ModelTable& Content(const std::string& table) { return world_.oracle().current()[table]; }
  std::string RandomTable();
  std::string RandomKey();
  ModelValue RandomValue();
  bool Chance(uint64_t one_in) { return random_() % one_in == 0; }

  ModelRandom random_;
  ModelConfig config_;
  ModelWorld world_;
  int tables_ = 1;
  uint64_t next_id_ = 1;
  size_t epoch_bytes_ = 0;
  int fault_steps_ = 0;  // until the fault is cleared
};

}  // namespace tidemark::store
