// LiveDatabase: the two local RocksDBs of a store.
//
//   <directory>/state   one column family a table (`t<id>`); the default one holds the applied
//   mark. Changed
//                       only by Apply, so it always stands at an epoch boundary (invariant 6). No
//                       WAL, no memtable.
//   <directory>/side    column family `changelog`: the segments after the applied mark. No
//                       compaction. One more for each epoch that is larger than memory.
//   <directory>/tmp     files on their way in or out; emptied when opened
//   <directory>/READY   made last: without it the directory is a leftover
//
// `side` is made when there is something for it.
//
// All of it is disposable. Files come in by hard link and are never modified in place, so they may
// be shared with a repository on the same file system.
#pragma once

#include "format/manifest.h"
#include "format/record.h"
#include "format/segment.h"
#include "storage/block_cache.h"
#include "storage/file_system.h"
#include "storage/late_syncs.h"
#include "storage/segment_file.h"
#include "storage/spill.h"
#include "storage/state_shape.h"
#include "storage/write_limit.h"

#include <tidemark/status.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark::storage {

// What lies in a live database's directory.
inline constexpr std::string_view kLiveStateName = "state";
inline constexpr std::string_view kLiveSideName = "side";
inline constexpr std::string_view kLiveTemporaryName = "tmp";
inline constexpr std::string_view kLiveReadyName = "READY";
inline constexpr std::string_view kLiveLockName = "LOCK";  // flocked while open

struct LiveDatabaseOptions {
  std::string directory;
  FileSystemPtr fs = DefaultFileSystem();
  // Of a directory that is being made, which `fs` is of: MarkReady syncs it, nothing before. Null:
  // everything is synced at once.
  std::shared_ptr<LateSyncs> late_syncs{};
  // Not null; may serve other databases too.
  std::shared_ptr<BlockCache> block_cache = std::make_shared<BlockCache>(uint64_t{32} << 20);
  // What NewStateFiles writes, and what RocksDB compacts, passes it. Null: nothing waits.
  std::shared_ptr<const WriteGate> write_gate{};
  uint64_t sst_target_bytes = uint64_t{32} << 20;
  int background_jobs = 1;
  // How long Apply waits for compaction while level 0 of a table is deep.
  std::chrono::milliseconds compaction_patience{60'000};
  // For a database that is only read and soon gone, beside the one that is worked with: it keeps
  // fewer files open and does not compact. Level 0 may grow deep, and nobody waits for it.
  bool passing = false;
};

// Moves over the stored entries of one table in key order, as of the view that it came from,
// between two stored keys. Released before the view's LiveDatabase is closed.
//
// Thread safety: one thread at a time.
class StateCursor {
 public:
  virtual ~StateCursor() = default;
  // The first entry at or after `stored_key`, or the last one before it.
  virtual void SeekAtOrAfter(std::string_view stored_key) = 0;
  virtual void SeekBefore(std::string_view stored_key) = 0;
  // Only while valid().
  virtual void Next() = 0;
  virtual void Previous() = 0;
  // False at the end, and after an error, which status() tells.
  virtual bool valid() const = 0;
  virtual Status status() const = 0;
  // Stored key and value; the views hold until the cursor moves. Only while valid().
  virtual std::string_view key() const = 0;
  virtual std::string_view value() const = 0;
};

// Reads of the state as of one applied epoch, whatever is applied later. Holds a RocksDB snapshot;
// released by the last owner, before the LiveDatabase is closed.
class StateView {
 public:
  virtual ~StateView() = default;
  uint64_t epoch() const noexcept { return epoch_; }
  // The stored value (header included) of a stored key: false if absent (also if the table has no
  // column family). `value` is overwritten. Corruption or Unavailable.
  virtual Result<bool> Get(uint32_t table_id, std::string_view stored_key,
                           std::string* value) const = 0;
  // The same for many keys: a value for each, unset if absent.
  virtual Status MultiGet(uint32_t table_id, const std::vector<std::string>& stored_keys,
                          std::vector<std::optional<std::string>>* values) const = 0;
  // About how many keys a table has. Costs next to nothing.
  virtual uint64_t EstimateKeys(uint32_t table_id) const = 0;
  // Calls visit(stored key, stored value) in key order over a table until it returns false.
  virtual Status Scan(
      uint32_t table_id,
      const std::function<bool(std::string_view, std::string_view)>& visit) const = 0;
  // A cursor over the stored keys in [from, to) of a table, not positioned yet. It shares this
  // view's ownership of the database, so the view may go first.
  virtual std::unique_ptr<StateCursor> NewCursor(uint32_t table_id, std::string_view from,
                                                 std::string_view to) const = 0;

 protected:
  uint64_t epoch_ = 0;
};

// SSTs of one table for Apply.
struct TableFiles {
  uint32_t table_id = 0;
  std::vector<SstFile> files;
  // Of those that were written some, for an estimate of what they hide.
  std::vector<std::pair<std::string, std::string>> range_deletes{};
};

// Writes the SSTs of one table from ascending keys, rolling at the target size.
class StateFileWriter {
 public:
  virtual ~StateFileWriter() = default;
  virtual Status Put(std::string_view stored_key, std::string_view value, uint64_t expiry_ms) = 0;
  virtual Status Delete(std::string_view stored_key) = 0;
  // Removes all that is there of [from, to); what this writer puts, before or after, stays. `from`
  // is not below the keys so far.
  virtual Status DeleteRange(std::string_view from, std::string_view to) = 0;
  // Adds bytes at the end of the value that is there, or makes them the value.
  virtual Status Append(std::string_view stored_key, std::string_view bytes) = 0;
  // Finishes the last file; all of them are synced. The writer is done with.
  virtual Result<TableFiles> Finish() = 0;
};

// A file of `state` as of the applied mark, for a new base.
struct FileSetEntry {
  std::string live_name;
  bool is_sst = false;
  std::string path;  // a link or copy in tmp; empty for an SST that `have` knew
  uint64_t size = 0;
  format::Checksum128 checksum;
  std::string unique_id;  // SSTs
  uint64_t range_tombstones = 0;
  std::string smallest;  // stored keys, SSTs of tables (not the one of the mark)
  std::string largest;
};
struct FileSet {
  format::AppliedMark mark;
  std::string current;  // content of CURRENT
  std::vector<FileSetEntry> files;
  uint64_t live_bytes = 0;  // of all SSTs
};

// Since the database was opened: how often Apply has waited for RocksDB to compact a table.
struct CompactionWaits {
  uint64_t begun = 0;
  std::chrono::nanoseconds time{};  // of those that have ended
};

// After an I/O error the database goes on as it was: a change that failed is not there, and may be
// tried again with new files. Only a crash or a close before the next change that succeeds may
// leave a directory that Open refuses as Corruption.
//
// Thread safety: views, View, TemporaryPath, RemoveTemporary, const members, OpenSegment, Segments,
// AddSegments and DropSegments from any thread; everything else from one thread at a time (restore,
// then the maintenance lane).
class LiveDatabase {
 public:
  virtual ~LiveDatabase() = default;

  // Opens what is in options.directory (created empty if absent) and takes its flock. A `state`
  // directory prepared beforehand (files of a base, CURRENT last) is opened as it is. Busy
  // (`live-locked`), Unavailable, ResourceExhausted (`disk-full`); Corruption
  // (`rocksdb-corruption`, `live-...`): not a whole database, restore anew.
  static Result<std::unique_ptr<LiveDatabase>> Open(const LiveDatabaseOptions& options);

  virtual const std::string& directory() const = 0;
  // A fresh path in tmp.
  virtual std::string TemporaryPath(std::string_view suffix) = 0;
  // Removes a file in tmp. One that cannot be removed goes with the next that can.
  virtual void RemoveTemporary(const std::string& path) = 0;
  // Makes everything durable, then READY; nothing if it is there already, or was removed for good.
  // After an error of a sync it stays with that: READY is never made. All else works as before, but
  // no file set is exported until an Apply has succeeded, for which RocksDB begins a new MANIFEST.
  virtual Status MarkReady() = 0;
  // Removes READY, until the next MarkReady.
  virtual Status Retract() = 0;
  // Removes READY for good: a later Open of the store will not reuse the directory. Any thread.
  virtual Status Quarantine() = 0;

  // The applied mark; a fresh database stands at epoch 0 of attempt 0.
  virtual format::AppliedMark mark() const = 0;
  // The state as of mark().
  virtual std::shared_ptr<const StateView> View() = 0;
  // Drops column families that the mark does not list.
  virtual Status DropUnlistedTables() = 0;

  virtual std::unique_ptr<StateFileWriter> NewStateFiles(uint32_t table_id) = 0;
  // Ingests the files together with the mark, atomically: after a crash or an error all of it is
  // there or none. Creates missing column families first, drops those that the mark no longer lists
  // afterwards. Durable on return. The files are consumed, whatever the outcome. Waits while level
  // 0 is deep, then Unavailable (`compaction-behind`); ResourceExhausted
  // (`disk-full`), Unavailable (`io-error`), Corruption; Internal for a mark that goes backwards or
  // does not list a table.
  virtual Status Apply(std::vector<TableFiles> tables, const format::AppliedMark& mark) = 0;
  virtual CompactionWaits compaction_waits() const = 0;
  // What `state` is made of now. Looks at RocksDB's list of files, not into them.
  virtual StateShape Shape() = 0;
  // Lets RocksDB rewrite all files of a table into as little as there is, in the background; what
  // views may still see stays. An earlier one is given up. Failures leave the files as they were.
  virtual void StartCompaction(uint32_t table_id) = 0;
  // Called on a background thread after each compaction of `state`; null: nobody is. Any thread.
  // Once this returns the one before is called no more.
  virtual void SetOnCompacted(std::function<void()> on_compacted) = 0;
  // Removes files that will not be applied, as RemoveTemporary does.
  virtual void DiscardStateFiles(const std::vector<TableFiles>& tables) = 0;
  // The files of `state`, consistent with the mark, held in tmp by link (MANIFEST and OPTIONS by
  // copy) until ReleaseFileSet. SSTs whose unique id `have` knows are listed without being linked.
  // Unavailable (`file-set-unsettled`) between an I/O error and the next Apply that succeeds.
  virtual Result<FileSet> ExportFileSet(
      const std::function<bool(std::string_view unique_id)>& have) = 0;
  virtual void ReleaseFileSet(const FileSet& files) = 0;

  // The segments in `changelog`, ascending.
  virtual Result<std::vector<format::SegmentHeader>> Segments() = 0;
  // Moves segment files into `changelog`, durably, all of them or none. They are consumed, whatever
  // the outcome. Their epoch ranges must not overlap what is there (Internal, `segment-overlap`).
  virtual Status AddSegments(std::span<const SstFile> files) = 0;
  // Removes the segments whose last epoch lies in [first, last], durably. Open streams go on.
  virtual Status DropSegments(uint64_t first, uint64_t last) = 0;
  // The records of one table in the segment that ends at `last_epoch`; none if there is no such
  // segment. The stream ends before the database is closed.
  virtual std::unique_ptr<format::RecordStream> OpenSegment(uint64_t last_epoch,
                                                            uint32_t table_id) = 0;

  // A place for what this epoch moves out of memory. Calls of it, its runs and cursors are fine
  // from any thread. Errors: those of RocksDB.
  virtual Result<std::shared_ptr<SpilledEpoch>> NewSpilledEpoch(uint64_t epoch) = 0;
};

}  // namespace tidemark::storage
