// StoredKeyOf: a key as the only subtask of a job stores it in a table by bytes. An internal part
// of the library.
#pragma once

#include "format/key.h"
#include "store/table_keys.h"

#include <tidemark/options.h>

#include <string>
#include <string_view>

namespace tidemark::bench {

inline std::string StoredKeyOf(std::string_view key) {
  const store::GroupLayout layout{.first = 0, .max_parallelism = StoreOptions().max_parallelism};
  std::string stored;
  format::AppendStoredKey(store::GroupOf(TableKind::kBytes, layout, format::HashKey(key), key), key,
                          &stored);
  return stored;
}

}  // namespace tidemark::bench
