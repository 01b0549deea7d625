// FaultFileSystem: a RocksDB file system of which chosen calls fail. Calls that change something
// always count; those that open, read, look and list only where the fault names them.
#pragma once

#include "tests/support/fault_plan.h"

#include <rocksdb/file_system.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

namespace tidemark::test {

enum class FileOperation {
  kCreate,  // NewWritableFile and its like
  kAppend,  // Append, PositionedAppend, Truncate
  kSync,    // Sync, Fsync, RangeSync
  kClose,
  kLink,
  kRename,
  kDelete,
  kCreateDirectory,
  kDeleteDirectory,
  kSyncDirectory,
  // These change nothing; see FaultPlan::StrikeIfNamed.
  kOpen,  // to read, or a directory
  kRead,  // and Skip, Prefetch; each request of a MultiRead is one
  kLook,  // whether a name is there, and what it is: FileExists, GetFileSize and their like
  kList,  // GetChildren and its like
};
using FileFault = Fault<FileOperation>;

// A link or rename matches with both of its paths.
//
// Thread safety: all members may be called concurrently.
class FaultFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  explicit FaultFileSystem(
      const std::shared_ptr<rocksdb::FileSystem>& target = rocksdb::FileSystem::Default());

  FaultPlan<FileOperation>& plan() noexcept { return *plan_; }
  // While set, links fail as they do on a file system that knows none.
  void DenyLinks(bool deny) noexcept { deny_links_.store(deny); }
  // While set, syncs count and can fail, but do nothing: for tests that do not pull the plug.
  void SkipSyncs(bool skip) noexcept { *skip_syncs_ = skip; }

  const char* Name() const override { return "FaultFileSystem"; }
  rocksdb::IOStatus NewSequentialFile(const std::string& name, const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSSequentialFile>* result,
                                      rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewRandomAccessFile(const std::string& name,
                                        const rocksdb::FileOptions& options,
                                        std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
                                        rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus ReopenWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                       std::unique_ptr<rocksdb::FSWritableFile>* result,
                                       rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus ReuseWritableFile(const std::string& name, const std::string& old_name,
                                      const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSWritableFile>* result,
                                      rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewDirectory(const std::string& name, const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* result,
                                 rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus DeleteFile(const std::string& name, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus Truncate(const std::string& name, size_t size,
                             const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus CreateDir(const std::string& name, const rocksdb::IOOptions& options,
                              rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus CreateDirIfMissing(const std::string& name, const rocksdb::IOOptions& options,
                                       rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus DeleteDir(const std::string& name, const rocksdb::IOOptions& options,
                              rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus LinkFile(const std::string& from, const std::string& to,
                             const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus FileExists(const std::string& name, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus IsDirectory(const std::string& name, const rocksdb::IOOptions& options,
                                bool* is_directory, rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus GetFileSize(const std::string& name, const rocksdb::IOOptions& options,
                                uint64_t* size, rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus GetFileModificationTime(const std::string& name,
                                            const rocksdb::IOOptions& options, uint64_t* time,
                                            rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NumFileLinks(const std::string& name, const rocksdb::IOOptions& options,
                                 uint64_t* count, rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus AreFilesSame(const std::string& a, const std::string& b,
                                 const rocksdb::IOOptions& options, bool* same,
                                 rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus GetChildren(const std::string& name, const rocksdb::IOOptions& options,
                                std::vector<std::string>* names,
                                rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus GetChildrenFileAttributes(const std::string& name,
                                              const rocksdb::IOOptions& options,
                                              std::vector<rocksdb::FileAttributes>* files,
                                              rocksdb::IODebugContext* debug) override;

 private:
  // Shared with the files, which may outlive this object.
  const std::shared_ptr<FaultPlan<FileOperation>> plan_;
  const std::shared_ptr<std::atomic<bool>> skip_syncs_;
  std::atomic<bool> deny_links_{false};
};

}  // namespace tidemark::test
