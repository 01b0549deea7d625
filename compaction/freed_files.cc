#include "compaction/freed_files.h"

#include <map>

namespace tidemark::compaction {

PinnedFiles PinnedFilesOf(std::span<const format::Pin> pins, uint32_t subtask) {
  PinnedFiles names;
  for (const format::Pin& pin : pins)
    if (const format::Manifest* const list = pin.FindList(subtask); list != nullptr)
      for (const auto& [id, file] : list->files) names.insert(file.name);
  return names;
}

// Costs what the dropped checkpoints name, however long the list is.
std::vector<const format::FileMeta*> FilesFreed(const format::Manifest& list,
                                                std::span<const format::Checkpoint* const> dropped,
                                                const PinnedFiles& pinned) {
  std::map<uint64_t, uint32_t> bases;
  std::map<uint64_t, uint32_t> files;  // how many references go
  for (const format::Checkpoint* const checkpoint : dropped) {
    if (checkpoint->base != 0) ++bases[checkpoint->base];
    for (const uint64_t segment : checkpoint->segments) ++files[segment];
  }
  for (const auto& [id, count] : bases)
    if (count == list.references.bases.at(id))
      for (const format::BaseFile& file : list.bases.at(id).files) ++files[file.file];

  std::vector<const format::FileMeta*> freed;
  for (const auto& [id, count] : files) {
    const format::FileMeta& file = list.files.at(id);
    if (count == list.references.files.at(id) && file.kind != format::FileKind::kInlined &&
        !pinned.contains(file.name))
      freed.push_back(&file);
  }
  return freed;
}

// A list shows this of thousands of checkpoints, so nothing is allocated.
uint64_t BytesFreed(const format::Manifest& list, const format::Checkpoint& checkpoint,
                    const PinnedFiles& pinned) {
  uint64_t bytes = 0;
  const auto add = [&](uint64_t id) {
    if (list.references.files.at(id) != 1) return;
    const format::FileMeta& file = list.files.at(id);
    if (file.kind != format::FileKind::kInlined && !pinned.contains(file.name)) bytes += file.size;
  };
  for (const uint64_t segment : checkpoint.segments) add(segment);
  if (checkpoint.base == 0 || list.references.bases.at(checkpoint.base) != 1) return bytes;
  for (const format::BaseFile& file : list.bases.at(checkpoint.base).files) add(file.file);
  return bytes;
}

uint64_t BytesFreedByUnpinning(const format::Manifest& list, const format::Pin& pin,
                               std::span<const format::Pin> pins) {
  const format::Manifest* const pinned = pin.FindList(list.subtask);
  if (pinned == nullptr) return 0;
  PinnedFiles others;
  for (const format::Pin& other : pins)
    if (other.name != pin.name) others.merge(PinnedFilesOf({&other, 1}, list.subtask));
  uint64_t bytes = 0;
  for (const auto& [id, file] : pinned->files)
    if (file.kind != format::FileKind::kInlined && !others.contains(file.name) &&
        !list.references.file_names.contains(file.name))
      bytes += file.size;
  return bytes;
}

}  // namespace tidemark::compaction
