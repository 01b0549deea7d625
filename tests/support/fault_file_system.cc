#include "tests/support/failed_sync.h"
#include "tests/support/fault_calls.h"

namespace tidemark::test {
namespace {

using rocksdb::FileOptions;
using rocksdb::FSDirectory;
using rocksdb::FSWritableFile;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;
using Plan = FaultPlan<FileOperation>;
using Flag = std::atomic<bool>;

// Guarded, for a sync of `target`, which learns that it has failed.
template <class Target, class Call>
IOStatus GuardedSync(Plan& plan, FileOperation operation, const std::string& name, Target* target,
                     Call&& call) {
  const auto fault = plan.Strike(operation, name);
  if (!fault) return call();
  if (fault->answer_lost)
    call().PermitUncheckedError();
  else if (auto* const loses = dynamic_cast<LosesUnsynced*>(target); loses != nullptr)
    loses->SyncFailed();
  return fault->repeated ? call() : ErrorOf(fault->error, name);
}

class FaultFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  FaultFile(std::unique_ptr<FSWritableFile> file, std::string name, std::shared_ptr<Plan> plan,
            std::shared_ptr<Flag> skip_syncs)
      : FSWritableFileOwnerWrapper(std::move(file)),
        name_(std::move(name)),
        plan_(std::move(plan)),
        skip_syncs_(std::move(skip_syncs)) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    return GuardedWrite(
        data, [&] { return target()->Append(data, options, debug); },
        [&](const Slice& part) { return target()->Append(part, options, debug); });
  }
  IOStatus Append(const Slice& data, const IOOptions& options,
                  const rocksdb::DataVerificationInfo& info, IODebugContext* debug) override {
    return GuardedWrite(
        data, [&] { return target()->Append(data, options, info, debug); },
        [&](const Slice& part) { return target()->Append(part, options, debug); });
  }
  IOStatus PositionedAppend(const Slice& data, uint64_t offset, const IOOptions& options,
                            IODebugContext* debug) override {
    return GuardedWrite(
        data, [&] { return target()->PositionedAppend(data, offset, options, debug); },
        [&](const Slice& part) {
          return target()->PositionedAppend(part, offset, options, debug);
        });
  }
  IOStatus PositionedAppend(const Slice& data, uint64_t offset, const IOOptions& options,
                            const rocksdb::DataVerificationInfo& info,
                            IODebugContext* debug) override {
    return GuardedWrite(
        data, [&] { return target()->PositionedAppend(data, offset, options, info, debug); },
        [&](const Slice& part) {
          return target()->PositionedAppend(part, offset, options, debug);
        });
  }
  IOStatus Truncate(uint64_t size, const IOOptions& options, IODebugContext* debug) override {
    return Guarded(*plan_, FileOperation::kAppend, name_,
                   [&] { return target()->Truncate(size, options, debug); });
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    return GuardedSync(*plan_, FileOperation::kSync, name_, target(), [&] {
      return *skip_syncs_ ? IOStatus::OK() : target()->Sync(options, debug);
    });
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return GuardedSync(*plan_, FileOperation::kSync, name_, target(), [&] {
      return *skip_syncs_ ? IOStatus::OK() : target()->Fsync(options, debug);
    });
  }
  IOStatus RangeSync(uint64_t offset, uint64_t bytes, const IOOptions& options,
                     IODebugContext* debug) override {
    return Guarded(*plan_, FileOperation::kSync, name_, [&] {
      return *skip_syncs_ ? IOStatus::OK() : target()->RangeSync(offset, bytes, options, debug);
    });
  }
  // A descriptor is gone even when close fails.
  IOStatus Close(const IOOptions& options, IODebugContext* debug) override {
    IOStatus closed = target()->Close(options, debug);
    return Guarded(*plan_, FileOperation::kClose, name_, [&] { return closed; });
  }

 private:
  template <class Whole, class Part>
  IOStatus GuardedWrite(const Slice& data, Whole&& whole, Part&& part) {
    const auto fault = plan_->Strike(FileOperation::kAppend, name_);
    if (!fault) return whole();
    if (fault->answer_lost) whole().PermitUncheckedError();
    if (fault->error == FaultError::kShort)
      part(Slice(data.data(), data.size() / 2)).PermitUncheckedError();
    return ErrorOf(fault->error, name_);
  }

  const std::string name_;
  const std::shared_ptr<Plan> plan_;
  const std::shared_ptr<Flag> skip_syncs_;
};

class FaultDirectory final : public rocksdb::FSDirectoryWrapper {
 public:
  FaultDirectory(std::unique_ptr<FSDirectory> directory, std::string name,
                 std::shared_ptr<Plan> plan, std::shared_ptr<Flag> skip_syncs)
      : FSDirectoryWrapper(directory.get()),
        directory_(std::move(directory)),
        name_(std::move(name)),
        plan_(std::move(plan)),
        skip_syncs_(std::move(skip_syncs)) {}

  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return GuardedSync(*plan_, FileOperation::kSyncDirectory, name_, directory_.get(), [&] {
      return *skip_syncs_ ? IOStatus::OK() : FSDirectoryWrapper::Fsync(options, debug);
    });
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* debug,
                               const rocksdb::DirFsyncOptions& how) override {
    return GuardedSync(*plan_, FileOperation::kSyncDirectory, name_, directory_.get(), [&] {
      return *skip_syncs_ ? IOStatus::OK()
                          : FSDirectoryWrapper::FsyncWithDirOptions(options, debug, how);
    });
  }

 private:
  const std::unique_ptr<FSDirectory> directory_;
  const std::string name_;
  const std::shared_ptr<Plan> plan_;
  const std::shared_ptr<Flag> skip_syncs_;
};

// Opens a file with `open`, wrapped.
template <class Open>
IOStatus Create(const std::shared_ptr<Plan>& plan, const std::shared_ptr<Flag>& skip_syncs,
                const std::string& name, std::unique_ptr<FSWritableFile>* result, Open&& open) {
  IOStatus status = Guarded(*plan, FileOperation::kCreate, name, open);
  if (!status.ok()) {
    result->reset();
    return status;
  }
  *result = std::make_unique<FaultFile>(std::move(*result), name, plan, skip_syncs);
  return status;
}

}  // namespace

FaultFileSystem::FaultFileSystem(const std::shared_ptr<rocksdb::FileSystem>& target)
    : FileSystemWrapper(target),
      plan_(std::make_shared<Plan>()),
      skip_syncs_(std::make_shared<Flag>(false)) {}

IOStatus FaultFileSystem::NewWritableFile(const std::string& name, const FileOptions& options,
                                          std::unique_ptr<FSWritableFile>* result,
                                          IODebugContext* debug) {
  return Create(plan_, skip_syncs_, name, result,
                [&] { return target()->NewWritableFile(name, options, result, debug); });
}

IOStatus FaultFileSystem::ReopenWritableFile(const std::string& name, const FileOptions& options,
                                             std::unique_ptr<FSWritableFile>* result,
                                             IODebugContext* debug) {
  return Create(plan_, skip_syncs_, name, result,
                [&] { return target()->ReopenWritableFile(name, options, result, debug); });
}

IOStatus FaultFileSystem::ReuseWritableFile(const std::string& name, const std::string& old_name,
                                            const FileOptions& options,
                                            std::unique_ptr<FSWritableFile>* result,
                                            IODebugContext* debug) {
  return Create(plan_, skip_syncs_, name, result, [&] {
    return target()->ReuseWritableFile(name, old_name, options, result, debug);
  });
}

IOStatus FaultFileSystem::NewDirectory(const std::string& name, const IOOptions& options,
                                       std::unique_ptr<FSDirectory>* result,
                                       IODebugContext* debug) {
  IOStatus status = GuardedIfNamed(*plan_, FileOperation::kOpen, name, [&] {
    return target()->NewDirectory(name, options, result, debug);
  });
  if (status.ok())
    *result = std::make_unique<FaultDirectory>(std::move(*result), name, plan_, skip_syncs_);
  return status;
}

IOStatus FaultFileSystem::DeleteFile(const std::string& name, const IOOptions& options,
                                     IODebugContext* debug) {
  return Guarded(*plan_, FileOperation::kDelete, name,
                 [&] { return target()->DeleteFile(name, options, debug); });
}

IOStatus FaultFileSystem::Truncate(const std::string& name, size_t size, const IOOptions& options,
                                   IODebugContext* debug) {
  return Guarded(*plan_, FileOperation::kAppend, name,
                 [&] { return target()->Truncate(name, size, options, debug); });
}

IOStatus FaultFileSystem::CreateDir(const std::string& name, const IOOptions& options,
                                    IODebugContext* debug) {
  return Guarded(*plan_, FileOperation::kCreateDirectory, name,
                 [&] { return target()->CreateDir(name, options, debug); });
}

IOStatus FaultFileSystem::CreateDirIfMissing(const std::string& name, const IOOptions& options,
                                             IODebugContext* debug) {
  return Guarded(*plan_, FileOperation::kCreateDirectory, name,
                 [&] { return target()->CreateDirIfMissing(name, options, debug); });
}

IOStatus FaultFileSystem::DeleteDir(const std::string& name, const IOOptions& options,
                                    IODebugContext* debug) {
  return Guarded(*plan_, FileOperation::kDeleteDirectory, name,
                 [&] { return target()->DeleteDir(name, options, debug); });
}

IOStatus FaultFileSystem::RenameFile(const std::string& from, const std::string& to,
                                     const IOOptions& options, IODebugContext* debug) {
  return Guarded(*plan_, FileOperation::kRename, from + ' ' + to,
                 [&] { return target()->RenameFile(from, to, options, debug); });
}

IOStatus FaultFileSystem::LinkFile(const std::string& from, const std::string& to,
                                   const IOOptions& options, IODebugContext* debug) {
  if (deny_links_.load())
    return IOStatus::IOError("while link file to " + to + ": " + from,
                             std::generic_category().message(EPERM));
  return Guarded(*plan_, FileOperation::kLink, from + ' ' + to,
                 [&] { return target()->LinkFile(from, to, options, debug); });
}

}  // namespace tidemark::test
