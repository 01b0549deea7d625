// StoreCore's memory: what counts, and how room is made.
#include "store/store_core.h"

#include <algorithm>
#include <array>
#include <thread>
#include <utility>

namespace tidemark::store {

namespace {

// What one round of eviction frees, at least, where there is so much to free.
constexpr size_t kEvictBytes = Arena::kSmallChunkBytes;
constexpr size_t kEvictBatch = 32;
// About as much as one may go over in a millisecond.
constexpr uint64_t kPatienceBytes = uint64_t{1} << 20;
// What one step of emptying a chunk evicts.
constexpr size_t kHollowBatch = 256;
constexpr uint64_t kSlowBytesPerSecond = uint64_t{32} << 20;
constexpr std::chrono::duration<double> kDelayMax{0.001};  // of one write
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
// what leaves the writer kSlowBytesPerSecond at a half. A chunk is worth the delay of thousands of
// writes, so one write after the other pays a part of it.
void StoreCore::SlowDown() {
  const uint64_t grown = std::exchange(grown_bytes_, 0);
  const uint64_t eighth = runtime_->options().memory_budget_bytes / 8;
  const uint64_t unapplied = account_->pressing_bytes();
  if (unapplied <= 3 * eighth) {
    owed_delay_ = kNoDelay;
    return;
  }
  const double pressure =
      std::min(1.0, static_cast<double>(unapplied - 3 * eighth) / static_cast<double>(eighth));
  owed_delay_ += std::chrono::duration<double>(pressure * static_cast<double>(grown) /
                                               static_cast<double>(kSlowBytesPerSecond));
  const auto delay = std::min(owed_delay_, kDelayMax);
  owed_delay_ -= delay;
  maintenance_->RequestWriteBack();
  std::this_thread::sleep_for(delay);
  recorder_.SlowedDown(std::chrono::duration_cast<std::chrono::nanoseconds>(delay));
}

void StoreCore::AddTableBytes(int64_t bytes) {
  if (!account_) return;  // closed
  account_->Add(bytes);
  accounted_table_bytes_.Set(accounted_table_bytes_.Get() + static_cast<uint64_t>(bytes));
}

void StoreCore::AddSortBytes(int64_t bytes) {
  account_->Add(bytes);
  sort_bytes_.fetch_add(static_cast<uint64_t>(bytes), std::memory_order_relaxed);
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
    index_bytes += table->index_bytes();
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
  metrics.list_bytes = accounted_table_bytes_.Get() + sort_bytes_.load(std::memory_order_relaxed);
  metrics.buffer_bytes = runtime_->impl().budget().buffer_bytes();
  metrics.epoch_bytes = epoch_bytes_.Get();
  metrics.unapplied_bytes = account_->unapplied_bytes();
  return metrics;
}

// Goes over the entries with CLOCK until kEvictBytes are free. A hand that meets nothing but what
// was used, as the first time that memory is full, would go over all of it: after kPatienceBytes it
// takes what it meets, and is content with that. Frees nothing only if nothing may go. `only`:
// entries of this size class.
size_t StoreCore::EvictSome(std::optional<uint8_t> only) {
  std::array<Version*, kEvictBatch> unused;
  size_t freed = 0;
  uint64_t patience = kPatienceBytes;
  // Where the hand stands now is met again in the second round at the latest.
  for (int rounds = 0;
       rounds < 3 && freed < kEvictBytes && (patience > 0 || (freed == 0 && !only));) {
    size_t count = 0;
    const size_t looked = arena_.Visit(patience > 0 ? patience : SIZE_MAX, only, [&](void* entry) {
      auto* version = static_cast<Version*>(entry);
      if (!MayEvict(*version)) return true;
      const bool was_used = version->referenced != 0;
      version->referenced = 0;
      if (!was_used || patience == 0) unused[count++] = version;
      return count < unused.size();
    });
    if (looked == 0) break;
    patience -= std::min<uint64_t>(patience, looked);
    rounds += arena_.IsAtBegin() ? 1 : 0;
    freed += Evict({unused.data(), count});
  }
  AccountMemory();
  return freed;
}

// Their places in the index are cache misses, which overlap here. What a table that the last
// barriers dropped still has is left to its end.
size_t StoreCore::Evict(std::span<Version* const> versions) {
  struct Place {
    TableCore* table;
    uint64_t hash;
  };
  std::array<Place, kEvictBatch> places;
  size_t freed = 0;
  while (!versions.empty()) {
    const auto batch = versions.first(std::min(kEvictBatch, versions.size()));
    versions = versions.subspan(batch.size());
    for (size_t i = 0; i < batch.size(); ++i) {
      TableCore* table = FindTableOrDropped(batch[i]->place);
      places[i] = {table, format::HashKey(format::UserKey(batch[i]->key()))};
      if (table != nullptr) table->index().Prefetch(places[i].hash);
    }
    for (size_t i = 0; i < batch.size(); ++i)
      if (places[i].table != nullptr) freed += places[i].table->Evict(places[i].hash, batch[i]);
  }
  return freed;
}

// Memory goes back to the system by chunks, and entries that CLOCK evicts lie all over them. So
// this evicts what one chunk holds, `entries` of it at a time, after a look whether all of it may
// go. What is used meanwhile stays. False if there was nothing to evict in the chunk that was
// looked at.
bool StoreCore::HollowSome(size_t entries) {
  const auto may_go = [&](void* entry) { return MayEvict(*static_cast<Version*>(entry)); };
  if (!arena_.has_closed_chunk() && !arena_.CloseChunk(may_go)) return false;
  hollowed_.clear();
  bool all_may_go = true;
  arena_.VisitClosed(entries, [&](void* entry) {
    all_may_go = may_go(entry);
    if (all_may_go) hollowed_.push_back(static_cast<Version*>(entry));
    return all_may_go;
  });
  (void)Evict(hollowed_);
  // Or at its end, with entries of a dropped table, which go with that.
  const bool is_in_vain = !all_may_go || (hollowed_.empty() && arena_.has_closed_chunk());
  if (is_in_vain) arena_.ReopenChunk();
  if (!arena_.has_closed_chunk()) {
    arena_.DropSpare();
    AccountMemory();
  }
  return !is_in_vain;
}

// Gives back chunks, once around at most, a step at a time. Another store that still lacks memory
// asks again. One that has nothing above its share leaves the answer to those that have.
void StoreCore::GiveSome() {
  const bool has_excess = account_->excess_bytes() > 0;
  if (giving_chunks_left_ == 0) {
    if (!has_excess) return;
    giving_chunks_left_ = arena_.ring_size();
  }
  if (!has_excess) giving_chunks_left_ = 0;
  while (giving_chunks_left_ > 0) {
    const bool hollows = HollowSome(kHollowBatch);
    if (!hollows || !arena_.has_closed_chunk()) --giving_chunks_left_;
    if (hollows) break;
  }
  if (giving_chunks_left_ == 0) account_->Answer();
}

// The same at once, for what this store needs itself.
void StoreCore::HollowFor(size_t bytes) {
  arena_.DropSpare();
  AccountMemory();
  for (size_t left = arena_.ring_size(); left > 0 && account_->lacking_bytes(bytes) > 0; --left)
    (void)HollowSome(SIZE_MAX);
}

// The block cache takes back what it had yielded, a step at a time as well.
void StoreCore::GiveToBlocks() {
  if (block_cache_->Take(arena_.GrowthFor(1))) {
    blocks_want_more_ = block_cache_->WantsMore();
  } else if (account_->used_bytes() > runtime_->impl().budget().reserve_bytes()) {
    (void)HollowSome(kHollowBatch);
  } else {
    blocks_want_more_ = false;  // for now: this store has no more than is its own
  }
}

// Asks the block cache for what it does not use.
bool StoreCore::YieldBlocks(size_t bytes) {
  if (yield_pause_ > 0) return --yield_pause_, false;
  const bool yields = !blocks_want_more_ && block_cache_->Yield(bytes);
  if (!yields) yield_pause_ = kYieldPause;
  return yields;
}

// Lists that tables keep for their next epoch. False if there are none.
bool StoreCore::DropSpareLists() {
  if (!std::exchange(has_spare_lists_, false)) return false;
  for (TableCore* table : table_list_) table->DropSpareList();
  for (const auto& table : dropped_) table->DropSpareList();
  return true;
}

// What was superseded goes first, then what is not in use. No single call pays for the release of a
// whole epoch, or for a whole chunk, if it need not; and a value that was only read is not worth
// more than one round.
bool StoreCore::MakeRoomForClean(size_t bytes, size_t growth, Effort effort) {
  if (HasRoomFor(bytes, growth)) return true;
  if (YieldBlocks(SystemBytesFor(bytes, growth) + SpareBytes()) && HasRoomFor(bytes, growth))
    return true;
  if (has_mail_.load(std::memory_order_relaxed)) TakeMail();
  account_->Ask();
  while (!HasRoomFor(bytes, growth)) {
    // What must come from the system comes by chunks, which CLOCK empties last of all.
    const bool needs_chunks =
        !account_->HasRoomFor(growth, false) || arena_.SizeClass(bytes) == Arena::kLarge;
    const bool releases = !releasing_.empty();
    if (releases) {
      Release(kReleaseBatch);
      AccountMemory();
      if (needs_chunks || HasRoomFor(bytes, growth)) continue;
    }
    if (may_evict_ && needs_chunks) {
      HollowFor(SystemBytesFor(bytes, growth));
      if (HasRoomInSpares(bytes, growth)) return true;
    }
    if (may_evict_ && !needs_chunks) {
      if (!account_->HasRoomFor(PartForLists() + SpareBytes(), false))
        (void)HollowSome(kHollowBatch);
      const bool evicts = EvictSome() > 0;
      if (HasRoomInSpares(bytes, growth)) return true;
      if (evicts) {
        // CLOCK may come by nothing of this size for long, and a chunk in which nothing is dirty be
        // hard to find.
        (void)EvictSome(arena_.SizeClass(bytes));
        if (HasRoomFor(bytes, growth)) return true;
        if (effort == Effort::kOneRound) return false;
        continue;
      }
      // Looking at everything in vain costs too much to be done again before something is clean.
      may_evict_ = false;
    }
    if (releases || DropSpareLists()) continue;
    return HasRoomAtAll(bytes, growth);
  }
  return true;
}

// Memory comes back from four places: applied epochs that were not released yet, clean entries,
// epochs that write-back has still to apply, which is worth waiting for while somebody works on
// any, and then, when there are none, the current epoch itself, by spilling. What iterators
// remember goes when nothing else is left.
Status StoreCore::MakeRoom(size_t bytes, size_t growth) {
  const auto deadline = std::chrono::steady_clock::now() + options_.stall_timeout;
  std::optional<Stall> stall;
  while (!MakeRoomForClean(bytes, growth, Effort::kWhatItTakes)) {
    const bool can_wait = IsRoomUnderWay();
    const bool can_spill = unreleased_epochs_.load() == 0 && CanSpill();
    if (!can_wait && !can_spill) {
      if (EndScans()) continue;
      // Another store may have more than its share, and give when it is next called.
      if (account_->asked() && std::chrono::steady_clock::now() < deadline) {
        if (!stall) stall.emplace(recorder_, in_callback_);
        std::this_thread::sleep_for(kLookAgain);
        continue;
      }
      return NoRoom(bytes + growth);
    }
    if (!stall) stall.emplace(recorder_, in_callback_);
    Status made = can_wait ? WaitForMail(deadline) : Spill();
    const bool in_vain = made.name() == "memory-budget";
    if (!made.ok() && !(in_vain && EndScans())) return made;
  }
  return {};
}

// Not where all epochs that RocksDB lacks are those of failed checkpoints: nothing happens to them
// before the next one.
bool StoreCore::IsRoomUnderWay() const {
  const uint64_t epochs = unreleased_epochs_.load();
  return epochs > 0 && epochs > commits_->stranded_epochs();
}

Status StoreCore::NoRoom(size_t bytes) const {
  const uint64_t epochs = unreleased_epochs_.load();
  return Status(StatusCode::kResourceExhausted, "memory-budget",
                "this needs " + std::to_string(bytes) +
                    " bytes more, and what can be freed of the memory budget of " +
                    std::to_string(runtime_->options().memory_budget_bytes) +
                    " bytes (RuntimeOptions::memory_budget_bytes) is not that much; " +
                    (epochs > 0 ? "the epochs of " + std::to_string(epochs) +
                                      " failed checkpoints wait in memory for the next one, which "
                                      "makes them durable too: take one and try again"
                                : "raise it"));
}

// Iterators give up before a write fails. False if none of them holds anything.
bool StoreCore::EndScans() {
  bool any = false;
  for (TableCore* table : table_list_) any = table->EndScansForMemory() || any;
  if (!any) return false;
  // What they remembered lay among entries that may go.
  may_evict_ = true;
  AccountMemory();
  return true;
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
  } while (!arrived && IsRoomUnderWay() && std::chrono::steady_clock::now() < deadline);
  TIDEMARK_RETURN_IF_ERROR(CheckUsable());
  if (arrived || !IsRoomUnderWay()) return {};  // a checkpoint has failed meanwhile
  const Status reason = maintenance_->last_error();
  return Status(StatusCode::kResourceExhausted, "memory-budget",
                "no memory came free within StoreOptions::stall_timeout (" +
                    std::to_string(options_.stall_timeout.count()) + " ms): " +
                    (reason.ok() ? "checkpoints or write-backs are too slow" : reason.ToString()));
}

}  // namespace tidemark::store
