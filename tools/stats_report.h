// What `ckpt-inspect stats` counts, the figures that --fail-if knows, and how both are told.
#pragma once

#include "compaction/content_statistics.h"
#include "tools/opened_checkpoint.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark::tools {

struct CountedFile {
  uint32_t subtask = 0;
  format::FileMeta meta;
  std::vector<std::string> tables;  // that it holds something of; by name
};

struct Statistics {
  std::map<std::string, compaction::ContentStatistics> tables;  // all subtasks together
  std::vector<CountedFile> files;                               // of the checkpoint
  uint64_t repository_bytes = 0;  // of all files that the lists of these subtasks name
  uint64_t retained_records = 0;  // that the retained checkpoints of these subtasks have changed

  compaction::RecordSizes Live() const;
  compaction::RecordSizes Log() const;
  std::map<uint16_t, compaction::RecordSizes> Groups() const;
  uint64_t FileBytes() const;
  uint64_t LogFileBytes() const;
};
// Reads all of the checkpoint. Errors: as CountContent, with the subtask.
Result<Statistics> CountJob(const OpenedJob& job, size_t prefix_bytes, Console* console);

// One number, by its name in --fail-if and in JSON; unset where there is nothing to divide by.
struct Figure {
  std::string_view name;
  std::string_view meaning;
  std::optional<double> value;
  bool is_ratio = false;
};
std::vector<Figure> FiguresOf(const Statistics& statistics);
// `space_amplification  ...`, a line each.
std::string FigureHelp();

// `space_amplification>1.5`: > >= < or <=, and a number or an amount of bytes.
struct Condition {
  std::string text;
  std::string figure;
  bool above = false;
  bool or_equal = false;
  double bound = 0;

  bool Holds(double value) const;
};
// InvalidArgument (`fail-if`).
Result<Condition> ParseCondition(const std::string& text);

struct StatsRun {
  Statistics statistics;
  size_t prefix_bytes = 0;  // 0: prefixes were not asked for
  bool list_groups = false;
  bool list_files = false;
  std::vector<Condition> conditions;

  // Those that hold.
  std::vector<std::string> Failed() const;
  // Those of figures that are unset.
  std::vector<std::string> Unjudged() const;
};

// stats_text.cc
std::string StatsAsText(const OpenedJob& job, const StatsRun& run, const Style& style);
// stats_json.cc: the whole document.
void StatsAsJson(const OpenedJob& job, const StatsRun& run, std::string* out);

}  // namespace tidemark::tools
