// What a store tells about itself: numbers to poll (StoreMetrics) and events to be called for
// (EventListener).
#pragma once

#include <tidemark/options.h>
#include <tidemark/pins.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace tidemark {

// How often which duration was seen, by powers of two of nanoseconds. The difference of two
// histograms' buckets is what was seen in between.
struct Histogram {
  // The last bucket begins at 39 hours.
  static constexpr size_t kBuckets = 49;

  // buckets[i] counts durations below UpperBound(i) that are not below UpperBound(i - 1); the last
  // one everything above as well.
  std::array<uint64_t, kBuckets> buckets{};
  uint64_t count = 0;              // sum of the buckets
  std::chrono::nanoseconds sum{};  // of the durations
  std::chrono::nanoseconds max{};  // the longest one

  // 2^bucket nanoseconds.
  static constexpr std::chrono::nanoseconds UpperBound(size_t bucket) {
    return std::chrono::nanoseconds(int64_t{1} << bucket);
  }
  // Where a duration counts; negative ones count as zero.
  static size_t BucketOf(std::chrono::nanoseconds duration);
  // A duration that the fraction `quantile` (0 to 1; 0.99 say) of those seen does not exceed: at
  // most twice the exact one, and at most `max`. Zero if nothing was seen.
  std::chrono::nanoseconds QuantileBound(double quantile) const;
};

// A store's numbers, as of one call of StateStore::Metrics. Counts and times are totals since Open
// and never fall. Numbers that change together may be read a moment apart.
struct StoreMetrics {
  struct Checkpoint {
    uint64_t id = 0;
    uint64_t epoch = 0;
    std::chrono::system_clock::time_point time;
  };

  // ---- Memory now, in bytes; this store's are zero once it is closed. ----
  // These five lie apart from each other. They are what the runtime's budget counts for this store,
  // which besides counts the capacity of RocksDB's block cache and that of read views.
  // Entries: clean, changed, superseded but not released yet, and what open iterators remember.
  uint64_t cache_bytes = 0;
  uint64_t index_bytes = 0;  // tables that lead from keys to entries
  uint64_t free_bytes = 0;   // taken from the system, waiting for entries to come
  // Lists of what the current epoch has changed and those before it that RocksDB lacks, with what
  // sorting them takes; and the order of tables that are scanned.
  uint64_t list_bytes = 0;
  uint64_t buffer_bytes = 0;  // of the commit thread, and which keys were asked for of late
  // These two are parts of cache_bytes, as of each entry's first change in its epoch; but for what
  // an epoch larger than memory has spilled, which lies on disk and counts here all the same: it
  // still has to be written back, and writers are slowed down by it.
  uint64_t epoch_bytes = 0;      // changed in the current epoch
  uint64_t unapplied_bytes = 0;  // of closed epochs that RocksDB does not hold yet
  // Of all stores of the runtime.
  uint64_t rocksdb_bytes = 0;  // in use by RocksDB's block cache, and by open files in it
  uint64_t budget_used_bytes = 0;
  uint64_t budget_limit_bytes = 0;  // RuntimeOptions::memory_budget_bytes

  // ---- Entries. ----
  // Look-ups by Get, Update and Mutable. Put and Delete look nothing up.
  uint64_t hits = 0;               // answered by the cache
  uint64_t known_absent_hits = 0;  // of those, for keys that it knows to have no value
  uint64_t misses = 0;             // read from RocksDB
  uint64_t evictions = 0;          // entries that made room for others
  uint64_t writes = 0;  // values set, changed or removed; what was refused is not counted

  // ---- Writes that waited for memory. ----
  uint64_t stalls = 0;                    // begun
  std::chrono::nanoseconds stall_time{};  // of those that have ended

  // Write-back falls behind, so that writes are held up for moments; the step before a stall.
  uint64_t slowdowns = 0;
  std::chrono::nanoseconds slowdown_time{};

  // ---- Epochs larger than memory. ----
  uint64_t spills = 0;                    // times that one moved what it had changed out of memory
  uint64_t spilled_bytes = 0;             // of the files that took it
  std::chrono::nanoseconds spill_time{};  // also counted as stalls

  // ---- Checkpoints. ----
  uint64_t checkpoints_completed = 0;
  uint64_t checkpoints_failed = 0;
  uint64_t checkpoints_in_flight = 0;  // now
  Histogram barrier;                   // what callers of Checkpoint waited
  Histogram durable;                   // completed ones: from the barrier until durable
  uint64_t log_bytes = 0;              // segments that completed checkpoints have published
  // The newest one in the history of this state: completed by this store, else the one that it was
  // restored from; unset if there is neither.
  std::optional<Checkpoint> last_checkpoint;

  // ---- Maintenance. ----
  uint64_t write_backs = 0;  // of durable epochs to RocksDB, that succeeded
  uint64_t write_back_failures = 0;
  uint64_t write_back_records = 0;
  uint64_t write_back_bytes = 0;               // of the files written
  std::chrono::nanoseconds write_back_time{};  // failures included
  // Write-backs found too many sorted runs in RocksDB, and waited for it to compact them: what
  // comes before slowdowns where it is compaction that falls behind.
  uint64_t compaction_waits = 0;                    // begun
  std::chrono::nanoseconds compaction_wait_time{};  // of those that have ended
  uint64_t bases_published = 0;
  uint64_t base_bytes = 0;       // of the files that they added to the repository, linked or copied
  uint64_t log_merges = 0;       // neighbouring segments that became one
  uint64_t log_merge_bytes = 0;  // of the merged segments
  uint64_t table_compactions = 0;  // tables rewritten because most of what they held was deleted

  // That left members of the EventListener, or CheckpointOptions::on_complete.
  uint64_t listener_exceptions = 0;
};

// Called when something happens that an operator may want to know; StoreOptions::listener. Override
// what is of interest.
//
// Members run on the thread that found the event, named with each, and that thread goes on only
// when they return: they should be quick. They may call StateStore::Metrics and nothing else of
// this store; what they are given lives until they return. An exception that leaves one is dropped
// and counted in StoreMetrics::listener_exceptions: it never reaches the store or its caller.
//
// The store holds the listener until it and the last handle of its tables are gone, and calls it no
// more once Close has returned. Several stores may share one.
//
// Thread safety: the store calls members concurrently, from its writer, its commit thread and the
// runtime's threads.
class EventListener {
 public:
  virtual ~EventListener() = default;

  // A checkpoint is durable. Commit thread, before the checkpoint's callback, in the order of the
  // barriers.
  virtual void OnCheckpointCompleted(const CheckpointOutcome& /*outcome*/) {}
  // A checkpoint has failed; the next one that succeeds holds its changes. As above.
  virtual void OnCheckpointFailed(const CheckpointOutcome& /*outcome*/) {}

  // Open has passed over a damaged checkpoint and restored an older one; once for each that it
  // passed over, the newest first. The thread that called Open, before Open returns.
  virtual void OnFallback(const RestoreReport::Skipped& /*skipped*/) {}

  // A newer writer has taken the repository: this store has failed, and none of its checkpoints
  // will succeed. Once a store. Commit thread, one of the runtime's, or the thread that calls
  // Close.
  virtual void OnFenced(const Status& /*status*/) {}

  // A write begins to wait for memory, and ends to, with or without it. The thread that writes.
  virtual void OnStallBegin() {}
  virtual void OnStallEnd(std::chrono::nanoseconds /*waited*/) {}

  // Somebody asks for a checkpoint (RequestCheckpoint in <tidemark/pins.h>), and waits for one
  // whose barrier comes after this. Once a request and store; again by the next store if none came.
  // A thread of the runtime: soon after StateStore::LookForRequests, or with a checkpoint that is
  // durable ten seconds after the last look or later.
  virtual void OnCheckpointRequested(const RequestInfo& /*request*/) {}

  // Damage of stored bytes was found: the reason of each OnFallback, manifest versions that Open
  // passed over, what made Open fail; what failed the running store, once; and each time that it
  // fails a checkpoint; a pin that cannot be read (`pin-unreadable`), once. Not told is damage of
  // local files at Open that the repository made up for. Any of the threads above.
  virtual void OnCorruption(const Status& /*status*/) {}
};

}  // namespace tidemark
