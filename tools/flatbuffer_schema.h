// CheckedSchema: a table's .bfbs, looked at closely enough that the library's reflection can be
// used with it, which follows every index of a schema without asking.
#pragma once

#include <flatbuffers/reflection.h>

#include <string_view>

namespace tidemark::tools {

// What `schema`, which outlives the result, says; null if it is none, or names what it does not
// have: types, enums, offsets and sizes.
const reflection::Schema* CheckedSchema(std::string_view schema);

}  // namespace tidemark::tools
