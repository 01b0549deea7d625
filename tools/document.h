// The parts that the JSON documents of all commands have in common.
//
//   schema      names the command and the version of its document: fields are only ever added
//   repository  uri, id
//   subtasks    what was looked at: writer, manifest version
//   errors      what went wrong; empty if nothing did
#pragma once

#include "tools/catalog.h"
#include "tools/json.h"

#include <string_view>

namespace tidemark::tools {

// Writes the first three as fields of the object that is open.
void WriteHead(std::string_view schema, const Catalog& catalog, JsonWriter* json);

// One element of `errors`: code, name, message, and where the message says it, expected and got.
void WriteError(const Status& error, uint32_t subtask, JsonWriter* json);
// The same inside an object that is open.
void WriteErrorFields(const Status& error, uint32_t subtask, JsonWriter* json);
// One that concerns no subtask, which is null.
void WriteRepositoryError(const Status& error, JsonWriter* json);
// The elements of `errors` that a list has brought along.
void WriteTrouble(const Subtask& subtask, JsonWriter* json);

// What a message says between `expected` and `, got`, and after it up to the end of the sentence.
struct ExpectedAndGot {
  std::string_view expected;  // empty if the message has no such words
  std::string_view got;
};
ExpectedAndGot FindExpectedAndGot(std::string_view message);

}  // namespace tidemark::tools
