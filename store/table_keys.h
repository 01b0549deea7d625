// Where the keys of a table lie among its stored keys: the key group of one, and the range that a
// scan covers. One definition for the live state and for read views.
//
// Thread safety: all functions may be called concurrently.
#pragma once

#include "format/key.h"
#include "format/manifest.h"

#include <tidemark/scan.h>
#include <tidemark/status.h>
#include <tidemark/table.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tidemark::store {

// The least string above all that begin with `prefix`; nullopt if there is none.
std::optional<std::string> AfterPrefix(std::string prefix);

// What of a store decides on key groups.
struct GroupLayout {
  uint16_t first = 0;  // of the store's; tables that have one group live there
  uint32_t max_parallelism = 1;
};

// The key group of a key with this hash.
uint16_t GroupOf(TableKind kind, const GroupLayout& layout, uint64_t hash, std::string_view key);

// InvalidArgument: `key-too-long`; `key-partition` if the table is one of partitions and this is no
// key with a whole one.
Status BadKey(const format::TableMeta& table, std::string_view key);
inline Status CheckKey(const format::TableMeta& table, std::string_view key) {
  const bool fits =
      key.size() <= kKeyBytesMax && (table.kind != TableKind::kMap || format::PartitionPrefix(key));
  return fits ? Status() : BadKey(table, key);
}

// Stored keys, [from, to).
struct StoredRange {
  std::string from;
  std::string to;
};
// Unsupported (`table-unordered`), InvalidArgument (`scan-partition`, `key-too-long`).
Result<StoredRange> RangeOf(const format::TableMeta& table, const GroupLayout& layout,
                            const ScanOptions& options);

// What a table was created with.
TableOptions OptionsOf(const format::TableMeta& table);
// Whether a table is what somebody opens it as: InvalidArgument (`table-mismatch`) unless it is.
Status CheckOpenedAs(const format::TableMeta& table, const TableOptions& options);

}  // namespace tidemark::store
