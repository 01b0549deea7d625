#include "tools/prune_report.h"

#include "format/names.h"
#include "tools/document.h"
#include "tools/text.h"
#include "tools/text_table.h"

#include <algorithm>

namespace tidemark::tools {
namespace {

using compaction::KeepReason;
using compaction::KeptBy;
using compaction::PlannedCheckpoint;
using compaction::PlannedFile;

std::string_view RuleName(KeptBy by) {
  switch (by) {
    case KeptBy::kNewest:
      return "newest";
    case KeptBy::kNewestComplete:
      return "newest-complete";
    case KeptBy::kPin:
      return "pin";
    case KeptBy::kLast:
      return "last";
    case KeptBy::kWithin:
      return "within";
    case KeptBy::kHourly:
      return "hourly";
    case KeptBy::kDaily:
      return "daily";
    case KeptBy::kWeekly:
      return "weekly";
    case KeptBy::kNotNamed:
      return "not-named";
    case KeptBy::kNotNeeded:
      return "not-needed";
  }
  return "unknown";
}

std::string Words(const KeepReason& reason, const PruneRun& run) {
  switch (reason.by) {
    case KeptBy::kNewestComplete:
      return "newest that all subtasks have";
    case KeptBy::kPin:
      return "pin " + reason.detail;
    case KeptBy::kLast:
      return "last " + std::to_string(run.rules.keep_last);
    case KeptBy::kWithin:
      return "within " + run.keep_within;
    case KeptBy::kHourly:
      return "hour " + reason.detail;
    case KeptBy::kDaily:
      return "day " + reason.detail;
    case KeptBy::kWeekly:
      return reason.detail;
    case KeptBy::kNotNamed:
      return "not named";
    case KeptBy::kNotNeeded:
      return "enough is freed without it";
    case KeptBy::kNewest:
      break;
  }
  return std::string(RuleName(reason.by));
}

std::string Words(const PlannedCheckpoint& checkpoint, const PruneRun& run) {
  std::string words;
  for (const KeepReason& reason : checkpoint.kept_by)
    words.append(words.empty() ? "" : ", ").append(Words(reason, run));
  return words;
}

std::string NameOf(const PlannedFile& file) {
  return format::SubtaskPrefix(file.subtask) + file.name;
}

std::string Checkpoints(const PruneRun& run, const Style& style) {
  TextTable table({{"ID", Align::kRight}, {"TIME"}, {"AGE", Align::kRight}, {""}, {"WHY"}});
  const int64_t now_ms = NowMs();
  for (const PlannedCheckpoint& checkpoint : run.plan.checkpoints)
    table.AddRow({std::to_string(checkpoint.id), FormatTime(checkpoint.time_ms),
                  FormatAge(checkpoint.time_ms, now_ms), checkpoint.goes() ? "drop" : "keep",
                  Words(checkpoint, run)});
  return table.empty() ? "" : table.Render(style);
}

std::string Files(const PruneRun& run) {
  std::string text;
  size_t widest = 0;
  for (const PlannedFile& file : run.plan.files)
    widest = std::max(widest, FormatBytes(file.bytes).size());
  for (const PlannedFile& file : run.plan.files) {
    const std::string size = FormatBytes(file.bytes);
    text.append("  ").append(widest - size.size(), ' ').append(size).append("  ");
    text.append(NameOf(file)).append("\n");
  }
  return text;
}

void WriteCheckpoint(const PlannedCheckpoint& checkpoint, int64_t now_ms, JsonWriter* json) {
  json->BeginObject();
  json->Key("id").Id(checkpoint.id);
  json->Key("time").String(FormatTimeExact(checkpoint.time_ms));
  json->Key("age_ms").Signed(AgeMs(checkpoint.time_ms, now_ms));
  json->Key("subtasks").BeginArray();
  for (const uint32_t subtask : checkpoint.subtasks) json->Number(subtask);
  json->EndArray();
  json->Key("action").String(checkpoint.goes() ? "drop" : "keep");
  json->Key("kept_by").BeginArray();
  for (const KeepReason& reason : checkpoint.kept_by) {
    json->BeginObject();
    json->Key("rule").String(RuleName(reason.by));
    json->Key("detail");
    if (reason.detail.empty())
      json->Null();
    else
      json->String(reason.detail);
    json->EndObject();
  }
  json->EndArray();
  json->EndObject();
}

std::string_view OutcomeOf(const PruneRun& run) {
  if (!run.failed.empty()) return "incomplete";
  if (run.dry_run) return "planned";
  return run.Dropped() == 0 ? "nothing-to-drop" : "pruned";
}

}  // namespace

uint64_t PruneRun::Dropped() const {
  return static_cast<uint64_t>(std::count_if(plan.checkpoints.begin(), plan.checkpoints.end(),
                                             [](const auto& c) { return c.goes(); }));
}

std::string PruneAsText(const PruneRun& run, const Style& style) {
  std::string text = Checkpoints(run, style);
  text.append(text.empty() ? "" : "\n")
      .append(Counted(run.Dropped(), "checkpoint") + " of " +
              std::to_string(run.plan.checkpoints.size()) + " to drop, which frees " +
              Counted(run.plan.files.size(), "file") + ", " + FormatBytes(run.plan.freed_bytes))
      .append(run.plan.files.empty() ? "\n" : ":\n");
  if (!run.plan.is_smallest)
    text.append("(the oldest; with so many to choose from, fewer others might do)\n");
  return text.append(Files(run));
}

void PruneAsJson(const Catalog& catalog, const PruneRun& run, std::string* out) {
  JsonWriter json(out);
  const int64_t now_ms = NowMs();
  json.BeginObject();
  WriteHead("tidemark.prune/1", catalog, &json);
  json.Key("outcome").String(OutcomeOf(run));
  json.Key("dropped").Number(run.Dropped());
  json.Key("freed_bytes").Number(run.plan.freed_bytes);
  json.Key("smallest").Bool(run.plan.is_smallest);
  json.Key("checkpoints").BeginArray();
  for (const PlannedCheckpoint& checkpoint : run.plan.checkpoints)
    WriteCheckpoint(checkpoint, now_ms, &json);
  json.EndArray();
  json.Key("files").BeginArray();
  for (const PlannedFile& file : run.plan.files) {
    json.BeginObject();
    json.Key("subtask").Number(file.subtask);
    json.Key("name").String(NameOf(file));
    json.Key("bytes").Number(file.bytes);
    json.EndObject();
  }
  json.EndArray();
  json.Key("errors").BeginArray();
  for (const auto& [subtask, error] : run.failed) WriteError(error, subtask, &json);
  json.EndArray();
  json.EndObject();
}

}  // namespace tidemark::tools
