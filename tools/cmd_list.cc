// ckpt-inspect list: the retained checkpoints, one a row.
#include "tools/catalog.h"
#include "tools/command.h"
#include "tools/list_report.h"
#include "tools/text.h"

#include <memory>

namespace tidemark::tools {
namespace {

struct ListArguments : CommonArguments {
  bool tree = false;
};

constexpr const char* kExamples =
    "Columns: BASE is the epoch of the base that a restore starts from, SEGMENTS how many files of "
    "changes follow it, KEYS how many keys the checkpoint changed, LOGICAL the bytes of these keys "
    "and values, ADDED the bytes that it added to the log on storage, FREED the bytes of the files "
    "that would go if this checkpoint alone were dropped: nothing else retained or pinned needs "
    "them. Of a pin, FREED is what it alone keeps.\n\n"
    "Examples:\n"
    "  ckpt-inspect list /mnt/checkpoints/job\n"
    "  ckpt-inspect list file:///mnt/checkpoints/job --subtask 3 --tree\n"
    "  ckpt-inspect list /mnt/checkpoints/job --json | jq -r '.checkpoints[-1].id'\n";

void NoteSubtask(const Catalog& catalog, const Subtask& subtask, Console* console) {
  const format::Manifest& manifest = subtask.manifest();
  console->Note(catalog.storage->Uri() + ": subtask " + std::to_string(subtask.number) + " of " +
                std::to_string(manifest.parallelism) + ", " +
                Counted(manifest.checkpoints.size(), "checkpoint") + ", " +
                DescribeWriter(subtask.writer));
}

void NoteWhatIsListed(const Catalog& catalog, Console* console) {
  if (catalog.subtasks.empty())
    console->Note(catalog.storage->Uri() + ": no subtask has ever written here");
  for (const Subtask& subtask : catalog.subtasks)
    if (subtask.error.ok()) NoteSubtask(catalog, subtask, console);
}

ExitCode ReportPins(const Listing& listing, Console* console) {
  ExitCode outcome = ExitCode::kOk;
  for (const Status& error : listing.pin_readings.unreadable)
    outcome = Worse(outcome, console->Report(error));
  if (outcome != ExitCode::kOk)
    console->Note("no file is deleted while it is unknown what a pin keeps; unpin removes it");
  return outcome;
}

ExitCode RunList(const ListArguments& arguments, Console* console) {
  const Result<Catalog> catalog = ReadCatalog(arguments.repository, arguments.subtask);
  if (!catalog) return console->Report(catalog.error());
  NoteWhatIsListed(*catalog, console);
  const ExitCode outcome =
      ReportTrouble(*catalog, arguments.subtask.has_value(), /*needs_all=*/false, console);
  const std::unique_ptr<Listing> listing = MakeListing(*catalog);
  const ExitCode pins = ReportPins(*listing, console);
  if (arguments.json)
    ListAsJson(*listing, &console->data());
  else
    console->data().append(arguments.tree ? ListAsTree(*listing, console->style())
                                          : ListAsText(*listing, console));
  return Worse(outcome, pins);
}

}  // namespace

void AddListCommand(CLI::App* app, Choice* choice) {
  const auto arguments = std::make_shared<ListArguments>();
  CLI::App* const command = AddCommand(app, "list", "List the retained checkpoints, one a row",
                                       kExamples, arguments.get());
  command->add_flag("--tree", arguments->tree,
                    "Attempts, what each has committed, and what was branched off");
  command->callback([arguments, choice] {
    choice->run = [arguments](Console* console) { return RunList(*arguments, console); };
  });
}

}  // namespace tidemark::tools
