#include "tools/document.h"
#include "tools/file_users.h"
#include "tools/stats_report.h"
#include "tools/values.h"

#include <array>
#include <cmath>
#include <cstdio>

namespace tidemark::tools {
namespace {

void WriteSizes(const compaction::RecordSizes& sizes, JsonWriter* json) {
  json->Key("records").Number(sizes.records);
  json->Key("key_bytes").Number(sizes.key_bytes);
  json->Key("value_bytes").Number(sizes.value_bytes);
}

void WriteSizesObject(std::string_view name, const compaction::RecordSizes& sizes,
                      JsonWriter* json) {
  json->Key(name).BeginObject();
  WriteSizes(sizes, json);
  json->EndObject();
}

void WriteFigures(const Statistics& statistics, JsonWriter* json) {
  json->Key("figures").BeginObject();
  for (const Figure& figure : FiguresOf(statistics)) {
    json->Key(figure.name);
    if (!figure.value) {
      json->Null();
    } else if (figure.is_ratio) {
      std::array<char, 64> text{};
      std::snprintf(text.data(), text.size(), "%.6f", *figure.value);
      json->Raw(text.data());
    } else {
      json->Number(static_cast<uint64_t>(std::llround(*figure.value)));
    }
  }
  json->EndObject();
}

void WriteTables(const StatsRun& run, JsonWriter* json) {
  json->Key("tables").BeginArray();
  for (const auto& [name, table] : run.statistics.tables) {
    json->BeginObject();
    json->Key("name").String(name);
    WriteSizesObject("live", table.live, json);
    WriteSizesObject("log", table.log, json);
    if (run.prefix_bytes > 0) {
      json->Key("prefixes").BeginArray();
      for (const auto& [prefix, sizes] : table.by_prefix) {
        json->BeginObject();
        json->Key("prefix").Raw(RawKeyJson(prefix));
        WriteSizes(sizes, json);
        json->EndObject();
      }
      json->EndArray();
      WriteSizesObject("other_prefixes", table.other_prefixes, json);
    }
    json->EndObject();
  }
  json->EndArray();
}

void WriteFiles(const Statistics& statistics, JsonWriter* json) {
  json->Key("files").BeginArray();
  for (const CountedFile& file : statistics.files) {
    json->BeginObject();
    json->Key("subtask").Number(file.subtask);
    json->Key("id").Id(file.meta.id);
    json->Key("kind").String(FileKindName(file.meta.kind));
    json->Key("name").String(file.meta.name);
    json->Key("bytes").Number(file.meta.size);
    json->Key("tables").BeginArray();
    for (const std::string& name : file.tables) json->String(name);
    json->EndArray();
    json->EndObject();
  }
  json->EndArray();
}

}  // namespace

void StatsAsJson(const OpenedJob& job, const StatsRun& run, std::string* out) {
  JsonWriter json(out);
  json.BeginObject();
  WriteHead("tidemark.stats/1", job.catalog, &json);
  json.Key("checkpoints").BeginArray();
  for (const auto& one : job.subtasks) json.Id(one->checkpoint().id);
  json.EndArray();
  WriteFigures(run.statistics, &json);
  json.Key("failed").BeginArray();
  for (const std::string& condition : run.Failed()) json.String(condition);
  json.EndArray();
  WriteTables(run, &json);
  json.Key("key_groups").BeginArray();
  for (const auto& [group, sizes] : run.statistics.Groups()) {
    json.BeginObject();
    json.Key("group").Number(group);
    WriteSizes(sizes, &json);
    json.EndObject();
  }
  json.EndArray();
  WriteFiles(run.statistics, &json);
  json.Key("errors").BeginArray();
  json.EndArray();
  json.EndObject();
}

}  // namespace tidemark::tools
