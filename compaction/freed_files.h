// What leaves a repository with its checkpoints: the files that nothing else needs. Pure.
#pragma once

#include "format/manifest.h"
#include "format/pin.h"

#include <cstdint>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

namespace tidemark::compaction {

// The names of what pins keep of one subtask, as in FileMeta::name.
using PinnedFiles = std::unordered_set<std::string>;
PinnedFiles PinnedFilesOf(std::span<const format::Pin> pins, uint32_t subtask);

// The files that go when these checkpoints of the list are dropped, ascending ids. Objects of their
// own only: an inlined segment goes with the version of the manifest that holds it, which stays for
// a while, and may have to.
std::vector<const format::FileMeta*> FilesFreed(const format::Manifest& list,
                                                std::span<const format::Checkpoint* const> dropped,
                                                const PinnedFiles& pinned);
// The bytes of these files, when this checkpoint alone is dropped.
uint64_t BytesFreed(const format::Manifest& list, const format::Checkpoint& checkpoint,
                    const PinnedFiles& pinned);

// The bytes of files of one subtask that go when `pin` is removed: neither the list nor the other
// pins need them.
uint64_t BytesFreedByUnpinning(const format::Manifest& list, const format::Pin& pin,
                               std::span<const format::Pin> pins);

}  // namespace tidemark::compaction
