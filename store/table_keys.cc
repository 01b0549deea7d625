#include "store/table_keys.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace tidemark::store {

namespace {

std::string StoredKey(uint16_t group, std::string_view key) {
  std::string stored;
  format::AppendStoredKey(group, key, &stored);
  return stored;
}

std::string Describe(TableKind kind, std::string_view key_codec, std::string_view value_codec) {
  return "kind " + std::to_string(static_cast<int>(kind)) + " with key codec `" +
         std::string(key_codec) + "` and value codec `" + std::string(value_codec) + "`";
}

// Longer than any key: what follows all keys that it begins with, none if nothing does. Bounds are
// written to the log, where there is room for keys.
std::optional<std::string> BoundOf(const std::string& bound) {
  if (bound.size() <= kKeyBytesMax) return bound;
  return AfterPrefix(bound.substr(0, kKeyBytesMax));
}

Status TooLong(std::string_view what, size_t bytes) {
  return Status(StatusCode::kInvalidArgument, "key-too-long",
                "a " + std::string(what) + " of " + std::to_string(bytes) +
                    " bytes; the limit is " + std::to_string(kKeyBytesMax));
}

}  // namespace

std::optional<std::string> AfterPrefix(std::string prefix) {
  while (!prefix.empty() && prefix.back() == '\xff') prefix.pop_back();
  if (prefix.empty()) return std::nullopt;
  prefix.back() = static_cast<char>(static_cast<uint8_t>(prefix.back()) + 1);
  return prefix;
}

uint16_t GroupOf(TableKind kind, const GroupLayout& layout, uint64_t hash, std::string_view key) {
  return format::GroupOfKey(kind, layout.first, layout.max_parallelism, hash, key);
}

Status BadKey(const format::TableMeta& table, std::string_view key) {
  if (key.size() > kKeyBytesMax) return TooLong("key", key.size());
  return Status(StatusCode::kInvalidArgument, "key-partition",
                "table `" + table.name +
                    "` has keys of the form [length u16 BE][partition][entry key]; got fewer bytes "
                    "than that length says");
}

Result<StoredRange> RangeOf(const format::TableMeta& table, const GroupLayout& layout,
                            const ScanOptions& options) {
  if (table.kind != TableKind::kOrderedBytes && table.kind != TableKind::kMap) {
    return Status(StatusCode::kUnsupported, "table-unordered",
                  "table `" + table.name +
                      "` is hashed, so it has no order to scan in; ForEach visits all of it, "
                      "and tables of kind kOrderedBytes and kMap have one");
  }
  if (table.kind == TableKind::kMap && !format::PartitionPrefix(options.prefix)) {
    return Status(StatusCode::kInvalidArgument, "scan-partition",
                  "table `" + table.name +
                      "` is ordered within a partition only; ScanOptions::prefix must begin "
                      "with a whole one ([length u16 BE][partition])");
  }
  if (options.prefix.size() > kKeyBytesMax) return TooLong("prefix", options.prefix.size());
  const uint16_t group = GroupOf(table.kind, layout, 0, options.prefix);
  std::optional<std::string> end = AfterPrefix(options.prefix);
  if (const auto to = options.to ? BoundOf(*options.to) : std::nullopt; to && (!end || *to < *end))
    end = to;
  const std::optional<std::string> begin = BoundOf(std::max(options.prefix, options.from));
  // Groups end at 32,767, so there always is a next one.
  const std::string after = StoredKey(static_cast<uint16_t>(group + 1), "");
  return StoredRange{begin ? StoredKey(group, *begin) : after,
                     end ? StoredKey(group, *end) : after};
}

TableOptions OptionsOf(const format::TableMeta& table) {
  return {.kind = table.kind,
          .key_codec = table.key_codec,
          .value_codec = table.value_codec,
          .schema = table.schema,
          .exact_count = table.exact_count};
}

Status CheckOpenedAs(const format::TableMeta& table, const TableOptions& options) {
  const auto mismatch = [&](const std::string& what) {
    return Status(StatusCode::kInvalidArgument, "table-mismatch",
                  "table `" + table.name + "` " + what);
  };
  if (table.kind != options.kind || table.key_codec != options.key_codec ||
      table.value_codec != options.value_codec) {
    return mismatch("is of " + Describe(table.kind, table.key_codec, table.value_codec) +
                    ", but was opened as " +
                    Describe(options.kind, options.key_codec, options.value_codec));
  }
  if (options.exact_count && !table.exact_count) {
    return mismatch(
        "was created without TableOptions::exact_count, so nobody has counted its keys; open it "
        "without");
  }
  return {};
}

}  // namespace tidemark::store
