// ckpt-inspect list: the retained checkpoints, one a row.
#include "tools/catalog.h"
#include "tools/command.h"
#include "tools/document.h"
#include "tools/text.h"
#include "tools/text_table.h"

#include <memory>

namespace tidemark::tools {
namespace {

constexpr const char* kExamples =
    "Columns: BASE is the epoch of the base that a restore starts from, SEGMENTS how many files of "
    "changes "
    "follow it, KEYS how many keys the checkpoint changed, LOGICAL the bytes of these keys and "
    "values, ADDED "
    "the bytes that it added to the log on storage.\n\n"
    "Examples:\n"
    "  ckpt-inspect list /mnt/checkpoints/job\n"
    "  ckpt-inspect list file:///mnt/checkpoints/job --subtask 3\n"
    "  ckpt-inspect list /mnt/checkpoints/job --json | jq -r '.checkpoints[-1].id'\n";

// The epoch of the base; nullptr if the checkpoint starts from the empty state.
const format::Base* BaseOf(const format::Manifest& manifest, const format::Checkpoint& checkpoint) {
  const auto base = manifest.bases.find(checkpoint.base);
  return base == manifest.bases.end() ? nullptr : &base->second;
}

bool IsLatest(const format::Manifest& manifest, const format::Checkpoint& checkpoint) {
  return &checkpoint == &manifest.checkpoints.back();
}

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

std::vector<std::string> Row(const format::Manifest& manifest, const format::Checkpoint& checkpoint,
                             int64_t now_ms) {
  const format::Base* const base = BaseOf(manifest, checkpoint);
  return {std::to_string(checkpoint.id),
          std::to_string(manifest.subtask),
          FormatTime(checkpoint.time_ms),
          FormatAge(checkpoint.time_ms, now_ms),
          base == nullptr ? "-" : std::to_string(base->at.epoch),
          std::to_string(checkpoint.segments.size()),
          std::to_string(checkpoint.records),
          FormatBytes(checkpoint.net_change_bytes),
          FormatBytes(checkpoint.log_bytes),
          IsLatest(manifest, checkpoint) ? "latest" : ""};
}

void PrintText(const Catalog& catalog, Console* console) {
  TextTable table({{"ID", Align::kRight},
                   {"SUBTASK", Align::kRight},
                   {"TIME"},
                   {"AGE", Align::kRight},
                   {"BASE", Align::kRight},
                   {"SEGMENTS", Align::kRight},
                   {"KEYS", Align::kRight},
                   {"LOGICAL", Align::kRight},
                   {"ADDED", Align::kRight},
                   {""}});
  const int64_t now_ms = NowMs();
  for (const Subtask& subtask : catalog.subtasks)
    for (const format::Checkpoint& checkpoint : subtask.manifest().checkpoints)
      table.AddRow(Row(subtask.manifest(), checkpoint, now_ms));
  if (!table.empty()) console->data().append(table.Render(console->style()));
}

void WriteCheckpoint(const format::Manifest& manifest, const format::Checkpoint& checkpoint,
                     int64_t now_ms, JsonWriter* json) {
  const format::Base* const base = BaseOf(manifest, checkpoint);
  json->BeginObject();
  json->Key("id").Id(checkpoint.id);
  json->Key("subtask").Number(manifest.subtask);
  json->Key("latest").Bool(IsLatest(manifest, checkpoint));
  json->Key("epoch").Id(checkpoint.at.epoch);
  json->Key("attempt").Id(checkpoint.at.attempt);
  json->Key("time").String(FormatTimeExact(checkpoint.time_ms));
  json->Key("age_ms").Signed(AgeMs(checkpoint.time_ms, now_ms));
  json->Key("base");
  if (base == nullptr) {
    json->Null();
  } else {
    json->BeginObject();
    json->Key("id").Id(base->id);
    json->Key("epoch").Id(base->at.epoch);
    json->EndObject();
  }
  json->Key("segments").Number(checkpoint.segments.size());
  json->Key("keys_changed").Number(checkpoint.records);
  json->Key("logical_bytes").Number(checkpoint.net_change_bytes);
  json->Key("added_bytes").Number(checkpoint.log_bytes);
  json->EndObject();
}

void PrintJson(const Catalog& catalog, Console* console) {
  JsonWriter json(&console->data());
  const int64_t now_ms = NowMs();
  json.BeginObject();
  WriteHead("tidemark.list/1", catalog, &json);
  json.Key("checkpoints").BeginArray();
  for (const Subtask& subtask : catalog.subtasks)
    for (const format::Checkpoint& checkpoint : subtask.manifest().checkpoints)
      WriteCheckpoint(subtask.manifest(), checkpoint, now_ms, &json);
  json.EndArray();
  json.Key("errors").BeginArray();
  for (const Subtask& subtask : catalog.subtasks) WriteTrouble(subtask, &json);
  json.EndArray();
  json.EndObject();
}

ExitCode RunList(const CommonArguments& arguments, Console* console) {
  const Result<Catalog> catalog = ReadCatalog(arguments.repository, arguments.subtask);
  if (!catalog) return console->Report(catalog.error());
  NoteWhatIsListed(*catalog, console);
  const ExitCode outcome = ReportTrouble(*catalog, arguments.subtask.has_value(), console);
  if (arguments.json)
    PrintJson(*catalog, console);
  else
    PrintText(*catalog, console);
  return outcome;
}

}  // namespace

void AddListCommand(CLI::App* app, Choice* choice) {
  const auto arguments = std::make_shared<CommonArguments>();
  CLI::App* const command = AddCommand(app, "list", "List the retained checkpoints, one a row",
                                       kExamples, arguments.get());
  command->callback([arguments, choice] {
    choice->run = [arguments](Console* console) { return RunList(*arguments, console); };
  });
}

}  // namespace tidemark::tools
