#include "tools/writing.h"

#include <unistd.h>

#include <iostream>

namespace tidemark::tools {
namespace {

bool SaysYes(const std::string& answer) {
  return answer == "y" || answer == "Y" || answer == "yes" || answer == "Yes";
}

ExitCode NobodyToAsk(const std::string& question, Console* console) {
  console->data().clear();
  return console->Report(Status(StatusCode::kBusy, "not-confirmed",
                                question + " Nobody can be asked here, so nothing was done; give "
                                           "--yes, or run it in a terminal without --json"));
}

Status Alive(const Catalog& catalog, const Subtask& subtask) {
  return Status(StatusCode::kBusy, "repository-locked",
                catalog.storage->Uri() + ", subtask " + std::to_string(subtask.number) + ": " +
                    DescribeWriter(subtask.writer) +
                    "; stop the job first. --take-over fences it: it loses what it has not "
                    "checkpointed, and stops");
}

}  // namespace

void AddYesOption(CLI::App* command, WritingArguments* arguments) {
  command->add_flag("--yes,-y", arguments->yes, "Do not ask");
}

void AddTakeOverOption(CLI::App* command, WritingArguments* arguments) {
  command->add_flag("--take-over", arguments->take_over,
                    "Although a writer is alive: it is fenced, and stops");
}

ExitCode CheckMayWrite(const Catalog& catalog, const WritingArguments& arguments,
                       Console* console) {
  ExitCode outcome = ReportTrouble(catalog, /*asked=*/false, /*needs_all=*/true, console);
  for (const Subtask& subtask : catalog.subtasks)
    if (subtask.writer.life == WriterLife::kAlive && !arguments.take_over)
      outcome = Worse(outcome, console->Report(Alive(catalog, subtask)));
  return outcome;
}

ExitCode Confirm(const std::string& question, const WritingArguments& arguments, Console* console) {
  if (arguments.yes) return ExitCode::kOk;
  if (console->json() || isatty(STDIN_FILENO) != 1 || isatty(STDERR_FILENO) != 1)
    return NobodyToAsk(question, console);
  const ExitCode shown = console->Flush();
  if (shown != ExitCode::kOk) return shown;
  std::cerr << question << " [y/N] " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  if (SaysYes(answer)) return ExitCode::kOk;
  console->Note("nothing was done");
  return ExitCode::kNo;
}

}  // namespace tidemark::tools
