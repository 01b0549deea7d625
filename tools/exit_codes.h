// What ckpt-inspect tells scripts. Part of its interface: do not renumber, do not reuse.
#pragma once

#include <tidemark/status.h>

#include <string_view>

namespace tidemark::tools {

enum class ExitCode : int {
  kOk = 0,           // all that was asked was done and is fine
  kNo = 1,           // the answer is no
  kUsage = 2,        // the command line is wrong
  kIncomplete = 3,   // not all could be looked at: an I/O error, or nothing to check
  kCorruption = 4,   // proven damage
  kNotFound = 5,     // no such repository, subtask or checkpoint
  kChanged = 6,      // changed underneath; trying again helps
  kNewerFormat = 7,  // written by a newer Tidemark
  kRefused = 8,      // refused for safety
  kInternal = 70,    // a bug; please report
};

// The one place that turns an error into an exit code.
ExitCode ExitCodeOf(const Status& status);

// Of two outcomes the one that a run of both ends with: proven damage before what could not be
// found out, and that before what was asked and is not there.
ExitCode Worse(ExitCode a, ExitCode b);

// The codes as they stand in --help.
std::string_view ExitCodeHelp();

}  // namespace tidemark::tools
