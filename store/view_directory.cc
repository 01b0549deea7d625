#include "store/view_directory.h"

#include "format/names.h"

#include <cstdio>
#include <utility>

namespace tidemark::store {

namespace {

std::string ViewsOf(const std::string& store_directory) { return store_directory + "/views/"; }

std::string LockOf(const std::string& path) { return path + "/LOCK"; }

}  // namespace

Result<std::unique_ptr<ViewDirectory>> ViewDirectory::Create(storage::FileSystemPtr fs,
                                                             const std::string& store_directory) {
  char name[20];
  std::snprintf(name, sizeof(name), "%016llx",
                static_cast<unsigned long long>(format::RandomUnique()));
  std::unique_ptr<ViewDirectory> directory(
      new ViewDirectory(std::move(fs), ViewsOf(store_directory) + name));
  TIDEMARK_RETURN_IF_ERROR(storage::MakeDirectories(*directory->fs_, directory->path_));
  TIDEMARK_ASSIGN_OR_RETURN(directory->lock_,
                            storage::LockFile(LockOf(directory->path_), "view-locked"));
  return directory;
}

ViewDirectory::~ViewDirectory() { (void)storage::RemoveAll(*fs_, path_); }

void RemoveLeftViewDirectories(rocksdb::FileSystem& fs, const std::string& store_directory) {
  const std::string views = ViewsOf(store_directory);
  for (const std::string& name : storage::ListDirectory(fs, views)) {
    const std::string path = std::string(views).append(name);
    if (!storage::IsLocked(LockOf(path))) (void)storage::RemoveAll(fs, path);
  }
}

}  // namespace tidemark::store
