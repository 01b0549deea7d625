#include "tools/flatbuffer_json.h"
#include "tools/show.h"
#include "tools/text.h"
#include "tools/values.h"

namespace tidemark::tools {
namespace {

void WriteIdentity(const format::EpochIdentity& at, JsonWriter* json) {
  json->Key("epoch").Id(at.epoch);
  json->Key("attempt").Id(at.attempt);
  json->Key("writer_id").String(at.writer.Hex());
}

// {"root": ..., "b64": ...}: the type of values, null if it is no FlatBuffers schema, and all
// of it.
std::string SchemaJson(const std::string& schema) {
  const auto usable = FlatBufferJson::Of(schema);
  std::string json;
  JsonWriter writer(&json);
  writer.BeginObject();
  writer.Key("root");
  usable != nullptr ? writer.String(usable->root()) : writer.Null();
  writer.Key("b64").String(Base64(schema));
  writer.EndObject();
  return json;
}

void WriteTable(const format::TableMeta& table, const TablesInBase& in_base, JsonWriter* json) {
  json->BeginObject();
  json->Key("id").Number(table.id);
  json->Key("name").String(table.name);
  json->Key("kind").String(TableKindName(table.kind));
  json->Key("key_codec").String(table.key_codec);
  json->Key("value_codec").String(table.value_codec);
  json->Key("schema_bytes").Number(table.schema.size());
  json->Key("schema");
  table.schema.empty() ? json->Null() : json->Raw(SchemaJson(table.schema));
  json->Key("exact_count").Bool(table.exact_count);
  const auto of = in_base.find(table.id);
  const bool is_known = of != in_base.end();
  json->Key("base_keys");
  is_known && of->second.keys ? json->Number(*of->second.keys) : json->Null();
  json->Key("base_bytes");
  is_known ? json->Number(of->second.bytes) : json->Null();
  json->EndObject();
}

// The fields that all files have; inside an open object.
void WriteFile(const CheckpointView& view, const format::FileMeta& file, JsonWriter* json) {
  json->Key("id").Id(file.id);
  json->Key("kind").String(FileKindName(file.kind));
  json->Key("name").String(file.name);
  json->Key("bytes").Number(file.size);
  json->Key("xxh3_128").String(file.checksum.Hex());
  json->Key("other_checkpoints").BeginArray();
  for (const uint64_t id : view.OtherUsers(file.id)) json->Id(id);
  json->EndArray();
}

void WriteBase(const CheckpointView& view, JsonWriter* json) {
  const format::Base* const base = view.base();
  if (base == nullptr) return json->Null();
  json->BeginObject();
  json->Key("id").Id(base->id);
  WriteIdentity(base->at, json);
  json->Key("files").BeginArray();
  for (const format::BaseFile& file : base->files) {
    const format::FileMeta* const meta = view.File(file.file);
    if (meta == nullptr) continue;
    json->BeginObject();
    WriteFile(view, *meta, json);
    json->Key("live_name").String(file.live_name);
    json->EndObject();
  }
  json->EndArray();
  json->EndObject();
}

void WriteSegment(const CheckpointView& view, const format::FileMeta& segment, JsonWriter* json) {
  json->BeginObject();
  WriteFile(view, segment, json);
  json->Key("first_epoch").Id(segment.first_epoch);
  json->Key("last_epoch").Id(segment.last_epoch);
  json->Key("records").Number(segment.records);
  json->Key("logical_bytes").Number(segment.net_change_bytes);
  json->EndObject();
}

void WriteLineageEntry(const format::LineageEntry& entry, JsonWriter* json) {
  json->BeginObject();
  json->Key("attempt").Id(entry.attempt);
  json->Key("writer_id").String(entry.writer.Hex());
  json->Key("last_epoch").Id(entry.last_epoch);
  json->EndObject();
}

void WriteFacts(const CheckpointView& view, int64_t now_ms, JsonWriter* json) {
  const format::Checkpoint& checkpoint = view.checkpoint();
  json->Key("id").Id(checkpoint.id);
  json->Key("subtask").Number(view.manifest().subtask);
  json->Key("latest").Bool(view.IsLatest());
  WriteIdentity(checkpoint.at, json);
  json->Key("time").String(FormatTimeExact(checkpoint.time_ms));
  json->Key("age_ms").Signed(AgeMs(checkpoint.time_ms, now_ms));
  json->Key("keys_changed").Number(checkpoint.records);
  json->Key("logical_bytes").Number(checkpoint.net_change_bytes);
  json->Key("added_bytes").Number(checkpoint.log_bytes);
  json->Key("barrier_ns").Number(checkpoint.barrier_ns);
  json->Key("encode_ns").Number(checkpoint.encode_ns);
  json->Key("durable_ns").Number(checkpoint.durable_ns);
}

}  // namespace

void ShowAsJson(const CheckpointView& view, const TablesInBase& in_base, int64_t now_ms,
                JsonWriter* json) {
  json->BeginObject();
  WriteFacts(view, now_ms, json);
  json->Key("tables").BeginArray();
  for (const format::TableMeta* table : view.Tables()) WriteTable(*table, in_base, json);
  json->EndArray();
  json->Key("base");
  WriteBase(view, json);
  json->Key("segments").BeginArray();
  for (const format::FileMeta* segment : view.Segments()) WriteSegment(view, *segment, json);
  json->EndArray();
  json->Key("metadata").BeginObject();
  for (const auto& [key, value] : view.checkpoint().metadata) json->Key(key).String(value);
  json->EndObject();
  json->Key("lineage").BeginArray();
  for (const format::LineageEntry& entry : view.Lineage()) WriteLineageEntry(entry, json);
  json->EndArray();
  json->EndObject();
}

}  // namespace tidemark::tools
