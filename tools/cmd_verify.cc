// ckpt-inspect verify: whether the files of checkpoints are what the manifest says.
#include "tools/command.h"
#include "tools/text.h"
#include "tools/verify_report.h"

#include <chrono>
#include <memory>

namespace tidemark::tools {
namespace {

constexpr std::chrono::seconds kProgressInterval{10};

struct VerifyArguments : CommonArguments {
  std::vector<std::string> checkpoints;
  std::string level = "checksum";
  std::string subset;
};

std::string Footer() {
  return std::string(SelectorHelp()) +
         "\nLevels, each with what those before it do:\n"
         "  manifest  the list of checkpoints is readable and names every file without a gap\n"
         "  files     the files are there and have their sizes; contents are not read\n"
         "  checksum  every byte is read and hashed (the default)\n"
         "  read      every record of the checkpoints is read, as a restore would\n"
         "  restore   each one is restored by a store, elsewhere, and has the same content; that "
         "takes room for a copy below TMPDIR\n"
         "\nExamples:\n"
         "  ckpt-inspect verify /mnt/checkpoints/job\n"
         "  ckpt-inspect verify /mnt/checkpoints/job latest latest~1 --level files\n"
         "  ckpt-inspect verify /mnt/checkpoints/job latest --level restore\n"
         "  ckpt-inspect verify /mnt/checkpoints/job --subset $(date +%u)/7\n"
         "  ckpt-inspect verify /mnt/checkpoints/job 42 --json | jq .verdict\n";
}

Result<std::vector<Selector>> ParseSelectors(const std::vector<std::string>& texts) {
  std::vector<Selector> selectors;
  for (const std::string& text : texts) {
    TIDEMARK_ASSIGN_OR_RETURN(Selector selector, ParseSelector(text));
    selectors.push_back(std::move(selector));
  }
  return selectors;
}

// A line on standard error every ten seconds, so that a long run is seen to be alive.
Progress ReportProgress(uint32_t subtask, Console* console) {
  return [=, next = std::chrono::steady_clock::now() +
                    kProgressInterval](const Amount& so_far) mutable {
    if (std::chrono::steady_clock::now() < next) return;
    next = std::chrono::steady_clock::now() + kProgressInterval;
    console->Note("subtask " + std::to_string(subtask) + ": " + Counted(so_far.files, "file") +
                  " looked at, " + FormatBytes(so_far.bytes) + " read");
  };
}

Status VerifySubtask(const Catalog& catalog, const std::vector<Selector>& selectors,
                     Subtask* subtask, VerifyRun* run, Console* console) {
  Verification verification(catalog, subtask, run->level, ReportProgress(subtask->number, console));
  if (!run->subset.empty()) {
    TIDEMARK_ASSIGN_OR_RETURN(auto chosen, ParseSubset(run->subset, subtask->manifest()));
    verification.Restrict(std::move(chosen));
  }
  run->subtasks.push_back(verification.Run(selectors));
  VerifyDeep(catalog, *subtask, run->depth, /*by_id=*/!selectors.empty(), &run->subtasks.back());
  return {};
}

void NoteDropped(const SubtaskFindings& findings, Console* console) {
  if (findings.dropped.empty()) return;
  console->Note("subtask " + std::to_string(findings.subtask) +
                ": dropped by its writer meanwhile, and therefore not verified: " +
                FormatIds(findings.dropped, 20));
}

// The damage itself is data, on standard output; what kept the answer from being complete is talk.
ExitCode Judge(const SubtaskFindings& findings, Console* console) {
  ExitCode outcome = ExitCode::kOk;
  for (const Finding& finding : findings.findings)
    outcome = Worse(outcome, ExitCodeOf(finding.error));
  for (const Status& error : findings.unanswered) outcome = Worse(outcome, console->Report(error));
  NoteDropped(findings, console);
  return outcome;
}

Status NothingVerified(const Catalog& catalog, const VerifyRun& run) {
  const std::string uri = catalog.storage->Uri();
  for (const SubtaskFindings& findings : run.subtasks)
    if (!findings.dropped.empty())
      return Status(
          StatusCode::kUnavailable, "checkpoint-dropped",
          uri + ": all checkpoints were dropped while they were being verified; try again");
  return Status(StatusCode::kUnavailable, "nothing-to-verify",
                uri + " has no checkpoint to verify");
}

ExitCode Judge(const Catalog& catalog, const VerifyArguments& arguments, const VerifyRun& run,
               Console* console) {
  const bool asked = arguments.subtask.has_value() || !arguments.checkpoints.empty();
  ExitCode outcome = ReportTrouble(catalog, asked, console);
  for (const SubtaskFindings& findings : run.subtasks)
    outcome = Worse(outcome, Judge(findings, console));
  if (outcome != ExitCode::kOk || run.Checked().checkpoints > 0) return outcome;
  return console->Report(NothingVerified(catalog, run));
}

ExitCode RunVerify(const VerifyArguments& arguments, Console* console) {
  const Result<std::vector<Selector>> selectors = ParseSelectors(arguments.checkpoints);
  if (!selectors) return console->Report(selectors.error());
  Result<Catalog> catalog = ReadCatalog(arguments.repository, arguments.subtask);
  if (!catalog) return console->Report(catalog.error());

  VerifyRun run;
  run.level = Levels().at(arguments.level).level;
  run.depth = Levels().at(arguments.level).depth;
  run.subset = arguments.subset;
  for (Subtask& subtask : catalog->subtasks) {
    if (!subtask.error.ok()) continue;
    const Status begun = VerifySubtask(*catalog, *selectors, &subtask, &run, console);
    if (!begun.ok()) return console->Report(begun);
  }

  const ExitCode outcome = Judge(*catalog, arguments, run, console);
  if (arguments.json)
    VerifyAsJson(*catalog, run, outcome, &console->data());
  else
    console->data().append(VerifyAsText(*catalog, run, outcome, console->style()));
  return outcome;
}

}  // namespace

void AddVerifyCommand(CLI::App* app, Choice* choice) {
  const auto arguments = std::make_shared<VerifyArguments>();
  CLI::App* const command =
      AddCommand(app, "verify", "Check files against the manifest, all checkpoints or some",
                 Footer(), arguments.get());
  command->add_option("ID", arguments->checkpoints,
                      "Checkpoints: 42, latest, latest~2, a pin (default: all that are retained)");
  command
      ->add_option("--level", arguments->level,
                   "How deep to look: manifest, files, checksum, read or restore")
      ->check(CLI::IsMember(Levels()))
      ->type_name("LEVEL")
      ->capture_default_str();
  command
      ->add_option("--subset", arguments->subset,
                   "A part of the files, the same each time: 1/7, 10% or 5GiB")
      ->type_name("PART");
  command->callback([arguments, choice] {
    choice->run = [arguments](Console* console) { return RunVerify(*arguments, console); };
  });
}

}  // namespace tidemark::tools
