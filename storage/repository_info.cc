// What stands at the top of a repository: FORMAT, and which subtasks there are.
#include "format/names.h"
#include "storage/manifest_chain.h"
#include "storage/repository.h"

#include <charconv>
#include <set>

namespace tidemark::storage {
namespace {

constexpr std::string_view kSubtasksPrefix = "subtasks/";

Result<format::RepositoryInfo> ReadFormat(const CheckpointStorage& storage) {
  TIDEMARK_ASSIGN_OR_RETURN(const std::string bytes, ReadObject(storage, format::kFormatName));
  return format::DecodeRepositoryInfo(bytes,
                                      storage.Uri() + "/" + std::string(format::kFormatName));
}

}  // namespace

Result<format::RepositoryInfo> ReadRepositoryInfo(const CheckpointStorage& storage) {
  auto info = ReadFormat(storage);
  if (info || info.error().code() != StatusCode::kNotFound) return info;
  TIDEMARK_ASSIGN_OR_RETURN(const std::vector<ObjectInfo> objects, storage.List(""));
  // Somebody may have created the repository between the two looks.
  info = ReadFormat(storage);
  if (info || info.error().code() != StatusCode::kNotFound) return info;
  if (objects.empty())
    return Status(StatusCode::kNotFound, "repository-not-found",
                  storage.Uri() + " is no repository: nothing is there");
  return Status(StatusCode::kIncompatibleFormat, "not-a-repository",
                storage.Uri() + ": expected the file " + std::string(format::kFormatName) +
                    ", got " + std::to_string(objects.size()) + " other files (" +
                    objects.front().name +
                    " first); give an empty or a new place, or restore FORMAT if it was lost");
}

Result<std::vector<uint32_t>> ListSubtasks(const CheckpointStorage& storage) {
  TIDEMARK_ASSIGN_OR_RETURN(const std::vector<ObjectInfo> objects, storage.List(kSubtasksPrefix));
  std::set<uint32_t> subtasks;
  for (const ObjectInfo& object : objects) {
    const std::string_view rest = std::string_view(object.name).substr(kSubtasksPrefix.size());
    const std::string_view digits = rest.substr(0, rest.find('/'));
    const char* const end = digits.data() + digits.size();
    uint32_t subtask = 0;
    const auto [stop, error] = std::from_chars(digits.data(), end, subtask);
    if (error != std::errc() || stop != end) continue;
    if (object.name.starts_with(format::SubtaskPrefix(subtask))) subtasks.insert(subtask);
  }
  return std::vector<uint32_t>(subtasks.begin(), subtasks.end());
}

}  // namespace tidemark::storage
