// What FaultFileSystem does with calls that change nothing.
#include "tests/support/fault_calls.h"

#include <utility>

namespace tidemark::test {
namespace {

using rocksdb::FileOptions;
using rocksdb::FSRandomAccessFile;
using rocksdb::FSReadRequest;
using rocksdb::FSSequentialFile;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;
using Plan = FaultPlan<FileOperation>;

class FaultSequentialFile final : public rocksdb::FSSequentialFileOwnerWrapper {
 public:
  FaultSequentialFile(std::unique_ptr<FSSequentialFile> file, std::string name,
                      std::shared_ptr<Plan> plan)
      : FSSequentialFileOwnerWrapper(std::move(file)),
        name_(std::move(name)),
        plan_(std::move(plan)) {}

  IOStatus Read(size_t size, const IOOptions& options, Slice* result, char* scratch,
                IODebugContext* debug) override {
    return Guard([&] { return target()->Read(size, options, result, scratch, debug); });
  }
  IOStatus PositionedRead(uint64_t offset, size_t size, const IOOptions& options, Slice* result,
                          char* scratch, IODebugContext* debug) override {
    return Guard(
        [&] { return target()->PositionedRead(offset, size, options, result, scratch, debug); });
  }
  IOStatus Skip(uint64_t size) override {
    return Guard([&] { return target()->Skip(size); });
  }

 private:
  template <class Call>
  IOStatus Guard(Call&& call) {
    return GuardedIfNamed(*plan_, FileOperation::kRead, name_, call);
  }

  const std::string name_;
  const std::shared_ptr<Plan> plan_;
};

class FaultRandomAccessFile final : public rocksdb::FSRandomAccessFileOwnerWrapper {
 public:
  FaultRandomAccessFile(std::unique_ptr<FSRandomAccessFile> file, std::string name,
                        std::shared_ptr<Plan> plan)
      : FSRandomAccessFileOwnerWrapper(std::move(file)),
        name_(std::move(name)),
        plan_(std::move(plan)) {}

  IOStatus Read(uint64_t offset, size_t size, const IOOptions& options, Slice* result,
                char* scratch, IODebugContext* debug) const override {
    return Guard([&] { return target()->Read(offset, size, options, result, scratch, debug); });
  }
  // Each of the requests fails for itself.
  IOStatus MultiRead(FSReadRequest* requests, size_t count, const IOOptions& options,
                     IODebugContext* debug) override {
    if (!plan_->Names(FileOperation::kRead))
      return target()->MultiRead(requests, count, options, debug);
    // The wrapper's own would go past Read.
    // NOLINTNEXTLINE(bugprone-parent-virtual-call)
    return FSRandomAccessFile::MultiRead(requests, count, options, debug);
  }
  IOStatus ReadAsync(FSReadRequest& request, const IOOptions& options,
                     std::function<void(const FSReadRequest&, void*)> done, void* context,
                     void** handle, rocksdb::IOHandleDeleter* deleter,
                     IODebugContext* debug) override {
    return Guard([&] {
      return target()->ReadAsync(request, options, done, context, handle, deleter, debug);
    });
  }
  IOStatus Prefetch(uint64_t offset, size_t size, const IOOptions& options,
                    IODebugContext* debug) override {
    return Guard([&] { return target()->Prefetch(offset, size, options, debug); });
  }

 private:
  template <class Call>
  IOStatus Guard(Call&& call) const {
    return GuardedIfNamed(*plan_, FileOperation::kRead, name_, call);
  }

  const std::string name_;
  const std::shared_ptr<Plan> plan_;
};

}  // namespace

IOStatus FaultFileSystem::NewSequentialFile(const std::string& name, const FileOptions& options,
                                            std::unique_ptr<FSSequentialFile>* result,
                                            IODebugContext* debug) {
  IOStatus status = GuardedIfNamed(*plan_, FileOperation::kOpen, name, [&] {
    return target()->NewSequentialFile(name, options, result, debug);
  });
  if (status.ok()) *result = std::make_unique<FaultSequentialFile>(std::move(*result), name, plan_);
  return status;
}

IOStatus FaultFileSystem::NewRandomAccessFile(const std::string& name, const FileOptions& options,
                                              std::unique_ptr<FSRandomAccessFile>* result,
                                              IODebugContext* debug) {
  IOStatus status = GuardedIfNamed(*plan_, FileOperation::kOpen, name, [&] {
    return target()->NewRandomAccessFile(name, options, result, debug);
  });
  if (status.ok())
    *result = std::make_unique<FaultRandomAccessFile>(std::move(*result), name, plan_);
  return status;
}

IOStatus FaultFileSystem::FileExists(const std::string& name, const IOOptions& options,
                                     IODebugContext* debug) {
  return GuardedIfNamed(*plan_, FileOperation::kLook, name,
                        [&] { return target()->FileExists(name, options, debug); });
}

IOStatus FaultFileSystem::IsDirectory(const std::string& name, const IOOptions& options,
                                      bool* is_directory, IODebugContext* debug) {
  return GuardedIfNamed(*plan_, FileOperation::kLook, name,
                        [&] { return target()->IsDirectory(name, options, is_directory, debug); });
}

IOStatus FaultFileSystem::GetFileSize(const std::string& name, const IOOptions& options,
                                      uint64_t* size, IODebugContext* debug) {
  return GuardedIfNamed(*plan_, FileOperation::kLook, name,
                        [&] { return target()->GetFileSize(name, options, size, debug); });
}

IOStatus FaultFileSystem::GetFileModificationTime(const std::string& name, const IOOptions& options,
                                                  uint64_t* time, IODebugContext* debug) {
  return GuardedIfNamed(*plan_, FileOperation::kLook, name, [&] {
    return target()->GetFileModificationTime(name, options, time, debug);
  });
}

IOStatus FaultFileSystem::NumFileLinks(const std::string& name, const IOOptions& options,
                                       uint64_t* count, IODebugContext* debug) {
  return GuardedIfNamed(*plan_, FileOperation::kLook, name,
                        [&] { return target()->NumFileLinks(name, options, count, debug); });
}

IOStatus FaultFileSystem::AreFilesSame(const std::string& a, const std::string& b,
                                       const IOOptions& options, bool* same,
                                       IODebugContext* debug) {
  return GuardedIfNamed(*plan_, FileOperation::kLook, a + ' ' + b,
                        [&] { return target()->AreFilesSame(a, b, options, same, debug); });
}

IOStatus FaultFileSystem::GetChildren(const std::string& name, const IOOptions& options,
                                      std::vector<std::string>* names, IODebugContext* debug) {
  return GuardedIfNamed(*plan_, FileOperation::kList, name,
                        [&] { return target()->GetChildren(name, options, names, debug); });
}

IOStatus FaultFileSystem::GetChildrenFileAttributes(const std::string& name,
                                                    const IOOptions& options,
                                                    std::vector<rocksdb::FileAttributes>* files,
                                                    IODebugContext* debug) {
  return GuardedIfNamed(*plan_, FileOperation::kList, name, [&] {
    return target()->GetChildrenFileAttributes(name, options, files, debug);
  });
}

}  // namespace tidemark::test
