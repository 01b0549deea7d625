#include "format/key.h"
#include "tools/text.h"
#include "tools/text_table.h"
#include "tools/values.h"
#include "tools/verify_report.h"

#include <algorithm>

namespace tidemark::tools {
namespace {

constexpr size_t kIdsShownMax = 12;

// Up to which level all of what it is made of is known: with a part of the files, none's contents
// are.
storage::VerifyLevel KnownLevel(const VerifyRun& run) {
  return run.subset.empty() ? run.level : storage::VerifyLevel::kManifest;
}

// What a result means depends on how deep the look was.
std::string DescribeResult(CheckpointResult result, storage::VerifyLevel level) {
  switch (result) {
    case CheckpointResult::kDamaged:
      return "damaged";
    case CheckpointResult::kIncomplete:
      return "not all could be read";
    case CheckpointResult::kGood:
      break;
  }
  switch (level) {
    case storage::VerifyLevel::kManifest:
      return "complete in the list";
    case storage::VerifyLevel::kFiles:
      return "sizes match";
    case storage::VerifyLevel::kChecksum:
      break;
  }
  return "intact";
}

std::string Checkpoints(const VerifyRun& run, const Style& style) {
  TextTable table({{"ID", Align::kRight},
                   {"SUBTASK", Align::kRight},
                   {"TIME"},
                   {"FILES", Align::kRight},
                   {"SIZE", Align::kRight},
                   {"RESULT"}});
  for (const SubtaskFindings& findings : run.subtasks)
    for (const CheckedCheckpoint& checkpoint : findings.checkpoints)
      table.AddRow({std::to_string(checkpoint.id), std::to_string(findings.subtask),
                    FormatTime(checkpoint.time_ms), std::to_string(checkpoint.files),
                    FormatBytes(checkpoint.bytes),
                    DescribeResult(checkpoint.result, KnownLevel(run)) +
                        (checkpoint.asked ? "" : " (looked at to find an intact one)")});
  return table.empty() ? "" : table.Render(style) + "\n";
}

std::string Ids(const std::vector<uint64_t>& ids) {
  return (ids.size() == 1 ? "checkpoint " : "checkpoints ") + FormatIds(ids, kIdsShownMax);
}

// `styled` is the name as it is shown, with or without colour.
std::string Fact(std::string_view name, const std::string& styled, const std::string& value) {
  return styled + std::string(9 - name.size(), ' ') + value + "\n";
}

std::string Fact(std::string_view name, const std::string& value) {
  return Fact(name, std::string(name), value);
}

std::string DescribeError(const Status& error) {
  return Printable(error.message()) + " (" + std::string(error.name()) + ")";
}

// What is lost with a file, as far as the list knows.
std::string DescribeContent(const format::FileMeta& file) {
  const auto range = [](std::string_view noun, uint64_t first, uint64_t last) {
    std::string text(noun);
    if (first == last) return text.append(" ").append(std::to_string(first));
    return text.append("s ").append(std::to_string(first) + " to " + std::to_string(last));
  };
  if (file.kind == format::FileKind::kBaseSst)
    return "it has base records of " + range("key group", file.first_group, file.last_group);
  if (file.kind == format::FileKind::kBaseMeta) return "without it the base cannot be opened";
  return "it has the " + Counted(file.records, "change") + " of " +
         range("epoch", file.first_epoch, file.last_epoch);
}

// Which keys of which tables, as far as that can be told.
std::string DescribeLost(const std::vector<LostKeys>& lost) {
  std::string text;
  for (const LostKeys& keys : lost) {
    const TableValues values(keys.table);
    std::string line = "of table " + Printable(keys.table.name);
    if (!keys.first.empty()) line += " from key " + values.KeyText(format::UserKey(keys.first));
    line += keys.last ? " to " + values.KeyText(format::UserKey(*keys.last)) : " on";
    // Each group has its own range, and they are ordered by it first.
    if (keys.table.kind != TableKind::kOrderedBytes && keys.last)
      line += ", in the order of key groups";
    text += Fact("", line);
  }
  return text;
}

std::string DescribeFinding(const Finding& finding, uint32_t subtask, const Style& style) {
  const bool proven = ExitCodeOf(finding.error) == ExitCode::kCorruption;
  const std::string_view name = proven ? "damage" : "unread";
  return Fact(name, proven ? style.Bad(name) : style.Warning(name), DescribeError(finding.error)) +
         (finding.meta ? Fact("", DescribeContent(*finding.meta)) : "") +
         DescribeLost(finding.lost) +
         Fact("", "affects " + Ids(finding.checkpoints) + " of subtask " + std::to_string(subtask));
}

std::string DamageOfList(const Subtask& subtask, const Style& style) {
  std::string text;
  for (const Status& damage : subtask.reading.damaged)
    text += Fact("damage", style.Bad("damage"), DescribeError(damage));
  if (!text.empty())
    text += Fact("", "affects all checkpoints of subtask " + std::to_string(subtask.number) +
                         " after manifest version " + std::to_string(subtask.manifest().version) +
                         ": they are not in the list");
  return text;
}

std::string CheckedLine(const VerifyRun& run) {
  const Amount checked = run.Checked();
  const Amount available = run.Available();
  const auto of = [](uint64_t part, uint64_t whole) {
    return std::to_string(part) + " of " + std::to_string(whole);
  };
  return Fact(
      "checked",
      of(checked.checkpoints, available.checkpoints) + " checkpoints; " +
          of(checked.files, available.files) +
          (run.level == storage::VerifyLevel::kFiles ? " files by name and size; " : " files; ") +
          FormatBytes(checked.bytes) + " of " + FormatBytes(available.bytes) + " read and hashed");
}

std::string WhatGoodMeans(const VerifyRun& run) {
  if (!run.subset.empty())
    return "no damage found in the part of the files that was checked (" + run.subset + ")";
  if (run.depth == VerifyDepth::kRead)
    return "intact: every byte is as the manifest says, and every record could be read";
  if (run.depth == VerifyDepth::kRestore)
    return "intact: every byte is as the manifest says, and what was restored is what is there";
  switch (run.level) {
    case storage::VerifyLevel::kManifest:
      return "no damage found in the list; the files were not looked at";
    case storage::VerifyLevel::kFiles:
      return "no damage found in the names and sizes of the files; their contents were not read" +
             std::string(
                 run.Checked().bytes == 0 ? "" : ", but for segments inlined in manifest versions");
    case storage::VerifyLevel::kChecksum:
      break;
  }
  return "intact: every byte that was checked is as the manifest says";
}

std::string NewestGood(const SubtaskFindings& findings, storage::VerifyLevel level) {
  if (!findings.newest_good) return "no intact checkpoint was found";
  const std::string id = std::to_string(*findings.newest_good);
  if (level == storage::VerifyLevel::kChecksum) return "the newest intact checkpoint is " + id;
  return "the newest checkpoint without findings is " + id + " (contents not read)";
}

// One line a subtask in which something is damaged.
std::string DamageVerdict(const Subtask& list, const SubtaskFindings& findings,
                          storage::VerifyLevel level, const Style& style) {
  if (!findings.damaged() && list.reading.damaged.empty()) return {};
  std::vector<uint64_t> affected;
  for (const Finding& finding : findings.findings)
    if (ExitCodeOf(finding.error) == ExitCode::kCorruption)
      affected.insert(affected.end(), finding.checkpoints.begin(), finding.checkpoints.end());
  std::sort(affected.begin(), affected.end());
  affected.erase(std::unique(affected.begin(), affected.end()), affected.end());
  const std::string what = affected.empty() ? "its list of checkpoints is damaged"
                                            : Ids(affected) + " cannot be restored";
  return Fact("verdict", style.Bad("verdict"),
              "damaged: subtask " + std::to_string(findings.subtask) + ": " + what + "; " +
                  NewestGood(findings, level));
}

std::string Verdict(const Catalog& catalog, const VerifyRun& run, ExitCode outcome,
                    const Style& style) {
  if (outcome == ExitCode::kOk) return Fact("verdict", style.Good("verdict"), WhatGoodMeans(run));
  std::string lines;
  for (const SubtaskFindings& findings : run.subtasks)
    for (const Subtask& subtask : catalog.subtasks)
      if (subtask.number == findings.subtask)
        lines += DamageVerdict(subtask, findings, KnownLevel(run), style);
  const auto any_proven = [](const std::vector<Status>& errors) {
    return std::any_of(errors.begin(), errors.end(), [](const Status& error) {
      return ExitCodeOf(error) == ExitCode::kCorruption;
    });
  };
  if (any_proven(run.pins))
    lines += Fact("verdict", style.Bad("verdict"),
                  "damaged: of " + Counted(run.pins.size(), "pin") +
                      " nobody can tell what is kept; see `ckpt-inspect explain " +
                      std::string(run.pins.front().name()) + "`");
  if (any_proven(run.pinned_files))
    lines += Fact("verdict", style.Bad("verdict"),
                  "damaged: of what only pins keep " + Counted(run.pinned_files.size(), "file") +
                      " is not as it was; no other checkpoint needs it");
  if (!lines.empty()) return lines;
  return Fact("verdict", std::string(VerdictOf(run, outcome)));
}

}  // namespace

std::string VerifyAsText(const Catalog& catalog, const VerifyRun& run, ExitCode outcome,
                         const Style& style) {
  std::string text = Checkpoints(run, style);
  for (const Subtask& subtask : catalog.subtasks) text += DamageOfList(subtask, style);
  for (const SubtaskFindings& findings : run.subtasks)
    for (const Finding& finding : findings.findings)
      text += DescribeFinding(finding, findings.subtask, style);
  return text + CheckedLine(run) + Verdict(catalog, run, outcome, style);
}

}  // namespace tidemark::tools
