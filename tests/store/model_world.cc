#include "tests/store/model_world.h"

#include "store/offline_compaction.h"

#include <filesystem>

namespace tidemark::store {

namespace {

constexpr uint64_t kDirectories = 3;

}  // namespace

ModelWorld::ModelWorld(const ModelConfig& config) : config_(config), oracle_(config.keep_last) {
  fs_->SkipSyncs(true);  // nothing here pulls the plug
  const auto quick = std::make_shared<test::FaultFileSystem>();
  quick->SkipSyncs(true);
  storage_ = std::make_shared<test::FaultStorage>(
      storage::OpenLocalDirectoryOn(directory_ / "repository", quick).value());
  storage_->DenyLinks(config.deny_links);
  storage_->HideLocks(config.hide_locks);
  runtime_ = Runtime::Create({.memory_budget_bytes = config.memory_budget_bytes}).value();
}

ModelWorld::~ModelWorld() {
  storage_->plan().Clear();
  fs_->plan().Clear();
}

void ModelWorld::Expect(const Status& status, std::string_view doing) const {
  if (!status.ok()) throw ModelFailure(std::string(doing) + ": " + status.ToString());
}

// ---- Opening and ending ----

StoreOptions ModelWorld::OptionsFor(std::optional<uint64_t> checkpoint, int directory) const {
  StoreOptions options;
  options.runtime = runtime_;
  options.directory = directory_ / ("live" + std::to_string(directory));
  options.storage = storage_;
  options.restore_checkpoint = checkpoint;
  options.verification = config_.verification;
  options.take_over = abandoned_ != nullptr || config_.hide_locks;
  options.log_compression = config_.compression;
  options.keep_last = config_.keep_last;
  options.inline_segment_bytes_max = config_.inline_bytes;
  options.write_back_bytes = 64 << 10;
  options.write_back_segments = config_.write_back_segments;
  options.log_merge_segments = config_.log_merge_segments;
  options.stall_timeout = config_.stall_timeout;
  return options;
}

// Sometimes with a fault under way: opening may then fail, but must not give an older state or call
// it damaged.
Result<std::shared_ptr<StoreCore>> ModelWorld::TryOpen(const StoreOptions& options,
                                                       ModelRandom& random) {
  const Environment environment{fs_};
  if (random.Chance(6)) {
    has_fault_ = had_fault_ = true;  // it may strike what an abandoned store has under way, too
    if (random.Chance(2)) {
      storage_->plan().Inject({.call = 1 + random.Below(12)});
    } else {
      fs_->plan().Inject({.call = 1 + random.Below(80)});
    }
    auto opened = StoreCore::Open(options, environment);
    const bool struck = storage_->plan().fired() + fs_->plan().fired() > 0;
    ClearFaults();
    if (opened.has_value()) return opened;
    Note("opening failed: " + opened.error().ToString());
    Expect(struck, "opening failed without a fault: " + opened.error().ToString());
    Expect(opened.error().code() == StatusCode::kUnavailable,
           "a fault while opening: " + opened.error().ToString());
  }
  return StoreCore::Open(options, environment);
}

void ModelWorld::Open(std::optional<uint64_t> checkpoint, ModelRandom& random) {
  const int directory = static_cast<int>(random.Below(kDirectories));
  Note("open " + (checkpoint ? "checkpoint " + std::to_string(*checkpoint) : "the newest") +
       " in directory " + std::to_string(directory));
  LeaveRoom(0);  // what is replayed asks for no room
  auto opened = TryOpen(OptionsFor(checkpoint, directory), random);
  Expect(opened.error(), "open");
  store_ = *std::move(opened);
  if (abandoned_ != nullptr) AbandonStore();
  LeaveRoom(config_.room_bytes);
  const RestoreReport& report = store_->restored();
  Expect(report.skipped.empty() && report.damaged_manifests.empty(), "something was damaged");
  oracle_.Restored(report.checkpoint, checkpoint, store_->Checkpoints());
  ++counts_.opened;
  if (report.checkpoint) {
    ++counts_.restored;
    counts_.reused += report.reused_live_database ? 1 : 0;
    Note("restored checkpoint " + std::to_string(report.checkpoint->id) +
         (report.reused_live_database ? ", live reused" : "") + ", replayed " +
         std::to_string(report.replayed_records));
    Expect(store_->epoch() == report.checkpoint->epoch + 1,
           "the next epoch is " + std::to_string(store_->epoch()));
  }
  CompareRetained();
  CompareAll();
}

// The newer store is open: whatever the old one has under way was in time, or is fenced. It finds
// out, and cannot do any harm.
void ModelWorld::AbandonStore() {
  Settle();
  const Status fenced = [&] {
    const auto ticket = abandoned_->Checkpoint(newest_id() + 1'000'000, {});
    return ticket.has_value() ? OutcomeOf(**ticket) : ticket.error();
  }();
  Expect(fenced.code() == StatusCode::kFenced,
         "an abandoned store could still commit: " + fenced.ToString());
  const Status closed = abandoned_->Close();
  Expect(closed.code() == StatusCode::kFenced, "closing an abandoned store: " + closed.ToString());
  scans_.ExpectClosed();
  abandoned_.reset();
}

void ModelWorld::End(Ending ending, ModelRandom& random) {
  CountStore();
  handles_.clear();
  if (ending == Ending::kAbandon) {
    Note("abandon");
    abandoned_ = std::move(store_);
    ClearFaults();
    return;
  }
  if (random.Chance(2)) ClearFaults();
  Note(ending == Ending::kClose ? "close" : "close and lose the live directories");
  const Status closed = store_->Close();
  Expect(closed.ok() || has_fault_, "close: " + closed.ToString());
  scans_.ExpectClosed();
  store_.reset();
  Settle();
  ClearFaults();
  if (ending == Ending::kLoseLive) views_.Clear();  // they read from there
  const uint64_t block_cache_bytes =
      views_.size() == 0 ? 0 : BlockCacheBytes(config_.memory_budget_bytes);
  const uint64_t others = neighbour_bytes_ + block_cache_bytes;
  const uint64_t left = runtime_->memory_used_bytes() - others;
  // A view that found no room has borrowed from the block cache.
  Expect(left <= views_.memory_bytes(),
         std::to_string(left) + " bytes are still counted after close");
  if (ending == Ending::kClose) return;
  for (uint64_t i = 0; i < kDirectories; ++i)
    std::filesystem::remove_all(directory_ / ("live" + std::to_string(i)));
}

void ModelWorld::CompactOffline() {
  Note("compact offline");
  CompactOptions options;
  options.storage = storage_;
  options.directory = directory_ / "offline";
  options.memory_budget_bytes = config_.memory_budget_bytes;
  options.take_over = config_.hide_locks;
  const auto report = store::CompactOffline(options, {fs_});
  Expect(report.error(), "compact offline");
  for (const CompactedSubtask& subtask : report->subtasks) {
    Expect(subtask.restored.skipped.empty(), "compacting offline found damage");
    Expect(subtask.after.segments == 0, "compacting offline left a log");
    counts_.offline += subtask.written_bytes > 0 ? 1 : 0;
  }
}

void ModelWorld::CountStore() {
  const StoreMetrics metrics = store_->Metrics();
  counts_.evictions += metrics.evictions;
  counts_.misses += metrics.misses;
  counts_.stalls += metrics.stalls;
  counts_.spills += metrics.spills;
  counts_.write_backs += metrics.write_backs;
  counts_.log_merges += metrics.log_merges;
}

// ---- Checkpoints ----

uint64_t ModelWorld::newest_id() const {
  uint64_t newest = oracle_.stands_on().value_or(0);
  for (const Pending& pending : pending_) newest = std::max(newest, pending.checkpoint.id);
  return newest;
}

void ModelWorld::Checkpoint(uint64_t id, bool wait) {
  Note("checkpoint " + std::to_string(id) + (wait ? ", waited for" : ""));
  CheckpointOptions options;
  options.metadata["made"] = std::to_string(++checkpoints_made_);  // tells it from all others
  const uint64_t epoch = store_->epoch();
  auto ticket = store_->Checkpoint(id, options);
  Expect(ticket.error(), "checkpoint " + std::to_string(id));
  pending_.push_back({*ticket, oracle_.Barrier(id, epoch, options.metadata)});
  if (wait) Settle();
}

Status ModelWorld::OutcomeOf(const CheckpointTicket& ticket) {
  std::unique_lock lock(ticket.mutex);
  ticket.decided.wait(lock, [&] { return ticket.done; });
  return ticket.status;
}

void ModelWorld::Settle() {
  for (const Pending& pending : pending_) {
    const Status outcome = OutcomeOf(*pending.ticket);
    const bool fenced = abandoned_ != nullptr && outcome.code() == StatusCode::kFenced;
    Expect(outcome.ok() || fenced || had_fault_,
           "checkpoint " + std::to_string(pending.checkpoint.id) + ": " + outcome.ToString());
    if (outcome.ok()) {
      oracle_.Acknowledge(pending.checkpoint);
    } else {
      Note("checkpoint " + std::to_string(pending.checkpoint.id) + ": " + outcome.ToString());
      oracle_.Failed(pending.checkpoint);
      ++counts_.failed_checkpoints;
    }
  }
  const bool any = !pending_.empty();
  pending_.clear();
  had_fault_ = has_fault_;
  if (any && store_ != nullptr && abandoned_ == nullptr) CompareRetained();
}

// With kFast those that were there at open stay until they are verified; pinned ones stay, if the
// writer has seen the pin in time.
void ModelWorld::CompareRetained() {
  std::set<uint64_t> due;
  for (const ModelCheckpoint& one : oracle_.retained()) due.insert(one.id);
  std::string expected;
  std::string got;
  for (const ModelCheckpoint& one : oracle_.retained()) expected += " " + std::to_string(one.id);
  for (const CheckpointInfo& info : store_->Checkpoints()) {
    if (!due.contains(info.id) && pinned_ids_.contains(info.id)) continue;
    got += " " + std::to_string(info.id);
  }
  Expect(config_.verification == Verification::kFast ? got.ends_with(expected) : got == expected,
         "retained are" + got + ", expected" + expected);
}

void ModelWorld::Drain() {
  Note("drain");
  const Status drained = store_->Drain();
  Expect(drained.ok() || has_fault_, "drain: " + drained.ToString());
}

}  // namespace tidemark::store
