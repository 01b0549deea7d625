#include "format/key.h"
#include "tools/document.h"
#include "tools/file_users.h"
#include "tools/text.h"
#include "tools/values.h"
#include "tools/verify_report.h"

namespace tidemark::tools {
namespace {

std::string_view ResultName(CheckpointResult result) {
  switch (result) {
    case CheckpointResult::kGood:
      return "good";
    case CheckpointResult::kDamaged:
      return "damaged";
    case CheckpointResult::kIncomplete:
      return "incomplete";
  }
  return {};
}

void WriteAmount(const Amount& amount, JsonWriter* json) {
  json->BeginObject();
  json->Key("checkpoints").Number(amount.checkpoints);
  json->Key("files").Number(amount.files);
  json->Key("bytes").Number(amount.bytes);
  json->EndObject();
}

void WriteCheckpoints(const SubtaskFindings& findings, JsonWriter* json) {
  for (const CheckedCheckpoint& checkpoint : findings.checkpoints) {
    json->BeginObject();
    json->Key("id").Id(checkpoint.id);
    json->Key("subtask").Number(findings.subtask);
    json->Key("time").String(FormatTimeExact(checkpoint.time_ms));
    json->Key("files").Number(checkpoint.files);
    json->Key("bytes").Number(checkpoint.bytes);
    json->Key("asked").Bool(checkpoint.asked);
    json->Key("result").String(ResultName(checkpoint.result));
    json->EndObject();
  }
}

// What is lost with the file, as far as the list knows.
void WriteContent(const format::FileMeta& file, JsonWriter* json) {
  json->Key("kind").String(FileKindName(file.kind));
  if (file.kind == format::FileKind::kBaseMeta) return;
  if (file.kind == format::FileKind::kBaseSst) {
    json->Key("first_key_group").Number(file.first_group);
    json->Key("last_key_group").Number(file.last_group);
    return;
  }
  json->Key("first_epoch").Id(file.first_epoch);
  json->Key("last_epoch").Id(file.last_epoch);
  json->Key("records").Number(file.records);
}

void WriteLost(const std::vector<LostKeys>& lost, JsonWriter* json) {
  json->Key("lost").BeginArray();
  for (const LostKeys& keys : lost) {
    const TableValues values(keys.table);
    json->BeginObject();
    json->Key("table").String(keys.table.name);
    json->Key("first_key");
    keys.first.empty() ? json->Null() : json->Raw(values.KeyJson(format::UserKey(keys.first)));
    json->Key("last_key");
    keys.last ? json->Raw(values.KeyJson(format::UserKey(*keys.last))) : json->Null();
    json->EndObject();
  }
  json->EndArray();
}

void WriteFinding(const Finding& finding, uint32_t subtask, JsonWriter* json) {
  json->BeginObject();
  WriteErrorFields(finding.error, subtask, json);
  if (!finding.file.empty()) json->Key("file").String(finding.file);
  if (finding.meta) WriteContent(*finding.meta, json);
  WriteLost(finding.lost, json);
  json->Key("checkpoints").BeginArray();
  for (const uint64_t id : finding.checkpoints) json->Id(id);
  json->EndArray();
  json->EndObject();
}

void WriteErrors(const Catalog& catalog, const VerifyRun& run, JsonWriter* json) {
  for (const Subtask& subtask : catalog.subtasks) WriteTrouble(subtask, json);
  for (const Status& error : run.pins) WriteRepositoryError(error, json);
  for (const Status& error : run.pinned_files) WriteRepositoryError(error, json);
  for (const SubtaskFindings& findings : run.subtasks) {
    for (const Finding& finding : findings.findings) WriteFinding(finding, findings.subtask, json);
    for (const Status& error : findings.unanswered) WriteError(error, findings.subtask, json);
  }
}

void WriteNewestGood(const SubtaskFindings& findings, JsonWriter* json) {
  json->BeginObject();
  json->Key("subtask").Number(findings.subtask);
  json->Key("id");
  if (findings.newest_good)
    json->Id(*findings.newest_good);
  else
    json->Null();
  json->EndObject();
}

}  // namespace

void VerifyAsJson(const Catalog& catalog, const VerifyRun& run, ExitCode outcome,
                  std::string* out) {
  JsonWriter json(out);
  json.BeginObject();
  WriteHead("tidemark.verify/1", catalog, &json);
  json.Key("level").String(LevelName(run));
  json.Key("subset");
  run.subset.empty() ? json.Null() : json.String(run.subset);
  json.Key("verdict").String(VerdictOf(run, outcome));
  json.Key("checked");
  WriteAmount(run.Checked(), &json);
  json.Key("available");
  WriteAmount(run.Available(), &json);
  json.Key("checkpoints").BeginArray();
  for (const SubtaskFindings& findings : run.subtasks) WriteCheckpoints(findings, &json);
  json.EndArray();
  json.Key("newest_good").BeginArray();
  for (const SubtaskFindings& findings : run.subtasks) WriteNewestGood(findings, &json);
  json.EndArray();
  json.Key("errors").BeginArray();
  WriteErrors(catalog, run, &json);
  json.EndArray();
  json.EndObject();
}

}  // namespace tidemark::tools
