// MemoryFileSystem: files and directories below one path, in memory, that know what of them is
// durable, so that the power can be cut. Of a file that is its content as of its last sync; of a
// directory the names as of its last sync, and no more: a file system may give more than it has to,
// and what is built on that fails on another one. What was not durable when a sync fails is lost:
// later syncs succeed, and do not bring it back (see LosesUnsynced).
//
// Outside of that path it is the operating system's own. Its directories are made there too, empty,
// for the locks that we take past RocksDB's file system.
#pragma once

#include <rocksdb/file_system.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

namespace tidemark::test {

// What a cut leaves of what was not synced.
enum class Cut {
  kNothing,  // all of it is lost
  kAll,      // all of it is there, as after a kill
  kTorn,     // all names, and of each content a part: up to any byte, or with a page of zeros
  kAnyNames  // contents, but any part of what directories were changed by
};

// Thread safety: all members may be called concurrently.
class MemoryFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  // `root` is a directory of the operating system that exists. It is empty here.
  explicit MemoryFileSystem(std::string root);
  ~MemoryFileSystem() override;

  // What is there after a cut at this moment, written as real files into the directory `to`, which
  // is made. `seed` decides what is left where that is a matter of chance.
  void WriteCut(Cut cut, uint64_t seed, const std::string& to) const;
  // Takes over real files from there, durable.
  void Load(const std::string& from);

  // The controls: syncs of such files, or directories, do nothing from now on. `kinds` is what a
  // path ends with, or has in it: "log/" say.
  void IgnoreFileSyncs(const std::string& kind);
  void IgnoreDirectorySyncs(const std::string& kind);

  const char* Name() const override { return "MemoryFileSystem"; }
  using Options = rocksdb::FileOptions;
  using IOOptions = rocksdb::IOOptions;
  using Debug = rocksdb::IODebugContext;
  rocksdb::IOStatus NewSequentialFile(const std::string& path, const Options& options,
                                      std::unique_ptr<rocksdb::FSSequentialFile>* result,
                                      Debug* debug) override;
  rocksdb::IOStatus NewRandomAccessFile(const std::string& path, const Options& options,
                                        std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
                                        Debug* debug) override;
  rocksdb::IOStatus NewWritableFile(const std::string& path, const Options& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    Debug* debug) override;
  rocksdb::IOStatus ReopenWritableFile(const std::string& path, const Options& options,
                                       std::unique_ptr<rocksdb::FSWritableFile>* result,
                                       Debug* debug) override;
  rocksdb::IOStatus ReuseWritableFile(const std::string& path, const std::string& old_path,
                                      const Options& options,
                                      std::unique_ptr<rocksdb::FSWritableFile>* result,
                                      Debug* debug) override;
  rocksdb::IOStatus NewDirectory(const std::string& path, const IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* result,
                                 Debug* debug) override;
  rocksdb::IOStatus FileExists(const std::string& path, const IOOptions& options,
                               Debug* debug) override;
  rocksdb::IOStatus GetChildren(const std::string& path, const IOOptions& options,
                                std::vector<std::string>* result, Debug* debug) override;
  rocksdb::IOStatus GetChildrenFileAttributes(const std::string& path, const IOOptions& options,
                                              std::vector<rocksdb::FileAttributes>* result,
                                              Debug* debug) override;
  rocksdb::IOStatus DeleteFile(const std::string& path, const IOOptions& options,
                               Debug* debug) override;
  rocksdb::IOStatus Truncate(const std::string& path, size_t size, const IOOptions& options,
                             Debug* debug) override;
  rocksdb::IOStatus CreateDir(const std::string& path, const IOOptions& options,
                              Debug* debug) override;
  rocksdb::IOStatus CreateDirIfMissing(const std::string& path, const IOOptions& options,
                                       Debug* debug) override;
  rocksdb::IOStatus DeleteDir(const std::string& path, const IOOptions& options,
                              Debug* debug) override;
  rocksdb::IOStatus GetFileSize(const std::string& path, const IOOptions& options, uint64_t* size,
                                Debug* debug) override;
  rocksdb::IOStatus GetFileModificationTime(const std::string& path, const IOOptions& options,
                                            uint64_t* time, Debug* debug) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const IOOptions& options, Debug* debug) override;
  rocksdb::IOStatus LinkFile(const std::string& from, const std::string& to,
                             const IOOptions& options, Debug* debug) override;
  rocksdb::IOStatus NumFileLinks(const std::string& path, const IOOptions& options, uint64_t* count,
                                 Debug* debug) override;
  rocksdb::IOStatus AreFilesSame(const std::string& a, const std::string& b,
                                 const IOOptions& options, bool* result, Debug* debug) override;
  rocksdb::IOStatus LockFile(const std::string& path, const IOOptions& options,
                             rocksdb::FileLock** lock, Debug* debug) override;
  rocksdb::IOStatus UnlockFile(rocksdb::FileLock* lock, const IOOptions& options,
                               Debug* debug) override;
  rocksdb::IOStatus NewLogger(const std::string& path, const IOOptions& options,
                              std::shared_ptr<rocksdb::Logger>* result, Debug* debug) override;
  rocksdb::IOStatus IsDirectory(const std::string& path, const IOOptions& options, bool* is_dir,
                                Debug* debug) override;

  struct Node;
  struct Tree;

 private:
  bool IsOurs(const std::string& path) const;

  const std::string root_;
  const std::shared_ptr<Tree> tree_;  // shared with open files
};

}  // namespace tidemark::test
