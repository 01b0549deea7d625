// What offline tools write: as a writer like any other, which opens an attempt, and so fences
// whoever had one, publishes, deletes, and closes.
//
// Whenever the process dies, every checkpoint that was to stay is as it was; what was to be deleted
// and is still there goes with the next writer's leftovers.
#pragma once

#include "format/manifest.h"

#include <tidemark/storage.h>

#include <cstdint>
#include <memory>
#include <vector>

namespace tidemark::storage {

struct OfflineWriterOptions {
  std::shared_ptr<CheckpointStorage> storage;
  bool take_over = false;  // although the last writer seems to be alive
};

// Drops checkpoints of the subtask that `seen` is the list of, and deletes what only they needed.
// `ids`, ascending, were chosen from `seen`; they may have gone since. Errors: Busy
// (`repository-locked`, `writer-open`); Unavailable (`repository-changed`: one of them is now the
// newest, pinned, or another checkpoint of the same id; `pin-unreadable`; nothing was dropped);
// Corruption (the list is damaged, and all that is there may be needed; nothing was dropped); else
// as Repository::Open and its like: dropped or not, the next call goes on.
Status DropCheckpoints(const OfflineWriterOptions& options, const format::Manifest& seen,
                       const std::vector<uint64_t>& ids);

// Deletes what crashed writers left in the subtask that `seen` is the list of, as a store does when
// it opens. Errors: as above.
Status DeleteLeftovers(const OfflineWriterOptions& options, const format::Manifest& seen);

}  // namespace tidemark::storage
