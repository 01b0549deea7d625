// ModelWorld: one store under test, its directories, its storage, its neighbour in memory, and the
// faults that strike it.
#pragma once

#include "store/store_core.h"
#include "tests/store/model_config.h"
#include "tests/store/model_disk.h"
#include "tests/store/model_oracle.h"
#include "tests/store/model_random.h"
#include "tests/store/model_scans.h"
#include "tests/store/model_views.h"
#include "tests/support/fault_storage.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark::store {

// What sequences have met with; tells whether they are about what they should be.
struct ModelCounts {
  uint64_t opened = 0;
  uint64_t reused = 0;    // of these, with the live database that was there
  uint64_t restored = 0;  // checkpoints that were compared with what their barriers saw
  uint64_t evictions = 0;
  uint64_t misses = 0;
  uint64_t stalls = 0;
  uint64_t spills = 0;
  uint64_t write_backs = 0;
  uint64_t log_merges = 0;
  uint64_t offline = 0;  // compactions that had something to do
  uint64_t power_cuts = 0;
  uint64_t doubtful = 0;  // checkpoints that were under way then
  uint64_t refused_writes = 0;
  uint64_t failed_checkpoints = 0;
  uint64_t outgrown_scans = 0;
  uint64_t views_read = 0;
  uint64_t pins = 0;
  uint64_t read_in_place = 0;
  uint64_t appended = 0;
  void Add(const ModelCounts& other);
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
    kCutPower,  // where the power may fail: what is not synced is lost, all or in part
  };

  // Opens in one of several directories. Compares all of the state with the oracle.
  void Open(std::optional<uint64_t> checkpoint, ModelRandom& random);
  // With the iterators that are open; they end.
  void End(Ending ending, ModelRandom& random);

  // While nobody has the repository open. Changes nothing of what any checkpoint holds.
  void CompactOffline();

  // Tables. The handle to a table of the oracle's, which is made in the store where it is new.
  const std::shared_ptr<TableCore>& Table(const std::string& name);
  void DropTable(const std::string& name);
  // Handles to tables that are not there any more.
  std::vector<std::shared_ptr<TableCore>> StaleHandles() const;
  void CompareTable(const std::string& name);
  void CompareAll();
  void Rollback();

  // Barrier. `wait`: until all checkpoints so far are decided.
  void Checkpoint(uint64_t id, bool wait);
  void Settle();
  void Drain();

  // Of a retained checkpoint, or of the newest. A fault may prevent it.
  void OpenView(std::optional<uint64_t> checkpoint, uint64_t cache_bytes);

  // By name, of checkpoints that may be in no list any more.
  void Pin(const ModelCheckpoint& checkpoint);
  void Unpin(const std::string& name);
  void OpenPinned(const std::string& name);
  void ComparePins();
  const std::map<std::string, ModelCheckpoint>& pins() const { return pins_; }

  // Both where they lie in the repository, and what differs between them.
  void ReadInPlace(const ModelCheckpoint& a, const ModelCheckpoint& b, ModelRandom& random);

  void InjectFault(ModelRandom& random);
  void ClearFaults();
  bool has_fault() const { return has_fault_; }
  // A neighbour takes of the budget what is free, but leaves the store this much; 0: it goes away.
  void LeaveRoom(uint64_t bytes);
  // No more is in use than there is.
  void CheckMemory() const;
  // Numbers that must agree, whatever goes on in the background.
  void CheckMetrics() const;

  // Takes a note for the log that a failure prints.
  void Note(const std::string& text) { notes_.push_back(step_ + text); }
  void SetStep(std::string step) { step_ = std::move(step); }
  const std::vector<std::string>& notes() const { return notes_; }
  // Throws unless OK.
  void Expect(const Status& status, std::string_view doing) const;
  void Expect(bool condition, const std::string& otherwise) const {
    if (!condition) throw ModelFailure(otherwise);
  }

  const ModelConfig& config() const { return config_; }
  ModelOracle& oracle() { return oracle_; }
  ModelScans& scans() { return scans_; }
  ModelViews& views() { return views_; }
  ModelCounts& counts() { return counts_; }
  StoreCore& store() { return *store_; }
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
  void CutPower(ModelRandom& random);
  // Those decided: as they were. `all`: waits for the others too.
  void SettlePending(bool all);
  void AttachDisk();
  void CountStore();
  static bool IsDecided(const CheckpointTicket& ticket);
  // Blocks until it is decided.
  static Status OutcomeOf(const CheckpointTicket& ticket);

  const ModelConfig config_;
  ModelOracle oracle_;
  ModelDisk disk_;
  std::shared_ptr<test::FaultStorage> storage_;
  std::shared_ptr<Runtime> runtime_;
  uint64_t neighbour_bytes_ = 0;
  std::shared_ptr<StoreCore> store_;
  std::shared_ptr<StoreCore> abandoned_;  // lives on until another one has been opened
  std::map<uint64_t, std::shared_ptr<TableCore>> handles_;  // by incarnation; some are stale
  ModelScans scans_;
  ModelViews views_;
  std::map<std::string, ModelCheckpoint> pins_;
  uint64_t pins_made_ = 0;
  std::set<uint64_t> pinned_ids_;  // at any time
  std::vector<Pending> pending_;
  uint64_t checkpoints_made_ = 0;
  bool has_fault_ = false;
  bool has_met_fault_ = false;  // at any time in the life of this store
  bool had_fault_ = false;      // at any time since the last checkpoint was decided
  std::string step_;
  std::vector<std::string> notes_;
  ModelCounts counts_;
};

}  // namespace tidemark::store
