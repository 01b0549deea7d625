#include "tools/exit_codes.h"

#include <algorithm>
#include <array>

namespace tidemark::tools {
namespace {

struct NamedCode {
  std::string_view name;
  ExitCode code;
};

// Errors whose name says more than their code does.
constexpr std::array kByName{
    NamedCode{"checkpoint-dropped", ExitCode::kChanged},
    NamedCode{"manifest-moving", ExitCode::kChanged},
    NamedCode{"nothing-to-verify", ExitCode::kIncomplete},
    // There is not so much to free.
    NamedCode{"prune-free", ExitCode::kNo},
    NamedCode{"repository-changed", ExitCode::kChanged},
    NamedCode{"not-a-directory", ExitCode::kNotFound},
    NamedCode{"not-a-repository", ExitCode::kNotFound},
    // A file without even the magic number, where a repository keeps its own.
    NamedCode{"not-tidemark", ExitCode::kCorruption},
    // Files of two repositories in one place: intact each, but no repository together.
    NamedCode{"repository-id", ExitCode::kCorruption},
    // Also where a folder could not be listed for it, which a store takes for no proof.
    NamedCode{"object-link", ExitCode::kCorruption},
};

ExitCode ByCode(StatusCode code) {
  switch (code) {
    case StatusCode::kOk:
      return ExitCode::kOk;
    case StatusCode::kNotFound:
      return ExitCode::kNotFound;
    case StatusCode::kInvalidArgument:
    case StatusCode::kUnsupported:
      return ExitCode::kUsage;
    case StatusCode::kCorruption:
      return ExitCode::kCorruption;
    case StatusCode::kIncompatibleFormat:
      return ExitCode::kNewerFormat;
    case StatusCode::kUnavailable:
    case StatusCode::kResourceExhausted:
      return ExitCode::kIncomplete;
    case StatusCode::kFenced:
      return ExitCode::kChanged;
    case StatusCode::kAlreadyExists:
    case StatusCode::kBusy:
      return ExitCode::kRefused;
    case StatusCode::kClosed:
    case StatusCode::kInternal:
      return ExitCode::kInternal;
  }
  return ExitCode::kInternal;
}

// From harmless to grave.
constexpr std::array kByGravity{ExitCode::kOk,      ExitCode::kNo,          ExitCode::kNotFound,
                                ExitCode::kChanged, ExitCode::kIncomplete,  ExitCode::kRefused,
                                ExitCode::kUsage,   ExitCode::kNewerFormat, ExitCode::kCorruption,
                                ExitCode::kInternal};

}  // namespace

ExitCode ExitCodeOf(const Status& status) {
  const auto named = std::find_if(kByName.begin(), kByName.end(), [&](const NamedCode& entry) {
    return entry.name == status.name();
  });
  return named != kByName.end() ? named->code : ByCode(status.code());
}

ExitCode Worse(ExitCode a, ExitCode b) {
  const auto place = [](ExitCode code) {
    return std::find(kByGravity.begin(), kByGravity.end(), code);
  };
  return place(a) < place(b) ? b : a;
}

std::string_view ExitCodeHelp() {
  return "Exit codes:\n"
         "  0   all that was asked was done and is fine\n"
         "  1   the answer is no\n"
         "  2   the command line is wrong\n"
         "  3   incomplete: an I/O error, or nothing to check\n"
         "  4   proven corruption\n"
         "  5   repository or checkpoint not found\n"
         "  6   the repository changed underneath; try again\n"
         "  7   the format is newer than this program\n"
         "  8   refused for safety\n"
         "  70  internal error; please report it\n";
}

}  // namespace tidemark::tools
