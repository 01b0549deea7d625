#include "tools/compact_report.h"

#include "compaction/freed_files.h"
#include "tools/document.h"
#include "tools/text.h"
#include "tools/text_table.h"

#include <algorithm>

namespace tidemark::tools {
namespace {

using Footprint = CompactedSubtask::Footprint;

bool IsSst(const format::FileMeta& file) { return file.kind == format::FileKind::kBaseSst; }

void WriteFootprint(const Footprint& footprint, JsonWriter* json) {
  json->BeginObject();
  json->Key("segments").Number(footprint.segments);
  json->Key("base_bytes").Number(footprint.base_bytes);
  json->Key("retained_bytes").Number(footprint.retained_bytes);
  json->EndObject();
}

const CompactedSubtask* FindDone(const CompactRun& run, uint32_t subtask) {
  const auto found = std::find_if(run.done.begin(), run.done.end(),
                                  [&](const auto& done) { return done.subtask == subtask; });
  return found == run.done.end() ? nullptr : &*found;
}

void WriteSubtask(const CompactEstimate& estimate, const CompactedSubtask* done, JsonWriter* json) {
  json->BeginObject();
  json->Key("subtask").Number(estimate.subtask);
  json->Key("checkpoint");
  estimate.checkpoint ? json->Id(*estimate.checkpoint) : json->Null();
  json->Key("before");
  WriteFootprint(done == nullptr ? estimate.before : done->before, json);
  json->Key("estimate").BeginObject();
  json->Key("read_bytes").Number(estimate.read_bytes);
  json->Key("written_bytes_max").Number(estimate.written_bytes);
  json->Key("freed_bytes").Number(estimate.freed_bytes);
  json->Key("replayed_records").Number(estimate.records);
  json->EndObject();
  json->Key("after");
  if (done == nullptr)
    json->Null();
  else
    WriteFootprint(done->after, json);
  json->Key("written_bytes");
  done == nullptr ? json->Null() : json->Number(done->written_bytes);
  json->EndObject();
}

}  // namespace

CompactEstimate EstimateCompaction(const format::Manifest& list,
                                   const std::vector<format::Pin>& pins) {
  CompactEstimate estimate;
  estimate.subtask = list.subtask;
  for (const auto& [id, file] : list.files) estimate.before.retained_bytes += file.size;
  if (list.checkpoints.empty()) return estimate;
  const format::Checkpoint& newest = list.checkpoints.back();
  estimate.checkpoint = newest.id;
  estimate.before.segments = newest.segments.size();
  for (const uint64_t segment : newest.segments) {
    const format::FileMeta& file = list.files.at(segment);
    estimate.read_bytes += file.size;
    estimate.written_bytes += file.size;
    estimate.records += file.records;
  }
  if (const auto base = list.bases.find(newest.base); base != list.bases.end())
    for (const format::BaseFile& in_base : base->second.files) {
      const format::FileMeta& file = list.files.at(in_base.file);
      estimate.read_bytes += file.size;
      if (IsSst(file)) estimate.before.base_bytes += file.size;
    }
  estimate.written_bytes += estimate.before.base_bytes;
  estimate.freed_bytes =
      compaction::BytesFreed(list, newest, compaction::PinnedFilesOf(pins, list.subtask));
  return estimate;
}

std::string EstimateAsText(const CompactRun& run, const Style& style) {
  TextTable table({{"SUBTASK", Align::kRight},
                   {"NEWEST", Align::kRight},
                   {"SEGMENTS", Align::kRight},
                   {"RECORDS", Align::kRight},
                   {"BASE", Align::kRight},
                   {"READS", Align::kRight},
                   {"WRITES UP TO", Align::kRight},
                   {"FREES", Align::kRight}});
  for (const CompactEstimate& estimate : run.estimates)
    table.AddRow({std::to_string(estimate.subtask),
                  estimate.checkpoint ? std::to_string(*estimate.checkpoint) : "-",
                  std::to_string(estimate.before.segments), std::to_string(estimate.records),
                  FormatBytes(estimate.before.base_bytes), FormatBytes(estimate.read_bytes),
                  FormatBytes(estimate.written_bytes), FormatBytes(estimate.freed_bytes)});
  return table.empty() ? "" : table.Render(style);
}

std::string CompactedAsText(const CompactRun& run, const Style& style) {
  TextTable table({{"SUBTASK", Align::kRight},
                   {"SEGMENTS"},
                   {"BASE"},
                   {"RETAINED"},
                   {"WRITTEN", Align::kRight}});
  const auto change = [](const std::string& before, const std::string& after) {
    return before + " -> " + after;
  };
  for (const CompactedSubtask& done : run.done)
    table.AddRow(
        {std::to_string(done.subtask),
         change(std::to_string(done.before.segments), std::to_string(done.after.segments)),
         change(FormatBytes(done.before.base_bytes), FormatBytes(done.after.base_bytes)),
         change(FormatBytes(done.before.retained_bytes), FormatBytes(done.after.retained_bytes)),
         FormatBytes(done.written_bytes)});
  return table.empty() ? "" : table.Render(style);
}

void CompactAsJson(const Catalog& catalog, const CompactRun& run, std::string* out) {
  JsonWriter json(out);
  json.BeginObject();
  WriteHead("tidemark.compact/1", catalog, &json);
  json.Key("outcome").String(run.error ? "incomplete" : run.dry_run ? "planned" : "compacted");
  json.Key("compacted").BeginArray();
  for (const CompactEstimate& estimate : run.estimates)
    WriteSubtask(estimate, FindDone(run, estimate.subtask), &json);
  json.EndArray();
  json.Key("errors").BeginArray();
  if (run.error) WriteRepositoryError(*run.error, &json);
  json.EndArray();
  json.EndObject();
}

}  // namespace tidemark::tools
