// StoreCore's memory: what counts, and how room is made.
#include "store/store_core.h"

#include <algorithm>
#include <thread>
#include <utility>

namespace tidemark::store {

namespace {

// What one round of eviction frees, at least, where there is so much to free.
constexpr size_t kEvictBytes = Arena::kSmallChunkBytes;
constexpr size_t kEvictSlots = 1024;
constexpr size_t kGiveSlots = 256;  // of one write: some microseconds
constexpr uint64_t kSlowBytesPerSecond = uint64_t{32} << 20;
// A write-back that has failed is not repeated by itself, so who waits for one asks again.
constexpr std::chrono::milliseconds kAskAgain{100};
constexpr std::chrono::milliseconds kLookAgain{1};

// A write that waits, for as long as this lives. The listener runs inside of that write, so it must
// not get into the store again.
class Stall {
 public:
  Stall(Recorder& recorder, bool& in_callback) : recorder_(recorder), in_callback_(in_callback) {
    in_callback_ = true;
    recorder_.StallBegins();
    in_callback_ = false;
  }
  ~Stall() {
    in_callback_ = true;
    recorder_.StallEnds(std::chrono::steady_clock::now() - begin_);
    in_callback_ = false;
  }
  Stall(const Stall&) = delete;
  Stall& operator=(const Stall&) = delete;

 private:
  Recorder& recorder_;
  bool& in_callback_;
  const std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

}  // namespace

void StoreCore::AccountMemory() {
  if (!account_) return;  // closed
  const uint64_t now = arena_.reserved_bytes();
  account_->Add(static_cast<int64_t>(now) - static_cast<int64_t>(accounted_arena_bytes_));
  if (now > accounted_arena_bytes_) grown_bytes_ += now - accounted_arena_bytes_;
  accounted_arena_bytes_ = now;
}

// Closed epochs that RocksDB lacks are an eighth of the budget when write-back begins, and as much
// again while it runs. From three eighths on it is behind, those of all stores together; the ones
// that have more of them than others wait. The delay grows from nothing there to
// what leaves the writer kSlowBytesPerSecond at a half.
void StoreCore::SlowDown() {
  const uint64_t grown = std::exchange(grown_bytes_, 0);
  const uint64_t eighth = runtime_->options().memory_budget_bytes / 8;
  const uint64_t unapplied = account_->pressing_bytes();
  if (unapplied <= 3 * eighth) return;
  const double pressure =
      std::min(1.0, static_cast<double>(unapplied - 3 * eighth) / static_cast<double>(eighth));
  const std::chrono::duration<double> delay(pressure * static_cast<double>(grown) /
                                            static_cast<double>(kSlowBytesPerSecond));
  maintenance_->RequestWriteBack();
  std::this_thread::sleep_for(delay);
  recorder_.SlowedDown(std::chrono::duration_cast<std::chrono::nanoseconds>(delay));
}

void StoreCore::AddTableBytes(int64_t bytes) {
  if (!account_) return;  // closed
  account_->Add(bytes);
  accounted_table_bytes_.Set(accounted_table_bytes_.Get() + static_cast<uint64_t>(bytes));
}

StoreMetrics StoreCore::Metrics() const {
  StoreMetrics metrics = recorder_.Snapshot();
  metrics.budget_used_bytes = runtime_->memory_used_bytes();
  metrics.budget_limit_bytes = runtime_->options().memory_budget_bytes;
  std::lock_guard lock(mutex_);
  uint64_t index_bytes = 0;
  metrics.hits = gone_.hits;
  metrics.known_absent_hits = gone_.known_absent_hits;
  metrics.misses = gone_.misses;
  metrics.evictions = gone_.evictions;
  metrics.writes = gone_.writes;
  for (const TableCore* table : counted_) {
    table->AddTo(&metrics);
    index_bytes += table->index().memory_bytes();
  }
  const storage::CompactionWaits waits =
      live_ == nullptr ? compaction_waits_ : live_->compaction_waits();
  metrics.compaction_waits = waits.begun;
  metrics.compaction_wait_time = waits.time;
  if (live_ == nullptr) return metrics;
  metrics.rocksdb_bytes = block_cache_->cache()->used_bytes();
  metrics.index_bytes = index_bytes;
  // Read a moment apart, so that the smaller one may have become the greater.
  const uint64_t allocated = std::max(arena_.allocated_bytes(), index_bytes);
  metrics.cache_bytes = allocated - index_bytes;
  metrics.free_bytes = std::max(arena_.reserved_bytes(), allocated) - allocated;
  metrics.list_bytes = accounted_table_bytes_.Get();
  metrics.buffer_bytes = runtime_->impl().budget().buffer_bytes();
  metrics.epoch_bytes = epoch_bytes_.Get();
  metrics.unapplied_bytes = account_->unapplied_bytes();
  return metrics;
}

// CLOCK's hand: looks at up to `slots` slots of the table where it stands, or else of the next one.
// Returns how many.
size_t StoreCore::LookFurther(size_t slots, TableCore::Evicting what, size_t* freed) {
  const bool is_through = evict_slots_left_ == 0;
  if (is_through) ++evict_table_;
  TableCore& table = *table_list_[evict_table_ % table_list_.size()];
  if (is_through) evict_slots_left_ = table.index().slots();
  slots = std::min(slots, evict_slots_left_);
  *freed += table.Evict(slots, what);
  evict_slots_left_ -= slots;
  return slots;
}

// Goes over the tables with CLOCK until kEvictBytes are free, one table after the other from where
// the last call stopped; twice around at most, as the first look only takes the mark of use away.
// Frees nothing only if nothing is clean.
size_t StoreCore::EvictSome() {
  size_t tables_left = 2 * table_list_.size() + 1;
  size_t freed = 0;
  while (freed < kEvictBytes && !table_list_.empty()) {
    if (evict_slots_left_ == 0 && tables_left-- == 0) break;
    (void)LookFurther(kEvictSlots, TableCore::Evicting::kUnused, &freed);
  }
  // What RocksDB holds of dropped tables Rollback can bring back from there.
  for (size_t look = 0; freed == 0 && look < 2; ++look) {
    for (const auto& table : dropped_)
      freed += table->Evict(table->index().slots(), TableCore::Evicting::kUnused);
  }
  AccountMemory();
  return freed;
}

// Memory goes back to the system by chunks, and entries that CLOCK evicts lie all over them. So
// some chunks are chosen, as large a part of all as is to be given back, and all that is clean
// there goes, in one round over all tables. Another store that still lacks memory asks again.
void StoreCore::GiveSome() {
  if (giving_slots_left_ == 0) {
    const uint64_t excess = account_->excess_bytes();
    if (excess == 0) return;
    for (const TableCore* table : table_list_) giving_slots_left_ += table->index().slots();
    if (giving_slots_left_ == 0) return account_->Answer();
    (void)arena_.StartHollowing(static_cast<double>(excess) /
                                static_cast<double>(account_->used_bytes()));
  }
  size_t freed = 0;
  const size_t looked = table_list_.empty()
                            ? giving_slots_left_
                            : LookFurther(kGiveSlots, TableCore::Evicting::kHollowed, &freed);
  giving_slots_left_ -= std::min(giving_slots_left_, looked);
  if (giving_slots_left_ == 0) {
    arena_.StopHollowing();
    account_->Answer();
  }
  AccountMemory();
}

// The same at once, for what this store needs itself and for some time to come, in as many rounds
// as it takes; when all chunks had their turn there is nothing left but what is dirty.
void StoreCore::HollowFor(size_t bytes) {
  constexpr double kPartMin = 1.0 / 32;
  double covered = 0;
  while (covered < 1 && !table_list_.empty()) {
    const uint64_t lacking = account_->lacking_bytes(bytes);
    if (lacking == 0) break;
    const double part =
        1.5 * static_cast<double>(lacking) / static_cast<double>(arena_.reserved_bytes() + 1);
    covered += arena_.StartHollowing(std::max(part, kPartMin));
    for (TableCore* table : table_list_)
      (void)table->Evict(table->index().slots(), TableCore::Evicting::kHollowed);
    arena_.StopHollowing();
    giving_slots_left_ = 0;  // a round of giving that was under way ends with it
    AccountMemory();
  }
}

bool StoreCore::MakeRoomForClean(size_t bytes, size_t growth) {
  if (HasRoomFor(bytes, growth)) return true;
  if (has_mail_.load(std::memory_order_relaxed)) TakeMail();
  Release(SIZE_MAX);
  AccountMemory();
  account_->Ask();
  if (std::exchange(has_spare_lists_, false)) {
    for (TableCore* table : table_list_) table->DropSpareList();
    for (const auto& table : dropped_) table->DropSpareList();
  }
  // What must come from the system comes by chunks, which CLOCK empties last of all.
  if (may_evict_ && (growth > 0 || arena_.SizeClass(bytes) == Arena::kLarge))
    HollowFor(growth + arena_.GrowthFor(bytes));
  while (!HasRoomFor(bytes, growth)) {
    // Looking at everything in vain costs too much to be done for every read.
    if (may_evict_ && EvictSome() > 0) continue;
    may_evict_ = false;
    return HasRoomFor(bytes, growth);
  }
  return true;
}

// Memory comes back from four places: applied epochs that were not released yet, clean entries,
// epochs that write-back has still to apply, which is worth waiting for while there are any, and
// then the current epoch itself, by spilling. What iterators remember goes when nothing else is
// left.
Status StoreCore::MakeRoom(size_t bytes, size_t growth) {
  const auto deadline = std::chrono::steady_clock::now() + options_.stall_timeout;
  std::optional<Stall> stall;
  while (!MakeRoomForClean(bytes, growth)) {
    const bool can_wait = unreleased_epochs_.load() > 0;
    if (!can_wait && !CanSpill()) {
      if (EndScans()) continue;
      // Another store may have more than its share, and give when it is next called.
      if (account_->asked() && std::chrono::steady_clock::now() < deadline) {
        if (!stall) stall.emplace(recorder_, in_callback_);
        std::this_thread::sleep_for(kLookAgain);
        continue;
      }
      return Status(StatusCode::kResourceExhausted, "memory-budget",
                    "this needs " + std::to_string(bytes + growth) +
                        " bytes more, and what can be freed of the memory budget of " +
                        std::to_string(runtime_->options().memory_budget_bytes) +
                        " bytes (RuntimeOptions::memory_budget_bytes) is not that much; raise it");
    }
    if (!stall) stall.emplace(recorder_, in_callback_);
    Status made = can_wait ? WaitForMail(deadline) : Spill();
    const bool in_vain = made.name() == "memory-budget";
    if (!made.ok() && !(in_vain && EndScans())) return made;
  }
  return {};
}

// Iterators give up before a write fails. False if none of them holds anything.
bool StoreCore::EndScans() {
  bool any = false;
  for (TableCore* table : table_list_) any = table->EndScansForMemory() || any;
  return any;
}

Status StoreCore::WaitForMail(std::chrono::steady_clock::time_point deadline) {
  bool arrived = false;
  do {
    maintenance_->RequestWriteBack();
    Executor& executor = runtime_->impl().executor();
    while (!executor.has_threads() && !has_mail_.load() && executor.RunOne()) {
    }
    const auto until = std::min(deadline, std::chrono::steady_clock::now() + kAskAgain);
    std::unique_lock lock(mutex_);
    arrived = mail_arrived_.wait_until(lock, until,
                                       [this] { return has_mail_.load() || blocked_.load(); });
  } while (!arrived && std::chrono::steady_clock::now() < deadline);
  TIDEMARK_RETURN_IF_ERROR(CheckUsable());
  if (arrived) return {};
  const Status reason = maintenance_->last_error();
  return Status(StatusCode::kResourceExhausted, "memory-budget",
                "no memory came free within StoreOptions::stall_timeout (" +
                    std::to_string(options_.stall_timeout.count()) + " ms): " +
                    (reason.ok() ? "checkpoints or write-backs are too slow" : reason.ToString()));
}

}  // namespace tidemark::store
