#include "tests/store/model_world.h"

#include <filesystem>

namespace tidemark::store {

namespace {

using test::FaultError;
using test::FileFault;
using test::StorageFault;
using test::StorageOperation;

constexpr int kDirectories = 3;
constexpr uint64_t kMiB = uint64_t{1} << 20;

template <class T>
T OneOf(ModelRandom& random, std::initializer_list<T> choices) {
  return *(choices.begin() + random() % choices.size());
}

}  // namespace

// ---- Configuration ----

ModelConfig ModelConfig::Random(ModelRandom& random) {
  ModelConfig config;
  config.memory_budget_bytes = 16 * kMiB;
  switch (random() % 8) {
    case 0:  // more than fits: entries are evicted and come back
      config.keys = 900;
      config.value_bytes_max = 60'000;
      config.epoch_bytes_max = 3 * kMiB;
      break;
    case 1:
    case 2:
      config.keys = 2'000;
      config.value_bytes_max = 3'000;
      config.epoch_bytes_max = kMiB;
      break;
    default:
      config.keys = 80;
      config.value_bytes_max = 200;
      config.epoch_bytes_max = kMiB;
  }
  config.inline_bytes = OneOf<uint64_t>(random, {0, 64 << 10, kMiB});
  config.write_back_segments = OneOf<uint32_t>(random, {1, 2, 3, 4, 1'000});
  config.keep_last = 1 + static_cast<uint32_t>(random() % 5);
  config.compression = OneOf(random, {Compression::kNone, Compression::kLz4, Compression::kZstd});
  config.verification =
      OneOf(random, {Verification::kFull, Verification::kFull, Verification::kFast});
  config.deny_links = random() % 3 == 0;
  config.hide_locks = random() % 8 == 0;
  return config;
}

std::string ModelConfig::ToString() const {
  return "keys " + std::to_string(keys) + ", values up to " + std::to_string(value_bytes_max) +
         ", inline " + std::to_string(inline_bytes) + ", write_back_segments " +
         std::to_string(write_back_segments) + ", keep_last " + std::to_string(keep_last) +
         ", compression " + std::to_string(static_cast<int>(compression)) +
         (verification == Verification::kFast ? ", kFast" : ", kFull") +
         (deny_links ? ", no links" : "") + (hide_locks ? ", no locks" : "");
}

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
  options.stall_timeout = std::chrono::seconds(20);
  return options;
}

// Sometimes with a fault under way: opening may then fail, but must not give an older state or call
// it damaged.
Result<std::shared_ptr<StoreCore>> ModelWorld::TryOpen(const StoreOptions& options,
                                                       ModelRandom& random) {
  const Environment environment{fs_};
  if (random() % 6 == 0) {
    has_fault_ = had_fault_ = true;  // it may strike what an abandoned store has under way, too
    const uint64_t call = 1 + random() % 12;
    if (random() % 2 == 0) {
      storage_->plan().Inject({.call = call});
    } else {
      fs_->plan().Inject({.call = 1 + random() % 80});
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
  const int directory = static_cast<int>(random() % kDirectories);
  Note("open " + (checkpoint ? "checkpoint " + std::to_string(*checkpoint) : "the newest") +
       " in directory " + std::to_string(directory));
  auto opened = TryOpen(OptionsFor(checkpoint, directory), random);
  Expect(opened.error(), "open");
  store_ = *std::move(opened);
  tables_.clear();
  if (abandoned_ != nullptr) AbandonStore();
  const RestoreReport& report = store_->restored();
  Expect(report.skipped.empty(), "checkpoints were skipped");
  Expect(report.damaged_manifests.empty(), "manifests were found damaged");
  oracle_.Restored(report.checkpoint, checkpoint, store_->Checkpoints());
  if (report.checkpoint) {
    Note("restored " + std::to_string(report.checkpoint->id) + " of epoch " +
         std::to_string(report.checkpoint->epoch) +
         (report.reused_live_database ? ", reusing" : "") + ", replayed " +
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
  abandoned_.reset();
}

void ModelWorld::End(Ending ending, ModelRandom& random) {
  if (ending == Ending::kAbandon) {
    Note("abandon");
    abandoned_ = std::move(store_);
    ClearFaults();
    return;
  }
  if (random() % 2 == 0) ClearFaults();
  Note(ending == Ending::kClose ? "close" : "close and lose the live directories");
  tables_.clear();
  const Status closed = store_->Close();
  Expect(closed.ok() || has_fault_, "close: " + closed.ToString());
  store_.reset();
  Settle();
  ClearFaults();
  Expect(runtime_->memory_used_bytes() == 0,
         std::to_string(runtime_->memory_used_bytes()) + " bytes are still counted after close");
  if (ending == Ending::kClose) return;
  for (int i = 0; i < kDirectories; ++i)
    std::filesystem::remove_all(directory_ / ("live" + std::to_string(i)));
}

// ---- Tables ----

TableCore& ModelWorld::Table(const std::string& name) {
  std::shared_ptr<TableCore>& table = tables_[name];
  if (table == nullptr) {
    auto opened = store_->OpenTable(name, {});
    Expect(opened.error(), "open table");
    table = *std::move(opened);
    oracle_.current()[name];
  }
  return *table;
}

std::optional<std::string> ModelWorld::Get(const std::string& table, const std::string& key) {
  const auto value = Table(table).Get(key);
  Expect(value.error(), "get");
  return *value ? std::optional<std::string>(**value) : std::nullopt;
}

void ModelWorld::CompareTable(const std::string& name) {
  const ModelTable& expected = oracle_.current()[name];
  struct Visit {
    const ModelTable& expected;
    size_t matching = 0;
    std::string problem;
  } visit{expected, 0, {}};
  const Status status = Table(name).ForEach(
      [](void* context, std::string_view key, std::string_view value) {
        auto& v = *static_cast<Visit*>(context);
        const auto found = v.expected.find(std::string(key));
        if (found == v.expected.end()) {
          v.problem = "has key `" + std::string(key.substr(0, 40)) + "`, which should not be there";
        } else if (*found->second != value) {
          v.problem = "has a wrong value for key `" + std::string(key.substr(0, 40)) + "`";
        } else {
          ++v.matching;
          return true;
        }
        return false;
      },
      &visit);
  Expect(status, "for each");
  if (visit.problem.empty() && visit.matching != expected.size()) {
    visit.problem = "has " + std::to_string(visit.matching) + " entries, expected " +
                    std::to_string(expected.size());
  }
  Expect(visit.problem.empty(), "table " + name + " " + visit.problem);
}

void ModelWorld::CompareAll() {
  const ModelState names = oracle_.current();
  for (const auto& [name, table] : names) CompareTable(name);
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
    if (!outcome.ok())
      Note("checkpoint " + std::to_string(pending.checkpoint.id) + ": " + outcome.ToString());
    outcome.ok() ? oracle_.Acknowledge(pending.checkpoint) : oracle_.Failed(pending.checkpoint);
  }
  const bool any = !pending_.empty();
  pending_.clear();
  had_fault_ = has_fault_;
  if (any && store_ != nullptr && abandoned_ == nullptr) CompareRetained();
}

// With kFast those that were there at open stay until they are verified.
void ModelWorld::CompareRetained() {
  std::string expected;
  std::string got;
  for (const ModelCheckpoint& one : oracle_.retained()) expected += " " + std::to_string(one.id);
  for (const CheckpointInfo& info : store_->Checkpoints()) got += " " + std::to_string(info.id);
  Expect(config_.verification == Verification::kFast ? got.ends_with(expected) : got == expected,
         "retained are" + got + ", expected" + expected);
}

void ModelWorld::Drain() {
  Note("drain");
  const Status drained = store_->Drain();
  Expect(drained.ok() || has_fault_, "drain: " + drained.ToString());
}

// ---- Faults ----

void ModelWorld::InjectFault(ModelRandom& random) {
  ClearFaults();
  const FaultError error = OneOf(random, {FaultError::kIo, FaultError::kFull});
  const bool sticky = random() % 3 == 0;
  if (random() % 3 == 0) {
    const FileFault fault{
        .call = 1 + random() % 30,
        .sticky = sticky,
        .error = error,
        .contains = OneOf<std::string>(random, {"", "/tmp/", "segment-", "/state/", "/side/"})};
    Note("fault in the file system: call " + std::to_string(fault.call) + " with `" +
         fault.contains + "`" + (sticky ? " and all later ones" : ""));
    fs_->plan().Inject(fault);
  } else {
    const StorageFault fault{.call = 1 + random() % 3,
                             .sticky = sticky,
                             .error = error,
                             .operations = OneOf<std::set<StorageOperation>>(
                                 random, {test::kStorageWrites,
                                          {StorageOperation::kCreateIfAbsent},
                                          {StorageOperation::kPutFile},
                                          {}}),
                             .answer_lost = random() % 3 == 0};
    Note("fault in the storage: call " + std::to_string(fault.call) +
         (sticky ? " and all later ones" : "") + (fault.answer_lost ? ", answer lost" : ""));
    storage_->plan().Inject(fault);
  }
  has_fault_ = had_fault_ = true;
}

void ModelWorld::ClearFaults() {
  if (has_fault_) Note("faults cleared");
  storage_->plan().Clear();
  fs_->plan().Clear();
  has_fault_ = false;
}

}  // namespace tidemark::store
