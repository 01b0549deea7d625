// ckpt-inspect stats: where the bytes of a checkpoint are.
#include "tools/command.h"
#include "tools/stats_report.h"

#include <memory>

namespace tidemark::tools {
namespace {

constexpr size_t kPrefixBytesMax = 64;

struct StatsArguments : CommonArguments {
  std::string checkpoint = "latest";
  size_t prefix_bytes = 0;
  bool groups = false;
  bool files = false;
  std::vector<std::string> fail_if;
};

std::string Footer() {
  return "Counts the live records of a checkpoint by reading all of it, of all subtasks together. "
         "Bytes of files are as they lie there, compressed, so that less than a byte for a live "
         "one is usual. Exit code 1: a condition of --fail-if holds.\n\nFigures:\n" +
         FigureHelp() + "\n" + std::string(SelectorHelp()) +
         "\nExamples:\n"
         "  ckpt-inspect stats /mnt/checkpoints/job\n"
         "  ckpt-inspect stats /mnt/checkpoints/job 42 --prefix 4 --files\n"
         "  ckpt-inspect stats /mnt/checkpoints/job --fail-if 'space_amplification>1.5'\n"
         "  ckpt-inspect stats /mnt/checkpoints/job --json | jq .figures.churn\n";
}

ExitCode RunStats(const StatsArguments& arguments, Console* console) {
  StatsRun run;
  run.prefix_bytes = arguments.prefix_bytes;
  run.list_groups = arguments.groups;
  run.list_files = arguments.files;
  for (const std::string& text : arguments.fail_if) {
    const Result<Condition> condition = ParseCondition(text);
    if (!condition) return console->Report(condition.error());
    run.conditions.push_back(*condition);
  }
  OpenedJob job;
  const ExitCode opened =
      OpenJob(arguments.repository, arguments.subtask, arguments.checkpoint, &job, console);
  if (opened != ExitCode::kOk) return opened;
  Result<Statistics> counted = CountJob(job, arguments.prefix_bytes, console);
  if (!counted) return console->Report(counted.error());
  run.statistics = *std::move(counted);
  if (arguments.json)
    StatsAsJson(job, run, &console->data());
  else
    console->data().append(StatsAsText(job, run, console->style()));
  for (const std::string& condition : run.Unjudged())
    console->Note(condition + " was not judged: there is nothing to divide by");
  return run.Failed().empty() ? ExitCode::kOk : ExitCode::kNo;
}

}  // namespace

void AddStatsCommand(CLI::App* app, Choice* choice) {
  const auto arguments = std::make_shared<StatsArguments>();
  CLI::App* const command =
      AddCommand(app, "stats", "Count keys and bytes by table, key group, prefix and file",
                 Footer(), arguments.get());
  command->add_option("ID", arguments->checkpoint, "The checkpoint: 42, latest, latest~2, or a pin")
      ->capture_default_str();
  command->add_option("--prefix", arguments->prefix_bytes, "Tell keys apart by their first N bytes")
      ->check(CLI::Range(size_t{1}, kPrefixBytesMax))
      ->type_name("N");
  command->add_flag("--groups", arguments->groups, "List all key groups (--json always does)");
  command->add_flag("--files", arguments->files, "List the files (--json always does)");
  command
      ->add_option("--fail-if", arguments->fail_if,
                   "Exit code 1 if FIGURE>NUMBER (or >= < <=); may be given again")
      ->type_name("CONDITION")
      ->allow_extra_args(false);
  command->callback([arguments, choice] {
    choice->run = [arguments](Console* console) { return RunStats(*arguments, console); };
  });
}

}  // namespace tidemark::tools
