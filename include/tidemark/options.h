// StoreOptions and the plain structs that a StateStore takes and gives.
#pragma once

#include <tidemark/runtime.h>
#include <tidemark/status.h>
#include <tidemark/storage.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tidemark {

class EventListener;

// How change log frames are compressed. Values are persisted: do not renumber.
enum class Compression : uint8_t { kNone = 0, kLz4 = 1, kZstd = 2 };

// What restore checks before it trusts a file of the repository.
enum class Verification : uint8_t {
  // Hashes every file that the checkpoint needs before RocksDB parses it.
  kFull = 0,
  // Hashes manifest and segments, checks base files by size, and hashes those in the background.
  // Until that is done no base is published, no checkpoint present at open is dropped, and a
  // process that ends has to fetch it all again; a mismatch fails the store. A checkpoint that is
  // not the newest is verified as with kFull: the first commit on it drops those after it.
  kFast = 1,
};

// The host's own strings, kept with a checkpoint: source positions for example. At most 1 MiB in
// total.
using Metadata = std::map<std::string, std::string>;

// What StateStore::Open needs to know.
struct StoreOptions {
  // Budget and threads. Required.
  std::shared_ptr<Runtime> runtime{};
  // Local directory for the live database, created if missing. Disposable: what it holds only makes
  // the next start faster. Read views lie there too. Required; used by one store at a time.
  std::string directory{};
  // URI of the repository, `file:///mnt/checkpoints/job` for example; created if missing. Either
  // this or `storage` is required.
  std::string repository{};
  // The repository's storage when the host brings its own.
  std::shared_ptr<CheckpointStorage> storage{};

  // Which of `parallelism` subtasks of the job this store is; it owns that share of the
  // `max_parallelism` key groups. subtask < parallelism <= max_parallelism <= 32,768.
  // `max_parallelism` is fixed when the repository is created.
  uint32_t subtask = 0;
  uint32_t parallelism = 1;
  uint32_t max_parallelism = 128;

  // The checkpoint to start from; unset: the newest that verifies. An explicit one never falls
  // back.
  std::optional<uint64_t> restore_checkpoint{};
  Verification verification = Verification::kFull;
  // Take the repository over although its last writer seems to be alive. That writer is fenced: its
  // next checkpoint fails with `Fenced`.
  bool take_over = false;

  Compression log_compression = Compression::kZstd;
  // zstd: -7 to 19. Ignored by the other codecs.
  int log_compression_level = 1;
  // Checkpoints to retain, the newest ones. 1 to 10,000.
  uint32_t keep_last = 5;
  // ... and those that are not older than this, by the clock of this machine, but no more than
  // 10,000. 0 to 10 years.
  std::chrono::milliseconds keep_within{0};
  // How many times the bytes of its state, compacted, a checkpoint's files may have, about: the log
  // since the base, and what is dead in the base. Smaller: more of the state is rewritten. Amounts
  // below 1 MiB (of the log 16 MiB where a base cannot be linked) do not count. 1.1 to 100.
  double space_amplification_max = 3;
  // How long a restore on this machine may take from the newest checkpoint's linked base to the
  // first read, in seconds: a longer log is written into a new base. An estimate, on the safe side.
  // 0.1 to 86,400.
  double restore_budget_seconds = 10;
  // So many neighbouring segments of about one size are merged into one. Fewer: shorter logs, and
  // more that is written again. 2 to 64.
  uint32_t log_merge_segments = 16;
  // Longest value in bytes. 0 to 1 GiB.
  uint64_t value_bytes_max = uint64_t{256} << 20;
  // Segments up to this size travel inside the manifest version, so that a small checkpoint is one
  // object. 0 to 1 MiB; 0 never inlines.
  uint64_t inline_segment_bytes_max = uint64_t{64} << 10;
  // Unapplied changes that start a write-back to RocksDB, in bytes. 0: min(64 MiB, an eighth of the
  // budget). 64 KiB to 16 GiB otherwise.
  uint64_t write_back_bytes = 0;
  // ... or this many unapplied segments. 1 to 4,096.
  uint32_t write_back_segments = 256;
  // How long a write waits for memory before it fails with `ResourceExhausted`. 0 to 1 hour.
  std::chrono::milliseconds stall_timeout{30'000};

  // Told of what happens, see <tidemark/metrics.h>; null: nobody is.
  std::shared_ptr<EventListener> listener{};
};

// What a checkpoint took. Sizes in bytes.
struct CheckpointStatistics {
  uint64_t epoch = 0;
  uint64_t records = 0;                // changed keys in the epochs that this checkpoint published
  uint64_t net_change_bytes = 0;       // their keys and values
  uint64_t log_bytes = 0;              // their encoded form as published
  bool inlined = false;                // all of it inside the manifest version
  std::chrono::nanoseconds barrier{};  // what the caller of Checkpoint waited
  std::chrono::nanoseconds encode{};   // sort and encode
  std::chrono::nanoseconds durable{};  // from the barrier until it was durable
};

// What a completed or failed checkpoint tells its callback.
struct CheckpointOutcome {
  uint64_t id = 0;
  Status status;
  CheckpointStatistics statistics;
};

// What the host says with a checkpoint.
struct CheckpointOptions {
  Metadata metadata{};
  // Runs once on the store's commit thread, after the outcome is decided and before Wait returns.
  // It must not call the store. An exception that leaves it is dropped, and counted in
  // StoreMetrics::listener_exceptions.
  std::function<void(const CheckpointOutcome&)> on_complete{};
};

// A retained checkpoint.
struct CheckpointInfo {
  uint64_t id = 0;
  uint64_t epoch = 0;
  std::chrono::system_clock::time_point time;
  Metadata metadata;
};

// What Open found and did.
struct RestoreReport {
  struct Skipped {
    uint64_t id = 0;
    Status reason;
  };
  // The checkpoint that the state came from; unset for an empty repository.
  std::optional<CheckpointInfo> checkpoint;
  // Newer checkpoints that were asked for or tried first and did not verify, newest first.
  std::vector<Skipped> skipped;
  // Damaged manifest versions that were passed over; each message names the file.
  std::vector<Status> damaged_manifests;
  bool reused_live_database = false;
  uint64_t linked_bytes = 0;  // base and segment files brought in by link
  uint64_t copied_bytes = 0;  // ... and by copy
  uint64_t replayed_records = 0;
  std::chrono::nanoseconds duration{};
};

}  // namespace tidemark
