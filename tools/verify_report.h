// What `ckpt-inspect verify` says in the end, as text and as JSON.
#pragma once

#include "tools/verification.h"
#include "tools/verify_deep.h"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark::tools {

struct VerifyRun {
  storage::VerifyLevel level = storage::VerifyLevel::kChecksum;
  VerifyDepth depth = VerifyDepth::kFiles;
  std::string subset;                     // as it was given; empty: all files
  std::vector<SubtaskFindings> subtasks;  // those with a list
  std::vector<Status> pins;               // what is wrong with them: nobody knows what they keep
  std::vector<Status> pinned_files;       // what is wrong with files that only pins keep

  Amount Checked() const;
  Amount Available() const;
};

// From the exit code, which knows of everything that went wrong.
//   intact            what was asked for was read to the last byte and is as the list says
//   no-damage-found   nothing wrong at a level that does not read contents
//   damaged, incomplete, nothing-to-check, not-found, changed, newer-format, error
std::string_view VerdictOf(const VerifyRun& run, ExitCode outcome);

// The levels by their names on the command line.
struct NamedLevel {
  storage::VerifyLevel level;
  VerifyDepth depth;
};
const std::map<std::string, NamedLevel>& Levels();
std::string_view LevelName(const VerifyRun& run);

// verify_text.cc
std::string VerifyAsText(const Catalog& catalog, const VerifyRun& run, ExitCode outcome,
                         const Style& style);
// verify_json.cc: the whole document.
void VerifyAsJson(const Catalog& catalog, const VerifyRun& run, ExitCode outcome, std::string* out);

}  // namespace tidemark::tools
