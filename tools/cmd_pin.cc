// ckpt-inspect pin and unpin: names that keep checkpoints.
#include "compaction/freed_files.h"
#include "storage/pins.h"
#include "tools/command.h"
#include "tools/document.h"
#include "tools/target.h"
#include "tools/text.h"
#include "tools/writing.h"

#include <tidemark/pins.h>

#include <algorithm>
#include <memory>
#include <optional>

namespace tidemark::tools {
namespace {

struct PinArguments : CommonArguments, WritingArguments {
  std::string checkpoint;
  std::string name;
  std::string reason;
};

std::string PinFooter() {
  return "A pin keeps the files of a checkpoint, in all subtasks, whatever the job's retention "
         "does, until it is removed. The job may be running. The name works wherever an id "
         "does.\n\n" +
         std::string(SelectorHelp()) +
         "\nExamples:\n"
         "  ckpt-inspect pin /mnt/checkpoints/job latest before-1.4\n"
         "  ckpt-inspect pin /mnt/checkpoints/job 42 audit --reason 'ticket 1234, until June'\n"
         "  ckpt-inspect show /mnt/checkpoints/job before-1.4\n"
         "  ckpt-inspect unpin /mnt/checkpoints/job before-1.4\n";
}

constexpr const char* kUnpinExamples =
    "The job, or whoever writes next, deletes what only the pin has kept. Pins are shown by "
    "`list`.\n\n"
    "Examples:\n"
    "  ckpt-inspect unpin /mnt/checkpoints/job before-1.4\n"
    "  ckpt-inspect unpin /mnt/checkpoints/job before-1.4 --yes --json\n";

struct PinOutcome {
  std::string name;
  std::optional<uint64_t> checkpoint{};  // unset: the pin cannot be read
  int64_t created_ms = 0;
  std::string reason{};
  bool listed = true;        // retained, pin or not
  uint64_t freed_bytes = 0;  // once the pin has gone
};

void WritePin(std::string_view schema, const Catalog& catalog, const PinOutcome& pin,
              Console* console) {
  JsonWriter json(&console->data());
  json.BeginObject();
  WriteHead(schema, catalog, &json);
  json.Key("pin").BeginObject();
  json.Key("name").String(pin.name);
  if (pin.checkpoint) {
    json.Key("checkpoint").Id(*pin.checkpoint);
    json.Key("created").String(FormatTimeExact(pin.created_ms));
    json.Key("reason").String(pin.reason);
    json.Key("listed").Bool(pin.listed);
    json.Key("freed_bytes").Number(pin.freed_bytes);
  }
  json.EndObject();
  json.Key("errors").BeginArray();
  json.EndArray();
  json.EndObject();
}

ExitCode RunPin(const PinArguments& arguments, Console* console) {
  const Result<Selector> selector = ParseSelector(arguments.checkpoint);
  if (!selector) return console->Report(selector.error());
  const Result<Catalog> catalog = ReadCatalog(arguments.repository, std::nullopt);
  if (!catalog) return console->Report(catalog.error());
  const ExitCode trouble = ReportTrouble(*catalog, /*asked=*/false, /*needs_all=*/true, console);
  if (trouble != ExitCode::kOk) return trouble;
  const Result<uint64_t> id = FindRetainedId(*catalog, *selector);
  if (!id) return console->Report(id.error());
  const Result<PinInfo> made =
      PinCheckpoint(*catalog->storage, arguments.name, *id, arguments.reason);
  if (!made) return console->Report(made.error());
  if (arguments.json)
    WritePin("tidemark.pin/1", *catalog,
             {made->name, made->checkpoint, UnixMs(made->created), made->reason, true, 0}, console);
  else
    console->data().append("pinned checkpoint " + std::to_string(*id) + " as " + made->name + "\n");
  return ExitCode::kOk;
}

bool IsListed(const Subtask& subtask, const format::Pin& pin) {
  const format::Manifest* const pinned = pin.FindList(subtask.number);
  if (pinned == nullptr) return true;
  const format::Checkpoint* const listed = subtask.manifest().FindCheckpoint(pin.checkpoint);
  return listed != nullptr && listed->at == pinned->checkpoints.front().at;
}

Result<PinOutcome> FindPin(const Catalog& catalog, const std::string& name) {
  TIDEMARK_ASSIGN_OR_RETURN(const auto pins,
                            storage::ReadPins(*catalog.storage, catalog.info.id, std::nullopt));
  const auto found = std::find_if(pins.readable.begin(), pins.readable.end(),
                                  [&](const format::Pin& pin) { return pin.name == name; });
  // It does not exist, or is damaged, which ReadPin says.
  if (found == pins.readable.end())
    return storage::ReadPin(*catalog.storage, catalog.info.id, name, 0).error();
  PinOutcome outcome{name, found->checkpoint, found->created_ms, found->reason, true, 0};
  for (const Subtask& subtask : catalog.subtasks) {
    if (!subtask.error.ok()) continue;
    outcome.listed &= IsListed(subtask, *found);
    outcome.freed_bytes +=
        compaction::BytesFreedByUnpinning(subtask.manifest(), *found, pins.readable);
  }
  return outcome;
}

std::string Describe(const PinOutcome& pin) {
  if (!pin.checkpoint)
    return "pin " + pin.name + " is damaged: which checkpoint it keeps is unknown\n";
  std::string text = "pin " + pin.name + " of checkpoint " + std::to_string(*pin.checkpoint) +
                     ", made " + FormatAge(pin.created_ms, NowMs()) + " ago" +
                     (pin.reason.empty() ? "" : ": " + Printable(pin.reason)) + "\n";
  if (!pin.listed) text.append("nothing else retains this checkpoint: it will be lost\n");
  return text.append(FormatBytes(pin.freed_bytes) + " are kept by this pin alone\n");
}

ExitCode RunUnpin(const PinArguments& arguments, Console* console) {
  const Result<Catalog> catalog = ReadCatalog(arguments.repository, std::nullopt);
  if (!catalog) return console->Report(catalog.error());
  auto pin = FindPin(*catalog, arguments.name);
  // A damaged one keeps everything from being deleted: it must be possible to get rid of it.
  if (!pin && ExitCodeOf(pin.error()) == ExitCode::kCorruption) {
    console->Note(pin.error().message());
    pin = PinOutcome{.name = arguments.name};
  }
  if (!pin) return console->Report(pin.error());
  if (!arguments.json) console->data().append(Describe(*pin));
  const ExitCode consent = Confirm("Remove pin " + arguments.name + "?", arguments, console);
  if (consent != ExitCode::kOk) return consent;
  const Status removed = UnpinCheckpoint(*catalog->storage, arguments.name);
  if (!removed.ok()) return console->Report(removed);
  if (arguments.json)
    WritePin("tidemark.unpin/1", *catalog, *pin, console);
  else
    console->Note("removed pin " + arguments.name);
  return ExitCode::kOk;
}

}  // namespace

void AddPinCommand(CLI::App* app, Choice* choice) {
  const auto arguments = std::make_shared<PinArguments>();
  CLI::App* const command =
      AddRepositoryCommand(app, "pin", "Keep a checkpoint under a name, whatever the job drops",
                           PinFooter(), arguments.get());
  command->add_option("ID", arguments->checkpoint, "The checkpoint")->required();
  command->add_option("NAME", arguments->name, "1 to 100 of A-Z, a-z, 0-9, `.`, `_` and `-`")
      ->required();
  command->add_option("--reason", arguments->reason, "For people: why, and until when")
      ->type_name("TEXT");
  command->callback([arguments, choice] {
    choice->run = [arguments](Console* console) { return RunPin(*arguments, console); };
  });
}

void AddUnpinCommand(CLI::App* app, Choice* choice) {
  const auto arguments = std::make_shared<PinArguments>();
  CLI::App* const command =
      AddRepositoryCommand(app, "unpin", "Remove a pin", kUnpinExamples, arguments.get());
  command->add_option("NAME", arguments->name, "The pin")->required();
  AddYesOption(command, arguments.get());
  command->callback([arguments, choice] {
    choice->run = [arguments](Console* console) { return RunUnpin(*arguments, console); };
  });
}

}  // namespace tidemark::tools
