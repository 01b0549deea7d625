// ckpt-inspect verify: whether the files of checkpoints are what the manifest says.
#include "tools/command.h"
#include "tools/damage.h"
#include "tools/progress.h"
#include "tools/text.h"
#include "tools/verify_pins.h"
#include "tools/verify_report.h"

#include <algorithm>
#include <memory>

namespace tidemark::tools {
namespace {

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

uint64_t BytesOf(const format::Manifest& list) {
  uint64_t bytes = 0;
  for (const auto& [id, file] : list.files) bytes += file.size;
  return bytes;
}

// Verification looks for an intact checkpoint after damage that it has found itself. This does so
// after what only reading has shown: the newest ones first that were not looked at yet.
void SearchDeeper(const Catalog& catalog, Subtask* subtask, const VerifyRun& run, Console* console,
                  SubtaskFindings* findings) {
  const auto is_known = [&](uint64_t id) {
    return std::any_of(findings->checkpoints.begin(), findings->checkpoints.end(),
                       [&](const CheckedCheckpoint& one) { return one.id == id; });
  };
  std::vector<uint64_t> ids;
  for (const format::Checkpoint& one : subtask->manifest().checkpoints)
    if (!is_known(one.id)) ids.push_back(one.id);
  for (; findings->damaged() && !findings->newest_good && !ids.empty(); ids.pop_back()) {
    const uint64_t id = ids.back();
    Verification verification(catalog, subtask, run.level, [](const Amount&) {});
    SubtaskFindings one = verification.Run({{std::to_string(id), ById{id}}});
    VerifyDeep(catalog, *subtask, run.depth, /*by_id=*/false, console, &one);
    for (CheckedCheckpoint& checkpoint : one.checkpoints) {
      if (checkpoint.id != id) continue;
      checkpoint.asked = false;
      findings->checkpoints.insert(findings->checkpoints.begin(), checkpoint);
    }
    for (Finding& finding : one.findings) {
      const bool is_told =
          !finding.file.empty() &&
          std::any_of(findings->findings.begin(), findings->findings.end(),
                      [&](const Finding& told) { return told.file == finding.file; });
      if (!is_told) findings->findings.push_back(std::move(finding));
    }
    findings->newest_good = one.newest_good;
  }
  std::sort(findings->checkpoints.begin(), findings->checkpoints.end(),
            [](const auto& a, const auto& b) { return a.id < b.id; });
}

Status VerifySubtask(const Catalog& catalog, const std::vector<Selector>& selectors,
                     Subtask* subtask, VerifyRun* run, Console* console) {
  const std::string name = "subtask " + std::to_string(subtask->number);
  const bool reads_all = selectors.empty() && run->subset.empty();
  Progress progress(console, "verify " + name, ProgressUnit::kBytes,
                    reads_all ? BytesOf(subtask->manifest()) : 0);
  Verification verification(catalog, subtask, run->level,
                            [&](const Amount& so_far) { progress.Set(so_far.bytes); });
  if (!run->subset.empty()) {
    TIDEMARK_ASSIGN_OR_RETURN(auto chosen, ParseSubset(run->subset, subtask->manifest()));
    verification.Restrict(std::move(chosen));
  }
  SubtaskFindings findings = verification.Run(selectors);
  VerifyDeep(catalog, *subtask, run->depth, /*by_id=*/!selectors.empty(), console, &findings);
  if (run->depth != VerifyDepth::kFiles) SearchDeeper(catalog, subtask, *run, console, &findings);
  // What cannot be described is damaged all the same.
  if (!findings.findings.empty())
    if (const auto scratch = Scratch::Make())
      DescribeLosses(catalog, subtask->manifest(), scratch->get(), &findings.findings);
  run->subtasks.push_back(std::move(findings));
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
  ExitCode outcome = ReportTrouble(catalog, asked, /*needs_all=*/true, console);
  for (const Status& error : run.pins) outcome = Worse(outcome, console->Report(error));
  for (const Status& error : run.pinned_files) outcome = Worse(outcome, console->Report(error));
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
  if (!run.subset.empty() && run.depth != VerifyDepth::kFiles)
    return console->Report(
        Status(StatusCode::kInvalidArgument, "subset",
               "--subset takes a part of the files, but level " + arguments.level +
                   " needs all that a checkpoint is made of: give checkpoints instead, or a level "
                   "up to checksum"));
  for (Subtask& subtask : catalog->subtasks) {
    if (!subtask.error.ok()) continue;
    const Status begun = VerifySubtask(*catalog, *selectors, &subtask, &run, console);
    if (!begun.ok()) return console->Report(begun);
  }

  VerifyPins(*catalog, arguments.subtask, selectors->empty() && run.subset.empty(), &run, console);

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
