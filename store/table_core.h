// TableCore: the state cache of one table.
//
// Thread safety: the store's writer thread; AddTo any.
#pragma once

#include "format/manifest.h"
#include "store/counter.h"
#include "store/index.h"
#include "store/layers.h"
#include "store/ordered_index.h"
#include "store/range_deletes.h"
#include "store/scan.h"
#include "store/sealed_epoch.h"

#include <tidemark/metrics.h>
#include <tidemark/table.h>

#include <absl/container/btree_set.h>

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark::store {

class StoreCore;

class TableCore {
 public:
  TableCore(StoreCore& store, format::TableMeta meta);

  using ChangeFunction = Result<std::string_view> (*)(void*,
                                                      const std::optional<std::string_view>&);
  using FoundFunction = void (*)(void*, size_t, const std::optional<std::string_view>&);
  using VisitFunction = bool (*)(void*, std::string_view, std::string_view);

  // The members of Table; see there. Where it is given by pointer, the key views safe bytes
  // afterwards.
  Result<std::optional<std::string_view>> Get(std::string_view* key);
  Result<std::optional<std::string_view>> Get(std::string_view key) { return Get(&key); }
  Status MultiGet(std::span<const std::string_view> keys, FoundFunction visit, void* context);
  Status Put(std::string_view key, std::string_view value);
  Status Delete(std::string_view key);
  Status Update(std::string_view* key, ChangeFunction change, void* context);
  Status Update(std::string_view key, ChangeFunction change, void* context) {
    return Update(&key, change, context);
  }
  Result<std::span<char>> Mutable(std::string_view* key);
  Result<std::span<char>> Mutable(std::string_view key) { return Mutable(&key); }
  Status Append(std::string_view key, std::string_view bytes);
  Status ForEach(VisitFunction visit, void* context);
  Result<KeyCount> Count() const;
  // `self` owns this table.
  static Status DeleteRange(const std::shared_ptr<TableCore>& self, const ScanOptions& range);
  static Result<std::unique_ptr<ScanCore>> Scan(const std::shared_ptr<TableCore>& self,
                                                const ScanOptions& options);

  const format::TableMeta& meta() const noexcept { return meta_; }
  const TableOptions& options() const noexcept { return options_; }
  const Index& index() const noexcept { return index_; }
  // Any thread.
  uint64_t index_bytes() const noexcept {
    return index_.memory_bytes() + (marks_ != nullptr ? marks_->memory_bytes() : 0);
  }
  StoreCore& store() const noexcept { return store_; }

  // For scans. The ordered index is there once a scan has been made.
  const OrderedIndex* ordered() const noexcept { return ordered_.get(); }
  void AddScan(ScanCore* scan) { scans_.push_back(scan); }
  void RemoveScan(ScanCore* scan);

  // The table was made just now: the cache holds all that it has, until something is evicted.
  void SetHoldsAll() noexcept { holds_all_ = true; }
  // Whether the cache holds all that the table has, or all that the partition of this key has. Once
  // it does it goes on to, unless marks_voided() has risen.
  bool IsComplete(std::string_view key) const {
    return holds_all_ ? HoldsAllOf(key) : IsMarked(key);
  }
  uint64_t marks_voided() const noexcept { return marks_voided_; }

  // For tables that keep count: the exact number of keys, as restored and now.
  bool keeps_count() const noexcept { return meta_.exact_count; }
  void SetCount(uint64_t keys) noexcept { keys_ = keys_at_barrier_ = keys; }
  uint64_t keys() const noexcept { return keys_; }

  // What StoreCore asks of it.
  bool dirty() const noexcept { return !dirty_.empty() || ranges_.has_current(); }
  SealedPart Seal();
  // The list of a sealed epoch counts until it comes back, released, to serve an epoch to come;
  // what sorting takes of it is counted by the store.
  void CountSealedList(const std::vector<Version*>& list);
  void KeepList(std::vector<Version*> list);
  void DropSpareList();
  void Rollback();
  // Adds a replayed record as the newest version of its key, or hides what a range delete covers;
  // asks for no budget. `part` gets the versions. Returns the bytes that they take.
  size_t Replay(const format::Record& record, SealedPart* part);
  // The range deletes of a replayed epoch, after its records.
  void AddSealedRanges(uint64_t epoch, std::shared_ptr<const RangeSet> ranges);
  // RocksDB has what was deleted up to this epoch.
  void ForgetRanges(uint64_t view_epoch);
  const RangeDeletes& ranges() const noexcept { return ranges_; }
  // Adds what the current epoch has changed to a run, above those of `spilled`; then, once the run
  // is there, forgets it; and forgets what was read of an epoch's runs.
  Status SpillTo(storage::SpillRun& run, const storage::SpilledEpoch& spilled);
  void ForgetSpilled();
  void ForgetCopies(uint64_t epoch);
  // A value goes that operands lie on: what they make of it is kept as a copy, where there is room.
  void KeepMerged(const Version& value);
  // Takes an operand out that is its key's newest version, and that RocksDB has merged.
  void ForgetMerged(Version* version);
  // Takes the newest version of its key, clean or a copy, out of the cache. Returns the bytes
  // freed.
  size_t Evict(uint64_t hash, Version* version);
  void FreeAll();
  // Refuses all calls of handles while set, and ends the scans.
  void SetDropped(bool dropped);
  // Ends all scans with `why`.
  void FailScans(const Status& why);
  // Ends those that remember anything, for want of memory. False if there is none.
  bool EndScansForMemory();
  // Counts what changed of what it holds beside the arena's blocks.
  void Account();
  // Adds its look-ups, writes and evictions. Any thread.
  void AddTo(StoreMetrics* metrics) const;

 private:
  // A line of the list of changes, and what the commit thread takes to sort it: the current epoch's
  // barrier must find room for that.
  static constexpr size_t kListEntryBytes = sizeof(void*) + kSortEntryBytes;

  Status CheckUsable() const;
  // Calls visit(stored key, stored value) for what lies below the cache, until it returns false.
  Status ForEachBelow(const std::function<bool(std::string_view, std::string_view)>& visit);
  uint64_t memory_bytes() const;
  // The key group of a key with this hash.
  uint16_t GroupOf(uint64_t hash, std::string_view key) const;
  Result<ScanCore::Range> RangeOf(const ScanOptions& options) const;
  Status BuildOrderedIndex();
  bool FillOrderedIndex(const RoomCheck& has_room);
  // What the cache holds all of: see table_partitions.cc.
  bool holds_all() const noexcept { return holds_all_ && lacking_.empty(); }
  bool HoldsAllOf(std::string_view key) const {
    return holds_all_ && (lacking_.empty() || !IsLacking(key));
  }
  bool IsLacking(std::string_view key) const;
  bool IsMarked(std::string_view key) const;
  Status Complete(const ScanCore::Range& range);
  bool BringIn(std::string_view key, std::string_view stored_value, uint64_t generation);
  Version* FindMark(std::string_view key) const;
  Version* AddMark(std::string_view partition);
  uint64_t ValidMark() const noexcept { return Version::kMark | marks_generation_; }
  bool SetMark(std::string_view partition);
  void SetTooLarge(std::string_view partition);
  void VoidMark(std::string_view key);
  void VoidMarks();
  // DeleteRange's two ways.
  static Status DeleteOneByOne(const std::shared_ptr<TableCore>& self, const ScanOptions& range);
  void DeleteAsRange(ScanCore::Range range);
  size_t BytesToHide(const ScanCore::Range& range) const;
  void HideCached(const ScanCore::Range& range);
  // Makes a version of the current epoch such a delete that needs no record.
  void Empty(Version* version);
  // A delete of the epoch, which needs no record, on top of a version that a range delete covers.
  Version* Hide(Version* version, uint64_t epoch);
  size_t ReplayRange(const format::Record& record, SealedPart* part);
  bool IsAhead(const ScanCore::Range& range) const;  // of an open scan
  // Lets scans remember the entry of `key` before it changes. To make room for that, entries may be
  // evicted which the arguments are views of: those are then copied, and view the copies. `value`
  // may be null.
  void RememberForScans(uint64_t hash, std::string_view* key, std::string_view* value);
  void Remember(const Version& newest);  // the same for one that a rollback takes off
  void IndexInsert(uint64_t hash, Version* version);
  void IndexReplace(uint64_t hash, const Version* from, Version* to);
  void IndexErase(uint64_t hash, const Version* version);

  // Makes the change with copies of its arguments, which the look-up before it may evict, and
  // counts.
  using Change = Status (TableCore::*)(std::string_view key, std::string_view value);
  Status Counted(Change change, std::string_view key, std::string_view value, bool sets);

  Status CheckKey(std::string_view key) const;
  Status CheckValue(std::string_view value) const;
  // The newest version if the cache has one, else what RocksDB holds, brought into the cache if
  // there is room. Null, or the newest operand, if there was none.
  struct Found {
    Version* version = nullptr;
    std::optional<std::string_view> value;  // nullopt: absent
    bool known_absent = false;  // it has no value, and had none before the current epoch
    // The key that was asked for: making room for what was read may evict what the caller's view of
    // it points into.
    std::string_view key;
  };
  Result<Found> Read(uint64_t hash, std::string_view key) {
    return Read(FindAndMark(hash, key), hash, key);
  }
  // The same where the look-up has been made.
  Result<Found> Read(Version* version, uint64_t hash, std::string_view key);
  Version* FindAndMark(uint64_t hash, std::string_view key);
  // A part of MultiGet's keys, the first one of them being number `first`.
  Status GetBatch(std::span<const std::string_view> keys, size_t first, FoundFunction visit,
                  void* context);
  Status GetMissing(std::span<const std::string_view> keys, std::span<const uint64_t> hashes,
                    std::span<const size_t> missing, size_t first, FoundFunction visit,
                    void* context);
  Result<std::string_view> ValueOf(std::string& stored);
  // Brings what was read into the cache. Null if there is no room.
  Version* Cache(uint64_t hash, std::string_view key, const std::optional<std::string_view>& value,
                 uint64_t epoch);
  // The same where the newest version is an operand.
  Result<Found> ReadMerged(uint64_t hash, std::string_view key);
  // The value of the operands from `newest` on, in a buffer that the next call overwrites. `key` as
  // in StoreCore::ReadBelow; `read_below` is set if it was called.
  Result<std::string_view> Fold(const Version* newest, std::string_view* key, bool* read_below);
  // What the current epoch has spilled of a key.
  Result<uint64_t> SpilledBytes(uint64_t hash, std::string_view key);
  Result<format::Op> FoldOntoSpilled(const Version& operand, const storage::SpilledEpoch& spilled);
  // Makes (op, value) the newest of the current epoch. `known_absent`: the key has no value
  // anywhere.
  Status PutValue(std::string_view key, std::string_view value);
  Status DeleteKey(std::string_view key, std::string_view none);
  Status AppendBytes(std::string_view key, std::string_view bytes);
  Status Write(uint64_t hash, std::string_view key, Version* newest, format::Op op,
               std::string_view value, bool known_absent);
  Status WriteNew(uint64_t hash, std::string_view key, Version* newest, format::Op op,
                  std::string_view value, bool known_absent);
  void WriteInPlace(Version* version, format::Op op, std::string_view value);
  // `tail`: more bytes of the value.
  Version* NewVersion(uint64_t hash, std::string_view key, std::string_view value, format::Op op,
                      uint64_t epoch, std::string_view tail = {});
  // `to`, of the same key, takes the place of `from`, of the current epoch, which is freed.
  void TakePlace(uint64_t hash, Version* from, Version* to);
  // `version` becomes the newest of its key, over the one that is it so far, if any (may be null).
  void PutOver(uint64_t hash, Version* newest, Version* version);
  // What `newest` and all below it make of the key (null: what RocksDB has), as the newest of it.
  // There is room.
  Version* PutCopy(uint64_t hash, std::string_view key, std::string_view value, Version* newest);
  // Frees the newest version of its key. Returns what is the newest then, null if the cache has
  // nothing.
  Version* TakeOff(uint64_t hash, Version* newest);
  // Append's parts, where there is room for what they make: the operand as a new version, or at the
  // end of the one that the current epoch has; the same at the end of a copy, which goes if it
  // finds no room.
  void PushOperand(uint64_t hash, std::string_view key, Version* newest, std::string_view bytes);
  void ExtendOwn(uint64_t hash, std::string_view key, Version* own, std::string_view bytes);
  void ExtendCopy(uint64_t hash, Version* copy, std::string_view bytes);
  void MarkDirty(Version* version);
  // What the dirty list would take from the system for one more entry: nothing unless it is full.
  size_t ListGrowth() const;
  // What index and dirty list would take from the system for one more entry.
  size_t GrowthFor(uint64_t hash, std::string_view key, bool in_index, bool in_dirty_list) const;
  void Free(Version* version);

  StoreCore& store_;
  const format::TableMeta meta_;
  const TableOptions options_;
  Index index_;
  std::vector<Version*> dirty_;            // versions of the current epoch, each one once
  std::vector<Version*> spare_list_;       // empty, with the capacity of an earlier one
  std::unique_ptr<OrderedIndex> ordered_;  // the same versions as index_, once there was a scan
  std::vector<ScanCore*> scans_;           // that are open
  const std::unique_ptr<Index> marks_;     // by partition; null unless the table has such
  bool holds_all_ = false;                 // but for something of these partitions, by their hash:
  absl::btree_set<uint64_t> lacking_;
  uint64_t marks_generation_ = 1;
  uint64_t marks_voided_ = 0;
  RangeDeletes ranges_;
  uint64_t spilled_value_max_ = 0;  // bytes of the largest value that was ever spilled
  std::string folded_;              // buffers of Fold and ReadMerged
  std::string fold_key_;
  std::string scan_stored_key_;  // buffers of RememberForScans
  std::string scan_key_;
  std::string scan_value_;
  uint64_t sealed_list_bytes_ = 0;
  uint64_t accounted_bytes_ = 0;
  // Here and not in the store's Recorder because each costs three instructions a look-up here.
  Counter present_hits_;
  Counter absent_hits_;
  Counter misses_;
  Counter evictions_;
  Counter writes_;
  uint64_t keys_ = 0;
  uint64_t keys_at_barrier_ = 0;
  bool dropped_ = false;
};

}  // namespace tidemark::store
