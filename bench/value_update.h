// ValueUpdateZipf and ValueUpdateUniform: read-modify-writes of values that exist, with a
// checkpoint an epoch.
#pragma once

#include "bench/row.h"

#include <vector>

namespace tidemark::bench {

// A row for each distribution, engine, and epoch of 200,000 and 20,000 operations.
std::vector<Row> ValueUpdateRows();

}  // namespace tidemark::bench
