#include "tools/verify_report.h"

namespace tidemark::tools {

Amount VerifyRun::Checked() const {
  Amount sum;
  for (const SubtaskFindings& findings : subtasks) sum += findings.checked;
  return sum;
}

Amount VerifyRun::Available() const {
  Amount sum;
  for (const SubtaskFindings& findings : subtasks) sum += findings.available;
  return sum;
}

std::string_view VerdictOf(const VerifyRun& run, ExitCode outcome) {
  switch (outcome) {
    case ExitCode::kOk:
      return run.level == storage::VerifyLevel::kChecksum && run.subset.empty() ? "intact"
                                                                                : "no-damage-found";
    case ExitCode::kCorruption:
      return "damaged";
    case ExitCode::kIncomplete:
      return run.Checked().checkpoints == 0 ? "nothing-to-check" : "incomplete";
    case ExitCode::kNotFound:
      return "not-found";
    case ExitCode::kChanged:
      return "changed";
    case ExitCode::kNewerFormat:
      return "newer-format";
    case ExitCode::kNo:
    case ExitCode::kUsage:
    case ExitCode::kRefused:
    case ExitCode::kInternal:
      break;
  }
  return "error";
}

const std::map<std::string, NamedLevel>& Levels() {
  using storage::VerifyLevel;
  static const std::map<std::string, NamedLevel> levels{
      {"manifest", {VerifyLevel::kManifest, VerifyDepth::kFiles}},
      {"files", {VerifyLevel::kFiles, VerifyDepth::kFiles}},
      {"checksum", {VerifyLevel::kChecksum, VerifyDepth::kFiles}},
      {"read", {VerifyLevel::kChecksum, VerifyDepth::kRead}},
      {"restore", {VerifyLevel::kChecksum, VerifyDepth::kRestore}}};
  return levels;
}

std::string_view LevelName(const VerifyRun& run) {
  for (const auto& [name, level] : Levels())
    if (level.level == run.level && level.depth == run.depth) return name;
  return "";
}

}  // namespace tidemark::tools
