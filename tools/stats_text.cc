#include "tools/file_users.h"
#include "tools/stats_report.h"
#include "tools/text.h"
#include "tools/text_table.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace tidemark::tools {
namespace {

using compaction::RecordSizes;

constexpr size_t kPrefixesShownMax = 20;

std::string Decimal(double value) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.2f", value);
  return text.data();
}

std::string Section(std::string_view title, const TextTable& table, const Style& style) {
  return table.empty() ? "" : "\n" + style.Bold(title) + "\n" + table.Render(style);
}

std::string Fact(std::string_view name, const std::string& value) {
  std::string line = "  ";
  return line.append(name).append(26 - name.size(), ' ').append(value).append("\n");
}

std::string Figures(const Statistics& statistics) {
  std::string lines;
  for (const Figure& figure : FiguresOf(statistics)) {
    const bool is_bytes = figure.name.ends_with("_bytes");
    const auto whole = static_cast<uint64_t>(figure.value.value_or(0));
    lines += Fact(figure.name, !figure.value     ? "-"
                               : figure.is_ratio ? Decimal(*figure.value)
                               : is_bytes        ? FormatBytes(whole)
                                                 : std::to_string(whole));
  }
  return lines;
}

std::string Tables(const Statistics& statistics, const Style& style) {
  TextTable table({{"TABLE"},
                   {"KEYS", Align::kRight},
                   {"KEY BYTES", Align::kRight},
                   {"VALUE BYTES", Align::kRight},
                   {"LOG RECORDS", Align::kRight},
                   {"LOG BYTES", Align::kRight}});
  for (const auto& [name, one] : statistics.tables)
    table.AddRow({PrintableBytes(name), std::to_string(one.live.records),
                  FormatBytes(one.live.key_bytes), FormatBytes(one.live.value_bytes),
                  std::to_string(one.log.records), FormatBytes(one.log.bytes())});
  return Section("tables", table, style);
}

std::string Groups(const Statistics& statistics, bool all, const Style& style) {
  const auto groups = statistics.Groups();
  if (groups.empty()) return {};
  if (!all) {
    const auto largest = std::max_element(
        groups.begin(), groups.end(),
        [](const auto& a, const auto& b) { return a.second.bytes() < b.second.bytes(); });
    const double mean = static_cast<double>(statistics.Live().bytes()) / groups.size();
    return "\n" + style.Bold("key groups") + "\n  " + Counted(groups.size(), "group") +
           " with keys; the largest is " + std::to_string(largest->first) + " with " +
           Counted(largest->second.records, "key") + ", " + FormatBytes(largest->second.bytes()) +
           (mean > 0 ? ", " + Decimal(largest->second.bytes() / mean) + " times the mean" : "") +
           "\n";
  }
  TextTable table({{"GROUP", Align::kRight},
                   {"KEYS", Align::kRight},
                   {"KEY BYTES", Align::kRight},
                   {"VALUE BYTES", Align::kRight}});
  for (const auto& [group, sizes] : groups)
    table.AddRow({std::to_string(group), std::to_string(sizes.records),
                  FormatBytes(sizes.key_bytes), FormatBytes(sizes.value_bytes)});
  return Section("key groups", table, style);
}

struct Prefix {
  std::string_view table;
  std::string text;
  RecordSizes sizes;
};

std::string Prefixes(const Statistics& statistics, const Style& style) {
  std::vector<Prefix> prefixes;
  RecordSizes others;
  for (const auto& [name, table] : statistics.tables) {
    for (const auto& [prefix, sizes] : table.by_prefix)
      prefixes.push_back({name, PrintableBytes(prefix), sizes});
    others += table.other_prefixes;
  }
  std::stable_sort(prefixes.begin(), prefixes.end(), [](const Prefix& a, const Prefix& b) {
    return a.sizes.bytes() > b.sizes.bytes();
  });
  TextTable table({{"TABLE"},
                   {"PREFIX"},
                   {"KEYS", Align::kRight},
                   {"KEY BYTES", Align::kRight},
                   {"VALUE BYTES", Align::kRight}});
  const auto add = [&](std::string_view name, std::string text, const RecordSizes& sizes) {
    table.AddRow({PrintableBytes(name), std::move(text), std::to_string(sizes.records),
                  FormatBytes(sizes.key_bytes), FormatBytes(sizes.value_bytes)});
  };
  for (size_t i = 0; i < prefixes.size(); ++i) {
    if (i < kPrefixesShownMax)
      add(prefixes[i].table, prefixes[i].text, prefixes[i].sizes);
    else
      others += prefixes[i].sizes;
  }
  if (others.records > 0) add("(others)", "", others);
  return Section("prefixes, largest first", table, style);
}

std::string Files(const Statistics& statistics, const Style& style) {
  TextTable table({{"SUBTASK", Align::kRight}, {"SIZE", Align::kRight}, {"FILE"}, {"TABLES"}});
  for (const CountedFile& file : statistics.files) {
    std::string names;
    for (const std::string& name : file.tables)
      names.append(names.empty() ? "" : ", ").append(PrintableBytes(name));
    table.AddRow({std::to_string(file.subtask), FormatBytes(file.meta.size),
                  DescribePlace(file.meta), names.empty() ? "-" : names});
  }
  return Section("files", table, style);
}

}  // namespace

std::string StatsAsText(const OpenedJob& job, const StatsRun& run, const Style& style) {
  const Statistics& statistics = run.statistics;
  std::string text =
      style.Bold("checkpoint " + std::to_string(job.subtasks.front()->checkpoint().id)) + " of " +
      Counted(job.subtasks.size(), "subtask") + "\n" + Figures(statistics) +
      Tables(statistics, style) + Groups(statistics, run.list_groups, style);
  if (run.prefix_bytes > 0) text += Prefixes(statistics, style);
  if (run.list_files) text += Files(statistics, style);
  for (const std::string& failed : run.Failed()) text += style.Bad("FAILED") + "  " + failed + "\n";
  return text;
}

}  // namespace tidemark::tools
