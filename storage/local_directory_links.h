// Whether a path inside of a local directory goes through a symbolic link, which could lead to any
// place of the machine. The root itself may be a link, or lie behind one.
//
// Looks at the disk itself, not through the FileSystem object, which cannot tell links. What
// changes between the look and the use is not noticed, and a folder that was one is not looked at
// again.
#pragma once

#include <tidemark/status.h>

#include <mutex>
#include <set>
#include <string>

namespace tidemark::storage {

// Thread safety: all members may be called concurrently.
class LinkGuard {
 public:
  explicit LinkGuard(std::string root) : root_(std::move(root)) {}

  // All give `object-link` if there is a link between the root and what is looked at, and OK also
  // for what is not there.
  // Of an object that is read, itself and the folders above it: Corruption, as it is damage.
  Status CheckObject(const std::string& path) const;
  // Of a name that is given, or a folder that is listed: Unavailable, as it proves nothing of what
  // is there, and ends no store that does without.
  Status CheckPlace(const std::string& path) const;
  // Of the folders above a name that goes: removing that of a link leaves what it leads to.
  Status CheckFolders(const std::string& path) const;

 private:
  // Empty, or the part of `path` that is a link.
  std::string LinkAt(const std::string& path) const;
  std::string LinkAbove(const std::string& path) const;
  // Of the path up to `end`. A folder is remembered.
  bool IsLink(const std::string& path, size_t end) const;

  const std::string root_;
  mutable std::mutex mutex_;
  mutable std::set<std::string, std::less<>> folders_;  // guarded by mutex_: known to be no links
};

}  // namespace tidemark::storage
