// ckpt-inspect compact: the newest checkpoint gets a base of its own, while no job runs.
#include "tools/command.h"
#include "tools/compact_report.h"
#include "tools/progress.h"
#include "tools/scratch.h"
#include "tools/text.h"
#include "tools/writing.h"

#include <future>
#include <memory>
#include <mutex>

namespace tidemark::tools {
namespace {

struct CompactArguments : CommonArguments, WritingArguments {
  std::string directory;
  bool dry_run = false;
};

constexpr const char* kExamples =
    "Restores the newest checkpoint of each subtask into a directory, compacts it, and publishes "
    "it as a new base: a restore then replays no log. No checkpoint is dropped, and each restores "
    "to the same as before. Older ones keep the files that they have; prune first if space is "
    "short.\n"
    "Columns: RECORDS are those in the log, which a restore replays; WRITES UP TO is what the new "
    "base "
    "has at most, about; FREES is what only the newest checkpoint needs now.\n\n"
    "Examples:\n"
    "  ckpt-inspect compact /mnt/checkpoints/job --dry-run\n"
    "  ckpt-inspect compact /mnt/checkpoints/job --directory /mnt/checkpoints/scratch\n"
    "  ckpt-inspect compact /mnt/checkpoints/job --subtask 3 --yes --json\n";

// Its text is for the library's users.
Status NotTheNewest(const CompactedSubtask& done) {
  const RestoreReport::Skipped& skipped = done.restored.skipped.front();
  return Status(StatusCode::kCorruption, skipped.reason.name(),
                "subtask " + std::to_string(done.subtask) +
                    ": nothing was compacted, because the "
                    "newest checkpoint (" +
                    std::to_string(skipped.id) +
                    ") is damaged: " + std::string(skipped.reason.message()));
}

ExitCode Compact(const Catalog& catalog, const CompactArguments& arguments, CompactRun* run,
                 Console* console) {
  const Result<std::unique_ptr<Scratch>> scratch = Scratch::Make();
  if (!scratch) return console->Report(scratch.error());
  std::mutex mutex;
  CompactOptions options;
  options.storage = catalog.storage;
  options.directory =
      arguments.directory.empty() ? (*scratch)->NewDirectory() : arguments.directory;
  options.subtask = arguments.subtask;
  options.take_over = arguments.take_over;
  options.on_subtask = [&](const CompactedSubtask& done) {
    const std::lock_guard lock(mutex);
    run->done.push_back(done);
  };
  // It tells of whole subtasks only; that it is alive is told meanwhile.
  auto work = std::async(std::launch::async, [&] { return CompactRepository(options); });
  size_t noted = 0;
  const auto note_done = [&] {
    const std::lock_guard lock(mutex);
    for (; noted < run->done.size(); ++noted)
      console->Note("subtask " + std::to_string(run->done[noted].subtask) + " is compacted, " +
                    FormatBytes(run->done[noted].written_bytes) + " written");
  };
  {
    Progress progress(console, "compact", ProgressUnit::kTime);
    while (work.wait_for(std::chrono::milliseconds(100)) != std::future_status::ready) {
      note_done();
      progress.Tick();
    }
  }
  const auto report = work.get();
  note_done();
  if (!report) run->error = report.error();
  for (const CompactedSubtask& done : run->done)
    if (!run->error && !done.restored.skipped.empty()) run->error = NotTheNewest(done);
  return run->error ? console->Report(*run->error) : ExitCode::kOk;
}

CompactRun Estimate(const Catalog& catalog, const std::vector<format::Pin>& pins,
                    const CompactArguments& arguments) {
  CompactRun run;
  run.dry_run = arguments.dry_run;
  for (const Subtask& subtask : catalog.subtasks)
    if (subtask.error.ok()) run.estimates.push_back(EstimateCompaction(subtask.manifest(), pins));
  return run;
}

// Asks first, having shown the estimate.
ExitCode Carry(const Catalog& catalog, const CompactArguments& arguments, CompactRun* run,
               Console* console) {
  if (arguments.dry_run || run->estimates.empty()) return ExitCode::kOk;
  const ExitCode consent =
      Confirm("Compact " + Counted(run->estimates.size(), "subtask") + "?", arguments, console);
  return consent == ExitCode::kOk ? Compact(catalog, arguments, run, console) : consent;
}

ExitCode RunCompact(const CompactArguments& arguments, Console* console) {
  const Result<Catalog> catalog = ReadCatalog(arguments.repository, arguments.subtask);
  if (!catalog) return console->Report(catalog.error());
  WritingArguments check = arguments;
  check.take_over |= arguments.dry_run;  // looking is allowed
  const ExitCode may_write = CheckMayWrite(*catalog, check, console);
  if (may_write != ExitCode::kOk) return may_write;
  for (const Subtask& subtask : catalog->subtasks)
    if (arguments.subtask && !subtask.error.ok()) return console->Report(subtask.error);
  const auto pins = storage::ReadPins(*catalog->storage, catalog->info.id, std::nullopt);
  if (!pins) return console->Report(pins.error());

  CompactRun run = Estimate(*catalog, pins->readable, arguments);
  if (!arguments.json) console->data().append(EstimateAsText(run, console->style()));
  const ExitCode outcome = Carry(*catalog, arguments, &run, console);
  if (!arguments.json && !run.done.empty())
    console->data().append("\n" + CompactedAsText(run, console->style()));
  if (arguments.json && (outcome == ExitCode::kOk || run.error))
    CompactAsJson(*catalog, run, &console->data());
  return outcome;
}

}  // namespace

void AddCompactCommand(CLI::App* app, Choice* choice) {
  const auto arguments = std::make_shared<CompactArguments>();
  CLI::App* const command =
      AddCommand(app, "compact", "Make the newest checkpoint small and quick to restore, offline",
                 kExamples, arguments.get());
  command
      ->add_option("--directory", arguments->directory,
                   "Where to work; on the repository's file system files are linked, not copied "
                   "(default: below TMPDIR, or /tmp)")
      ->type_name("DIR");
  command->add_flag("--dry-run,-n", arguments->dry_run, "Only the estimate");
  AddYesOption(command, arguments.get());
  AddTakeOverOption(command, arguments.get());
  command->callback([arguments, choice] {
    choice->run = [arguments](Console* console) { return RunCompact(*arguments, console); };
  });
}

}  // namespace tidemark::tools
