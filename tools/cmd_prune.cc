// ckpt-inspect prune: drops checkpoints by rules, or those that are given.
#include "storage/offline_writer.h"
#include "storage/pins.h"
#include "tools/command.h"
#include "tools/prune_report.h"
#include "tools/quantity.h"
#include "tools/selector.h"
#include "tools/target.h"
#include "tools/text.h"
#include "tools/writing.h"

#include <memory>
#include <set>

namespace tidemark::tools {
namespace {

struct PruneArguments : CommonArguments, WritingArguments {
  std::vector<std::string> checkpoints;
  compaction::PruneRules rules;
  std::string keep_within;  // empty: not given
  std::string free;
  bool dry_run = false;
};

std::string Footer() {
  return "A checkpoint goes if no rule keeps it; it goes in all subtasks. The newest one never "
         "goes, and what is pinned stays. Rules that count, count checkpoints that all subtasks "
         "have. Hours, days and weeks are of UTC, and the newest checkpoint of one stands for "
         "it. SPAN is 90s, 36h, 7d or 2w, before the newest checkpoint; BYTES is 500MiB or "
         "20GiB.\n\n" +
         std::string(SelectorHelp()) +
         "\nExamples:\n"
         "  ckpt-inspect prune /mnt/checkpoints/job --keep-last 3 --keep-daily 7 --dry-run\n"
         "  ckpt-inspect prune /mnt/checkpoints/job --keep-within 36h --yes\n"
         "  ckpt-inspect prune /mnt/checkpoints/job 40 41\n"
         "  ckpt-inspect prune /mnt/checkpoints/job --keep-last 5 --free 20GiB\n";
}

// A variable of a script that is not set must not pass for a rule that was not given.
std::string NotEmpty(const std::string& text) {
  return text.empty() ? "expected a value, got an empty one" : "";
}

Result<compaction::PruneRules> MakeRules(const PruneArguments& arguments) {
  compaction::PruneRules rules = arguments.rules;
  if (!arguments.keep_within.empty()) {
    TIDEMARK_ASSIGN_OR_RETURN(rules.keep_within, ParseSpan(arguments.keep_within));
  }
  if (!arguments.free.empty()) {
    TIDEMARK_ASSIGN_OR_RETURN(rules.free_bytes, ParseBytes(arguments.free));
  }
  return rules;
}

// The ids that are meant, as the lists are now.
Status AddIds(const Catalog& catalog, const PruneArguments& arguments,
              compaction::PruneRules* rules) {
  for (const std::string& text : arguments.checkpoints) {
    TIDEMARK_ASSIGN_OR_RETURN(const Selector selector, ParseSelector(text));
    TIDEMARK_ASSIGN_OR_RETURN(const uint64_t id, FindRetainedId(catalog, selector));
    rules->ids.push_back(id);
  }
  return {};
}

Result<compaction::PrunePlan> MakePlan(const Catalog& catalog,
                                       const compaction::PruneRules& rules) {
  TIDEMARK_ASSIGN_OR_RETURN(const auto pins,
                            storage::ReadPins(*catalog.storage, catalog.info.id, std::nullopt));
  if (!pins.unreadable.empty()) return pins.unreadable.front();
  std::vector<const format::Manifest*> lists;
  for (const Subtask& subtask : catalog.subtasks)
    if (subtask.error.ok()) lists.push_back(&subtask.manifest());
  return compaction::PlanPrune(lists, pins.readable, rules);
}

// Of one list.
std::vector<uint64_t> IdsToDrop(const compaction::PrunePlan& plan, const format::Manifest& list) {
  std::vector<uint64_t> ids;
  for (const compaction::PlannedCheckpoint& checkpoint : plan.checkpoints)
    if (checkpoint.goes() && list.FindCheckpoint(checkpoint.id) != nullptr)
      ids.push_back(checkpoint.id);
  return ids;
}

ExitCode Drop(const Catalog& catalog, const PruneArguments& arguments, PruneRun* run,
              Console* console) {
  ExitCode outcome = ExitCode::kOk;
  for (const Subtask& subtask : catalog.subtasks) {
    if (!subtask.error.ok()) continue;
    const std::vector<uint64_t> ids = IdsToDrop(run->plan, subtask.manifest());
    if (ids.empty()) continue;
    const Status dropped =
        storage::DropCheckpoints({catalog.storage, arguments.take_over}, subtask.manifest(), ids);
    if (dropped.ok()) continue;
    outcome = Worse(outcome, console->Report(dropped, "subtask " + std::to_string(subtask.number)));
    run->failed.emplace_back(subtask.number, dropped);
  }
  return outcome;
}

// Whether what goes by `run` would still go: while people were asked, a job may have come and gone,
// and left the one checkpoint that all subtasks have among what was to be dropped.
Status CheckPlanHolds(const Catalog& now, const PruneRun& run) {
  TIDEMARK_ASSIGN_OR_RETURN(const compaction::PrunePlan plan, MakePlan(now, run.rules));
  std::set<uint64_t> kept;
  for (const compaction::PlannedCheckpoint& checkpoint : plan.checkpoints)
    if (!checkpoint.goes()) kept.insert(checkpoint.id);
  for (const compaction::PlannedCheckpoint& checkpoint : run.plan.checkpoints)
    if (checkpoint.goes() && kept.contains(checkpoint.id))
      return Status(StatusCode::kUnavailable, "repository-changed",
                    now.storage->Uri() + ": checkpoint " + std::to_string(checkpoint.id) +
                        " has to stay, as the lists are now; nothing was dropped, try again");
  return {};
}

// Asks, and drops. The text of what goes is out before that.
ExitCode Carry(const Catalog& catalog, const PruneArguments& arguments, PruneRun* run,
               Console* console) {
  if (run->Dropped() == 0) return ExitCode::kOk;
  const std::string what = Counted(run->Dropped(), "checkpoint");
  const ExitCode consent = Confirm("Drop " + what + "?", arguments, console);
  if (consent != ExitCode::kOk) return consent;
  const Result<Catalog> now = ReadCatalog(arguments.repository, std::nullopt);
  if (!now) return console->Report(now.error());
  const ExitCode may_write = CheckMayWrite(*now, arguments, console);
  if (may_write != ExitCode::kOk) return may_write;
  if (const Status holds = CheckPlanHolds(*now, *run); !holds.ok()) return console->Report(holds);
  const ExitCode outcome = Drop(catalog, arguments, run, console);
  if (outcome == ExitCode::kOk)
    console->Note("dropped " + what + ", freed " + FormatBytes(run->plan.freed_bytes));
  return outcome;
}

ExitCode RunPrune(const PruneArguments& arguments, Console* console) {
  auto rules = MakeRules(arguments);
  if (!rules) return console->Report(rules.error());
  const Result<Catalog> catalog = ReadCatalog(arguments.repository, std::nullopt);
  if (!catalog) return console->Report(catalog.error());
  WritingArguments check = arguments;
  check.take_over |= arguments.dry_run;  // looking is allowed
  const ExitCode may_write = CheckMayWrite(*catalog, check, console);
  if (may_write != ExitCode::kOk) return may_write;

  if (const Status known = AddIds(*catalog, arguments, &*rules); !known.ok())
    return console->Report(known);
  auto plan = MakePlan(*catalog, *rules);
  if (!plan) return console->Report(plan.error());
  PruneRun run{*rules, arguments.keep_within, *std::move(plan), arguments.dry_run, {}};
  if (!arguments.json) console->data().append(PruneAsText(run, console->style()));
  const ExitCode outcome =
      arguments.dry_run ? ExitCode::kOk : Carry(*catalog, arguments, &run, console);
  if (arguments.json && (outcome == ExitCode::kOk || !run.failed.empty()))
    PruneAsJson(*catalog, run, &console->data());
  return outcome;
}

}  // namespace

void AddPruneCommand(CLI::App* app, Choice* choice) {
  const auto arguments = std::make_shared<PruneArguments>();
  CLI::App* const command =
      AddRepositoryCommand(app, "prune", "Drop checkpoints: all but those that rules keep, or some",
                           Footer(), arguments.get());
  compaction::PruneRules& rules = arguments->rules;
  command->add_option("ID", arguments->checkpoints, "Just these checkpoints go");
  command->add_option("--keep-last", rules.keep_last, "Keep the newest N")
      ->type_name("N")
      ->check(NotEmpty);
  command
      ->add_option("--keep-within", arguments->keep_within,
                   "Keep what is not older than the newest by more than this")
      ->type_name("SPAN")
      ->check(NotEmpty);
  command->add_option("--keep-hourly", rules.keep_hourly, "Keep one an hour, for N hours")
      ->type_name("N")
      ->check(NotEmpty);
  command->add_option("--keep-daily", rules.keep_daily, "Keep one a day, for N days")
      ->type_name("N")
      ->check(NotEmpty);
  command->add_option("--keep-weekly", rules.keep_weekly, "Keep one a week, for N weeks")
      ->type_name("N")
      ->check(NotEmpty);
  command
      ->add_option("--free", arguments->free,
                   "Of what the rules let go, drop as few as free so much")
      ->type_name("BYTES")
      ->check(NotEmpty);
  command->add_flag("--dry-run,-n", arguments->dry_run, "Only show what would go, file by file");
  AddYesOption(command, arguments.get());
  AddTakeOverOption(command, arguments.get());
  command->callback([arguments, choice] {
    choice->run = [arguments](Console* console) { return RunPrune(*arguments, console); };
  });
}

}  // namespace tidemark::tools
