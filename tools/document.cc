#include "tools/document.h"

#include "tools/text.h"

#include <algorithm>

namespace tidemark::tools {
namespace {

void WriteSubtask(const Subtask& subtask, JsonWriter* json) {
  const format::Manifest& manifest = subtask.manifest();
  json->BeginObject();
  json->Key("subtask").Number(subtask.number);
  if (subtask.error.ok()) {
    json->Key("parallelism").Number(manifest.parallelism);
    json->Key("max_parallelism").Number(manifest.max_parallelism);
    json->Key("attempt").Id(manifest.attempt);
    json->Key("writer").String(WriterLifeName(subtask.writer.life));
    json->Key("manifest_version").Id(manifest.version);
    json->Key("newest_manifest_version").Id(subtask.reading.newest_version);
    json->Key("checkpoints").Number(manifest.checkpoints.size());
  }
  json->EndObject();
}

void WriteWhat(const Status& error, JsonWriter* json) {
  json->Key("code").String(StatusCodeName(error.code()));
  json->Key("name").String(error.name());
  json->Key("message").String(error.message());
  const ExpectedAndGot words = FindExpectedAndGot(error.message());
  if (!words.expected.empty()) {
    json->Key("expected").String(words.expected);
    json->Key("got").String(words.got);
  }
}

}  // namespace

void WriteHead(std::string_view schema, const Catalog& catalog, JsonWriter* json) {
  json->Key("schema").String(schema);
  json->Key("repository").BeginObject();
  json->Key("uri").String(catalog.storage->Uri());
  json->Key("id").String(catalog.info.id.Hex());
  json->Key("created").String(FormatTimeExact(catalog.info.created_ms));
  json->EndObject();
  json->Key("subtasks").BeginArray();
  for (const Subtask& subtask : catalog.subtasks) WriteSubtask(subtask, json);
  json->EndArray();
}

void WriteError(const Status& error, uint32_t subtask, JsonWriter* json) {
  json->BeginObject();
  WriteErrorFields(error, subtask, json);
  json->EndObject();
}

void WriteRepositoryError(const Status& error, JsonWriter* json) {
  json->BeginObject();
  json->Key("subtask").Null();
  WriteWhat(error, json);
  json->EndObject();
}

void WriteErrorFields(const Status& error, uint32_t subtask, JsonWriter* json) {
  json->Key("subtask").Number(subtask);
  WriteWhat(error, json);
}

void WriteTrouble(const Subtask& subtask, JsonWriter* json) {
  if (!subtask.error.ok()) WriteError(subtask.error, subtask.number, json);
  for (const Status& damage : subtask.reading.damaged) WriteError(damage, subtask.number, json);
}

ExpectedAndGot FindExpectedAndGot(std::string_view message) {
  constexpr std::string_view kExpected = "expected ";
  constexpr std::string_view kGot = ", got ";
  const size_t expected = message.find(kExpected);
  if (expected == std::string_view::npos) return {};
  const size_t begin = expected + kExpected.size();
  const size_t got = message.find(kGot, begin);
  if (got == std::string_view::npos) return {};
  const std::string_view rest = message.substr(got + kGot.size());
  const size_t end = std::min({rest.find("; "), rest.find(". "), rest.size()});
  return {message.substr(begin, got - begin), rest.substr(0, end)};
}

}  // namespace tidemark::tools
