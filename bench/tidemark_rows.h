// The rows of the Tidemark engine: a table each, through the public API.
#pragma once

#include "bench/byte_rows.h"

#include <tidemark/store.h>

#include <memory>

namespace tidemark::bench {

// The table `rows-<number>` of `store`, created if missing.
Result<std::unique_ptr<ByteRows>> OpenTidemarkRows(StateStore& store, uint8_t number,
                                                   ByteRowsKind kind);

}  // namespace tidemark::bench
