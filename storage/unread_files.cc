#include "storage/unread_files.h"

#include "storage/live_database.h"

#include <filesystem>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>

namespace tidemark::storage {
namespace {

using rocksdb::FileOptions;
using rocksdb::FSRandomAccessFile;
using rocksdb::FSReadRequest;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

bool IsTemporary(const std::string& path) {
  return std::filesystem::path(path).parent_path().filename() == kLiveTemporaryName;
}

// The paths of files of which a read has failed.
//
// Thread safety: all members may be called concurrently.
class UnreadPaths {
 public:
  void Add(const std::string& path) {
    std::lock_guard lock(mutex_);
    paths_.insert(path);
  }
  bool Contain(const std::string& path) const {
    std::lock_guard lock(mutex_);
    return paths_.contains(path);
  }

 private:
  mutable std::mutex mutex_;
  std::set<std::string> paths_;
};

class WatchedFile final : public rocksdb::FSRandomAccessFileOwnerWrapper {
 public:
  WatchedFile(std::unique_ptr<FSRandomAccessFile> file, std::string path,
              std::shared_ptr<UnreadPaths> unread)
      : FSRandomAccessFileOwnerWrapper(std::move(file)),
        path_(std::move(path)),
        unread_(std::move(unread)) {}

  IOStatus Read(uint64_t offset, size_t size, const IOOptions& options, Slice* result,
                char* scratch, IODebugContext* debug) const override {
    IOStatus status = target()->Read(offset, size, options, result, scratch, debug);
    if (status.ok()) return status;
    status = target()->Read(offset, size, options, result, scratch, debug);
    if (!status.ok()) unread_->Add(path_);
    return status;
  }
  IOStatus MultiRead(FSReadRequest* requests, size_t count, const IOOptions& options,
                     IODebugContext* debug) override {
    IOStatus status = target()->MultiRead(requests, count, options, debug);
    bool all_read = status.ok();
    for (size_t i = 0; i < count; ++i) all_read = all_read && requests[i].status.ok();
    if (!all_read) unread_->Add(path_);
    return status;
  }

 private:
  const std::string path_;
  const std::shared_ptr<UnreadPaths> unread_;
};

class WatchingFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  using FileSystemWrapper::FileSystemWrapper;

  const char* Name() const override { return "WatchingFileSystem"; }
  IOStatus NewRandomAccessFile(const std::string& path, const FileOptions& options,
                               std::unique_ptr<FSRandomAccessFile>* result,
                               IODebugContext* debug) override {
    IOStatus status = target()->NewRandomAccessFile(path, options, result, debug);
    if (status.ok() && IsTemporary(path))
      *result = std::make_unique<WatchedFile>(std::move(*result), path, unread_);
    return status;
  }
  // What an ingestion copies a file by.
  IOStatus NewSequentialFile(const std::string& path, const FileOptions& options,
                             std::unique_ptr<rocksdb::FSSequentialFile>* result,
                             IODebugContext* debug) override {
    if (unread_->Contain(path)) return Refusal(path);
    return target()->NewSequentialFile(path, options, result, debug);
  }
  IOStatus LinkFile(const std::string& from, const std::string& to, const IOOptions& options,
                    IODebugContext* debug) override {
    if (unread_->Contain(from)) return Refusal(from);
    return target()->LinkFile(from, to, options, debug);
  }

 private:
  static IOStatus Refusal(const std::string& path) {
    return IOStatus::IOError(path, "a read of it has failed before");
  }

  const std::shared_ptr<UnreadPaths> unread_ =
      std::make_shared<UnreadPaths>();  // of open files too
};

}  // namespace

FileSystemPtr WithoutUnreadFiles(const FileSystemPtr& fs) {
  return std::make_shared<WatchingFileSystem>(fs);
}

}  // namespace tidemark::storage
