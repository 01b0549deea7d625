// ScratchFiles: the files in `tmp` of a live database. Gives them names, and sees to it that they
// go.
//
// Most of them hold as much as what they are for, and a write that fails for want of room is tried
// again and again. So a file that cannot be removed now (some file systems need room even for that)
// is not forgotten: whatever is removed next takes it along. After a crash the next opening empties
// the folder.
#pragma once

#include "storage/file_system.h"

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark::storage {

// Thread safety: all members may be called concurrently.
class ScratchFiles {
 public:
  ScratchFiles(FileSystemPtr fs, std::string directory)
      : fs_(std::move(fs)), directory_(std::move(directory)) {}

  // Removes what is in the directory, which is created if absent.
  Status Empty();
  // A fresh path.
  std::string NewPath(std::string_view suffix);
  // Removes files or whole directories, and what earlier calls have left. Absent ones are fine.
  void Remove(std::vector<std::string> paths);
  void Remove(const std::string& path) { Remove(std::vector<std::string>{path}); }

 private:
  const FileSystemPtr fs_;
  const std::string directory_;
  std::atomic<uint64_t> next_{1};
  std::mutex mutex_;
  std::vector<std::string> left_;  // guarded by mutex_
};

}  // namespace tidemark::storage
