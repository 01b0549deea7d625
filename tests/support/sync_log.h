// SyncLog: what a power cut may take, worked out from the calls that a FaultFileSystem has
// recorded.
#pragma once

#include "tests/support/fault_file_system.h"

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidemark::test {

using RecordedCalls = std::vector<std::pair<FileOperation, std::string>>;

// Files with bytes, and directories with names, that were not synced since.
class SyncLog {
 public:
  // Before the call number `end`.
  SyncLog(const RecordedCalls& calls, size_t end) {
    for (size_t i = 0; i < end && i < calls.size(); ++i) Note(calls[i].first, calls[i].second);
  }

  // Those whose path has `part` in it.
  std::set<std::string> Unsynced(std::string_view part) const {
    std::set<std::string> found;
    for (const auto* paths : {&files_, &directories_}) {
      for (const std::string& path : *paths)
        if (path.find(part) != std::string::npos) found.insert(path);
    }
    return found;
  }

 private:
  void Note(FileOperation operation, const std::string& name) {
    const std::string from = name.substr(0, name.find(' '));
    const std::string to = name.substr(name.find(' ') + 1);  // of a link or a rename
    switch (operation) {
      case FileOperation::kCreate:
      case FileOperation::kCreateDirectory:
        directories_.insert(FolderOf(name));
        return;
      case FileOperation::kAppend:
        files_.insert(name);
        return;
      case FileOperation::kSync:
        files_.erase(name);
        return;
      case FileOperation::kSyncDirectory:
        directories_.erase(name);
        return;
      case FileOperation::kLink:
        directories_.insert(FolderOf(to));
        if (files_.contains(from)) files_.insert(to);
        return;
      case FileOperation::kRename:
        directories_.insert(FolderOf(to));
        if (files_.erase(from) > 0) files_.insert(to);
        return;
      case FileOperation::kDelete:
        files_.erase(name);
        return;
      case FileOperation::kDeleteDirectory:
        directories_.erase(name);
        return;
      case FileOperation::kOpen:
      case FileOperation::kRead:
      case FileOperation::kLook:
      case FileOperation::kList:
      case FileOperation::kClose:
        return;
    }
  }
  static std::string FolderOf(const std::string& path) { return path.substr(0, path.rfind('/')); }

  std::set<std::string> files_;
  std::set<std::string> directories_;
};

}  // namespace tidemark::test
