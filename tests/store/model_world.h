// ModelWorld: one store under test, its directories, its storage and the faults in them.
#pragma once

#include "store/store_core.h"
#include "tests/store/model_oracle.h"
#include "tests/support/fault_file_system.h"
#include "tests/support/fault_storage.h"
#include "tests/support/temp_dir.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark::store {

using ModelRandom = std::mt19937_64;

// Everything that a sequence varies, chosen from its seed.
struct ModelConfig {
  uint64_t memory_budget_bytes = 0;
  int keys = 0;
  size_t value_bytes_max = 0;
  size_t epoch_bytes_max = 0;  // a checkpoint is made when an epoch has written so much
  uint64_t inline_bytes = 0;
  uint32_t write_back_segments = 0;
  uint32_t keep_last = 0;
  Compression compression{};
  Verification verification{};
  bool deny_links = false;
  bool hide_locks = false;

  static ModelConfig Random(ModelRandom& random);
  std::string ToString() const;
};

class ModelWorld {
 public:
  explicit ModelWorld(const ModelConfig& config);
  ~ModelWorld();

  enum class Ending {
    kClose,     // finishes what is in flight
    kAbandon,   // goes without Close, as far as the repository can see: a newer one takes over
    kLoseLive,  // closes, and the local directory is lost
  };

  // Opens in one of several directories. Compares all of the state with the oracle.
  void Open(std::optional<uint64_t> checkpoint, ModelRandom& random);
  void End(Ending ending, ModelRandom& random);

  // Tables.
  TableCore& Table(const std::string& name);
  std::optional<std::string> Get(const std::string& table, const std::string& key);
  void CompareTable(const std::string& table);
  void CompareAll();

  // Barrier. `wait`: until all checkpoints so far are decided.
  void Checkpoint(uint64_t id, bool wait);
  void Settle();
  void Drain();

  void InjectFault(ModelRandom& random);
  void ClearFaults();
  bool has_fault() const { return has_fault_; }

  // Takes a note for the log that a failure prints.
  void Note(std::string text) { notes_.push_back(std::move(text)); }
  const std::vector<std::string>& notes() const { return notes_; }
  // Throws unless OK.
  void Expect(const Status& status, std::string_view doing) const;
  void Expect(bool condition, const std::string& otherwise) const {
    if (!condition) throw ModelFailure(otherwise);
  }

  const ModelConfig& config() const { return config_; }
  ModelOracle& oracle() { return oracle_; }
  StoreCore& store() { return *store_; }
  Runtime& runtime() { return *runtime_; }
  // The newest id in use.
  uint64_t newest_id() const;

 private:
  struct Pending {
    std::shared_ptr<CheckpointTicket> ticket;
    ModelCheckpoint checkpoint;
  };

  StoreOptions OptionsFor(std::optional<uint64_t> checkpoint, int directory) const;
  Result<std::shared_ptr<StoreCore>> TryOpen(const StoreOptions& options, ModelRandom& random);
  void CompareRetained();
  void AbandonStore();
  // Blocks until it is decided.
  static Status OutcomeOf(const CheckpointTicket& ticket);

  const ModelConfig config_;
  ModelOracle oracle_;
  test::TempDir directory_;
  std::shared_ptr<test::FaultFileSystem> fs_ = std::make_shared<test::FaultFileSystem>();
  std::shared_ptr<test::FaultStorage> storage_;
  std::shared_ptr<Runtime> runtime_;
  std::shared_ptr<StoreCore> store_;
  std::shared_ptr<StoreCore> abandoned_;  // lives on until another one has been opened
  std::map<std::string, std::shared_ptr<TableCore>> tables_;
  std::vector<Pending> pending_;
  uint64_t checkpoints_made_ = 0;
  bool has_fault_ = false;
  bool had_fault_ = false;  // at any time since the last checkpoint was decided
  std::vector<std::string> notes_;
};

}  // namespace tidemark::store
