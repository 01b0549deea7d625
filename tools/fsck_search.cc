#include "format/names.h"
#include "storage/verify.h"
#include "tools/file_users.h"
#include "tools/fsck_report.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace tidemark::tools {
namespace {

bool IsProven(const Status& error) { return error.code() == StatusCode::kCorruption; }

class Checks {
 public:
  Checks(const Catalog& catalog, FsckRun* run) : catalog_(catalog), run_(*run) {}

  void Run() {
    for (const Subtask& subtask : catalog_.subtasks) {
      if (!subtask.error.ok()) continue;
      CheckListed(subtask);
      for (const format::Pin& pin : run_.pins.readable)
        if (const format::Manifest* const list = pin.FindList(subtask.number); list != nullptr)
          for (const auto& [id, file] : list->files) CheckPinned(subtask, pin, file);
    }
  }

 private:
  Status Look(uint32_t subtask, const format::FileMeta& file) const {
    return storage::VerifyFile(*catalog_.storage, subtask, file, storage::VerifyLevel::kFiles);
  }

  // A live writer may have dropped what is missing. It does that before it deletes: the list that
  // is read when all have been looked at names none of it.
  void CheckListed(const Subtask& subtask) {
    std::vector<std::pair<const format::FileMeta*, Status>> missing;
    for (const auto& [id, file] : subtask.manifest().files) {
      Status error = Look(subtask.number, file);
      if (error.ok()) continue;
      if (IsProven(error))
        missing.emplace_back(&file, std::move(error));
      else
        run_.unread.push_back(std::move(error));
    }
    if (missing.empty()) return;
    const Subtask now = ReadSubtask(*catalog_.storage, catalog_.info, subtask.number);
    if (!now.error.ok()) return run_.unread.push_back(now.error);
    for (const auto& [file, error] : missing) {
      const auto found = now.manifest().files.find(file->id);
      if (found != now.manifest().files.end() && found->second.name == file->name)
        Add(subtask, *file, error);
    }
  }

  void CheckPinned(const Subtask& subtask, const format::Pin& pin, const format::FileMeta& file) {
    if (Dangling* const known = Find(subtask.number, file); known != nullptr)
      return known->pins.push_back(pin.name);
    // What is listed has been looked at.
    if (subtask.manifest().references.file_names.contains(file.name)) return;
    const Status error = Look(subtask.number, file);
    if (error.ok()) return;
    if (!IsProven(error)) return run_.unread.push_back(error);
    const auto now =
        storage::ReadPin(*catalog_.storage, catalog_.info.id, pin.name, subtask.number);
    if (!now || now->unique != pin.unique) return;
    Add(subtask, file, error).pins.push_back(pin.name);
  }

  std::string NameOf(uint32_t subtask, const format::FileMeta& file) const {
    return format::SubtaskPrefix(subtask) + file.name;
  }

  Dangling* Find(uint32_t subtask, const format::FileMeta& file) {
    const std::string name = NameOf(subtask, file);
    const auto found = std::find_if(run_.dangling.begin(), run_.dangling.end(),
                                    [&](const Dangling& known) { return known.name == name; });
    return found == run_.dangling.end() ? nullptr : &*found;
  }

  Dangling& Add(const Subtask& subtask, const format::FileMeta& file, const Status& error) {
    const FileUsers users(subtask.manifest(), {file.id});
    return run_.dangling.emplace_back(Dangling{
        subtask.number, NameOf(subtask.number, file), file.size, users.Of(file.id), {}, error});
  }

  const Catalog& catalog_;
  FsckRun& run_;
};

bool MayLive(const Writer& writer) {
  return writer.life == WriterLife::kAlive || writer.life == WriterLife::kUnknown;
}

}  // namespace

Result<FsckRun> RunChecks(const Catalog& catalog, std::optional<uint32_t> subtask) {
  FsckRun run;
  TIDEMARK_ASSIGN_OR_RETURN(run.pins,
                            storage::ReadPins(*catalog.storage, catalog.info.id, std::nullopt));
  std::vector<storage::ListedSubtask> lists;
  for (const Subtask& listed : catalog.subtasks)
    if (listed.error.ok()) lists.push_back({&listed.reading, MayLive(listed.writer)});
  TIDEMARK_ASSIGN_OR_RETURN(
      run.found,
      storage::FindStrays(*catalog.storage, subtask ? format::SubtaskPrefix(*subtask) : "", lists,
                          run.pins.readable, LocalPath(*catalog.storage)));
  Checks(catalog, &run).Run();
  return run;
}

}  // namespace tidemark::tools
