// The model: an engine of plain containers, which any job can be given to. What it reads and holds
// is what every other engine must read and hold.
#pragma once

#include "bench/engine.h"

#include <memory>

namespace tidemark::bench {

// Its figures have net_change_bytes: what no engine can do without. It keeps nothing on disk, has
// no repository, and Restore leaves everything as it is.
std::unique_ptr<Engine> MakeModel();

}  // namespace tidemark::bench
