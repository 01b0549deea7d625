// CompactRepository: compaction of a repository that no job has open.
#pragma once

#include <tidemark/options.h>
#include <tidemark/status.h>
#include <tidemark/storage.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tidemark {

// One subtask, compacted.
struct CompactedSubtask {
  // In bytes. Files are counted once, however many checkpoints name them, and by their sizes,
  // though they may share what they take on the medium with a local directory.
  struct Footprint {
    uint64_t segments = 0;        // of the newest checkpoint, behind its base
    uint64_t base_bytes = 0;      // of the SSTs in that base
    uint64_t retained_bytes = 0;  // of all files that retained checkpoints are made of
  };

  uint32_t subtask = 0;
  // What the state was restored from, as StateStore::Open would: `checkpoint` is unset if there is
  // none. If it is not the newest one, because that one is damaged (`skipped`), nothing was
  // compacted.
  RestoreReport restored;
  Footprint before;
  Footprint after;
  // Of files that were put into the repository, linked or copied.
  uint64_t written_bytes = 0;
};

// What CompactRepository needs to know.
struct CompactOptions {
  // URI of the repository, as in StoreOptions. Either this or `storage` is required.
  std::string repository{};
  // The repository's storage when the host brings its own.
  std::shared_ptr<CheckpointStorage> storage{};
  // Local directory to work in, created if missing. Each subtask is restored into a directory below
  // it, which is removed afterwards: room for about twice the state of one subtask, unless the
  // repository can be linked from and to. Required. The directory of the job's store will do.
  std::string directory{};
  // The one to compact; unset: all that the repository has, one after the other.
  std::optional<uint32_t> subtask{};
  // As in RuntimeOptions, of a runtime for this alone. 16 MiB to 1 TiB.
  uint64_t memory_budget_bytes = uint64_t{256} << 20;
  // What of a table is dead is rewritten if it is more than about this lets it be, as in
  // StoreOptions. 1.1 to 100.
  double space_amplification_max = 1.1;
  // As in StoreOptions: take the repository over although its last writer seems to be alive.
  bool take_over = false;
  // Called on the calling thread after each subtask; null: nobody is.
  std::function<void(const CompactedSubtask&)> on_subtask{};
};

struct CompactReport {
  std::vector<CompactedSubtask> subtasks;  // ascending
};

// Makes the newest checkpoint of a repository as small and as quick to restore as it gets: a base
// of its own, without a log behind it, and with little in it that is dead. It drops no checkpoint
// and changes none: each restores to the same state afterwards (ReadView::Digest), and a job goes
// on from there as after any restart. Files that no checkpoint needs any more are deleted. Older
// checkpoints than the newest keep the base and the segments that they have.
//
// It is a writer like any other. It opens an attempt for each subtask, so it is refused while a
// store is open (Busy: `repository-locked`; `writer-open` where the storage knows no locks), and
// fences that store if it is to take over. It reads and verifies all files of the newest
// checkpoint.
//
// Blocks for all of it, and works on the calling thread beside those of RocksDB.
//
// Whatever fails, and whenever the process dies, all checkpoints are as they were; subtasks that
// were done before stay done; and running it again goes on. Errors: InvalidArgument
// (`option-missing`, `option-conflict`, `option-bounds`); NotFound (`repository-not-found`,
// `subtask-not-found`); Busy, as above; Fenced (another writer has taken over meanwhile);
// Corruption (nothing verifies, or reading finds damage); IncompatibleFormat; Unavailable;
// ResourceExhausted
// (`disk-full`). Those of a subtask name it.
Result<CompactReport> CompactRepository(const CompactOptions& options);

}  // namespace tidemark
