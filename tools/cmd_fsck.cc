// ckpt-inspect fsck: what lies in a repository that nothing names, and what is named and not there.
#include "format/names.h"
#include "storage/offline_writer.h"
#include "tools/command.h"
#include "tools/fsck_report.h"
#include "tools/text.h"
#include "tools/writing.h"

#include <memory>

namespace tidemark::tools {
namespace {

using storage::Stray;
using storage::StrayKind;

struct FsckArguments : CommonArguments, WritingArguments {
  bool clean = false;
};

constexpr const char* kExamples =
    "Looks at names and sizes; what is inside of files `verify` looks at. Leftovers of writers "
    "that "
    "died, and of a job that ended before it had deleted everything, are nothing wrong: exit code "
    "0. Files that are not of a repository are never deleted: exit code 1. A file that is named "
    "and not there is damage: exit code 4, and then nothing is cleaned.\n\n"
    "Examples:\n"
    "  ckpt-inspect fsck /mnt/checkpoints/job\n"
    "  ckpt-inspect fsck /mnt/checkpoints/job --clean\n"
    "  ckpt-inspect fsck /mnt/checkpoints/job --json | jq .leftover_bytes\n";

ExitCode Judge(const Catalog& catalog, const FsckArguments& arguments, const FsckRun& run,
               Console* console) {
  ExitCode outcome =
      ReportTrouble(catalog, arguments.subtask.has_value(), /*needs_all=*/true, console);
  for (const Status& error : run.pins.unreadable) outcome = Worse(outcome, console->Report(error));
  for (const Status& error : run.unread) outcome = Worse(outcome, console->Report(error));
  if (!run.dangling.empty()) outcome = Worse(outcome, ExitCode::kCorruption);
  if (run.Count(StrayKind::kUnknown) > 0) outcome = Worse(outcome, ExitCode::kNo);
  return outcome;
}

bool IsRubbish(const Stray& stray) {
  return stray.kind == StrayKind::kLeftover || stray.kind == StrayKind::kUnfinished;
}

// Of a subtask, or (unset) outside of them.
bool HasRubbish(const FsckRun& run, std::optional<uint32_t> subtask) {
  for (const Stray& stray : run.found.strays)
    if (IsRubbish(stray) && stray.subtask == subtask) return true;
  return false;
}

ExitCode DeleteRubbish(const Catalog& catalog, const FsckArguments& arguments, const FsckRun& run,
                       Console* console) {
  ExitCode outcome = ExitCode::kOk;
  for (const Subtask& subtask : catalog.subtasks) {
    if (!subtask.error.ok() || !HasRubbish(run, subtask.number)) continue;
    const Status done =
        storage::DeleteLeftovers({catalog.storage, arguments.take_over}, subtask.manifest());
    if (!done.ok())
      outcome = Worse(outcome, console->Report(done, "subtask " + std::to_string(subtask.number)));
  }
  // Whoever is pinning at this moment is told, and tries again.
  if (HasRubbish(run, std::nullopt))
    if (const Status done = catalog.storage->DeleteUnfinished(format::kPinsPrefix); !done.ok())
      outcome = Worse(outcome, console->Report(done));
  return outcome;
}

// What is not there any more has been removed.
Status FindRemoved(const Catalog& catalog, const FsckArguments& arguments, FsckRun* run) {
  TIDEMARK_ASSIGN_OR_RETURN(const FsckRun now, RunChecks(catalog, arguments.subtask));
  std::set<std::string> there;
  for (const Stray& stray : now.found.strays) there.insert(stray.name);
  for (const Stray& stray : run->found.strays)
    if (!there.contains(stray.name)) run->removed.insert(stray.name);
  run->cleaned = true;
  return {};
}

ExitCode Clean(const Catalog& catalog, const FsckArguments& arguments, FsckRun* run,
               Console* console) {
  const uint64_t count = run->Count(StrayKind::kLeftover) + run->Count(StrayKind::kUnfinished);
  if (count == 0) return ExitCode::kOk;
  const ExitCode may_write = CheckMayWrite(catalog, arguments, console);
  if (may_write != ExitCode::kOk) return may_write;
  const uint64_t bytes = run->Bytes(StrayKind::kLeftover) + run->Bytes(StrayKind::kUnfinished);
  const ExitCode consent = Confirm(
      "Delete " + Counted(count, "file") + ", " + FormatBytes(bytes) + "?", arguments, console);
  if (consent != ExitCode::kOk) return consent;
  const ExitCode outcome = DeleteRubbish(catalog, arguments, *run, console);
  const Result<Catalog> now = ReadCatalog(arguments.repository, arguments.subtask);
  const Status found = now ? FindRemoved(*now, arguments, run) : now.error();
  return found.ok() ? outcome : Worse(outcome, console->Report(found));
}

ExitCode RunFsck(const FsckArguments& arguments, Console* console) {
  const Result<Catalog> catalog = ReadCatalog(arguments.repository, arguments.subtask);
  if (!catalog) return console->Report(catalog.error());
  Result<FsckRun> run = RunChecks(*catalog, arguments.subtask);
  if (!run) return console->Report(run.error());
  ExitCode outcome = Judge(*catalog, arguments, *run, console);
  const auto print = [&] {
    if (arguments.json)
      FsckAsJson(*catalog, *run, outcome, &console->data());
    else
      console->data().append(FsckAsText(*run, outcome, console->style()));
  };
  if (!arguments.clean || outcome > ExitCode::kNo) {
    print();
    return outcome;
  }
  // What goes is shown before it is asked for.
  if (!arguments.json) print();
  const ExitCode cleaned = Clean(*catalog, arguments, &*run, console);
  outcome = Worse(outcome, cleaned);
  if (!run->cleaned && cleaned != ExitCode::kOk) return outcome;
  if (arguments.json)
    print();
  else if (run->cleaned)
    console->Note("deleted " + Counted(run->removed.size(), "file"));
  return outcome;
}

}  // namespace

void AddFsckCommand(CLI::App* app, Choice* choice) {
  const auto arguments = std::make_shared<FsckArguments>();
  CLI::App* const command =
      AddCommand(app, "fsck", "Find leftovers, files that do not belong, and names without files",
                 kExamples, arguments.get());
  command->add_flag("--clean", arguments->clean, "Delete what writers have left");
  AddYesOption(command, arguments.get());
  AddTakeOverOption(command, arguments.get());
  command->callback([arguments, choice] {
    choice->run = [arguments](Console* console) { return RunFsck(*arguments, console); };
  });
}

}  // namespace tidemark::tools
