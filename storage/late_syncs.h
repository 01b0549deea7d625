// LateSyncs: a file system that owes its syncs until it is asked for all of them.
//
// For a directory that is of no use after a crash before it is complete. What is synced on the way
// there nobody relies on, and every such sync would hold up who waits for the directory, and those
// whose syncs matter.
//
// Invariants:
//   - a path is owed from the first sync that was put off until its own has succeeded, under
//     whatever names it gets meanwhile
//   - a file whose sync has failed is lost: it is never synced again, takes no further byte, and is
//     not to be linked to a place where it is relied on. Who writes it has to begin another one
#pragma once

#include "storage/file_system.h"

#include <tidemark/status.h>

#include <memory>
#include <string>

namespace tidemark::storage {

// Thread safety: all members may be called concurrently, as may the file system.
class LateSyncs {
 public:
  explicit LateSyncs(const FileSystemPtr& fs);
  ~LateSyncs();
  LateSyncs(const LateSyncs&) = delete;
  LateSyncs& operator=(const LateSyncs&) = delete;

  // Passes everything on but the syncs of files and directories. May outlive this object.
  const FileSystemPtr& fs() const noexcept { return fs_; }

  // A file that was written past `fs`, and not synced.
  void Owe(const std::string& path);
  // Does what is owed; what `fs` is asked to sync from now on it syncs at once. After an error it
  // stays with that one, as it is unknown what the medium has.
  Status Settle();
  // Whether the sync of the file has failed.
  bool IsLost(const std::string& path) const;

 private:
  class Debts;
  class LateFile;
  class LateDirectory;
  class LateFileSystem;

  const std::shared_ptr<Debts> debts_;
  const FileSystemPtr fs_;
};

}  // namespace tidemark::storage
