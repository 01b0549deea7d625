#include "tools/fsck_report.h"

#include "tools/document.h"
#include "tools/text.h"
#include "tools/text_table.h"

namespace tidemark::tools {
namespace {

using storage::Stray;
using storage::StrayKind;

std::string_view KindName(StrayKind kind) {
  switch (kind) {
    case StrayKind::kLeftover:
      return "leftover";
    case StrayKind::kUnfinished:
      return "unfinished";
    case StrayKind::kInFlight:
      return "in-flight";
    case StrayKind::kUnknown:
      return "unknown";
  }
  return "unknown";
}

std::string Meaning(StrayKind kind) {
  switch (kind) {
    case StrayKind::kLeftover:
      return "left by writers, nothing needs it; --clean removes it, and so does the next writer";
    case StrayKind::kUnfinished:
      return "never finished; --clean removes it, and so does the next writer";
    case StrayKind::kInFlight:
      return "on its way, the writer that lives may yet name it";
    case StrayKind::kUnknown:
      return "not of a repository, left alone; look at it yourself";
  }
  return {};
}

std::string Strays(const FsckRun& run, const Style& style) {
  TextTable table({{"KIND"}, {"BYTES", Align::kRight}, {"NAME"}});
  for (const Stray& stray : run.found.strays)
    table.AddRow({run.IsRemoved(stray) ? "removed" : std::string(KindName(stray.kind)),
                  FormatBytes(stray.bytes), Printable(stray.name)});
  return table.empty() ? "" : table.Render(style) + "\n";
}

std::string DanglingAsText(const Dangling& dangling, const Style& style) {
  std::string text = style.Bad("dangling") + "  " + dangling.name + "\n";
  text.append("          " + Printable(dangling.error.message()) + "\n");
  if (!dangling.checkpoints.empty())
    text.append("          needed by checkpoints " + FormatIds(dangling.checkpoints, 10) +
                " of subtask " + std::to_string(dangling.subtask) + "\n");
  for (const std::string& pin : dangling.pins) text.append("          needed by pin " + pin + "\n");
  return text;
}

std::string Summary(const FsckRun& run) {
  std::string text;
  for (const StrayKind kind :
       {StrayKind::kLeftover, StrayKind::kUnfinished, StrayKind::kInFlight, StrayKind::kUnknown})
    if (run.Count(kind) > 0)
      text.append(Counted(run.Count(kind), "file") + ", " + FormatBytes(run.Bytes(kind)) + ": " +
                  Meaning(kind) + "\n");
  return text;
}

void WriteStray(const FsckRun& run, const Stray& stray, JsonWriter* json) {
  json->BeginObject();
  json->Key("kind").String(KindName(stray.kind));
  json->Key("name").String(stray.name);
  json->Key("bytes").Number(stray.bytes);
  json->Key("subtask");
  stray.subtask ? json->Number(*stray.subtask) : json->Null();
  json->Key("removed").Bool(run.IsRemoved(stray));
  json->EndObject();
}

void WriteDangling(const Dangling& dangling, JsonWriter* json) {
  json->BeginObject();
  json->Key("subtask").Number(dangling.subtask);
  json->Key("name").String(dangling.name);
  json->Key("bytes").Number(dangling.bytes);
  json->Key("checkpoints").BeginArray();
  for (const uint64_t id : dangling.checkpoints) json->Id(id);
  json->EndArray();
  json->Key("pins").BeginArray();
  for (const std::string& pin : dangling.pins) json->String(pin);
  json->EndArray();
  json->Key("error");
  WriteError(dangling.error, dangling.subtask, json);
  json->EndObject();
}

}  // namespace

uint64_t FsckRun::Count(StrayKind kind) const {
  uint64_t count = 0;
  for (const Stray& stray : found.strays) count += stray.kind == kind && !IsRemoved(stray) ? 1 : 0;
  return count;
}

uint64_t FsckRun::Bytes(StrayKind kind) const {
  uint64_t bytes = 0;
  for (const Stray& stray : found.strays)
    bytes += stray.kind == kind && !IsRemoved(stray) ? stray.bytes : 0;
  return bytes;
}

std::string_view FsckVerdict(const FsckRun& run, ExitCode outcome) {
  switch (outcome) {
    case ExitCode::kOk:
      return run.Count(StrayKind::kLeftover) + run.Count(StrayKind::kUnfinished) > 0 ? "leftovers"
                                                                                     : "clean";
    case ExitCode::kNo:
      return "unknown-objects";
    case ExitCode::kCorruption:
      return "damaged";
    case ExitCode::kRefused:
      return "refused";
    default:
      return "incomplete";
  }
}

std::string FsckAsText(const FsckRun& run, ExitCode outcome, const Style& style) {
  std::string text = Strays(run, style);
  for (const Dangling& dangling : run.dangling) text.append(DanglingAsText(dangling, style));
  text.append(Summary(run));
  const std::string verdict(FsckVerdict(run, outcome));
  text.append(Counted(run.found.objects, "object") + " looked at: ")
      .append(outcome == ExitCode::kOk           ? style.Good(verdict)
              : outcome == ExitCode::kCorruption ? style.Bad(verdict)
                                                 : style.Warning(verdict));
  return text.append("\n");
}

void FsckAsJson(const Catalog& catalog, const FsckRun& run, ExitCode outcome, std::string* out) {
  JsonWriter json(out);
  json.BeginObject();
  WriteHead("tidemark.fsck/1", catalog, &json);
  json.Key("verdict").String(FsckVerdict(run, outcome));
  json.Key("cleaned").Bool(run.cleaned);
  json.Key("objects").Number(run.found.objects);
  json.Key("leftover_bytes")
      .Number(run.Bytes(StrayKind::kLeftover) + run.Bytes(StrayKind::kUnfinished));
  json.Key("strays").BeginArray();
  for (const Stray& stray : run.found.strays) WriteStray(run, stray, &json);
  json.EndArray();
  json.Key("dangling").BeginArray();
  for (const Dangling& dangling : run.dangling) WriteDangling(dangling, &json);
  json.EndArray();
  json.Key("errors").BeginArray();
  for (const Subtask& subtask : catalog.subtasks) WriteTrouble(subtask, &json);
  for (const Status& error : run.pins.unreadable) WriteRepositoryError(error, &json);
  for (const Status& error : run.unread) WriteRepositoryError(error, &json);
  json.EndArray();
  json.EndObject();
}

}  // namespace tidemark::tools
