// The states of the Tidemark engine: the public API's typed states, and nothing but them.
#pragma once

#include "bench/states.h"

#include <tidemark/store.h>

#include <memory>

namespace tidemark::bench {

// Each is a table of `store`, created if missing.
Result<std::unique_ptr<Values>> OpenTidemarkValues(StateStore& store);
Result<std::unique_ptr<Maps>> OpenTidemarkMaps(StateStore& store);
Result<std::unique_ptr<Lists>> OpenTidemarkLists(StateStore& store);

}  // namespace tidemark::bench
