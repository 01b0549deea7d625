#include "tools/flatbuffer_json.h"
#include "tools/show.h"
#include "tools/text.h"
#include "tools/text_table.h"

#include <utility>

namespace tidemark::tools {
namespace {

constexpr size_t kUsersShownMax = 5;
// Of a metadata value, which may have a MiB. JSON has all of it.
constexpr size_t kValueBytesShownMax = 1024;

std::string Epochs(uint64_t first, uint64_t last) {
  const std::string end = std::to_string(last);
  return first == last ? end : std::to_string(first) + "-" + end;
}

std::string Fact(std::string_view name, const std::string& value) {
  std::string line = "  ";
  return line.append(name).append(12 - name.size(), ' ').append(value).append("\n");
}

std::string DescribeBase(const CheckpointView& view) {
  const format::Base* const base = view.base();
  if (base == nullptr) return "none: starts from the empty state";
  uint64_t bytes = 0;
  for (const format::BaseFile& file : base->files)
    if (const format::FileMeta* meta = view.File(file.file)) bytes += meta->size;
  return "epoch " + std::to_string(base->at.epoch) + ", " + Counted(base->files.size(), "file") +
         ", " + FormatBytes(bytes);
}

std::string DescribeSegments(const std::vector<const format::FileMeta*>& segments) {
  if (segments.empty()) return "none";
  uint64_t bytes = 0;
  for (const format::FileMeta* segment : segments) bytes += segment->size;
  return std::to_string(segments.size()) + ", " +
         (segments.size() == 1 && segments[0]->first_epoch == segments[0]->last_epoch ? "epoch "
                                                                                      : "epochs ") +
         Epochs(segments.front()->first_epoch, segments.back()->last_epoch) + ", " +
         FormatBytes(bytes);
}

std::string Summary(const CheckpointView& view, int64_t now_ms, Console* console) {
  const format::Checkpoint& checkpoint = view.checkpoint();
  std::string text = console->style().Bold("checkpoint " + std::to_string(checkpoint.id)) +
                     " of subtask " + std::to_string(view.manifest().subtask) +
                     (view.IsLatest() ? " (latest)" : "") + "\n";
  text +=
      Fact("time", FormatTime(checkpoint.time_ms) + ", " + FormatAge(checkpoint.time_ms, now_ms) +
                       (checkpoint.time_ms <= now_ms ? " ago" : ""));
  text += Fact("epoch", std::to_string(checkpoint.at.epoch) + " of attempt " +
                            std::to_string(checkpoint.at.attempt) + ", writer " +
                            checkpoint.at.writer.Hex());
  text += Fact("base", DescribeBase(view));
  text += Fact("segments", DescribeSegments(view.Segments()));
  text += Fact("changed", Counted(checkpoint.records, "key") + ", " +
                              FormatBytes(checkpoint.net_change_bytes) + " of keys and values, " +
                              FormatBytes(checkpoint.log_bytes) + " added to the log");
  text += Fact("durations", "barrier " + FormatDuration(checkpoint.barrier_ns) + ", encoding " +
                                FormatDuration(checkpoint.encode_ns) + ", durable after " +
                                FormatDuration(checkpoint.durable_ns));
  return text;
}

std::string Section(const Style& style, std::string_view title, const std::string& body) {
  return "\n" + style.Bold(title) + "\n" + body;
}

// What a FlatBuffers schema has for its root, or that there are bytes of something else.
std::string DescribeSchema(const std::string& schema) {
  if (schema.empty()) return "-";
  const auto usable = FlatBufferJson::Of(schema);
  return usable != nullptr ? Printable(usable->root()) : FormatBytes(schema.size());
}

std::string Tables(const CheckpointView& view, const TablesInBase& in_base, Console* console) {
  const auto tables = view.Tables();
  if (tables.empty()) return Section(console->style(), "tables", "none\n");
  TextTable table({{"ID", Align::kRight, 3},
                   {"NAME"},
                   {"KIND"},
                   {"KEYS AS", Align::kLeft, 1},
                   {"VALUES AS"},
                   {"SCHEMA", Align::kLeft, 2},
                   {"KEYS IN BASE", Align::kRight},
                   {"BYTES IN BASE", Align::kRight}});
  for (const format::TableMeta* meta : tables) {
    const auto of = in_base.find(meta->id);
    const bool is_known = of != in_base.end();
    table.AddRow({std::to_string(meta->id), PrintableBytes(meta->name),
                  std::string(TableKindName(meta->kind)), PrintableBytes(meta->key_codec),
                  PrintableBytes(meta->value_codec), DescribeSchema(meta->schema),
                  is_known && of->second.keys ? std::to_string(*of->second.keys) : "-",
                  is_known ? FormatBytes(of->second.bytes) : "-"});
  }
  return Section(console->style(), "tables", RenderToFit(std::move(table), console));
}

std::string Users(const CheckpointView& view, const format::FileMeta& file) {
  const std::vector<uint64_t> users = view.OtherUsers(file.id);
  return users.empty() ? "-" : FormatIds(users, kUsersShownMax);
}

std::string BaseFiles(const CheckpointView& view, Console* console) {
  const format::Base* const base = view.base();
  if (base == nullptr) return {};
  TextTable table({{"FILE"},
                   {"IN THE DATABASE", Align::kLeft, 2},
                   {"SIZE", Align::kRight},
                   {"XXH3-128", Align::kLeft, 3},
                   {"OTHER CHECKPOINTS", Align::kLeft, 1}});
  for (const format::BaseFile& file : base->files) {
    const format::FileMeta* const meta = view.File(file.file);
    if (meta == nullptr) continue;
    table.AddRow({meta->name, Printable(file.live_name), FormatBytes(meta->size),
                  meta->checksum.Hex(), Users(view, *meta)});
  }
  return Section(console->style(), "base at epoch " + std::to_string(base->at.epoch),
                 RenderToFit(std::move(table), console));
}

std::string Segments(const CheckpointView& view, Console* console) {
  const auto segments = view.Segments();
  if (segments.empty()) return {};
  TextTable table({{"EPOCHS", Align::kRight},
                   {"RECORDS", Align::kRight},
                   {"SIZE", Align::kRight},
                   {"FILE"},
                   {"XXH3-128", Align::kLeft, 2},
                   {"OTHER CHECKPOINTS", Align::kLeft, 1}});
  for (const format::FileMeta* segment : segments)
    table.AddRow({Epochs(segment->first_epoch, segment->last_epoch),
                  std::to_string(segment->records), FormatBytes(segment->size),
                  DescribePlace(*segment), segment->checksum.Hex(), Users(view, *segment)});
  return Section(console->style(), "segments", RenderToFit(std::move(table), console));
}

std::string ShownValue(const std::string& value) {
  if (value.size() <= kValueBytesShownMax) return PrintableBytes(value);
  return PrintableBytes(std::string_view(value).substr(0, kValueBytesShownMax)) + "... (" +
         std::to_string(value.size()) + " bytes; --json shows all)";
}

std::string MetadataLines(const CheckpointView& view, Console* console) {
  std::string lines;
  for (const auto& [key, value] : view.checkpoint().metadata)
    lines += "  " + PrintableBytes(key) + " = " + ShownValue(value) + "\n";
  return lines.empty() ? lines : Section(console->style(), "metadata", lines);
}

std::string LineageLines(const CheckpointView& view, Console* console) {
  TextTable table({{"ATTEMPT", Align::kRight}, {"WRITER"}, {"UP TO EPOCH", Align::kRight}});
  for (const format::LineageEntry& entry : view.Lineage())
    table.AddRow(
        {std::to_string(entry.attempt), entry.writer.Hex(), std::to_string(entry.last_epoch)});
  return table.empty()
             ? ""
             : Section(console->style(), "lineage", RenderToFit(std::move(table), console));
}

}  // namespace

std::string ShowAsText(const CheckpointView& view, const TablesInBase& in_base, int64_t now_ms,
                       Console* console) {
  return Summary(view, now_ms, console) + Tables(view, in_base, console) +
         BaseFiles(view, console) + Segments(view, console) + MetadataLines(view, console) +
         LineageLines(view, console);
}

}  // namespace tidemark::tools
