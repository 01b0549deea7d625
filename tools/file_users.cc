#include "tools/file_users.h"

#include "format/names.h"

namespace tidemark::tools {

FileUsers::FileUsers(const format::Manifest& manifest, const std::set<uint64_t>& files) {
  for (const uint64_t file : files) users_[file];
  std::unordered_map<uint64_t, std::vector<std::vector<uint64_t>*>> by_base;
  for (const auto& [id, base] : manifest.bases)
    for (const format::BaseFile& file : base.files)
      if (const auto users = users_.find(file.file); users != users_.end())
        by_base[id].push_back(&users->second);

  for (const format::Checkpoint& checkpoint : manifest.checkpoints) {
    if (const auto base = by_base.find(checkpoint.base); base != by_base.end())
      for (std::vector<uint64_t>* const users : base->second) users->push_back(checkpoint.id);
    for (const uint64_t segment : checkpoint.segments)
      if (const auto users = users_.find(segment); users != users_.end())
        users->second.push_back(checkpoint.id);
  }
}

std::set<uint64_t> FilesOf(const format::Manifest& manifest, const format::Checkpoint& checkpoint) {
  std::set<uint64_t> files;
  ForEachFile(manifest, checkpoint, [&](uint64_t file) { files.insert(file); });
  return files;
}

std::string DescribePlace(const format::FileMeta& file) {
  if (file.kind != format::FileKind::kInlined) return file.name;
  const auto version = format::ParseManifestName(file.name);
  return "inlined in manifest version " + (version ? std::to_string(*version) : file.name);
}

std::string_view FileKindName(format::FileKind kind) {
  switch (kind) {
    case format::FileKind::kSegment:
      return "segment";
    case format::FileKind::kInlined:
      return "inlined";
    case format::FileKind::kBaseSst:
      return "base";
    case format::FileKind::kBaseMeta:
      return "base-meta";
  }
  return "unknown";
}

}  // namespace tidemark::tools
