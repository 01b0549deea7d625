#include "bench/repository_folder.h"

#include "format/names.h"
#include "storage/repository.h"

#include <filesystem>
#include <vector>

namespace tidemark::bench {
namespace {

constexpr uint32_t kSubtask = 0;

// Without the lock: whoever has a link to that file holds it as well.
std::vector<std::string> Objects(const CheckpointStorage& repository) {
  std::vector<std::string> names{std::string(format::kFormatName)};
  for (const ObjectInfo& object : repository.List(format::SubtaskPrefix(kSubtask)).value()) {
    if (object.name != format::LockName(kSubtask)) names.push_back(object.name);
  }
  return names;
}

// False if one of them is gone.
bool LinkAll(const CheckpointStorage& repository, const std::vector<std::string>& names,
             const std::string& to) {
  for (const std::string& name : names) {
    const std::filesystem::path path = std::filesystem::path(to) / name;
    std::filesystem::create_directories(path.parent_path());
    const auto linked = repository.Fetch(name, path.string(), /*may_link=*/true);
    if (!linked && linked.error().code() == StatusCode::kNotFound) return false;
    linked.value();
  }
  return true;
}

}  // namespace

uint64_t SegmentsOfNewest(const CheckpointStorage& repository) {
  const format::RepositoryInfo info = storage::ReadRepositoryInfo(repository).value();
  const auto reading = storage::ReadManifest(repository, info.id, kSubtask).value();
  const auto& checkpoints = reading.manifest.checkpoints;
  return checkpoints.empty() ? 0 : checkpoints.back().segments.size();
}

// Maintenance goes on, and may publish a base or collect files between two links. Without new
// checkpoints it comes to an end.
void LinkRepository(const CheckpointStorage& repository, const std::string& to) {
  while (true) {
    const std::vector<std::string> names = Objects(repository);
    if (LinkAll(repository, names, to) && names == Objects(repository)) return;
    std::filesystem::remove_all(to);
  }
}

}  // namespace tidemark::bench
