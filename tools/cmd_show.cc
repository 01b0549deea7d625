// ckpt-inspect show: everything that the list says of one checkpoint.
#include "tools/command.h"
#include "tools/document.h"
#include "tools/selector.h"
#include "tools/show.h"
#include "tools/text.h"

#include <memory>

namespace tidemark::tools {
namespace {

struct ShowArguments : CommonArguments {
  std::string checkpoint;
};

std::string Footer() {
  return std::string(SelectorHelp()) +
         "\nExamples:\n"
         "  ckpt-inspect show /mnt/checkpoints/job latest\n"
         "  ckpt-inspect show /mnt/checkpoints/job 42 --subtask 0\n"
         "  ckpt-inspect show /mnt/checkpoints/job latest --json | jq '.checkpoints[].metadata'\n";
}

// What was found, subtask by subtask, and where it was not.
struct Selection {
  std::vector<CheckpointView> views;
  std::vector<std::pair<uint32_t, Status>> missing;
};

Selection Select(const Catalog& catalog, const Selector& selector) {
  Selection selection;
  for (const Subtask& subtask : catalog.subtasks) {
    if (!subtask.error.ok()) continue;
    const auto found = Resolve(selector, subtask.manifest());
    if (found)
      selection.views.emplace_back(subtask, **found);
    else
      selection.missing.emplace_back(subtask.number, found.error());
  }
  return selection;
}

void PrintText(const Selection& selection, Console* console) {
  const int64_t now_ms = NowMs();
  for (const CheckpointView& view : selection.views) {
    if (!console->data().empty()) console->data().append("\n");
    console->data().append(ShowAsText(view, now_ms, console->style()));
  }
}

void PrintJson(const Catalog& catalog, const Selection& selection, Console* console) {
  JsonWriter json(&console->data());
  const int64_t now_ms = NowMs();
  json.BeginObject();
  WriteHead("tidemark.show/1", catalog, &json);
  json.Key("checkpoints").BeginArray();
  for (const CheckpointView& view : selection.views) ShowAsJson(view, now_ms, &json);
  json.EndArray();
  json.Key("errors").BeginArray();
  for (const Subtask& subtask : catalog.subtasks) WriteTrouble(subtask, &json);
  for (const auto& [subtask, error] : selection.missing) WriteError(error, subtask, &json);
  json.EndArray();
  json.EndObject();
}

// A checkpoint that was asked for is missing in any subtask without it, also in one that never had
// any.
ExitCode ReportMissing(const Catalog& catalog, const Selection& selection, Console* console) {
  ExitCode outcome = ExitCode::kOk;
  for (const auto& missing : selection.missing)
    outcome = Worse(outcome, console->Report(missing.second));
  if (catalog.subtasks.empty())
    outcome = console->Report(Status(StatusCode::kNotFound, "checkpoint-not-found",
                                     catalog.storage->Uri() + " has no checkpoint yet"));
  return outcome;
}

ExitCode RunShow(const ShowArguments& arguments, Console* console) {
  const Result<Selector> selector = ParseSelector(arguments.checkpoint);
  if (!selector) return console->Report(selector.error());
  const Result<Catalog> catalog = ReadCatalog(arguments.repository, arguments.subtask);
  if (!catalog) return console->Report(catalog.error());

  const ExitCode trouble = ReportTrouble(*catalog, /*asked=*/true, console);
  const Selection selection = Select(*catalog, *selector);
  const ExitCode missing = ReportMissing(*catalog, selection, console);
  if (arguments.json)
    PrintJson(*catalog, selection, console);
  else
    PrintText(selection, console);
  return Worse(trouble, missing);
}

}  // namespace

void AddShowCommand(CLI::App* app, Choice* choice) {
  const auto arguments = std::make_shared<ShowArguments>();
  CLI::App* const command = AddCommand(
      app, "show", "Show tables, files and metadata of a checkpoint", Footer(), arguments.get());
  command->add_option("ID", arguments->checkpoint, "The checkpoint: 42, latest, latest~2")
      ->required();
  command->callback([arguments, choice] {
    choice->run = [arguments](Console* console) { return RunShow(*arguments, console); };
  });
}

}  // namespace tidemark::tools
