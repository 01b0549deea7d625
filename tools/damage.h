// What is lost with a file, in the user's terms: of which tables, and which keys.
#pragma once

#include "tools/scratch.h"
#include "tools/verification.h"

#include <vector>

namespace tidemark::tools {

// Completes `lost` of each finding that is about a file of `list`: a base's SST as RocksDB's
// MANIFEST tells, which need not be the damaged file; a segment as far as it can still be read.
// What cannot be told stays empty: then any table may be hit.
void DescribeLosses(const Catalog& catalog, const format::Manifest& list, Scratch* scratch,
                    std::vector<Finding>* findings);

}  // namespace tidemark::tools
