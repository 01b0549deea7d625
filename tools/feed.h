// Feed: answers of any length as NDJSON, a line an object: first {"type": "head", "schema": ...},
// then those of the command, last {"type": "summary", ...}. They stream: memory does not grow.
#pragma once

#include "tools/console.h"
#include "tools/json.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace tidemark::tools {

class Feed {
 public:
  Feed(Console* console, std::string_view schema, std::string_view repository);

  // Begins a line of this type; fields follow.
  Feed& Line(std::string_view type);
  Feed& Text(std::string_view name, std::string_view value) { return Raw(name, JsonString(value)); }
  Feed& Id(std::string_view name, uint64_t value) { return Text(name, std::to_string(value)); }
  Feed& Number(std::string_view name, uint64_t value) { return Raw(name, std::to_string(value)); }
  // `json`: a value as it is to stand there.
  Feed& Raw(std::string_view name, std::string_view json);
  // Ends the line. False if nobody reads any more.
  bool End();

 private:
  Console& console_;
};

}  // namespace tidemark::tools
