// Values: keys and values of a table as people write and read them, by the table's codecs
// (docs/FORMAT.md, Values).
//
//   integers    123                       strings, bytes   "text", or hex:00ff if they are no UTF-8
//   structs     hex:00ff                  FlatBuffers      JSON, by the schema kept with the table
//   map keys    partition / entry key     lists            [1, 2, 3]
//
// Bytes that do not fit their codec are shown as hex: a tool that looks at damage does not stop
// at it.
#pragma once

#include "format/manifest.h"
#include "tools/json.h"

#include <tidemark/status.h>

#include <memory>
#include <string>
#include <string_view>

namespace tidemark::tools {

class FlatBufferJson;

// Thread safety: one thread at a time.
class TableValues {
 public:
  // `table` outlives this. A schema that cannot be used is passed over: values are hex then.
  explicit TableValues(const format::TableMeta& table);
  ~TableValues();

  // `key` without its key group. For a terminal.
  std::string KeyText(std::string_view key) const;
  std::string ValueText(std::string_view value) const;
  // For files: text as it is, neither quoted nor escaped; else as above.
  std::string KeyPlain(std::string_view key) const;
  std::string ValuePlain(std::string_view value) const;
  // As JSON values: numbers beyond 2^53 are strings, as all numbers of 64 bits.
  std::string KeyJson(std::string_view key) const;
  std::string ValueJson(std::string_view value) const;

  // The key that a command line means: as KeyText shows it, quotes left out; hex:00ff or
  // b64:AP8= for bytes.
  // `entry` is given for maps, or empty: then it is what all keys of the partition begin with.
  // InvalidArgument (`key`): says what the codec expects.
  Result<std::string> ParseKey(std::string_view text) const;
  Result<std::string> ParseEntry(std::string_view partition, std::string_view entry) const;

  const format::TableMeta& table() const noexcept { return table_; }

 private:
  // `element(codec, bytes)` of the one part of a key, or of both.
  template <class F>
  std::string KeyBy(F&& element, std::string_view key) const;

  const format::TableMeta& table_;
  std::string key_codec_;                   // of the partition in maps
  std::string entry_codec_;                 // of maps
  std::unique_ptr<FlatBufferJson> schema_;  // null: none, or not usable
};

// A key as JSON: {"b64": ..., "utf8": ...}, the latter null if it is no UTF-8.
std::string RawKeyJson(std::string_view key);
std::string Base64(std::string_view bytes);

}  // namespace tidemark::tools
