#include "storage/scratch_files.h"

#include "storage/rocksdb_status.h"

#include <cstdio>
#include <utility>

namespace tidemark::storage {

Status ScratchFiles::Empty() {
  TIDEMARK_RETURN_IF_ERROR(RemoveAll(*fs_, directory_));
  return FromRocksDb(fs_->CreateDirIfMissing(directory_, rocksdb::IOOptions(), nullptr),
                     "create directory " + directory_);
}

std::string ScratchFiles::NewPath(std::string_view suffix) {
  char number[24];
  std::snprintf(number, sizeof(number), "/%06llu",
                static_cast<unsigned long long>(next_.fetch_add(1)));
  return directory_ + number + std::string(suffix);
}

void ScratchFiles::Remove(std::vector<std::string> paths) {
  {
    const std::lock_guard lock(mutex_);
    paths.insert(paths.end(), left_.begin(), left_.end());
    left_.clear();
  }
  std::erase_if(paths, [this](const std::string& path) { return RemoveAll(*fs_, path).ok(); });
  const std::lock_guard lock(mutex_);
  left_.insert(left_.end(), paths.begin(), paths.end());
}

}  // namespace tidemark::storage
