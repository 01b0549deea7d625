#include "store/live_directory.h"

#include "storage/live_database.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace tidemark::store {

namespace {

constexpr std::string_view kPrefix = "live.";

// (attempt, path) of every live directory.
std::vector<std::pair<uint64_t, std::string>> LiveDirectories(rocksdb::FileSystem& fs,
                                                              const std::string& directory) {
  std::vector<std::pair<uint64_t, std::string>> found;
  for (const std::string& name : storage::ListDirectory(fs, directory)) {
    if (!name.starts_with(kPrefix)) continue;
    uint64_t attempt = 0;
    std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), attempt);
    found.emplace_back(attempt, directory + "/" + name);
  }
  return found;
}

}  // namespace

std::string LiveDirectoryPath(const std::string& directory, uint64_t attempt, int n) {
  return directory + "/" + std::string(kPrefix) + std::to_string(attempt) +
         (n == 0 ? "" : "-" + std::to_string(n));
}

bool IsReady(rocksdb::FileSystem& fs, const std::string& live_directory) {
  return storage::Exists(fs, live_directory + "/" + std::string(storage::kLiveReadyName));
}

std::vector<std::string> ReusableLiveDirectories(rocksdb::FileSystem& fs,
                                                 const std::string& directory) {
  auto found = LiveDirectories(fs, directory);
  std::sort(found.rbegin(), found.rend());
  std::vector<std::string> reusable;
  for (auto& [attempt, path] : found) {
    if (IsReady(fs, path) && !storage::IsLocked(path + "/LOCK"))
      reusable.push_back(std::move(path));
  }
  return reusable;
}

void RemoveOtherLiveDirectories(rocksdb::FileSystem& fs, const std::string& directory,
                                const std::string& keep) {
  for (const auto& [attempt, path] : LiveDirectories(fs, directory)) {
    if (path != keep && !storage::IsLocked(path + "/LOCK")) (void)storage::RemoveAll(fs, path);
  }
}

bool LiesInLineage(const format::EpochIdentity& mark,
                   const std::vector<format::LineageEntry>& lineage, uint64_t base_epoch,
                   uint64_t target_epoch) {
  if (mark.epoch == 0 || mark.epoch < base_epoch || mark.epoch > target_epoch) return false;
  uint64_t previous_last = 0;
  for (const format::LineageEntry& entry : lineage) {
    if (entry.attempt == mark.attempt && entry.writer == mark.writer) {
      return mark.epoch > previous_last && mark.epoch <= entry.last_epoch;
    }
    previous_last = entry.last_epoch;
  }
  return false;
}

format::EpochIdentity IdentityAt(const std::vector<format::LineageEntry>& lineage, uint64_t epoch) {
  for (const format::LineageEntry& entry : lineage) {
    if (epoch <= entry.last_epoch) return {entry.attempt, entry.writer, epoch};
  }
  return {0, {}, epoch};
}

}  // namespace tidemark::store
