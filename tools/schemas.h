// The JSON Schemas of what commands write, from tools/schemas/*.json; CMake puts them in.
#pragma once

#include <span>
#include <string_view>

namespace tidemark::tools {

struct Schema {
  std::string_view command;  // or `error`
  std::string_view json;
};
// Ascending.
std::span<const Schema> Schemas();

}  // namespace tidemark::tools
