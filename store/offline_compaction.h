// Behind CompactRepository: each subtask is opened as a store that nobody writes to, in a directory
// of its own, and its maintenance is run to the end. So there is one protocol for changing a
// repository, whoever does it, and what it guarantees in a crash holds here too.
#pragma once

#include "store/store_core.h"

#include <tidemark/compact.h>
#include <tidemark/status.h>

namespace tidemark::store {

// As CompactRepository, on the file system of `environment`.
Result<CompactReport> CompactOffline(const CompactOptions& options, const Environment& environment);

}  // namespace tidemark::store
