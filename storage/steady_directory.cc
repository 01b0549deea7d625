#include "storage/steady_directory.h"

#include "storage/rocksdb_status.h"

#include <rocksdb/file_system.h>

#include <memory>
#include <utility>

namespace tidemark::storage {
namespace {

using rocksdb::FSDirectory;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

// Shares the one that is open; Close leaves it open for the others.
class SharedDirectory final : public rocksdb::FSDirectoryWrapper {
 public:
  explicit SharedDirectory(std::shared_ptr<FSDirectory> directory)
      : FSDirectoryWrapper(directory.get()), directory_(std::move(directory)) {}
  IOStatus Close(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }

 private:
  const std::shared_ptr<FSDirectory> directory_;
};

class SteadyFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  SteadyFileSystem(const FileSystemPtr& fs, std::string path,
                   std::shared_ptr<FSDirectory> directory)
      : FileSystemWrapper(fs), path_(std::move(path)), directory_(std::move(directory)) {}

  const char* Name() const override { return "TidemarkSteadyDirectory"; }

  IOStatus CreateDirIfMissing(const std::string& path, const IOOptions& options,
                              IODebugContext* debug) override {
    if (path == path_) return IOStatus::OK();
    return target()->CreateDirIfMissing(path, options, debug);
  }
  IOStatus NewDirectory(const std::string& path, const IOOptions& options,
                        std::unique_ptr<FSDirectory>* result, IODebugContext* debug) override {
    if (path != path_) return target()->NewDirectory(path, options, result, debug);
    *result = std::make_unique<SharedDirectory>(directory_);
    return IOStatus::OK();
  }

 private:
  const std::string path_;
  const std::shared_ptr<FSDirectory> directory_;
};

}  // namespace

Result<FileSystemPtr> OpenSteadyDirectory(const FileSystemPtr& fs, const std::string& directory) {
  TIDEMARK_RETURN_IF_ERROR(FromRocksDb(fs->CreateDirIfMissing(directory, IOOptions(), nullptr),
                                       "create directory " + directory));
  std::unique_ptr<FSDirectory> opened;
  TIDEMARK_RETURN_IF_ERROR(FromRocksDb(fs->NewDirectory(directory, IOOptions(), &opened, nullptr),
                                       "open directory " + directory));
  return FileSystemPtr(std::make_shared<SteadyFileSystem>(
      fs, directory, std::shared_ptr<FSDirectory>(std::move(opened))));
}

}  // namespace tidemark::storage
