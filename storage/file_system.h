// Files of the local machine, through rocksdb::FileSystem, so that one fault-injecting file system
// in tests sees every call of ours and of RocksDB's. Also the flock that marks a living process.
#pragma once

#include "format/checksum.h"

#include <tidemark/status.h>
#include <tidemark/storage.h>

#include <rocksdb/file_system.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark::storage {

using FileSystemPtr = std::shared_ptr<rocksdb::FileSystem>;

// The operating system's own.
FileSystemPtr DefaultFileSystem();

// All of these translate errors as FromRocksDb does and name the path.
// The content is synced on return, the name is not. A name that exists is given to the new file;
// the one that it named, and its other links, stay as they are. On error nothing is left under the
// name.
Status WriteFileDurably(rocksdb::FileSystem& fs, const std::string& path, std::string_view bytes);
Status SyncDirectory(rocksdb::FileSystem& fs, const std::string& path);
Result<std::string> ReadWholeFile(rocksdb::FileSystem& fs, const std::string& path);

// Reads a file once, from front to end in pieces. An open one stays readable when its name is
// deleted, as local file systems promise.
class PieceReader {
 public:
  PieceReader(rocksdb::FileSystem& fs, std::string path);
  Status Open();
  // Of at most `bytes_max` and 1 MiB; empty at the end. Valid until the next call.
  Result<std::string_view> Next(size_t bytes_max);

 private:
  rocksdb::FileSystem& fs_;
  const std::string path_;
  std::unique_ptr<rocksdb::FSSequentialFile> file_;
  std::unique_ptr<char[]> buffer_;  // from the first piece on
};

// As WriteFileDurably, with the content of `from`. `hasher`, if given, sees every byte. `limit`:
// copy only so many bytes.
Status CopyFile(rocksdb::FileSystem& fs, const std::string& from, const std::string& to,
                format::Hasher128* hasher, uint64_t limit = UINT64_MAX);
// The same of a file that is open, from where its reader is.
Status CopyFile(rocksdb::FileSystem& fs, PieceReader* from, const std::string& to,
                format::Hasher128* hasher, uint64_t limit = UINT64_MAX);
// The same, but for the sync.
Status CopyFileUnsynced(rocksdb::FileSystem& fs, const std::string& from, const std::string& to);
// Creates the directory and its parents.
Status MakeDirectories(rocksdb::FileSystem& fs, const std::string& path);
// The same, each one durably in its parent; those that exist are synced into theirs too where that
// is permitted.
Status CreateDirectories(rocksdb::FileSystem& fs, const std::string& path);
// Removes the directory and all in it; absent is OK.
Status RemoveAll(rocksdb::FileSystem& fs, const std::string& path);
// Removes the file. An absent one is an error.
Status RemoveFile(rocksdb::FileSystem& fs, const std::string& path);
bool Exists(rocksdb::FileSystem& fs, const std::string& path);
// The names in a directory, without `.` and `..`, in no order; none if it cannot be read.
std::vector<std::string> ListDirectory(rocksdb::FileSystem& fs, const std::string& path);
// True if files of one directory can be hard-linked into the other: both on one mounted file system
// that knows links. They need not exist yet. Nothing is written; a link may fail all the same (too
// many, not permitted).
bool CanLink(const std::string& directory_a, const std::string& directory_b);

// How many files this process may have open at once (RLIMIT_NOFILE); 1,024 if that is unknown.
uint64_t OpenFilesMax();

// flock(LOCK_EX) on `path`, created if absent, holding the process id as text. Busy
// (`name`, naming holder and path) when taken.
Result<std::unique_ptr<StorageLock>> LockFile(const std::string& path, std::string_view name);
// Whether somebody holds that lock now; false if the file does not exist, true if that cannot be
// told (too many open files, say), as who asks would delete what is free. Creates and changes
// nothing.
bool IsLocked(const std::string& path);

// The local directory of OpenLocalDirectory over another file system.
Result<std::shared_ptr<CheckpointStorage>> OpenLocalDirectoryOn(const std::string& path,
                                                                FileSystemPtr fs);
// ... and what OpenStorage opens.
Result<std::shared_ptr<CheckpointStorage>> OpenStorageOn(std::string_view uri, FileSystemPtr fs);

}  // namespace tidemark::storage
