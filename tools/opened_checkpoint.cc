#include "tools/opened_checkpoint.h"

#include "format/key.h"

#include <algorithm>
#include <map>
#include <utility>

namespace tidemark::tools {
namespace {

constexpr int kTriesMax = 10;

// Whether two lists make the checkpoint of the same files.
bool IsMadeAlike(const format::Manifest& a, const format::Manifest& b) {
  return a.checkpoints.front() == b.checkpoints.front() && a.bases == b.bases && a.files == b.files;
}

// The checkpoint as its subtask's list has it now.
Result<format::Manifest> LookUpAgain(const Catalog& catalog, const format::Manifest& list) {
  const Subtask subtask = ReadSubtask(*catalog.storage, catalog.info, list.subtask);
  TIDEMARK_RETURN_IF_ERROR(subtask.error);
  const format::Checkpoint& wanted = list.checkpoints.front();
  const format::Checkpoint* const found = subtask.manifest().FindCheckpoint(wanted.id);
  if (found != nullptr && found->at == wanted.at) return format::ListOf(subtask.manifest(), *found);
  return Status(StatusCode::kNotFound, "checkpoint-dropped",
                "subtask " + std::to_string(list.subtask) + ": checkpoint " +
                    std::to_string(wanted.id) + " was dropped by its writer meanwhile");
}

Result<const format::TableMeta*> FindByName(const std::vector<const format::TableMeta*>& tables,
                                            std::string_view name, uint64_t checkpoint) {
  std::string names;
  for (const format::TableMeta* table : tables) {
    if (table->name == name) return table;
    names.append(names.empty() ? "" : ", ").append(table->name);
  }
  return Status(StatusCode::kNotFound, "table-not-found",
                "checkpoint " + std::to_string(checkpoint) + " has no table `" + std::string(name) +
                    "`; it has " + (names.empty() ? "none" : names));
}

}  // namespace

bool HasMoved(const Catalog& catalog, const format::Manifest& list) {
  const auto now = LookUpAgain(catalog, list);
  return now ? !IsMadeAlike(*now, list) : now.error().name() == "checkpoint-dropped";
}

Result<std::unique_ptr<OpenedCheckpoint>> OpenedCheckpoint::Open(const Catalog& catalog,
                                                                 const Target& target,
                                                                 Scratch* scratch) {
  format::Manifest list = format::ListOf(target.list(), *target.checkpoint);
  for (int tries = 0; tries < kTriesMax; ++tries) {
    storage::CheckpointFilesOptions options;
    options.scratch = scratch->NewDirectory();
    auto files =
        storage::CheckpointFiles::Open(*catalog.storage, list, list.checkpoints.front(), options);
    if (files) {
      std::unique_ptr<OpenedCheckpoint> opened(new OpenedCheckpoint(std::move(list)));
      opened->reader_.emplace(*std::move(files));
      return opened;
    }
    // What goes between a look at its name and its opening is not found. What a pin says never
    // changes.
    const bool may_be_gone = files.error().code() == StatusCode::kCorruption ||
                             files.error().code() == StatusCode::kNotFound;
    if (!may_be_gone || target.in_pin_only) return files.error();
    TIDEMARK_ASSIGN_OR_RETURN(format::Manifest now, LookUpAgain(catalog, list));
    if (IsMadeAlike(now, list)) return files.error();
    list = std::move(now);
  }
  return Status(StatusCode::kUnavailable, "manifest-moving",
                "checkpoint " + std::to_string(target.checkpoint->id) +
                    " was rewritten faster than it could be opened; try again");
}

std::vector<const format::TableMeta*> OpenedCheckpoint::Tables() const {
  std::vector<const format::TableMeta*> tables;
  for (const uint32_t id : *checkpoint().tables) tables.push_back(&list_.tables.at(id));
  std::sort(tables.begin(), tables.end(),
            [](const auto* a, const auto* b) { return a->name < b->name; });
  return tables;
}

Result<const format::TableMeta*> OpenedCheckpoint::FindTable(std::string_view name) const {
  return FindByName(Tables(), name, checkpoint().id);
}

// The base's alone: most of what the log has is in it too, or there is no base.
uint64_t OpenedCheckpoint::EstimateRecords(std::string_view table) const {
  uint64_t records = 0;
  if (reader_->files().base() == nullptr) return checkpoint().records;
  for (const format::TableMeta* one : Tables())
    if (table.empty() || one->name == table) records += reader_->files().EstimateBaseKeys(one->id);
  return records;
}

std::vector<const format::TableMeta*> OpenedJob::Tables() const {
  std::map<std::string_view, const format::TableMeta*> by_name;
  for (const auto& subtask : subtasks)
    for (const format::TableMeta* table : subtask->Tables()) by_name.emplace(table->name, table);
  std::vector<const format::TableMeta*> tables;
  for (const auto& [name, table] : by_name) tables.push_back(table);
  return tables;
}

uint64_t OpenedJob::EstimateRecords(std::string_view table) const {
  uint64_t records = 0;
  for (const auto& subtask : subtasks) records += subtask->EstimateRecords(table);
  return records;
}

Result<const format::TableMeta*> OpenedJob::FindTable(std::string_view name) const {
  return FindByName(Tables(), name, subtasks.front()->checkpoint().id);
}

ExitCode OpenJob(const std::string& repository, std::optional<uint32_t> subtask,
                 const std::string& checkpoint, OpenedJob* job, Console* console) {
  Result<Selector> selector = ParseSelector(checkpoint);
  if (!selector) return console->Report(selector.error());
  Result<Catalog> catalog = ReadCatalog(repository, subtask);
  if (!catalog) return console->Report(catalog.error());
  job->catalog = *std::move(catalog);
  const ExitCode trouble = ReportTrouble(job->catalog, /*asked=*/true, /*needs_all=*/true, console);
  // What a job would restore: the newest one of each subtask may be of different epochs.
  if (trouble == ExitCode::kOk && std::holds_alternative<FromLatest>(selector->what)) {
    const Result<uint64_t> id = FindId(job->catalog, *selector);
    if (!id) return console->Report(id.error());
    selector = Selector{selector->text, ById{*id}};
  }
  const Targets targets = FindTargets(job->catalog, *selector);
  const ExitCode missing = ReportMissing(job->catalog, targets, console);
  if (const ExitCode worse = Worse(trouble, missing); worse != ExitCode::kOk) return worse;
  auto scratch = Scratch::Make();
  if (!scratch) return console->Report(scratch.error());
  job->scratch = *std::move(scratch);
  for (const Target& target : targets.found) {
    auto opened = OpenedCheckpoint::Open(job->catalog, target, job->scratch.get());
    if (!opened) return console->Report(opened.error());
    job->subtasks.push_back(*std::move(opened));
  }
  return ExitCode::kOk;
}

std::string StoredKeyOf(const format::Manifest& list, const format::TableMeta& table,
                        std::string_view key) {
  const uint16_t first =
      format::KeyGroupsOf(list.subtask, list.parallelism, list.max_parallelism).first;
  std::string stored;
  format::AppendStoredKey(
      format::GroupOfKey(table.kind, first, list.max_parallelism, format::HashKey(key), key), key,
      &stored);
  return stored;
}

}  // namespace tidemark::tools
