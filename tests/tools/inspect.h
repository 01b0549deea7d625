// Runs the real ckpt-inspect, and looks at directories before and after.
#pragma once

#include "tests/tools/json_value.h"

#include <map>
#include <string>
#include <vector>

namespace tidemark::test {

struct Outcome {
  int exit_code = -1;  // -1: ended by a signal
  std::string out;
  std::string err;

  JsonValue json() const { return JsonValue::Parse(out); }
  // Each line of standard error as a document.
  std::vector<JsonValue> json_errors() const;
};

struct RunOptions {
  std::vector<std::string> environment = {};  // NAME=value, added to ours
  std::string stdout_path = {};               // a file to write to instead of catching the output
  int stdout_descriptor = -1;                 // or a descriptor
  bool as_nobody = false;                     // as a user without rights; needs root
};

Outcome Inspect(const std::vector<std::string>& arguments, const RunOptions& options = {});
std::string InspectPath();
// Whether script(1) of util-linux is there, to make a terminal with.
bool CanMakeTerminal();

// What a tree holds: path to kind, size, time of the last change, and content.
using Tree = std::map<std::string, std::string>;
Tree LookAt(const std::string& directory);

// How to damage a file.
void FlipByte(const std::string& path, size_t offset);  // from the end if beyond it
void Truncate(const std::string& path, size_t bytes_off);
std::string ReadFile(const std::string& path);
void WriteFile(const std::string& path, const std::string& content);

}  // namespace tidemark::test
