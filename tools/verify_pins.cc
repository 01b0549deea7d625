#include "tools/verify_pins.h"

#include "storage/pins.h"
#include "tools/progress.h"
#include "tools/text.h"

#include <set>
#include <string>
#include <utility>

namespace tidemark::tools {
namespace {

struct PinnedFile {
  const format::Pin* pin;
  uint32_t subtask;
  const format::FileMeta* file;
};

// Each file once, under the first pin that keeps it.
std::vector<PinnedFile> KeptByPinsAlone(const Catalog& catalog,
                                        const std::vector<format::Pin>& pins) {
  std::vector<PinnedFile> files;
  for (const Subtask& subtask : catalog.subtasks) {
    if (!subtask.error.ok()) continue;
    std::set<std::string_view> seen;
    for (const format::Pin& pin : pins) {
      const format::Manifest* const list = pin.FindList(subtask.number);
      if (list == nullptr) continue;
      for (const auto& [id, file] : list->files)
        if (!subtask.manifest().references.file_names.contains(file.name) &&
            seen.insert(file.name).second)
          files.push_back({&pin, subtask.number, &file});
    }
  }
  return files;
}

// Whether the pin has been removed since, and what it kept with it.
bool HasGone(const Catalog& catalog, const PinnedFile& kept) {
  const auto now =
      storage::ReadPin(*catalog.storage, catalog.info.id, kept.pin->name, kept.subtask);
  return now ? now->unique != kept.pin->unique : now.error().name() == "pin-not-found";
}

// A maker of a pin that was killed before it had looked at the list again may have left a pin that
// never counted (docs/DURABILITY.md): what is not there is no proof that it was lost.
Status Tell(const PinnedFile& kept, const Status& found) {
  const std::string whose = "pin " + kept.pin->name + ", checkpoint " +
                            std::to_string(kept.pin->checkpoint) + ": " +
                            std::string(found.message());
  if (found.name() != "file-missing") return Status(found.code(), std::string(found.name()), whose);
  return Status(
      StatusCode::kNotFound, "pin-incomplete",
      whose +
          "; lost, or the pin was never made to its end. No list needs it: if nobody does, "
          "`ckpt-inspect unpin` removes the pin");
}

void VerifyKept(const Catalog& catalog, const std::vector<PinnedFile>& files, VerifyRun* run,
                Console* console) {
  uint64_t bytes = 0;
  for (const PinnedFile& kept : files) bytes += kept.file->size;
  Progress progress(console, "verify what only pins keep", ProgressUnit::kBytes, bytes);
  uint64_t so_far = 0;
  for (const PinnedFile& kept : files) {
    const Status found =
        storage::VerifyFile(*catalog.storage, kept.subtask, *kept.file, run->level);
    progress.Set(so_far += kept.file->size);
    if (found.ok() || HasGone(catalog, kept)) continue;
    run->pinned_files.push_back(Tell(kept, found));
  }
}

}  // namespace

void VerifyPins(const Catalog& catalog, std::optional<uint32_t> subtask, bool reads_files,
                VerifyRun* run, Console* console) {
  auto pins = storage::ReadPins(*catalog.storage, catalog.info.id, subtask);
  if (!pins) return run->pins.push_back(std::move(pins).error());
  run->pins = std::move(pins->unreadable);
  if (!reads_files || run->level == storage::VerifyLevel::kManifest) return;
  const std::vector<PinnedFile> files = KeptByPinsAlone(catalog, pins->readable);
  if (files.empty()) return;
  VerifyKept(catalog, files, run, console);
  console->Note(Counted(files.size(), "file") + " that only pins keep " +
                (files.size() == 1 ? "was" : "were") + " verified too");
}

}  // namespace tidemark::tools
