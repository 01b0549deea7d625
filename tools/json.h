// JsonWriter: one JSON document, written front to back.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark::tools {

// Appends to a string, two spaces an indentation. Bytes that are no UTF-8 become U+FFFD, so that
// the output always is JSON. Numbers that may exceed 2^53 and are not sizes or counts (ids, epochs)
// go out as strings, with `Id`: many readers keep numbers as doubles.
//
// Thread safety: one thread at a time.
class JsonWriter {
 public:
  explicit JsonWriter(std::string* out) : out_(*out) {}

  void BeginObject() { Begin('{'); }
  void EndObject() { End('}'); }
  void BeginArray() { Begin('['); }
  void EndArray() { End(']'); }

  // The name of what comes next; inside objects only.
  JsonWriter& Key(std::string_view name);

  void String(std::string_view value);
  void Number(uint64_t value);
  void Signed(int64_t value);
  void Bool(bool value);
  void Null();
  // A value that is JSON already.
  void Raw(std::string_view json);
  void Id(uint64_t value) { String(std::to_string(value)); }

 private:
  void Begin(char bracket);
  void End(char bracket);
  void BeforeValue();
  void NewLine();

  std::string& out_;
  std::vector<bool> has_items_;  // of each open bracket
  bool after_key_ = false;
};

// `text` between quotes, escaped.
std::string JsonString(std::string_view text);

}  // namespace tidemark::tools
