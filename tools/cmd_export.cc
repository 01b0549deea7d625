// ckpt-inspect export and import: a checkpoint as a repository of its own, and a job's repository
// out of such a one.
#include "storage/export.h"
#include "tools/command.h"
#include "tools/document.h"
#include "tools/opened_checkpoint.h"
#include "tools/progress.h"
#include "tools/target.h"
#include "tools/text.h"

#include <algorithm>
#include <memory>

namespace tidemark::tools {
namespace {

struct ExportArguments : CommonArguments {
  std::string checkpoint = "latest";
  std::string destination;
  bool link = false;
};

constexpr int kTriesMax = 5;

std::string ExportFooter() {
  return "DEST becomes a repository of its own with this checkpoint of all subtasks, which can be "
         "moved anywhere, looked at with every command, and started from: StoreOptions::repository "
         "is DEST, or what `import` makes of it. Every file is hashed on the way. Until all of it "
         "is durable it lies in DEST.incomplete-..., which an interrupted export leaves and may be "
         "deleted.\n\n" +
         std::string(SelectorHelp()) +
         "\nExamples:\n"
         "  ckpt-inspect export /mnt/checkpoints/job latest /mnt/savepoints/before-1.4\n"
         "  ckpt-inspect export /mnt/checkpoints/job 42 /tmp/case-42 --json\n";
}

constexpr const char* kImportExamples =
    "REPO, which must be absent or empty, becomes a job's repository with the newest checkpoint "
    "of SAVEPOINT, or the one of --checkpoint. A job that is started on REPO goes on from it. "
    "SAVEPOINT stays as it is.\n\n"
    "Examples:\n"
    "  ckpt-inspect import /mnt/savepoints/before-1.4 /mnt/checkpoints/job-2\n";

Status NotAll(const Catalog& catalog, const Targets& targets) {
  const uint32_t parallelism = targets.found.front().list().parallelism;
  if (targets.found.size() == parallelism) return {};
  return Status(StatusCode::kNotFound, "subtask-not-found",
                catalog.storage->Uri() + ": expected the checkpoint in " +
                    std::to_string(parallelism) + " subtasks, got it in " +
                    std::to_string(targets.found.size()) + "; nothing was written");
}

// Whether what failed did so because a writer has deleted what it no longer needs.
bool HaveMoved(const Status& failed, const Catalog& catalog,
               const std::vector<format::Manifest>& lists) {
  return failed.name() == "file-missing" &&
         std::any_of(lists.begin(), lists.end(),
                     [&](const format::Manifest& list) { return HasMoved(catalog, list); });
}

Status TooFast(uint64_t id) {
  return Status(StatusCode::kUnavailable, "manifest-moving",
                "checkpoint " + std::to_string(id) +
                    " was rewritten or dropped before it was copied, and nothing was written; pin "
                    "it (`ckpt-inspect pin`) and export the pin");
}

void PrintJson(std::string_view schema, const Catalog& catalog, uint64_t checkpoint,
               const std::string& destination, const storage::ExportReport& report,
               Console* console) {
  JsonWriter json(&console->data());
  json.BeginObject();
  WriteHead(schema, catalog, &json);
  json.Key("checkpoint").Id(checkpoint);
  json.Key("destination").String(destination);
  json.Key("destination_id").String(report.repository_id.Hex());
  json.Key("files").Number(report.files);
  json.Key("bytes").Number(report.bytes);
  json.Key("linked_bytes").Number(report.linked_bytes);
  json.Key("errors").BeginArray();
  json.EndArray();
  json.EndObject();
}

// What the destination is as a directory: it is given as any repository is, as a path or as a URI.
Result<std::string> DirectoryOf(const std::string& destination) {
  TIDEMARK_ASSIGN_OR_RETURN(const auto storage, OpenStorage(destination));
  if (auto path = LocalPath(*storage)) return *std::move(path);
  return Status(StatusCode::kUnsupported, "export-destination-kind",
                destination + " is no local directory; expected the path of one");
}

// A live writer may delete what a list names while it is being copied: then the newest list is
// asked, in which `latest` may be another one.
ExitCode RunExport(const ExportArguments& arguments, std::string_view schema, Console* console) {
  const Result<Selector> selector = ParseSelector(arguments.checkpoint);
  if (!selector) return console->Report(selector.error());
  const Result<std::string> directory = DirectoryOf(arguments.destination);
  if (!directory) return console->Report(directory.error());
  Status failed;
  for (int tries = 0; tries < kTriesMax; ++tries) {
    const Result<Catalog> catalog = ReadCatalog(arguments.repository, std::nullopt);
    if (!catalog) return console->Report(catalog.error());
    const ExitCode trouble = ReportTrouble(*catalog, /*asked=*/true, /*needs_all=*/true, console);
    if (trouble != ExitCode::kOk) return trouble;
    const Result<uint64_t> id = FindId(*catalog, *selector);
    if (!id) return console->Report(failed.ok() ? id.error() : failed);
    // A pin may keep what no list has any more.
    const bool is_pin = std::holds_alternative<ByPin>(selector->what);
    const Targets targets =
        FindTargets(*catalog, is_pin ? *selector : Selector{std::to_string(*id), ById{*id}});
    if (!targets.missing.empty() || targets.found.empty())
      return failed.ok() ? ReportMissing(*catalog, targets, console) : console->Report(failed);
    if (const Status all = NotAll(*catalog, targets); !all.ok()) return console->Report(all);
    std::vector<format::Manifest> lists;
    uint64_t bytes = 0;
    for (const Target& target : targets.found) {
      lists.push_back(format::ListOf(target.list(), *target.checkpoint));
      for (const auto& [file, meta] : lists.back().files) bytes += meta.size;
    }
    storage::ExportOptions options;
    options.may_link = arguments.link;
    Progress progress(console, "export", ProgressUnit::kBytes, bytes);
    options.progress = [&](uint64_t so_far) { progress.Set(so_far); };
    const auto report = storage::ExportCheckpoint(*catalog->storage, lists, *directory, options);
    if (report) {
      if (arguments.json)
        PrintJson(schema, *catalog, *id, arguments.destination, *report, console);
      else
        console->data().append("checkpoint " + std::to_string(*id) + ": " +
                               Counted(report->files, "file") + ", " + FormatBytes(report->bytes) +
                               ", verified, in " + arguments.destination + "\n");
      return ExitCode::kOk;
    }
    failed = report.error();
    if (is_pin || !HaveMoved(failed, *catalog, lists)) break;
    failed = TooFast(*id);
  }
  const bool is_taken = failed.name() == "export-destination";
  return is_taken ? console->Report(failed, ExitCode::kRefused) : console->Report(failed);
}

}  // namespace

void AddExportCommand(CLI::App* app, Choice* choice) {
  const auto arguments = std::make_shared<ExportArguments>();
  CLI::App* const command =
      AddCommand(app, "export", "Make a checkpoint a repository of its own (a savepoint)",
                 ExportFooter(), arguments.get());
  command->remove_option(command->get_option("--subtask"));
  command->add_option("ID", arguments->checkpoint, "The checkpoint: 42, latest, latest~2, or a pin")
      ->required();
  command->add_option("DEST", arguments->destination, "A directory that is absent or empty")
      ->required();
  command->add_flag("--link", arguments->link,
                    "Hard links instead of copies where that is possible: no bytes, but a fault "
                    "of the disk hits both");
  command->callback([arguments, choice] {
    choice->run = [arguments](Console* console) {
      return RunExport(*arguments, "tidemark.export/1", console);
    };
  });
}

void AddImportCommand(CLI::App* app, Choice* choice) {
  const auto arguments = std::make_shared<ExportArguments>();
  CLI::App* const command =
      app->add_subcommand("import", "Make a job's repository out of an exported checkpoint");
  command->footer(std::string(kImportExamples) + "\n" + std::string(ExitCodeHelp()));
  command->add_option("SAVEPOINT", arguments->repository, "What `export` has made")->required();
  command->add_option("REPO", arguments->destination, "A directory that is absent or empty")
      ->required();
  command->add_option("--checkpoint", arguments->checkpoint, "Of several (default: latest)")
      ->type_name("ID");
  command->add_flag("--json", arguments->json,
                    "One JSON document on standard output, errors as JSON on standard error");
  command->callback([arguments, choice] {
    choice->run = [arguments](Console* console) {
      return RunExport(*arguments, "tidemark.import/1", console);
    };
  });
}

}  // namespace tidemark::tools
