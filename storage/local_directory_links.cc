#include "storage/local_directory_links.h"

#include <sys/stat.h>

#include <string_view>

namespace tidemark::storage {
namespace {

Status Refusal(StatusCode code, const std::string& path, const std::string& link) {
  if (link.empty()) return {};
  return Status(code, "object-link",
                path +
                    ": expected files and folders of the repository itself, got a symbolic link "
                    "at " +
                    link + "; nothing behind it is read or changed. Put a copy in its place");
}

}  // namespace

Status LinkGuard::CheckObject(const std::string& path) const {
  return Refusal(StatusCode::kCorruption, path, LinkAt(path));
}

Status LinkGuard::CheckPlace(const std::string& path) const {
  return Refusal(StatusCode::kUnavailable, path, LinkAt(path));
}

Status LinkGuard::CheckFolders(const std::string& path) const {
  return Refusal(StatusCode::kUnavailable, path, LinkAbove(path));
}

std::string LinkGuard::LinkAt(const std::string& path) const {
  std::string above = LinkAbove(path);
  const bool is_below = path.size() > root_.size();
  return above.empty() && is_below && IsLink(path, path.size()) ? path : above;
}

std::string LinkGuard::LinkAbove(const std::string& path) const {
  for (size_t slash = path.find('/', root_.size() + 1); slash != std::string::npos;
       slash = path.find('/', slash + 1))
    if (IsLink(path, slash)) return path.substr(0, slash);
  return {};
}

bool LinkGuard::IsLink(const std::string& path, size_t end) const {
  {
    std::lock_guard lock(mutex_);
    if (folders_.contains(std::string_view(path).substr(0, end))) return false;
  }
  std::string part = path.substr(0, end);
  struct stat about {};
  // What cannot be looked at fails, or is missing, where it is used.
  if (lstat(part.c_str(), &about) != 0) return false;
  if (!S_ISDIR(about.st_mode)) return S_ISLNK(about.st_mode);
  std::lock_guard lock(mutex_);
  folders_.insert(std::move(part));
  return false;
}

}  // namespace tidemark::storage
