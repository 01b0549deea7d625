#include "tools/document.h"
#include "tools/list_report.h"
#include "tools/text.h"

namespace tidemark::tools {
namespace {

void WriteBase(const format::Base* base, JsonWriter* json) {
  if (base == nullptr) return json->Null();
  json->BeginObject();
  json->Key("id").Id(base->id);
  json->Key("epoch").Id(base->at.epoch);
  json->EndObject();
}

void WriteCheckpoint(const ListedCheckpoint& listed, int64_t now_ms, JsonWriter* json) {
  const format::Checkpoint& checkpoint = listed.checkpoint;
  json->BeginObject();
  json->Key("id").Id(checkpoint.id);
  json->Key("subtask").Number(listed.list.subtask);
  json->Key("latest").Bool(listed.IsLatest());
  json->Key("epoch").Id(checkpoint.at.epoch);
  json->Key("attempt").Id(checkpoint.at.attempt);
  json->Key("time").String(FormatTimeExact(checkpoint.time_ms));
  json->Key("age_ms").Signed(AgeMs(checkpoint.time_ms, now_ms));
  json->Key("base");
  WriteBase(listed.base(), json);
  json->Key("segments").Number(checkpoint.segments.size());
  json->Key("keys_changed").Number(checkpoint.records);
  json->Key("logical_bytes").Number(checkpoint.net_change_bytes);
  json->Key("added_bytes").Number(checkpoint.log_bytes);
  json->Key("freed_bytes");
  listed.freed_bytes ? json->Number(*listed.freed_bytes) : json->Null();
  json->Key("pins").BeginArray();
  for (const std::string& pin : listed.pins) json->String(pin);
  json->EndArray();
  json->EndObject();
}

void WritePin(const ListedPin& listed, int64_t now_ms, JsonWriter* json) {
  json->BeginObject();
  json->Key("name").String(listed.pin.name);
  json->Key("checkpoint").Id(listed.pin.checkpoint);
  json->Key("created").String(FormatTimeExact(listed.pin.created_ms));
  json->Key("age_ms").Signed(AgeMs(listed.pin.created_ms, now_ms));
  json->Key("reason").String(listed.pin.reason);
  json->Key("listed").Bool(listed.listed);
  json->Key("freed_bytes").Number(listed.freed_bytes);
  json->EndObject();
}

void WriteLineage(const format::Manifest& list, JsonWriter* json) {
  for (const format::LineageEntry& entry : list.lineage) {
    json->BeginObject();
    json->Key("subtask").Number(list.subtask);
    json->Key("attempt").Id(entry.attempt);
    json->Key("writer").String(entry.writer.Hex());
    json->Key("last_epoch").Id(entry.last_epoch);
    json->EndObject();
  }
}

}  // namespace

void ListAsJson(const Listing& listing, std::string* out) {
  JsonWriter json(out);
  const int64_t now_ms = NowMs();
  json.BeginObject();
  WriteHead("tidemark.list/1", listing.catalog, &json);
  json.Key("checkpoints").BeginArray();
  for (const ListedCheckpoint& listed : listing.checkpoints) WriteCheckpoint(listed, now_ms, &json);
  json.EndArray();
  json.Key("pins").BeginArray();
  for (const ListedPin& listed : listing.pins) WritePin(listed, now_ms, &json);
  json.EndArray();
  json.Key("lineage").BeginArray();
  for (const Subtask& subtask : listing.catalog.subtasks)
    if (subtask.error.ok()) WriteLineage(subtask.manifest(), &json);
  json.EndArray();
  json.Key("errors").BeginArray();
  for (const Subtask& subtask : listing.catalog.subtasks) WriteTrouble(subtask, &json);
  for (const Status& error : listing.pin_readings.unreadable) WriteRepositoryError(error, &json);
  json.EndArray();
  json.EndObject();
}

}  // namespace tidemark::tools
