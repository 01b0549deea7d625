// ModelWorld's tables, and what goes on around them: read views, faults,
// memory, metrics.
#include "tests/store/model_world.h"

#include <algorithm>

namespace tidemark::store {

namespace {

// What the budget is exact to. A table's index may take a chunk in the same write as the entry; and
// what a table takes that is new, or was given back, counts from the next write on.
constexpr uint64_t kExactTo = 2 * Arena::kSmallChunkBytes;

}  // namespace

using test::FaultError;
using test::FileFault;
using test::StorageFault;
using test::StorageOperation;

// ---- Tables ----

const std::shared_ptr<TableCore>& ModelWorld::Table(const std::string& name) {
  const ModelTable& table = oracle_.current().at(name);
  std::shared_ptr<TableCore>& handle = handles_[table.incarnation];
  if (handle == nullptr) {
    auto opened = store_->OpenTable(name, {.kind = table.kind, .exact_count = table.counted});
    Expect(opened.error(), "open " + name);
    handle = *std::move(opened);
  }
  return handle;
}

void ModelWorld::DropTable(const std::string& name) {
  Note("drop " + name);
  Expect(store_->DropTable(name), "drop " + name);
  oracle_.current().erase(name);
  scans_.NoteTables(oracle_);
}

std::vector<std::shared_ptr<TableCore>> ModelWorld::StaleHandles() const {
  std::vector<std::shared_ptr<TableCore>> stale;
  for (const auto& [incarnation, handle] : handles_) {
    if (!oracle_.Has(incarnation)) stale.push_back(handle);
  }
  return stale;
}

void ModelWorld::Rollback() {
  Note("rollback");
  Expect(store_->Rollback(), "rollback");
  oracle_.Rollback();
  scans_.NoteTables(oracle_);
}

void ModelWorld::CompareTable(const std::string& name) {
  ModelEntries seen(oracle_.current().at(name).entries);
  Expect(Table(name)->ForEach(&ModelEntries::See, &seen), "for each");
  Expect(seen.problem().empty(), name + " " + seen.problem());
}

void ModelWorld::CompareAll() {
  for (const auto& [name, table] : oracle_.current()) CompareTable(name);
}

// ---- Read views ----

void ModelWorld::OpenView(std::optional<uint64_t> checkpoint, uint64_t cache_bytes) {
  Note("open a view of " + (checkpoint ? "checkpoint " + std::to_string(*checkpoint)
                                       : std::string("the newest checkpoint")));
  const auto view = store_->OpenView({.checkpoint = checkpoint, .block_cache_bytes = cache_bytes});
  if (!view.has_value()) {
    const bool none = !checkpoint && oracle_.retained().empty();
    Expect(has_fault_ || (none && view.error().name() == "checkpoint-not-found"),
           "open a view: " + view.error().ToString());
    return;
  }
  std::vector<ModelCheckpoint> known = oracle_.retained();
  for (const Pending& pending : pending_) known.push_back(pending.checkpoint);
  const CheckpointInfo& info = (*view)->checkpoint();
  const auto shown = std::find_if(known.begin(), known.end(), [&](const ModelCheckpoint& one) {
    return one.metadata == info.metadata;
  });
  Expect(shown != known.end() && info.id == shown->id && checkpoint.value_or(info.id) == info.id,
         "a view of checkpoint " + std::to_string(info.id));
  views_.Add(*view, *shown, cache_bytes);
}

// ---- Memory ----

void ModelWorld::LeaveRoom(uint64_t bytes) {
  MemoryBudget& budget = runtime_->impl().budget();
  budget.Add(-static_cast<int64_t>(neighbour_bytes_));
  neighbour_bytes_ = 0;
  if (bytes == 0) return;
  const auto blocks = SharedBlockCache::Of(runtime_);
  while (blocks->Yield(Arena::kSmallChunkBytes)) {
  }
  const uint64_t others = BlockCacheBytesMin(config_.memory_budget_bytes) + budget.reserve_bytes() +
                          MemoryBudget::kBufferBytes;
  neighbour_bytes_ = std::min(budget.limit_bytes() - others - bytes, budget.free_bytes());
  budget.Add(static_cast<int64_t>(neighbour_bytes_));
}

void ModelWorld::CheckMemory() const {
  const uint64_t used = runtime_->memory_used_bytes();
  Expect(used <= config_.memory_budget_bytes + kExactTo, std::to_string(used) + " bytes are used");
}

void ModelWorld::CheckMetrics() const {
  const StoreMetrics metrics = store_->Metrics();
  Expect(metrics.budget_limit_bytes == config_.memory_budget_bytes, "another limit in the metrics");
  const uint64_t block_cache_bytes = BlockCacheBytesMin(config_.memory_budget_bytes);
  const uint64_t counted = metrics.cache_bytes + metrics.index_bytes + metrics.free_bytes +
                           metrics.list_bytes + metrics.buffer_bytes + block_cache_bytes +
                           neighbour_bytes_;
  Expect(metrics.budget_used_bytes + kExactTo >= counted,
         "in use are " + std::to_string(metrics.budget_used_bytes) + " bytes, but the parts are " +
             std::to_string(counted));
  Expect(metrics.checkpoints_in_flight <= pending_.size(),
         std::to_string(metrics.checkpoints_in_flight) + " checkpoints are in flight of " +
             std::to_string(pending_.size()));
}

void ModelCounts::Add(const ModelCounts& other) {
  opened += other.opened;
  reused += other.reused;
  restored += other.restored;
  evictions += other.evictions;
  misses += other.misses;
  stalls += other.stalls;
  spills += other.spills;
  write_backs += other.write_backs;
  log_merges += other.log_merges;
  refused_writes += other.refused_writes;
  failed_checkpoints += other.failed_checkpoints;
  outgrown_scans += other.outgrown_scans;
  views_read += other.views_read;
  pins += other.pins;
  read_in_place += other.read_in_place;
  offline += other.offline;
  power_cuts += other.power_cuts;
  doubtful += other.doubtful;
  appended += other.appended;
}

std::string ModelCounts::ToString() const {
  const auto times = [](uint64_t count, std::string_view what) {
    return std::to_string(count) + " " + std::string(what);
  };
  return times(opened, "stores opened, ") + times(restored, "restored (") +
         times(reused, "with their live database), ") + times(evictions, "evictions, ") +
         times(misses, "misses, ") + times(stalls, "stalls, ") + times(spills, "spills, ") +
         times(write_backs, "write-backs, ") + times(log_merges, "log merges, ") +
         times(refused_writes, "writes refused, ") +
         times(failed_checkpoints, "checkpoints failed, ") +
         times(outgrown_scans, "iterators outgrown, ") + times(views_read, "reads of views, ") +
         times(pins, "pins, ") + times(read_in_place, "pairs read in place, ") +
         times(offline, "compactions offline, ") + times(power_cuts, "power cuts, ") +
         times(doubtful, "checkpoints under way then, ") + times(appended, "appends to lists");
}

// ---- Faults ----

namespace {

// RocksDB up to 7.8 at least, where it is built with asserts, aborts if a compaction of which
// nothing is left (range deletes alone) cannot finish its empty file. That is nothing that a store
// can help.
bool IsWriteOfCompaction(test::FileOperation operation, std::string_view name) {
  using test::FileOperation;
  return (operation == FileOperation::kAppend || operation == FileOperation::kSync ||
          operation == FileOperation::kClose) &&
         name.find("/state/") != std::string_view::npos && name.ends_with(".sst");
}

}  // namespace

void ModelWorld::InjectFault(ModelRandom& random) {
  ClearFaults();
  const FaultError error = random.OneOf({FaultError::kIo, FaultError::kFull});
  const bool sticky = random.Chance(3);
  if (random.Chance(3)) {
    const FileFault fault{
        .call = 1 + random.Below(30),
        .sticky = sticky,
        .error = error,
        .contains = random.OneOf<std::string>({"", "/tmp/", "segment-", "/state/", "/side/"}),
        .spares = IsWriteOfCompaction};
    Note("fault in the file system: call " + std::to_string(fault.call) + " with `" +
         fault.contains + "`" + (sticky ? " and all later ones" : ""));
    disk_.fs()->plan().Inject(fault);
  } else {
    const StorageFault fault{
        .call = 1 + random.Below(3),
        .sticky = sticky,
        .error = error,
        .operations = random.OneOf<std::set<StorageOperation>>({test::kStorageWrites,
                                                                {StorageOperation::kCreateIfAbsent},
                                                                {StorageOperation::kPutFile},
                                                                {}}),
        .answer_lost = random.Chance(3)};
    Note("fault in the storage: call " + std::to_string(fault.call) +
         (sticky ? " and all later ones" : "") + (fault.answer_lost ? ", answer lost" : ""));
    storage_->plan().Inject(fault);
  }
  has_fault_ = had_fault_ = has_met_fault_ = true;
}

void ModelWorld::ClearFaults() {
  if (has_fault_) Note("faults cleared");
  storage_->plan().Clear();
  disk_.fs()->plan().Clear();
  has_fault_ = false;
}

}  // namespace tidemark::store
