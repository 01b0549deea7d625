// Restore: from a repository to a live database that stands in the history of the checkpoint asked
// for, with the rest of that history in its change log. Local and remote recovery are the same code
// from the live database on.
//
// A live database that is made here is not synced and not READY: the repository has it all, and
// nobody should wait for it. Who keeps it calls MarkReady.
#pragma once

#include "format/manifest.h"
#include "storage/fetch.h"
#include "storage/live_database.h"
#include "storage/repository.h"

#include <tidemark/options.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tidemark::store {

struct RestoreOptions {
  std::string directory;
  storage::FileSystemPtr fs;
  std::optional<uint64_t> checkpoint;  // unset: the newest that verifies
  Verification verification = Verification::kFull;
  uint64_t load_bytes_max =
      0;  // changes up to this size stay in the log, to be loaded into the cache
  std::shared_ptr<storage::BlockCache> block_cache;
  std::shared_ptr<const storage::WriteGate> write_gate;  // open meanwhile; may be null
  int background_jobs = 1;
  // For a copy that is only read and soon gone (store/view_core.h), in a directory of its own: all
  // changes are applied, whatever load_bytes_max; nothing is compacted, or hashed with all
  // processors, and few files are kept open.
  bool for_reading = false;
  // Set on another thread to have it given up: Closed (`store-closed`). May be null.
  const std::atomic<bool>* given_up = nullptr;
};

struct RestoredState {
  std::unique_ptr<storage::LiveDatabase> live;
  std::optional<format::Checkpoint> checkpoint;  // unset: the empty state
  // Segments after the live database's mark up to the checkpoint, ascending, all of them in its
  // change log: to be loaded into the cache. Empty if they were applied already.
  std::vector<format::FileMeta> to_load;
  std::vector<storage::UnverifiedFile> verify_first;  // of the base (kFast)
  RestoreReport report;
};

// Blocks. Errors: NotFound (`checkpoint-not-found`), Corruption (the explicit checkpoint, or every
// one, is damaged: the message has each reason), Fenced (another writer has taken over, and may
// have deleted what was not there), Busy, Unavailable (also `local-copy`: what the repository has
// is right, the copy of it is not), ResourceExhausted. On error, live directories made here are
// removed.
Result<RestoredState> Restore(storage::Repository& repository, const RestoreOptions& options);
// The same from a list of the repository that the caller has, and whose files he holds. Any thread.
Result<RestoredState> Restore(storage::Repository& repository, format::Manifest list,
                              const RestoreOptions& options);

// What the public API shows of a checkpoint.
CheckpointInfo InfoOf(const format::Checkpoint& checkpoint);

}  // namespace tidemark::store
