#include "tools/stats_report.h"

#include "tools/progress.h"
#include "tools/quantity.h"

#include <algorithm>
#include <charconv>

namespace tidemark::tools {
namespace {

using compaction::RecordSizes;

bool IsLog(const format::FileMeta& file) {
  return file.kind == format::FileKind::kSegment || file.kind == format::FileKind::kInlined;
}

std::optional<double> Ratio(uint64_t a, uint64_t b) {
  if (b == 0) return std::nullopt;
  return static_cast<double>(a) / static_cast<double>(b);
}

std::vector<std::string> TablesIn(const OpenedCheckpoint& opened, uint64_t file) {
  std::vector<std::string> names;
  const auto& segments = opened.reader().files().segments();
  const auto segment = std::find_if(segments.begin(), segments.end(),
                                    [&](const auto& one) { return one.file == file; });
  for (const format::TableMeta* table : opened.Tables()) {
    const bool is_there =
        segment == segments.end()
            ? opened.reader().files().BaseFilesOf(table->id).contains(file)
            : std::ranges::binary_search(segment->reader->header().tables, table->id);
    if (is_there) names.push_back(table->name);
  }
  return names;
}

void CountFiles(const OpenedCheckpoint& opened, Statistics* statistics) {
  for (const auto& [id, file] : opened.list().files)
    statistics->files.push_back({opened.subtask(), file, TablesIn(opened, id)});
}

Result<double> ParseBound(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size()) return number;
  TIDEMARK_ASSIGN_OR_RETURN(const uint64_t bytes, ParseBytes(text));
  return static_cast<double>(bytes);
}

std::string_view Trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

// The conditions that `takes` says yes to, as they were given.
template <class F>
std::vector<std::string> Select(const StatsRun& run, F&& takes) {
  const std::vector<Figure> figures = FiguresOf(run.statistics);
  std::vector<std::string> selected;
  for (const Condition& condition : run.conditions)
    for (const Figure& figure : figures)
      if (figure.name == condition.figure && takes(condition, figure.value))
        selected.push_back(condition.text);
  return selected;
}

}  // namespace

RecordSizes Statistics::Live() const {
  RecordSizes all;
  for (const auto& [name, table] : tables) all += table.live;
  return all;
}

RecordSizes Statistics::Log() const {
  RecordSizes all;
  for (const auto& [name, table] : tables) all += table.log;
  return all;
}

std::map<uint16_t, RecordSizes> Statistics::Groups() const {
  std::map<uint16_t, RecordSizes> all;
  for (const auto& [name, table] : tables)
    for (const auto& [group, sizes] : table.by_group) all[group] += sizes;
  return all;
}

uint64_t Statistics::FileBytes() const {
  uint64_t bytes = 0;
  for (const CountedFile& file : files) bytes += file.meta.size;
  return bytes;
}

uint64_t Statistics::LogFileBytes() const {
  uint64_t bytes = 0;
  for (const CountedFile& file : files) bytes += IsLog(file.meta) ? file.meta.size : 0;
  return bytes;
}

Result<Statistics> CountJob(const OpenedJob& job, size_t prefix_bytes, Console* console) {
  Progress progress(console, "stats", ProgressUnit::kRecords, job.EstimateRecords());
  Statistics statistics;
  for (const auto& opened : job.subtasks) {
    for (const format::TableMeta* table : opened->Tables())
      TIDEMARK_RETURN_IF_ERROR(compaction::CountContent(opened->reader(), *table, prefix_bytes,
                                                        &statistics.tables[table->name],
                                                        [&] { progress.AddRecord(); })
                                   .WithContext("subtask " + std::to_string(opened->subtask())));
    CountFiles(*opened, &statistics);
  }
  for (const Subtask& subtask : job.catalog.subtasks) {
    for (const auto& [id, file] : subtask.manifest().files)
      statistics.repository_bytes += file.size;
    for (const format::Checkpoint& one : subtask.manifest().checkpoints)
      statistics.retained_records += one.records;
  }
  return statistics;
}

std::vector<Figure> FiguresOf(const Statistics& statistics) {
  const RecordSizes live = statistics.Live();
  const uint64_t bytes = statistics.FileBytes();
  const auto count = [](uint64_t value) { return static_cast<double>(value); };
  return {
      {"space_amplification", "bytes of the checkpoint's files for a live byte of keys and values",
       Ratio(bytes, live.bytes()), true},
      {"repository_amplification", "the same of all files that retained checkpoints name",
       Ratio(statistics.repository_bytes, live.bytes()), true},
      {"log_share", "part of the checkpoint's bytes that is log, and replayed by a restore",
       Ratio(statistics.LogFileBytes(), bytes), true},
      {"churn", "keys changed by the retained checkpoints for a live key",
       Ratio(statistics.retained_records, live.records), true},
      {"keys", "live keys", count(live.records)},
      {"live_bytes", "their keys and values", count(live.bytes())},
      {"log_records", "changes that a restore replays", count(statistics.Log().records)},
      {"checkpoint_bytes", "files of the checkpoint", count(bytes)},
      {"repository_bytes", "files of all retained checkpoints", count(statistics.repository_bytes)},
  };
}

std::string FigureHelp() {
  std::string help;
  for (const Figure& figure : FiguresOf({}))
    help.append("  ")
        .append(figure.name)
        .append(26 - figure.name.size(), ' ')
        .append(figure.meaning)
        .append("\n");
  return help;
}

bool Condition::Holds(double value) const {
  if (or_equal && value == bound) return true;
  return above ? value > bound : value < bound;
}

Result<Condition> ParseCondition(const std::string& text) {
  const auto wrong = [&](const std::string& why) {
    return Status(StatusCode::kInvalidArgument, "fail-if",
                  "`" + text + "` is no condition: " + why +
                      "; expected one like space_amplification>1.5 or live_bytes>=20GiB");
  };
  const size_t at = text.find_first_of("<>");
  if (at == std::string::npos) return wrong("it has neither < nor >");
  Condition condition{.text = text, .figure = std::string(Trimmed(text.substr(0, at)))};
  condition.above = text[at] == '>';
  condition.or_equal = text.substr(at + 1).starts_with('=');
  const std::string rest = text.substr(at + (condition.or_equal ? 2 : 1));
  const Result<double> bound = ParseBound(Trimmed(rest));
  if (!bound) return wrong("`" + rest + "` is neither a number nor an amount of bytes");
  condition.bound = *bound;
  std::string names;
  for (const Figure& figure : FiguresOf({})) {
    if (figure.name == condition.figure) return condition;
    names.append(names.empty() ? "" : ", ").append(figure.name);
  }
  return wrong("there is no figure `" + condition.figure + "`, there are " + names);
}

std::vector<std::string> StatsRun::Failed() const {
  return Select(*this, [](const Condition& condition, const std::optional<double>& value) {
    return value && condition.Holds(*value);
  });
}

std::vector<std::string> StatsRun::Unjudged() const {
  return Select(*this, [](const Condition&, const std::optional<double>& value) { return !value; });
}

}  // namespace tidemark::tools
