#include "storage/file_system.h"
#include "storage/rocksdb_status.h"

namespace tidemark::storage {

Status RemoveFile(rocksdb::FileSystem& fs, const std::string& path) {
  return FromRocksDb(fs.DeleteFile(path, rocksdb::IOOptions(), nullptr), "remove " + path);
}

bool Exists(rocksdb::FileSystem& fs, const std::string& path) {
  return fs.FileExists(path, rocksdb::IOOptions(), nullptr).ok();
}

std::vector<std::string> ListDirectory(rocksdb::FileSystem& fs, const std::string& path) {
  std::vector<std::string> names;
  if (!fs.GetChildren(path, rocksdb::IOOptions(), &names, nullptr).ok()) names.clear();
  std::erase_if(names, [](const std::string& name) { return name == "." || name == ".."; });
  return names;
}

}  // namespace tidemark::storage
