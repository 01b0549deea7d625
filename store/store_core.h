// StoreCore: one open store: the writer's side (tables, epochs, memory) and what it owns of the
// background.
//
// Threads: the writer's members are for one thread at a time. The commit lane and the maintenance
// lane reach the writer through OnApplied and OnFatal only: a mailbox under a mutex that no I/O is
// done under. Metrics and OpenView may be called by any thread.
#pragma once

#include "format/key.h"
#include "storage/live_database.h"
#include "storage/repository.h"
#include "store/arena.h"
#include "store/checkpoint_ticket.h"
#include "store/commit_lane.h"
#include "store/counter.h"
#include "store/doorkeeper.h"
#include "store/layers.h"
#include "store/maintenance.h"
#include "store/recorder.h"
#include "store/restore.h"
#include "store/runtime_impl.h"
#include "store/sealed_epoch.h"
#include "store/table_core.h"
#include "store/view_core.h"

#include <tidemark/options.h>
#include <tidemark/store.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidemark::store {

// What tests replace.
struct Environment {
  storage::FileSystemPtr fs = storage::DefaultFileSystem();
};

class StoreCore : public std::enable_shared_from_this<StoreCore> {
 public:
  static Result<std::shared_ptr<StoreCore>> Open(const StoreOptions& options,
                                                 const Environment& environment);
  ~StoreCore();
  StoreCore(const StoreCore&) = delete;
  StoreCore& operator=(const StoreCore&) = delete;

  // The members of StateStore; see there.
  Result<std::shared_ptr<TableCore>> OpenTable(std::string_view name, const TableOptions& options);
  Status DropTable(std::string_view name);
  Result<std::shared_ptr<CheckpointTicket>> Checkpoint(uint64_t id, CheckpointOptions options);
  Status Rollback();
  void LookForRequests();
  Status Drain();
  Status Close();
  // Moves the newest checkpoint onto a base of its own epoch, with nothing in it that is dead by
  // the measure of the options, and does all other maintenance that is due. Waits for it as long as
  // it takes. Does nothing where a store that was restored from an older checkpoint must not
  // publish.
  Status PublishBase();
  const RestoreReport& restored() const noexcept { return report_; }
  std::vector<CheckpointInfo> Checkpoints() const;
  uint64_t epoch() const noexcept { return epoch_; }
  StoreMetrics Metrics() const;
  // Calls f(const format::Manifest&) with the list as last published; under its lock, so `f` must
  // be short. Not after Close.
  template <class F>
  auto WithManifest(F&& f) const {
    return repository_->WithManifest(std::forward<F>(f));
  }
  Result<std::shared_ptr<ViewCore>> OpenView(const ViewOptions& options);

  // For tables.
  Status CheckUsable() const {
    if (!blocked_.load(std::memory_order_relaxed) && !in_callback_) [[likely]]
      return {};
    return WhyBlocked();
  }
  bool& in_callback() noexcept { return in_callback_; }
  uint64_t value_bytes_max() const noexcept { return options_.value_bytes_max; }
  const GroupLayout& groups() const noexcept { return groups_; }
  // What RocksDB holds, as of the newest applied epoch that the writer knows.
  const std::shared_ptr<const storage::StateView>& view() const noexcept { return layers_.view(); }
  // The same with what was spilled.
  const Layers& layers() const noexcept { return layers_; }
  void RangesChanged() noexcept { layers_.Touch(); }
  // Whether the current epoch has moved something of this table out of memory.
  bool HasSpilled(uint32_t table_id) const {
    if (!layers_.has_spilled()) [[likely]]
      return false;
    const auto spilled = layers_.FindSpilled(epoch_);
    return spilled != nullptr && spilled->HasTable(table_id);
  }
  // Passes an error of a read of RocksDB on; a Corruption fails the store.
  Status NoteReadError(const Status& status) {
    return status.code() == StatusCode::kCorruption ? Fail(status) : status;
  }
  Arena& arena() noexcept { return arena_; }
  // In memory that HasRoomFor has found or MakeRoom has made. Key and value are for the caller to
  // fill in.
  Version* AllocateVersion(size_t stored_key_size, size_t value_size) {
    const size_t bytes = Version::BytesFor(stored_key_size, value_size);
    auto* version = new (arena_.Allocate(bytes)) Version;
    if (arena_.reserved_bytes() != accounted_arena_bytes_) [[unlikely]]
      AccountMemory();
    version->size_class = arena_.SizeClass(bytes);
    version->set_key_size(stored_key_size);
    version->value_size = static_cast<uint32_t>(value_size);
    return version;
  }
  void AddEpochBytes(size_t bytes) { epoch_bytes_.Add(bytes); }
  void Free(Version* version) { arena_.Free(version, version->size_class); }
  // The version and all older ones.
  void FreeChain(Version* version);
  // There is something to evict again.
  void SetMayEvict() noexcept { may_evict_ = true; }
  // A table keeps a list for its next epoch, which it can do without.
  void SetHasSpareLists() noexcept { has_spare_lists_ = true; }
  // RocksDB holds this version's value, or the key's absence, in the view that reads use (invariant
  // 7).
  bool IsClean(const Version& version) const noexcept { return version.epoch <= released_epoch_; }
  // What lies below the cache, a value without its header in a buffer that the next call
  // overwrites. `key` then views a copy that lives as long: it may have pointed into that very
  // buffer.
  Result<Below> ReadBelow(uint32_t table_id, const RangeDeletes& ranges, uint16_t group,
                          std::string_view* key);
  Status ScanState(uint32_t table_id,
                   const std::function<bool(std::string_view, std::string_view)>& visit);

  // Memory for one more block, and `growth` bytes from the system besides. HasRoomFor never blocks
  // and changes nothing; MakeRoom releases, evicts, and waits for write-back up to stall_timeout,
  // then ResourceExhausted; MakeRoomForClean releases and evicts, and does not wait. After one
  // round of it there may be room, only not for a block of this size.
  bool HasRoomFor(size_t bytes, size_t growth) const {
    const bool has_block = bytes == 0 || arena_.HasRoomFor(bytes);
    if (has_block && growth == 0) [[likely]]
      return true;
    return account_->HasRoomFor(growth + (has_block ? 0 : ChunkBytesFor(bytes) + SpareBytes()),
                                /*gives_way=*/may_evict_ && !has_block);
  }
  // The same with all that is kept for blocks of other sizes, and for lists: what MakeRoom may have
  // had to do with.
  bool HasRoomAtAll(size_t bytes, size_t growth) const {
    const bool has_block = bytes == 0 || arena_.HasRoomFor(bytes);
    return account_->HasRoomFor(growth + (has_block ? 0 : arena_.GrowthFor(bytes)), false);
  }
  // Whether a value that was read now may enter the cache: not the first time, of late, that its
  // key is asked for while another chunk for entries would have to come from eviction.
  bool Admits(uint32_t table_id, uint64_t hash) {
    const uint64_t bytes = ChunkBytesFor(1) + SpareBytes();
    return account_->HasRoomFor(bytes, may_evict_) || YieldBlocks(bytes) ||
           doorkeeper_.SeenBefore(hash + table_id * uint64_t{0x100000001});
  }
  Status MakeRoom(size_t bytes, size_t growth);
  // Holds the writer up for a moment if write-back falls behind, so that it need not stop later.
  // For writes, where one may have taken memory from the system.
  void SlowDownIfGrown() {
    if (grown_bytes_ > 0 || owed_delay_ > kNoDelay) [[unlikely]]
      SlowDown();
  }
  enum class Effort : uint8_t { kOneRound, kWhatItTakes };
  bool MakeRoomForClean(size_t bytes, size_t growth, Effort effort = Effort::kOneRound);
  void AddTableBytes(int64_t bytes);
  void AddSortBytes(int64_t bytes);  // any thread, while the store is open
  // A few steps of releasing applied epochs: the price of a new version, so that no single call
  // pays for all.
  void ReleaseSome() {
    if (has_mail_.load(std::memory_order_relaxed)) [[unlikely]]
      TakeMail();
    if (!releasing_.empty()) Release(kReleaseSteps);
    GiveIfAsked();
  }
  // Another store of the runtime may lack memory: then this is a step of giving back what this one
  // has above its share. Evicts.
  void GiveIfAsked() {
    if (account_->asked() || giving_chunks_left_ > 0) [[unlikely]]
      GiveSome();
    if (blocks_want_more_) [[unlikely]]
      GiveToBlocks();
  }
  // A read has found nothing in the cache. Now and then it looks whether blocks want more.
  void NoteMiss() {
    if (++misses_ % kMissesALook == 0) [[unlikely]]
      blocks_want_more_ = block_cache_->WantsMore();
  }

 private:
  static constexpr size_t kReleaseSteps = 4;
  static constexpr size_t kReleaseBatch = 1024;
  static constexpr uint32_t kMissesALook = 256;
  // How often room is looked for until the block cache is asked again, which had none.
  static constexpr uint32_t kYieldPause = 256;
  // The part of the budget that entries leave to lists.
  static constexpr uint64_t kForListsDivisor = 64;

  StoreCore(StoreOptions options, const Environment& environment);
  Status WhyBlocked() const;
  static Status StoreClosed();
  Status OpenRepository();
  Status Restore();
  Status Load(const RestoredState& restored, std::vector<std::shared_ptr<SealedEpoch>>* replayed);
  void SetCounts(const format::TableCounts& counts);
  Status Load(format::RecordStream& records, TableCore& table, SealedEpoch* epoch);
  void StartLanes(const RestoredState& restored,
                  std::vector<std::shared_ptr<SealedEpoch>> replayed);

  // Read views; any thread.
  class OpeningView;
  Result<std::unique_ptr<storage::HeldCheckpoint>> HoldFor(const ViewOptions& options);
  Result<ViewCore::Source> MaterialiseView(const storage::HeldCheckpoint& held,
                                           const ViewOptions& options);
  void WaitForOpeningViews();

  // Called by the lanes.
  void OnApplied(Applied applied);
  void OnFatal(const Status& status);

  // False if there was no new view.
  bool TakeMail();
  void Release(size_t steps);
  void SlowDown();
  size_t EvictSome(std::optional<uint8_t> only = std::nullopt);
  void GiveSome();
  void GiveToBlocks();
  bool YieldBlocks(size_t bytes);
  void HollowFor(size_t bytes);
  bool HollowSome(size_t entries);
  bool DropSpareLists();
  // Whether the cache can do without it: RocksDB, or what it is a copy of, has its value.
  bool MayEvict(const Version& version) const noexcept {
    return (version.is_copy() || IsClean(version)) && version.newer == nullptr;
  }
  size_t Evict(std::span<Version* const> versions);
  // Lists are no blocks, so entries leave them a part: what CLOCK evicts lies all over the chunks,
  // and so does what is dirty, and a list that had to wait for a chunk without either would wait
  // for write-back.
  uint64_t PartForLists() const {
    return runtime_->options().memory_budget_bytes / kForListsDivisor;
  }
  // What must be free for another block of entries to come from the system.
  uint64_t ChunkBytesFor(size_t bytes) const { return arena_.GrowthFor(bytes) + PartForLists(); }
  // A full cache has these for blocks of sizes that CLOCK does not come by soon, and empties chunks
  // bit by bit to have them again.
  uint64_t SpareBytes() const { return 2 * arena_.GrowthFor(1); }
  // What the system would have to give now for a block and `growth` bytes, spares not spared.
  uint64_t SystemBytesFor(size_t bytes, size_t growth) const {
    return growth + (bytes == 0 || arena_.HasRoomFor(bytes) ? 0 : ChunkBytesFor(bytes));
  }
  bool HasRoomInSpares(size_t bytes, size_t growth) const {
    return account_->HasRoomFor(SystemBytesFor(bytes, growth), false);
  }
  bool CanSpill() const;  // whether the current epoch holds enough for it
  Status Spill();
  void RollbackSpilled();
  bool EndScans();
  void AccountMemory();
  bool IsRoomUnderWay() const;
  Status NoRoom(size_t bytes) const;
  // OK also if there is nothing to wait for any more.
  Status WaitForMail(std::chrono::steady_clock::time_point deadline);
  Status CheckCheckpointArguments(uint64_t id, const CheckpointOptions& options);
  Status Fail(const Status& status);
  std::shared_ptr<SealedEpoch> SealEpoch();
  Status DrainUntil(std::chrono::steady_clock::time_point deadline);
  std::shared_ptr<TableCore> HandleTo(const std::shared_ptr<TableCore>& table);
  const std::shared_ptr<TableCore>& AddTable(format::TableMeta meta);
  const std::shared_ptr<TableCore>& List(std::shared_ptr<TableCore> table);
  TableCore* FindTable(uint32_t id) const;           // null if it is gone
  TableCore* FindTableOrDropped(uint32_t id) const;  // also one that the current epoch has dropped
  bool IsNew(const TableCore& table) const;
  void TakeBackDrops();
  void CommitDrops();
  void ForgetGoneCreations();
  void FreeReleasedTables();
  void Retire(TableCore& table);
  void RefreshTableIds();

  // Constant after opening.
  const StoreOptions options_;
  const Environment environment_;
  const std::shared_ptr<Runtime> runtime_;
  const GroupLayout groups_;
  RestoreReport report_;
  Recorder recorder_;

  // The writer's.
  std::optional<MemoryBudget::Account> account_;  // until it is closed
  Arena arena_;
  uint64_t epoch_ = 1;           // the current one
  uint64_t released_epoch_ = 0;  // versions up to it are clean
  Layers layers_;
  std::map<std::string, std::shared_ptr<TableCore>, std::less<>> tables_;
  std::vector<TableCore*> table_list_;               // by id, ascending
  std::vector<std::shared_ptr<TableCore>> dropped_;  // in the current epoch
  // Dropped by a barrier; gone once the epochs up to it, which may hold their versions, are
  // released.
  struct Leaving {
    uint64_t last_epoch;
    std::shared_ptr<TableCore> table;
  };
  std::deque<Leaving> leaving_;
  // All of these, for Metrics; protected by mutex_, and what those that are gone have counted.
  std::vector<const TableCore*> counted_;
  StoreMetrics gone_;
  uint32_t next_table_id_ = 1;
  std::vector<format::TableMeta> tables_created_;  // since the last barrier
  std::shared_ptr<const std::vector<uint32_t>> table_ids_;
  std::optional<uint64_t> stands_on_id_;
  std::vector<std::shared_ptr<CheckpointTicket>> in_flight_;  // to find out which ids failed
  std::deque<std::shared_ptr<SealedEpoch>> releasing_;        // applied, being released
  size_t release_part_ = 0;
  size_t release_position_ = 0;
  std::string read_buffer_;
  std::string stored_key_;
  std::vector<Version*> hollowed_;  // buffer of HollowSome
  bool has_spare_lists_ = false;
  bool may_evict_ = true;  // false while nothing is clean
  Doorkeeper doorkeeper_;
  uint32_t misses_ = 0;
  uint32_t yield_pause_ = 0;
  bool blocks_want_more_ = false;
  size_t giving_chunks_left_ = 0;  // to look at before it is done giving back
  uint64_t accounted_arena_bytes_ = 0;
  uint64_t grown_bytes_ = 0;  // what the arena has taken since a write last looked
  static constexpr std::chrono::duration<double> kNoDelay{0};
  std::chrono::duration<double> owed_delay_ = kNoDelay;  // by the next writes
  Counter accounted_table_bytes_;
  Counter epoch_bytes_;               // of versions that the current epoch made or changed
  uint64_t spilled_epoch_bytes_ = 0;  // of these, when it spilled last
  bool in_callback_ = false;
  std::atomic<bool> closed_{false};

  // Shared with the lanes.
  std::atomic<bool> blocked_{false};  // closed or failed: look at failure_
  std::atomic<bool> has_mail_{false};
  mutable std::mutex mutex_;
  std::condition_variable mail_arrived_;
  Applied mail_;              // protected by mutex_
  Status failure_;            // protected by mutex_
  size_t opening_views_ = 0;  // protected by mutex_; Close waits until it is 0
  std::condition_variable no_opening_views_;
  std::atomic<uint64_t> unreleased_epochs_{0};
  std::atomic<uint64_t> sort_bytes_{0};  // kept free for closed epochs that are not sorted yet

  std::unique_ptr<StorageLock>
      directory_lock_;  // null if the store before was taken over and lives
  std::unique_ptr<storage::Repository> repository_;
  std::shared_ptr<SharedBlockCache> block_cache_;
  std::shared_ptr<storage::WriteGate> write_gate_;  // null: maintenance is not limited
  std::unique_ptr<storage::LiveDatabase> live_;     // goes under mutex_
  storage::CompactionWaits compaction_waits_;       // of live_ when it went; protected by mutex_
  std::unique_ptr<CommitLane> commits_;
  std::unique_ptr<Maintenance> maintenance_;
};

}  // namespace tidemark::store
