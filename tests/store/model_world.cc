#include "tests/store/model_world.h"

#include "store/offline_compaction.h"

namespace tidemark::store {

namespace {

constexpr uint64_t kDirectories = 3;

}  // namespace

ModelWorld::ModelWorld(const ModelConfig& config)
    : config_(config), oracle_(config.keep_last), disk_(config.cuts_power) {
  AttachDisk();
}

void ModelWorld::AttachDisk() {
  storage_ = std::make_shared<test::FaultStorage>(
      storage::OpenLocalDirectoryOn(disk_.Path("repository"), disk_.repository_fs()).value(),
      disk_.repository_fs());
  storage_->DenyLinks(config_.deny_links);
  storage_->HideLocks(config_.hide_locks);
  storage_->HidePaths(config_.cuts_power);  // they mean nothing to the operating system
  runtime_ = Runtime::Create({.memory_budget_bytes = config_.memory_budget_bytes}).value();
}

ModelWorld::~ModelWorld() {
  storage_->plan().Clear();
  disk_.fs()->plan().Clear();
}

void ModelWorld::Expect(const Status& status, std::string_view doing) const {
  if (!status.ok()) throw ModelFailure(std::string(doing) + ": " + status.ToString());
}

// ---- Opening and ending ----

StoreOptions ModelWorld::OptionsFor(std::optional<uint64_t> checkpoint, int directory) const {
  StoreOptions options;
  options.runtime = runtime_;
  options.directory = disk_.Path("live" + std::to_string(directory));
  options.storage = storage_;
  options.restore_checkpoint = checkpoint;
  options.max_parallelism = config_.max_parallelism;
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
  const Environment environment{disk_.fs()};
  if (random.Chance(6)) {
    has_fault_ = had_fault_ = has_met_fault_ =
        true;  // it may strike what an abandoned store has under way, too
    if (random.Chance(2)) {
      storage_->plan().Inject({.call = 1 + random.Below(12)});
    } else {
      disk_.fs()->plan().Inject({.call = 1 + random.Below(80)});
    }
    auto opened = StoreCore::Open(options, environment);
    const bool struck = storage_->plan().fired() + disk_.fs()->plan().fired() > 0;
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
  has_met_fault_ = has_fault_;
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
  if (ending == Ending::kCutPower) return CutPower(random);
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
  // Without what it has lent to views.
  const uint64_t block_cache_bytes =
      views_.size() == 0 ? 0 : SharedBlockCache::Of(runtime_)->cache()->capacity_bytes();
  const uint64_t others = neighbour_bytes_ + block_cache_bytes;
  const uint64_t left = runtime_->memory_used_bytes() - others;
  Expect(left <= views_.memory_bytes(),
         std::to_string(left) + " bytes are still counted after close");
  if (ending == Ending::kClose) return;
  for (uint64_t i = 0; i < kDirectories; ++i) disk_.Remove("live" + std::to_string(i));
}

// What is acknowledged by then must be there afterwards, and pins. Of what is under way all may be,
// or a part.
void ModelWorld::CutPower(ModelRandom& random) {
  SettlePending(/*all=*/false);
  Note("the power fails and leaves " + std::string(disk_.Cut(random)));
  ++counts_.power_cuts;
  counts_.doubtful += pending_.size();
  for (const Pending& pending : pending_) oracle_.Failed(pending.checkpoint);
  pending_.clear();
  ClearFaults();
  had_fault_ = false;
  (void)store_->Close();  // on the disk as it was, which nobody will see
  scans_.ExpectClosed();
  store_.reset();
  views_.Clear();
  LeaveRoom(0);
  disk_.PowerOn();
  AttachDisk();
}

void ModelWorld::CompactOffline() {
  Note("compact offline");
  CompactOptions options;
  options.storage = storage_;
  options.directory = disk_.Path("offline");
  options.memory_budget_bytes = config_.memory_budget_bytes;
  options.take_over = config_.hide_locks;
  const auto report = store::CompactOffline(options, {disk_.fs()});
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

bool ModelWorld::IsDecided(const CheckpointTicket& ticket) {
  const std::lock_guard lock(ticket.mutex);
  return ticket.done;
}

void ModelWorld::SettlePending(bool all) {
  auto left = pending_.begin();
  for (; left != pending_.end() && (all || IsDecided(*left->ticket)); ++left) {
    const Pending& pending = *left;
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
  pending_.erase(pending_.begin(), left);
}

void ModelWorld::Settle() {
  const bool any = !pending_.empty();
  SettlePending(/*all=*/true);
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
  // A file of a restored live directory whose sync has failed is lost until the next opening.
  const bool is_lost = has_met_fault_ && drained.message().find("an earlier sync of this file") !=
                                             std::string_view::npos;
  Expect(drained.ok() || has_fault_ || is_lost, "drain: " + drained.ToString());
}

}  // namespace tidemark::store
