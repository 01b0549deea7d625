// ckpt-inspect report: one HTML file about a repository, to be sent around and looked at offline.
#include "tools/checkpoint_view.h"
#include "tools/command.h"
#include "tools/document.h"
#include "tools/file_users.h"
#include "tools/html.h"
#include "tools/list_report.h"
#include "tools/opened_checkpoint.h"
#include "tools/text.h"
#include "tools/verification.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <memory>
#include <set>

namespace tidemark::tools {
namespace {

// Pictures show so many of the newest checkpoints, and the largest files.
constexpr size_t kBarsMax = 120;
constexpr size_t kRowsMax = 30;
constexpr size_t kColumnsMax = 60;

struct ReportArguments : CommonArguments {
  std::string output;
  std::string level = "files";
};

constexpr const char* kExamples =
    "The file needs no network and no script. It shows sizes and durations over time, which "
    "checkpoint is made of which files, what the log behind the newest base has changed by table, "
    "and what a verification finds that is run for it (--level).\n\n"
    "Examples:\n"
    "  ckpt-inspect report /mnt/checkpoints/job -o report.html\n"
    "  ckpt-inspect report /mnt/checkpoints/job -o report.html --level checksum\n";

std::string BytesOf(double bytes) { return FormatBytes(static_cast<uint64_t>(bytes)); }
std::string DurationOf(double ns) { return FormatDuration(static_cast<uint64_t>(ns)); }

std::string Heading(std::string_view text) { return "<h2>" + EscapeHtml(text) + "</h2>\n"; }
std::string Paragraph(std::string_view text, std::string_view style = "soft") {
  return "<p class=\"" + std::string(style) + "\">" + EscapeHtml(text) + "</p>\n";
}

// The newest ones.
std::vector<const format::Checkpoint*> Newest(const format::Manifest& list, size_t count) {
  std::vector<const format::Checkpoint*> newest;
  for (const format::Checkpoint& checkpoint : list.checkpoints) newest.push_back(&checkpoint);
  if (newest.size() > count) newest.erase(newest.begin(), newest.end() - static_cast<long>(count));
  return newest;
}

template <class Value>
std::string BarsOf(std::string_view caption, const format::Manifest& list,
                   std::string (*unit)(double), Value&& value) {
  std::vector<Bar> bars;
  for (const format::Checkpoint* checkpoint : Newest(list, kBarsMax)) {
    const double height = static_cast<double>(value(*checkpoint));
    bars.push_back({"checkpoint " + std::to_string(checkpoint->id) + ", " +
                        FormatTime(checkpoint->time_ms) + ": " + unit(height),
                    height});
  }
  return DrawBars(caption, bars, unit);
}

std::string FilesOverCheckpoints(const format::Manifest& list) {
  const auto newest = Newest(list, kRowsMax);
  std::set<uint64_t> used;
  for (const format::Checkpoint* checkpoint : newest)
    for (const uint64_t file : FilesOf(list, *checkpoint)) used.insert(file);
  std::vector<const format::FileMeta*> files;
  for (const uint64_t id : used)
    if (const auto file = list.files.find(id); file != list.files.end())
      files.push_back(&file->second);
  const bool is_cut = files.size() > kColumnsMax;
  if (is_cut) {
    std::stable_sort(files.begin(), files.end(),
                     [](const auto* a, const auto* b) { return a->size > b->size; });
    files.resize(kColumnsMax);
    std::sort(files.begin(), files.end(),
              [](const auto* a, const auto* b) { return a->id < b->id; });
  }
  Grid grid;
  for (const format::FileMeta* file : files)
    grid.columns.push_back(DescribePlace(*file) + ", " + FormatBytes(file->size));
  for (const format::Checkpoint* checkpoint : newest) {
    const std::set<uint64_t> of = FilesOf(list, *checkpoint);
    grid.rows.push_back(std::to_string(checkpoint->id));
    grid.filled.emplace_back();
    for (const format::FileMeta* file : files) grid.filled.back().push_back(of.contains(file->id));
  }
  return DrawGrid("Checkpoints (rows) and the files that they are made of (columns, oldest first" +
                      std::string(is_cut ? "; the largest " + std::to_string(kColumnsMax) : "") +
                      ")",
                  grid);
}

struct Churn {
  uint64_t records = 0;
  uint64_t bytes = 0;
};

// What the segments of the newest checkpoint hold, by table.
Result<std::string> ChurnByTable(const Catalog& catalog, const Subtask& subtask) {
  TIDEMARK_ASSIGN_OR_RETURN(const auto scratch, Scratch::Make());
  TIDEMARK_ASSIGN_OR_RETURN(const Target target,
                            FindTarget(catalog, subtask, {"latest", FromLatest{}}));
  TIDEMARK_ASSIGN_OR_RETURN(const auto opened,
                            OpenedCheckpoint::Open(catalog, target, scratch.get()));
  std::vector<std::vector<std::string>> rows;
  for (const format::TableMeta* table : opened->Tables()) {
    Churn churn;
    for (const auto& segment : opened->reader().files().segments()) {
      const auto records = segment.reader->Records(table->id);
      while (true) {
        TIDEMARK_ASSIGN_OR_RETURN(const bool more, records->Next());
        if (!more) break;
        ++churn.records;
        churn.bytes += records->record().key.size() + records->record().value.size();
      }
    }
    rows.push_back({table->name, std::string(TableKindName(table->kind)),
                    std::to_string(churn.records), FormatBytes(churn.bytes)});
  }
  if (rows.empty()) return Paragraph("It has no tables.");
  return HtmlTable({"Table", "Kind", ">Records in the log", ">Bytes"}, rows);
}

std::string Verified(const Catalog& catalog, Subtask* subtask, storage::VerifyLevel level,
                     const std::string& level_name, ExitCode* outcome) {
  const SubtaskFindings found = Verification(catalog, subtask, level, [](const Amount&) {}).Run({});
  std::string html;
  const std::string what = "Level " + level_name + ": " + std::to_string(found.checked.files) +
                           " of " + std::to_string(found.available.files) + " files, " +
                           FormatBytes(found.checked.bytes) + " read and hashed.";
  if (found.damaged()) {
    *outcome = Worse(*outcome, ExitCode::kCorruption);
    html += Paragraph("Damaged. " + what +
                          (found.newest_good ? " The newest intact checkpoint is " +
                                                   std::to_string(*found.newest_good) + "."
                                             : ""),
                      "bad");
  } else if (!found.findings.empty() || !found.unanswered.empty()) {
    *outcome = Worse(*outcome, ExitCode::kIncomplete);
    html += Paragraph("Incomplete. " + what, "bad");
  } else {
    html += Paragraph("Nothing is wrong with what was checked. " + what, "good");
  }
  std::vector<std::vector<std::string>> rows;
  for (const Finding& finding : found.findings)
    rows.push_back({std::string(finding.error.name()), finding.file,
                    FormatIds(finding.checkpoints, 8), std::string(finding.error.message())});
  return rows.empty() ? html : html + HtmlTable({"Finding", "File", "Checkpoints", ""}, rows);
}

std::string Tables(const Listing& listing, const Subtask& subtask) {
  std::vector<std::vector<std::string>> rows;
  const int64_t now_ms = NowMs();
  for (const ListedCheckpoint& one : listing.checkpoints) {
    if (&one.list != &subtask.manifest()) continue;
    std::string pins;
    for (const std::string& pin : one.pins) pins.append(pins.empty() ? "" : ", ").append(pin);
    rows.push_back(
        {std::to_string(one.checkpoint.id), FormatTime(one.checkpoint.time_ms),
         FormatAge(one.checkpoint.time_ms, now_ms), std::to_string(one.checkpoint.records),
         FormatBytes(one.checkpoint.net_change_bytes), FormatBytes(one.checkpoint.log_bytes),
         one.freed_bytes ? FormatBytes(*one.freed_bytes) : "?", pins});
  }
  std::reverse(rows.begin(), rows.end());
  if (rows.size() > kRowsMax) rows.resize(kRowsMax);
  return HtmlTable({">Checkpoint", "Time", ">Age", ">Keys", ">Logical", ">Added", ">Freed", "Pins"},
                   rows);
}

std::string Section(const Catalog& catalog, const Listing& listing, Subtask* subtask,
                    const ReportArguments& arguments, storage::VerifyLevel level, Console* console,
                    ExitCode* outcome) {
  const format::Manifest& list = subtask->manifest();
  std::string html = Heading("Subtask " + std::to_string(subtask->number));
  html += Paragraph(Counted(list.checkpoints.size(), "checkpoint") + ", " +
                    DescribeWriter(subtask->writer) + ", manifest version " +
                    std::to_string(list.version) +
                    (list.checkpoints.size() > kRowsMax ? ". The newest are shown." : "."));
  if (list.checkpoints.empty()) return html;
  html += Tables(listing, *subtask);
  html += BarsOf("Bytes that each checkpoint added to the log", list, BytesOf,
                 [](const format::Checkpoint& one) { return one.log_bytes; });
  html += BarsOf("From barrier to durable", list, DurationOf,
                 [](const format::Checkpoint& one) { return one.durable_ns; });
  html += FilesOverCheckpoints(list);
  html += "<h3>Changes by table, behind the newest base</h3>\n";
  const auto churn = ChurnByTable(catalog, *subtask);
  if (churn) {
    html += *churn;
  } else {
    html += Paragraph("Could not be read: " + std::string(churn.error().message()), "bad");
    *outcome = Worse(*outcome, console->Report(churn.error()));
  }
  html += "<h3>Verification</h3>\n";
  return html + Verified(catalog, subtask, level, arguments.level, outcome);
}

ExitCode WriteFile(const std::string& path, const std::string& content, Console* console) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << content;
  file.close();
  if (file) return ExitCode::kOk;
  return console->Report(Status(StatusCode::kUnavailable, "output", "cannot write " + path));
}

ExitCode RunReport(const ReportArguments& arguments, Console* console) {
  const std::map<std::string, storage::VerifyLevel> levels{
      {"manifest", storage::VerifyLevel::kManifest},
      {"files", storage::VerifyLevel::kFiles},
      {"checksum", storage::VerifyLevel::kChecksum}};
  Result<Catalog> catalog = ReadCatalog(arguments.repository, arguments.subtask);
  if (!catalog) return console->Report(catalog.error());
  ExitCode outcome =
      ReportTrouble(*catalog, arguments.subtask.has_value(), /*needs_all=*/true, console);
  const auto listing = MakeListing(*catalog);
  std::string body = "<h1>" + EscapeHtml(catalog->storage->Uri()) + "</h1>\n" +
                     Paragraph("Repository " + catalog->info.id.Hex() + ", looked at " +
                               FormatTime(NowMs()) + ".");
  if (catalog->subtasks.empty()) body += Paragraph("Nothing was ever checkpointed here.");
  for (Subtask& subtask : catalog->subtasks) {
    if (subtask.error.ok())
      body += Section(*catalog, *listing, &subtask, arguments, levels.at(arguments.level), console,
                      &outcome);
    else
      body += Heading("Subtask " + std::to_string(subtask.number)) +
              Paragraph(subtask.error.message(), "bad");
  }
  const ExitCode written = WriteFile(
      arguments.output, HtmlPage("Checkpoints of " + catalog->storage->Uri(), body), console);
  if (written != ExitCode::kOk) return Worse(outcome, written);
  if (!arguments.json) {
    console->Note("wrote " + arguments.output);
    return outcome;
  }
  JsonWriter json(&console->data());
  json.BeginObject();
  WriteHead("tidemark.report/1", *catalog, &json);
  json.Key("output").String(arguments.output);
  json.Key("errors").BeginArray();
  for (const Subtask& subtask : catalog->subtasks) WriteTrouble(subtask, &json);
  json.EndArray();
  json.EndObject();
  return outcome;
}

}  // namespace

void AddReportCommand(CLI::App* app, Choice* choice) {
  const auto arguments = std::make_shared<ReportArguments>();
  CLI::App* const command = AddCommand(app, "report", "Write an HTML page about a repository",
                                       kExamples, arguments.get());
  command->add_option("-o,--output", arguments->output, "The file to write, over what is there")
      ->required()
      ->type_name("FILE");
  command->add_option("--level", arguments->level, "How much is verified for it (default: files)")
      ->check(CLI::IsMember({"manifest", "files", "checksum"}))
      ->type_name("LEVEL");
  command->callback([arguments, choice] {
    choice->run = [arguments](Console* console) { return RunReport(*arguments, console); };
  });
}

}  // namespace tidemark::tools
