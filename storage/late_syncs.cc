#include "storage/late_syncs.h"

#include "storage/rocksdb_status.h"

#include <rocksdb/file_system.h>

#include <atomic>
#include <mutex>
#include <set>
#include <utility>

namespace tidemark::storage {

using rocksdb::FileOptions;
using rocksdb::FSDirectory;
using rocksdb::FSWritableFile;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

// What is owed. Files change their names under the lock, so that none slips through Settle.
class LateSyncs::Debts {
 public:
  explicit Debts(FileSystemPtr target) : target_(std::move(target)) {}

  // False if it is time to sync.
  bool PutOffFile(const std::string& path) { return PutOff(path, &files_); }
  bool PutOffDirectory(const std::string& path) { return PutOff(path, &directories_); }

  IOStatus Rename(const std::string& from, const std::string& to, const IOOptions& options,
                  IODebugContext* debug) {
    if (!Tracks()) return target_->RenameFile(from, to, options, debug);
    const std::lock_guard lock(mutex_);
    IOStatus status = target_->RenameFile(from, to, options, debug);
    if (!status.ok()) return status;
    lost_.erase(to);
    if (files_.erase(from) > 0) files_.insert(to);
    if (lost_.erase(from) > 0) lost_.insert(to);
    return status;
  }
  IOStatus Link(const std::string& from, const std::string& to, const IOOptions& options,
                IODebugContext* debug) {
    if (!Tracks()) return target_->LinkFile(from, to, options, debug);
    const std::lock_guard lock(mutex_);
    IOStatus status = target_->LinkFile(from, to, options, debug);
    if (!status.ok()) return status;
    if (files_.contains(from)) files_.insert(to);
    if (lost_.contains(from)) lost_.insert(to);
    return status;
  }
  IOStatus Delete(const std::string& path, const IOOptions& options, IODebugContext* debug) {
    if (!Tracks()) return target_->DeleteFile(path, options, debug);
    const std::lock_guard lock(mutex_);
    IOStatus status = target_->DeleteFile(path, options, debug);
    if (!status.ok()) return status;
    files_.erase(path);
    lost_.erase(path);
    return status;
  }

  Status Settle() {
    const std::lock_guard settling(settling_);
    {
      const std::lock_guard lock(mutex_);
      late_.store(false);
    }
    for (Owed owed = Next(); !owed.path.empty(); owed = Next()) {
      const IOStatus synced = Sync(owed);
      const std::lock_guard lock(mutex_);
      const bool is_file = files_.erase(owed.path) > 0;
      const bool is_directory = directories_.erase(owed.path) > 0;
      if (synced.ok()) continue;
      if (failure_.ok()) failure_ = FromRocksDb(synced, "sync " + owed.path);
      if (is_file) lost_.insert(owed.path);
      // It has got another name meanwhile, which is one of these.
      if (!is_file && !is_directory) lost_.merge(files_);
      any_lost_.store(true);
    }
    settled_.store(true);
    return failure_;
  }

  bool IsLost(const std::string& path) const {
    if (!any_lost_.load()) return false;
    const std::lock_guard lock(mutex_);
    return lost_.contains(path);
  }
  // What a change of a lost file is answered with.
  static IOStatus Lost(const std::string& path) {
    return IOStatus::IOError(path,
                             "an earlier sync of this file has failed, so it is lost until the "
                             "store is opened again, which restores it");
  }

 private:
  // A file, open to be synced, or a directory; neither: it has gone. No path: nothing is owed.
  struct Owed {
    std::string path{};
    std::unique_ptr<FSWritableFile> file{};
    std::unique_ptr<FSDirectory> directory{};
    IOStatus opened{};
  };

  // Whether names matter.
  bool Tracks() const { return !settled_.load() || any_lost_.load(); }

  bool PutOff(const std::string& path, std::set<std::string>* owed) {
    if (!late_.load()) return false;
    const std::lock_guard lock(mutex_);
    if (late_.load()) owed->insert(path);
    return late_.load();
  }

  // Opened under the lock: a file that has gone would be made anew. Files first, because what a
  // directory names should be there.
  Owed Next() {
    const std::lock_guard lock(mutex_);
    Owed owed;
    if (!files_.empty()) {
      owed.path = *files_.begin();
      if (target_->FileExists(owed.path, IOOptions(), nullptr).IsNotFound()) return owed;
      owed.opened = target_->ReopenWritableFile(owed.path, FileOptions(), &owed.file, nullptr);
    } else if (!directories_.empty()) {
      owed.path = *directories_.begin();
      owed.opened = target_->NewDirectory(owed.path, IOOptions(), &owed.directory, nullptr);
      if (owed.opened.IsNotFound() || owed.opened.IsPathNotFound()) owed.opened = IOStatus::OK();
    }
    return owed;
  }

  static IOStatus Sync(Owed& owed) {
    if (!owed.opened.ok()) return owed.opened;
    if (owed.directory != nullptr) return owed.directory->Fsync(IOOptions(), nullptr);
    if (owed.file == nullptr) return IOStatus::OK();
    IOStatus synced = owed.file->Sync(IOOptions(), nullptr);
    IOStatus closed = owed.file->Close(IOOptions(), nullptr);
    return synced.ok() ? closed : synced;
  }

  const FileSystemPtr target_;
  std::mutex settling_;           // held by who settles
  Status failure_;                // guarded by settling_
  std::atomic<bool> late_{true};  // changes under mutex_
  std::atomic<bool> settled_{false};
  std::atomic<bool> any_lost_{false};
  mutable std::mutex mutex_;           // guards the rest
  std::set<std::string> files_;        // owed
  std::set<std::string> directories_;  // owed
  std::set<std::string> lost_;
};

class LateSyncs::LateFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  LateFile(std::unique_ptr<FSWritableFile> file, std::string path, std::shared_ptr<Debts> debts)
      : FSWritableFileOwnerWrapper(std::move(file)),
        path_(std::move(path)),
        debts_(std::move(debts)) {}

  using FSWritableFileOwnerWrapper::Append;
  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    if (debts_->IsLost(path_)) return Debts::Lost(path_);
    return target()->Append(data, options, debug);
  }
  IOStatus Append(const Slice& data, const IOOptions& options,
                  const rocksdb::DataVerificationInfo& info, IODebugContext* debug) override {
    if (debts_->IsLost(path_)) return Debts::Lost(path_);
    return target()->Append(data, options, info, debug);
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    return SyncWith([&] { return target()->Sync(options, debug); });
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return SyncWith([&] { return target()->Fsync(options, debug); });
  }
  // A hint, which waits for the medium all the same.
  IOStatus RangeSync(uint64_t offset, uint64_t bytes, const IOOptions& options,
                     IODebugContext* debug) override {
    return SyncWith([&] { return target()->RangeSync(offset, bytes, options, debug); });
  }

 private:
  template <class DoSync>
  IOStatus SyncWith(DoSync&& sync) {
    if (debts_->PutOffFile(path_)) return IOStatus::OK();
    return debts_->IsLost(path_) ? Debts::Lost(path_) : sync();
  }

  const std::string path_;
  const std::shared_ptr<Debts> debts_;
};

class LateSyncs::LateDirectory final : public rocksdb::FSDirectoryWrapper {
 public:
  LateDirectory(std::unique_ptr<FSDirectory> directory, std::string path,
                std::shared_ptr<Debts> debts)
      : FSDirectoryWrapper(std::move(directory)),
        path_(std::move(path)),
        debts_(std::move(debts)) {}
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    if (debts_->PutOffDirectory(path_)) return IOStatus::OK();
    return FSDirectoryWrapper::Fsync(options, debug);
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* debug,
                               const rocksdb::DirFsyncOptions& how) override {
    if (debts_->PutOffDirectory(path_)) return IOStatus::OK();
    return FSDirectoryWrapper::FsyncWithDirOptions(options, debug, how);
  }

 private:
  const std::string path_;
  const std::shared_ptr<Debts> debts_;
};

class LateSyncs::LateFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  LateFileSystem(const FileSystemPtr& fs, std::shared_ptr<Debts> debts)
      : FileSystemWrapper(fs), debts_(std::move(debts)) {}

  const char* Name() const override { return "TidemarkLateSyncs"; }

  IOStatus NewWritableFile(const std::string& path, const FileOptions& options,
                           std::unique_ptr<FSWritableFile>* result,
                           IODebugContext* debug) override {
    return Wrap(target()->NewWritableFile(path, options, result, debug), path, result);
  }
  IOStatus ReopenWritableFile(const std::string& path, const FileOptions& options,
                              std::unique_ptr<FSWritableFile>* result,
                              IODebugContext* debug) override {
    return Wrap(target()->ReopenWritableFile(path, options, result, debug), path, result);
  }
  IOStatus ReuseWritableFile(const std::string& path, const std::string& old_path,
                             const FileOptions& options, std::unique_ptr<FSWritableFile>* result,
                             IODebugContext* debug) override {
    return Wrap(target()->ReuseWritableFile(path, old_path, options, result, debug), path, result);
  }
  IOStatus NewDirectory(const std::string& path, const IOOptions& options,
                        std::unique_ptr<FSDirectory>* result, IODebugContext* debug) override {
    IOStatus status = target()->NewDirectory(path, options, result, debug);
    if (status.ok()) *result = std::make_unique<LateDirectory>(std::move(*result), path, debts_);
    return status;
  }
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                      IODebugContext* debug) override {
    return debts_->Rename(from, to, options, debug);
  }
  IOStatus LinkFile(const std::string& from, const std::string& to, const IOOptions& options,
                    IODebugContext* debug) override {
    return debts_->Link(from, to, options, debug);
  }
  IOStatus DeleteFile(const std::string& path, const IOOptions& options,
                      IODebugContext* debug) override {
    return debts_->Delete(path, options, debug);
  }

 private:
  IOStatus Wrap(IOStatus opened, const std::string& path, std::unique_ptr<FSWritableFile>* file) {
    if (opened.ok()) *file = std::make_unique<LateFile>(std::move(*file), path, debts_);
    return opened;
  }

  const std::shared_ptr<Debts> debts_;
};

LateSyncs::LateSyncs(const FileSystemPtr& fs)
    : debts_(std::make_shared<Debts>(fs)), fs_(std::make_shared<LateFileSystem>(fs, debts_)) {}
LateSyncs::~LateSyncs() = default;

void LateSyncs::Owe(const std::string& path) { (void)debts_->PutOffFile(path); }
Status LateSyncs::Settle() { return debts_->Settle(); }
bool LateSyncs::IsLost(const std::string& path) const { return debts_->IsLost(path); }

}  // namespace tidemark::storage
