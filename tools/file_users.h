// FileUsers: which retained checkpoints are made of a file.
#pragma once

#include "format/manifest.h"

#include <cstdint>
#include <set>
#include <unordered_map>
#include <vector>

namespace tidemark::tools {

// Of the files in question only, so that one look at a checkpoint does not index a list of
// thousands.
//
// Thread safety: const members may be called concurrently.
class FileUsers {
 public:
  FileUsers(const format::Manifest& manifest, const std::set<uint64_t>& files);

  // Ids of checkpoints, ascending.
  const std::vector<uint64_t>& Of(uint64_t file) const { return users_.at(file); }

 private:
  std::unordered_map<uint64_t, std::vector<uint64_t>> users_;  // by FileMeta::id
};

// Calls `visit(FileMeta::id)` for all files that the checkpoint needs.
template <class F>
void ForEachFile(const format::Manifest& manifest, const format::Checkpoint& checkpoint,
                 F&& visit) {
  if (const auto base = manifest.bases.find(checkpoint.base); base != manifest.bases.end())
    for (const format::BaseFile& file : base->second.files) visit(file.file);
  for (const uint64_t segment : checkpoint.segments) visit(segment);
}
// The same as a set.
std::set<uint64_t> FilesOf(const format::Manifest& manifest, const format::Checkpoint& checkpoint);

// Where the bytes are: the object's name relative to the subtask's folder, or `inlined in manifest
// version 7`.
std::string DescribePlace(const format::FileMeta& file);
// `segment`, `inlined`, `base`, `base-meta`.
std::string_view FileKindName(format::FileKind kind);

}  // namespace tidemark::tools
