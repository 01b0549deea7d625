// Engine: the thin adapter through which a workload drives a store. Each engine can be restored to
// the newest checkpoint that it has reported as durable, and most to those that it keeps beside;
// README.md says which. `hashmap` is there to tell what durability costs, and has none.
//
// Thread safety: one thread drives an engine; what an engine does in the background is its own
// affair.
#pragma once

#include "bench/byte_rows.h"
#include "bench/states.h"

#include <tidemark/status.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark::bench {

// The same for all engines.
struct EngineOptions {
  // An empty directory on a real disk, for everything that the engine stores.
  std::string directory;
  // Bytes for caches, write buffers and indexes together.
  uint64_t memory_budget_bytes = 0;
  // Threads that the engine may keep busy beside the caller's.
  uint32_t background_threads = 2;
  // Checkpoints that stay; older ones are deleted as new ones complete, which is part of the job.
  uint32_t keep_checkpoints = 5;
};

// What only the engine knows of its work since ResetFigures.
struct EngineFigures {
  // Of each checkpoint: from the call until it was durable.
  std::vector<std::chrono::nanoseconds> durable;
  // Put, copied or linked into the repository: what a remote repository would have had to be sent.
  // Of engines whose repository is a directory beside the live database.
  std::optional<uint64_t> published_bytes;
  // Of that, the change log in its encoded form, and the files of it that are retained.
  std::optional<uint64_t> log_bytes;
  std::optional<uint64_t> segments;
  // What writes waited because background work did not keep up.
  std::optional<double> stall_s;
  // Key and value of the last change of each entry in each epoch. The model's figure.
  std::optional<uint64_t> net_change_bytes;
};

class Engine {
 public:
  virtual ~Engine() = default;

  // The state of that kind, one an engine, created empty. It must be gone before Restore and before
  // the engine. Each one is asked for only of engines with the ability to have it.
  virtual Result<std::unique_ptr<Values>> OpenValues() = 0;
  virtual Result<std::unique_ptr<Maps>> OpenMaps() = 0;
  virtual Result<std::unique_ptr<Lists>> OpenLists() = 0;
  // `number`, up to 255, tells an engine's rows apart.
  virtual Result<std::unique_ptr<ByteRows>> OpenByteRows(uint8_t /*number*/,
                                                         ByteRowsKind /*kind*/) {
    return Status(StatusCode::kUnsupported, "no-rows", "this engine has no state of bytes");
  }

  // The barrier: what restoring `id` gives is the state at this call. Returns when the caller may
  // go on.
  virtual Status Checkpoint(uint64_t id) = 0;
  // Blocks until all checkpoints are durable, old ones are deleted, and no background work is left.
  virtual Status Drain() = 0;

  // Closes the store and opens what its newest checkpoint holds; for reading only from then on.
  virtual Status Restore() = 0;

  // Both when drained.
  virtual void ResetFigures() = 0;
  virtual EngineFigures Figures() = 0;
  // The directory that holds the checkpoints and nothing else, or the database if checkpoints are
  // inside it.
  virtual std::string repository() const = 0;
};

Result<std::unique_ptr<Engine>> OpenTidemark(const EngineOptions& options);
Result<std::unique_ptr<Engine>> OpenRocksDb(const EngineOptions& options);
Result<std::unique_ptr<Engine>> OpenRocksDbWal(const EngineOptions& options);
Result<std::unique_ptr<Engine>> OpenRocksDbMerge(const EngineOptions& options);
Result<std::unique_ptr<Engine>> OpenRocksDbBackup(const EngineOptions& options);
Result<std::unique_ptr<Engine>> OpenLmdb(const EngineOptions& options);
Result<std::unique_ptr<Engine>> OpenWiredTiger(const EngineOptions& options);
Result<std::unique_ptr<Engine>> OpenHashMap(const EngineOptions& options);

// What a workload may ask of an engine; several of them are joined by |.
enum Abilities : uint32_t {
  kReadsValues = 1,
  kChangesValues = 2,  // Put and Update, and at the end ForEach
  kHasMaps = 4,
  kHasLists = 8,
  kHasBytes = 16,
  kExceedsMemory = 32,  // holds more than its memory budget
  kAllAbilities = 63,
};

struct EngineKind {
  std::string_view name;
  Result<std::unique_ptr<Engine>> (*open)(const EngineOptions&);
  // Workloads that ask for more have no row for it.
  uint32_t abilities = kAllAbilities;
  // The library without which the program was built, and so without the engine; empty otherwise.
  std::string_view missing = {};
};

// In the order in which tables show them. The first is compared with each of the others.
inline constexpr EngineKind kEngines[] = {
    {"tidemark", OpenTidemark},
    {"rocksdb", OpenRocksDb},
    {"rocksdb_merge", OpenRocksDbMerge, kChangesValues | kExceedsMemory},
    {"rocksdb_backup", OpenRocksDbBackup},
    {"rocksdb_wal", OpenRocksDbWal},
#ifdef TIDEMARK_BENCH_LMDB
    {"lmdb", OpenLmdb, kAllAbilities & ~kHasBytes},
#else
    {"lmdb", nullptr, 0, "liblmdb (Debian: liblmdb-dev)"},
#endif
#ifdef TIDEMARK_BENCH_WIREDTIGER
    {"wiredtiger", OpenWiredTiger, kAllAbilities & ~kHasBytes},
#else
    {"wiredtiger", nullptr, 0, "libwiredtiger and its Snappy (Debian: libwiredtiger-dev)"},
#endif
    {"hashmap", OpenHashMap, kAllAbilities & ~kHasBytes & ~kExceedsMemory},
};

}  // namespace tidemark::bench
