#include "tools/catalog.h"

#include "format/names.h"
#include "storage/file_system.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <set>

namespace tidemark::tools {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSubtaskNotFound = "subtask-not-found";

// A local path that cannot be a repository, told apart without walking through all that is below
// it: it may be `/`. OK for everything else.
Status CheckPlace(const CheckpointStorage& storage) {
  const std::optional<std::string> path = LocalPath(storage);
  if (!path) return {};
  std::error_code error;
  const fs::file_status status = fs::status(*path, error);
  if (status.type() == fs::file_type::not_found)
    return Status(StatusCode::kNotFound, "repository-not-found", storage.Uri() + " does not exist");
  if (error)
    return Status(StatusCode::kUnavailable, "io-error",
                  "cannot look at " + storage.Uri() + ": " + error.message());
  if (status.type() != fs::file_type::directory)
    return Status(StatusCode::kInvalidArgument, "not-a-directory",
                  storage.Uri() + " is a file; expected the directory of a repository");
  return {};
}

// `00007` of subtasks/00007/.
std::optional<uint32_t> ParseSubtask(const std::string& folder) {
  uint32_t number = 0;
  const auto [stop, error] = std::from_chars(folder.data(), folder.data() + folder.size(), number);
  if (error != std::errc() || "subtasks/" + folder + "/" != format::SubtaskPrefix(number))
    return std::nullopt;
  return number;
}

// As storage::ListSubtasks, which looks at every file. In a local directory the names of the
// folders do: a file that cannot be looked at then hinders nobody who has no use for it.
Result<std::vector<uint32_t>> FindSubtasks(const CheckpointStorage& storage) {
  const std::optional<std::string> path = LocalPath(storage);
  if (!path) return storage::ListSubtasks(storage);
  const std::string folder = *path + "/subtasks";
  std::vector<uint32_t> subtasks;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    if (const auto number = ParseSubtask(it->path().filename().string()); number)
      subtasks.push_back(*number);
  if (error && error != std::errc::no_such_file_or_directory)
    return Status(StatusCode::kUnavailable, "io-error",
                  "cannot list " + folder + ": " + error.message());
  std::sort(subtasks.begin(), subtasks.end());
  return subtasks;
}

// When FORMAT cannot be had: whether that is the loss of it, or there never was a repository.
Status WithoutFormat(const CheckpointStorage& storage, const Status& why) {
  TIDEMARK_ASSIGN_OR_RETURN(const std::vector<uint32_t> subtasks, FindSubtasks(storage));
  const std::string where = storage.Uri() + "/" + std::string(format::kFormatName);
  if (!subtasks.empty()) {
    if (why.code() != StatusCode::kNotFound)
      return Status(StatusCode::kCorruption, why.name(), std::string(why.message()));
    return Status(StatusCode::kCorruption, "repository-info-missing",
                  where + ": expected a file, got none, although " +
                      format::SubtaskPrefix(subtasks.front()) +
                      " is there; restore FORMAT from a copy");
  }
  std::error_code error;
  const std::optional<std::string> path = LocalPath(storage);
  if (path && fs::is_empty(*path, error))
    return Status(StatusCode::kNotFound, "repository-not-found",
                  storage.Uri() + " is an empty directory, not a repository");
  return Status(StatusCode::kIncompatibleFormat, "not-a-repository",
                storage.Uri() +
                    " is no repository: expected the file FORMAT of one; give the directory "
                    "that holds FORMAT and subtasks/");
}

Result<format::RepositoryInfo> ReadInfo(const CheckpointStorage& storage) {
  TIDEMARK_RETURN_IF_ERROR(CheckPlace(storage));
  const Status there = storage.Size(format::kFormatName).error();
  if (there.code() == StatusCode::kNotFound) return WithoutFormat(storage, there);
  auto info = storage::ReadRepositoryInfo(storage);
  if (!info && info.error().name() == "not-tidemark") return WithoutFormat(storage, info.error());
  return info;
}

// Files of checkpoints without any manifest: the manifest is lost.
Status WithoutManifest(const CheckpointStorage& storage, uint32_t number, Status why) {
  const std::string folder = format::SubtaskPrefix(number);
  for (const std::string_view prefix : {format::kLogPrefix, format::kBasePrefix}) {
    TIDEMARK_ASSIGN_OR_RETURN(const std::vector<ObjectInfo> files,
                              storage.List(folder + std::string(prefix)));
    if (files.empty()) continue;
    return Status(StatusCode::kCorruption, "manifest-missing",
                  storage.Uri() + "/" + folder + std::string(format::kManifestPrefix) +
                      ": expected manifest versions, because " + files.front().name +
                      " exists; got none. Restore the folder from a copy");
  }
  return why;
}

Writer FindWriter(const CheckpointStorage& storage, uint32_t number, bool closed) {
  Writer not_alive{closed ? WriterLife::kClosed : WriterLife::kGone, {}};
  const std::string lock = storage.LocalPath(format::LockName(number));
  if (lock.empty()) return {closed ? WriterLife::kClosed : WriterLife::kUnknown, {}};
  std::error_code error;
  if (!fs::exists(lock, error) && !error) return not_alive;
  std::ifstream file(lock);
  if (!file) return {closed ? WriterLife::kClosed : WriterLife::kUnknown, {}};
  if (!storage::IsLocked(lock)) return not_alive;
  Writer alive{WriterLife::kAlive, {}};
  std::getline(file, alive.process);
  return alive;
}

ExitCode ReportDamagedVersions(const Subtask& subtask, const std::string& about, Console* console) {
  ExitCode outcome = ExitCode::kOk;
  for (const Status& damage : subtask.reading.damaged)
    outcome = Worse(outcome, console->Report(damage, ExitCode::kCorruption, about));
  if (!subtask.reading.damaged.empty())
    console->Note(about + ": what follows is the list as of manifest version " +
                  std::to_string(subtask.manifest().version) + "; version " +
                  std::to_string(subtask.reading.newest_version) +
                  " is the newest, and checkpoints that came later are not in it");
  return outcome;
}

}  // namespace

std::optional<std::string> LocalPath(const CheckpointStorage& storage) {
  constexpr std::string_view kScheme = "file://";
  const std::string uri = storage.Uri();
  if (!uri.starts_with(kScheme)) return std::nullopt;
  std::string path = uri.substr(kScheme.size());
  for (size_t at = path.find("%25"); at != std::string::npos; at = path.find("%25", at + 1))
    path.replace(at, 3, "%");
  return path;
}

Subtask ReadSubtask(const CheckpointStorage& storage, const format::RepositoryInfo& info,
                    uint32_t number) {
  Subtask subtask;
  subtask.number = number;
  auto reading = storage::ReadManifest(storage, info.id, number);
  if (reading) {
    subtask.reading = *std::move(reading);
    subtask.writer = FindWriter(storage, number, !subtask.manifest().writer_open);
  } else {
    subtask.error = std::move(reading).error();
    if (subtask.error.name() == kSubtaskNotFound)
      subtask.error = WithoutManifest(storage, number, subtask.error);
  }
  return subtask;
}

Result<Catalog> ReadCatalog(const std::string& uri, std::optional<uint32_t> subtask) {
  Catalog catalog;
  catalog.is_whole = !subtask.has_value();
  TIDEMARK_ASSIGN_OR_RETURN(catalog.storage, OpenStorage(uri));
  TIDEMARK_ASSIGN_OR_RETURN(catalog.info, ReadInfo(*catalog.storage));
  std::vector<uint32_t> numbers;
  if (subtask) {
    numbers.push_back(*subtask);
  } else {
    TIDEMARK_ASSIGN_OR_RETURN(numbers, FindSubtasks(*catalog.storage));
  }
  for (const uint32_t number : numbers)
    catalog.subtasks.push_back(ReadSubtask(*catalog.storage, catalog.info, number));
  return catalog;
}

Status MissingSubtasks(const Catalog& catalog) {
  if (!catalog.is_whole) return {};
  uint32_t parallelism = 0;
  std::set<uint32_t> there;
  for (const Subtask& subtask : catalog.subtasks) {
    if (subtask.error.ok()) parallelism = std::max(parallelism, subtask.manifest().parallelism);
    if (subtask.error.name() != kSubtaskNotFound) there.insert(subtask.number);
  }
  for (uint32_t number = 0; number < parallelism; ++number)
    if (!there.contains(number))
      return Status(StatusCode::kNotFound, std::string(kSubtaskNotFound),
                    catalog.storage->Uri() + ": expected " + std::to_string(parallelism) +
                        " subtasks, as the lists say that there are, got " +
                        std::to_string(there.size()) + "; there is none in " +
                        format::SubtaskPrefix(number) +
                        ". Is it mounted? A job that has just begun has it after its first "
                        "checkpoint; --subtask N takes one alone");
  return {};
}

ExitCode ReportTrouble(const Subtask& subtask, bool asked, Console* console) {
  const std::string about = "subtask " + std::to_string(subtask.number);
  if (subtask.error.ok()) return ReportDamagedVersions(subtask, about, console);
  if (asked || subtask.error.name() != kSubtaskNotFound)
    return console->Report(subtask.error, about);
  console->Note(about + ": nothing was ever checkpointed there");
  return ExitCode::kOk;
}

ExitCode ReportTrouble(const Catalog& catalog, bool asked, bool needs_all, Console* console) {
  ExitCode outcome = ExitCode::kOk;
  for (const Subtask& subtask : catalog.subtasks)
    outcome = Worse(outcome, ReportTrouble(subtask, asked, console));
  const Status missing = MissingSubtasks(catalog);
  if (missing.ok()) return outcome;
  if (needs_all) return Worse(outcome, console->Report(missing));
  console->Note(missing.message());
  return outcome;
}

std::string DescribeWriter(const Writer& writer) {
  switch (writer.life) {
    case WriterLife::kClosed:
      return "writer closed";
    case WriterLife::kAlive:
      return "writer alive" + (writer.process.empty() ? "" : " (process " + writer.process + ")");
    case WriterLife::kGone:
      return "writer gone without closing";
    case WriterLife::kUnknown:
      return "writer not closed; whether it is alive cannot be seen from here";
  }
  return {};
}

std::string_view WriterLifeName(WriterLife life) {
  switch (life) {
    case WriterLife::kClosed:
      return "closed";
    case WriterLife::kAlive:
      return "alive";
    case WriterLife::kGone:
      return "gone";
    case WriterLife::kUnknown:
      return "unknown";
  }
  return {};
}

}  // namespace tidemark::tools
