// ViewDirectory: where a read view lies: <directory of its store>/views/<16 hex digits>, disposable
// and of no use to anybody but the view.
//
//   LOCK       flocked for as long as the view lives, also when its store has been closed
//   live.<n>   the view's database
//
// What a process that died left there the next store that opens the directory removes.
#pragma once

#include "storage/file_system.h"

#include <tidemark/status.h>

#include <memory>
#include <string>

namespace tidemark::store {

// Thread safety: a value that is not changed; destroyed on any thread.
class ViewDirectory {
 public:
  // Makes one below the store's directory and takes its lock. On error nothing is left.
  static Result<std::unique_ptr<ViewDirectory>> Create(storage::FileSystemPtr fs,
                                                       const std::string& store_directory);
  // Removes it with all that is in it; what cannot be removed now is a leftover.
  ~ViewDirectory();
  ViewDirectory(const ViewDirectory&) = delete;
  ViewDirectory& operator=(const ViewDirectory&) = delete;

  const std::string& path() const noexcept { return path_; }

 private:
  ViewDirectory(storage::FileSystemPtr fs, std::string path)
      : fs_(std::move(fs)), path_(std::move(path)) {}

  const storage::FileSystemPtr fs_;
  const std::string path_;
  std::unique_ptr<StorageLock> lock_;  // given up when everything else has gone
};

// Removes those that nobody holds. Best effort.
void RemoveLeftViewDirectories(rocksdb::FileSystem& fs, const std::string& store_directory);

}  // namespace tidemark::store
