// ckpt-inspect show: everything that the list says of one checkpoint.
#include "storage/base_contents.h"
#include "tools/command.h"
#include "tools/document.h"
#include "tools/scratch.h"
#include "tools/show.h"
#include "tools/target.h"
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

// Nothing if the base cannot be looked into; `verify` says why.
TablesInBase LookIntoBase(const Catalog& catalog, const Target& target, Scratch* scratch) {
  TablesInBase tables;
  const auto base = target.list().bases.find(target.checkpoint->base);
  if (base == target.list().bases.end() || scratch == nullptr) return tables;
  storage::CheckpointFilesOptions options;
  options.scratch = scratch->NewDirectory();
  const auto contents =
      storage::ReadBaseContents(*catalog.storage, target.list(), base->second, options);
  if (!contents) return tables;
  for (const uint32_t id : *target.checkpoint->tables) tables[id].keys = 0;
  for (const storage::BaseSst& sst : *contents) {
    TableInBase& table = tables[sst.table_id];
    table.bytes += target.list().files.at(sst.file).size;
    table.keys = table.keys && sst.keys ? std::optional(*table.keys + *sst.keys) : std::nullopt;
  }
  return tables;
}

void PrintText(const Catalog& catalog, const Targets& targets, Scratch* scratch, Console* console) {
  const int64_t now_ms = NowMs();
  for (const Target& target : targets.found) {
    const CheckpointView view(*target.subtask, *target.checkpoint);
    if (!console->data().empty()) console->data().append("\n");
    console->data().append(
        ShowAsText(view, LookIntoBase(catalog, target, scratch), now_ms, console));
  }
}

void PrintJson(const Catalog& catalog, const Targets& targets, Scratch* scratch, Console* console) {
  JsonWriter json(&console->data());
  const int64_t now_ms = NowMs();
  json.BeginObject();
  WriteHead("tidemark.show/1", catalog, &json);
  json.Key("checkpoints").BeginArray();
  for (const Target& target : targets.found)
    ShowAsJson(CheckpointView(*target.subtask, *target.checkpoint),
               LookIntoBase(catalog, target, scratch), now_ms, &json);
  json.EndArray();
  json.Key("errors").BeginArray();
  for (const Subtask& subtask : catalog.subtasks) WriteTrouble(subtask, &json);
  for (const auto& [subtask, error] : targets.missing) WriteError(error, subtask, &json);
  json.EndArray();
  json.EndObject();
}

ExitCode RunShow(const ShowArguments& arguments, Console* console) {
  const Result<Selector> selector = ParseSelector(arguments.checkpoint);
  if (!selector) return console->Report(selector.error());
  const Result<Catalog> catalog = ReadCatalog(arguments.repository, arguments.subtask);
  if (!catalog) return console->Report(catalog.error());

  // Without one the base is not looked into, and the list says the rest.
  const auto made = Scratch::Make();
  Scratch* const scratch = made ? made->get() : nullptr;
  const ExitCode trouble = ReportTrouble(*catalog, /*asked=*/true, /*needs_all=*/false, console);
  const Targets targets = FindTargets(*catalog, *selector);
  const ExitCode missing = ReportMissing(*catalog, targets, console);
  if (arguments.json)
    PrintJson(*catalog, targets, scratch, console);
  else
    PrintText(*catalog, targets, scratch, console);
  return Worse(trouble, missing);
}

}  // namespace

void AddShowCommand(CLI::App* app, Choice* choice) {
  const auto arguments = std::make_shared<ShowArguments>();
  CLI::App* const command = AddCommand(
      app, "show", "Show tables, files and metadata of a checkpoint", Footer(), arguments.get());
  command->add_option("ID", arguments->checkpoint, "The checkpoint: 42, latest, latest~2, or a pin")
      ->required();
  command->callback([arguments, choice] {
    choice->run = [arguments](Console* console) { return RunShow(*arguments, console); };
  });
}

}  // namespace tidemark::tools
