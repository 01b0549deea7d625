#include "bench/comparison.h"

#include "bench/engine.h"
#include "bench/spread.h"

#include <algorithm>
#include <cstdio>
#include <optional>
#include <string_view>
#include <utility>

namespace tidemark::bench {
namespace {

constexpr std::string_view kHash = "result_hash";

struct Line {
  const char* counter;
  Better better;
};
// What a table shows, in this order. All counters are in the results file.
constexpr Line kLines[] = {
    {"sustained_ops_s", Better::kHigher},
    {"burst_ops_s", Better::kHigher},
    {"ns_per_row", Better::kLower},
    {"burst_ns_per_row", Better::kLower},
    {"cpu_s_per_mop", Better::kLower},
    {"barrier_p50_us", Better::kLower},
    {"barrier_p99_us", Better::kLower},
    {"barrier_p999_us", Better::kLower},
    {"barrier_max_us", Better::kLower},
    {"durable_p50_ms", Better::kLower},
    {"durable_p99_ms", Better::kLower},
    {"floor_p50_ms", Better::kLower},
    {"durable_over_floor", Better::kLower},
    {"sort_p50_ms", Better::kLower},
    {"encode_p50_ms", Better::kLower},
    {"write_p50_ms", Better::kLower},
    {"durable_over_max_part", Better::kLower},
    {"op_p50_us", Better::kLower},
    {"op_p99_us", Better::kLower},
    {"op_p999_us", Better::kLower},
    {"op_p9999_us", Better::kLower},
    {"op_max_us", Better::kLower},
    {"ops_over_1ms", Better::kLower},
    {"ops_over_5ms", Better::kLower},
    {"ops_over_50ms", Better::kLower},
    {"stall_s", Better::kLower},
    {"read_ns", Better::kLower},
    {"copied_value_bytes", Better::kLower},
    {"net_change_bytes", Better::kLower},
    {"log_bytes", Better::kLower},
    {"ratio", Better::kLower},
    {"encode_mb_s", Better::kHigher},
    {"full_dump_bytes", Better::kLower},
    {"fewer_than_dump", Better::kHigher},
    {"published_bytes", Better::kLower},
    {"written_bytes", Better::kLower},
    {"write_amplification", Better::kLower},
    {"retained_bytes", Better::kLower},
    {"live_bytes", Better::kLower},
    {"space_amplification", Better::kLower},
    {"space_amplification_max", Better::kLower},
    {"space_amplification_undrained_max", Better::kLower},
    {"files", Better::kLower},
    {"segments", Better::kLower},
    {"segments_max", Better::kLower},
    {"bases", Better::kLower},
    {"base_published_fraction_mean", Better::kLower},
    {"base_published_fraction_max", Better::kLower},
    {"checkpoints_retained", Better::kLower},
    {"bytes_per_commit", Better::kLower},
    {"inlined_bytes_per_commit", Better::kLower},
    {"restore_p50_s", Better::kLower},
    {"restore_s", Better::kLower},
    {"restore_full_p50_s", Better::kLower},
    {"restore_full_s", Better::kLower},
    {"link_and_open_p50_s", Better::kLower},
    {"copy_p50_s", Better::kLower},
    {"copy_full_p50_s", Better::kLower},
    {"cp_p50_s", Better::kLower},
    {"cp_synced_p50_s", Better::kLower},
    {"copy_over_cp", Better::kLower},
    {"copy_over_cp_synced", Better::kLower},
    {"reload_s", Better::kLower},
    {"replayed_records", Better::kLower},
    {"replay_us_per_record", Better::kLower},
    {"peak_rss_bytes", Better::kLower},
    {"budget_bytes", Better::kLower},
};

// The longest of these names.
constexpr int kLabelWidth = 33;

void PrintColumns(std::ostream& out, int label_width, std::string_view label, std::string_view ours,
                  std::string_view theirs, std::string_view ratio, std::string_view verdict) {
  char line[256];
  std::snprintf(line, sizeof(line), "  %-*.*s %-28.*s %-28.*s %-24.*s %.*s", label_width,
                static_cast<int>(label.size()), label.data(), static_cast<int>(ours.size()),
                ours.data(), static_cast<int>(theirs.size()), theirs.data(),
                static_cast<int>(ratio.size()), ratio.data(), static_cast<int>(verdict.size()),
                verdict.data());
  std::string_view text(line);
  out << text.substr(0, text.find_last_not_of(' ') + 1) << '\n';
}

void PrintLine(std::ostream& out, int label_width, std::string_view label, Better better,
               const std::vector<double>* ours, const std::vector<double>* theirs) {
  const std::string our_text = ours ? Text(SpreadOf(*ours)) : "-";
  const std::string their_text = theirs ? Text(SpreadOf(*theirs)) : "-";
  if (!ours || !theirs) {
    PrintColumns(out, label_width, label, our_text, their_text, "", "");
    return;
  }
  const Spread us = SpreadOf(*ours);
  const Spread them = SpreadOf(*theirs);
  PrintColumns(out, label_width, label, our_text, their_text, RatioText(RatioOf(us, them)),
               Verdict(us, them, better));
}

template <class Map>
const typename Map::mapped_type* FindOrNull(const Map& map, const char* key) {
  const auto found = map.find(key);
  return found == map.end() ? nullptr : &found->second;
}

}  // namespace

Comparison::Comparison(const std::vector<Row>& rows) {
  for (const Row& row : rows) GroupOf(row);
}

Comparison::Group& Comparison::GroupOf(const Row& row) {
  for (Group& group : groups_) {
    if (group.workload == row.workload && group.variant == row.variant) return group;
  }
  return groups_.emplace_back(Group{row.workload, row.variant, {}});
}

void Comparison::Add(const Row& row, const Counters& counters) {
  Group& group = GroupOf(row);
  auto engine = std::find_if(group.engines.begin(), group.engines.end(),
                             [&](const auto& entry) { return entry.first == row.engine; });
  if (engine == group.engines.end()) {
    engine = group.engines.insert(engine, {row.engine, {}});
  }
  for (const auto& [name, value] : counters) engine->second[name].push_back(value);
}

std::vector<std::string> Comparison::DifferingHashes() const {
  std::vector<std::string> differing;
  for (const Group& group : groups_) {
    std::optional<double> expected;
    for (const auto& [engine, samples] : group.engines) {
      const std::vector<double>* hashes = FindOrNull(samples, kHash.data());
      if (!hashes) continue;
      if (!expected) expected = hashes->front();
      if (std::any_of(hashes->begin(), hashes->end(),
                      [&](double hash) { return hash != *expected; })) {
        differing.push_back(Row{group.workload, engine, group.variant, /*run=*/{}}.name());
      }
    }
  }
  return differing;
}

const Comparison::Samples* Comparison::Find(const Group& group, std::string_view engine) {
  for (const auto& [name, samples] : group.engines) {
    if (name == engine) return &samples;
  }
  return nullptr;
}

std::string Comparison::TitleOf(const Group& group) {
  return group.variant.empty() ? group.workload : group.workload + ' ' + group.variant;
}

void Comparison::PrintPair(const Group& group, std::string_view ours, std::string_view theirs,
                           std::ostream& out) {
  const Samples* our_samples = Find(group, ours);
  const Samples* their_samples = Find(group, theirs);
  if (!our_samples || !their_samples) return;
  out << '\n' << TitleOf(group) << '\n';
  PrintColumns(out, kLabelWidth, "median (range)", ours, theirs, "ratio", "");
  for (const Line& line : kLines) {
    const auto* ours_of_line = FindOrNull(*our_samples, line.counter);
    const auto* theirs_of_line = FindOrNull(*their_samples, line.counter);
    if (!ours_of_line && !theirs_of_line) continue;
    PrintLine(out, kLabelWidth, line.counter, line.better, ours_of_line, theirs_of_line);
  }
}

void Comparison::PrintAlone(const Group& group, std::ostream& out) {
  const auto& [engine, samples] = group.engines.front();
  out << '\n' << TitleOf(group) << '\n';
  PrintColumns(out, kLabelWidth, "median (range)", engine, "", "", "");
  for (const Line& line : kLines) {
    const auto* of_line = FindOrNull(samples, line.counter);
    if (of_line) PrintColumns(out, kLabelWidth, line.counter, Text(SpreadOf(*of_line)), "", "", "");
  }
}

void Comparison::PrintSummary(std::string_view ours, std::string_view theirs,
                              std::ostream& out) const {
  constexpr const Line& kLine = kLines[0];
  constexpr int kWidth = 33;
  bool has_head = false;
  for (const Group& group : groups_) {
    const Samples* our_samples = Find(group, ours);
    const Samples* their_samples = Find(group, theirs);
    if (!our_samples || !their_samples) continue;
    if (!std::exchange(has_head, true)) {
      out << "\nall rows: " << kLine.counter << '\n';
      PrintColumns(out, kWidth, "median (range)", ours, theirs, "ratio", "");
    }
    PrintLine(out, kWidth, TitleOf(group), kLine.better, FindOrNull(*our_samples, kLine.counter),
              FindOrNull(*their_samples, kLine.counter));
  }
}

std::vector<RatioLine> Comparison::Ratios() const {
  std::vector<RatioLine> lines;
  const std::vector<std::string> peers = Peers();
  for (const Group& group : groups_) {
    const Samples* our_samples = Find(group, kEngines[0].name);
    if (!our_samples) continue;
    for (const std::string& peer : peers) {
      const Samples* their_samples = Find(group, peer);
      if (!their_samples) continue;
      const auto* ours = FindOrNull(*our_samples, kLines[0].counter);
      const auto* theirs = FindOrNull(*their_samples, kLines[0].counter);
      if (!ours || !theirs) continue;
      const Spread us = SpreadOf(*ours);
      const Spread them = SpreadOf(*theirs);
      lines.push_back(
          {TitleOf(group), peer, RatioOf(us, them), Verdict(us, them, kLines[0].better)});
    }
  }
  return lines;
}

std::vector<std::string> Comparison::Peers() const {
  std::vector<std::string> peers;
  for (const EngineKind& kind : kEngines) peers.emplace_back(kind.name);
  for (const Group& group : groups_) {
    for (const auto& [engine, samples] : group.engines) {
      if (std::find(peers.begin(), peers.end(), engine) == peers.end()) peers.push_back(engine);
    }
  }
  peers.erase(peers.begin());
  return peers;
}

void Comparison::Print(std::ostream& out) const {
  const std::vector<std::string> peers = Peers();
  for (const Group& group : groups_) {
    if (group.engines.size() == 1) PrintAlone(group, out);
    for (const std::string& peer : peers) PrintPair(group, kEngines[0].name, peer, out);
  }
  for (const std::string& peer : peers) PrintSummary(kEngines[0].name, peer, out);
}

}  // namespace tidemark::bench
