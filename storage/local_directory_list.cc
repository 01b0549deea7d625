// Listing a local directory, and opening one.
#include "storage/local_directory.h"
#include "storage/local_directory_names.h"
#include "storage/rocksdb_status.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <system_error>

namespace tidemark::storage {
namespace {

rocksdb::IOOptions Io() { return {}; }

bool IsMissing(const rocksdb::IOStatus& status) {
  return status.IsNotFound() || status.IsPathNotFound();
}

// The scheme of a URI: letters, digits, `+`, `-`, `.` before the first colon, a letter first. Empty
// for a plain path.
std::string_view SchemeOf(std::string_view uri) {
  const std::string_view scheme = uri.substr(0, std::min(uri.find(':'), uri.size()));
  if (scheme.size() == uri.size() || scheme.empty()) return {};
  if (!std::isalpha(static_cast<unsigned char>(scheme[0]))) return {};
  const bool fits = std::all_of(scheme.begin(), scheme.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '+' || c == '-' || c == '.';
  });
  return fits ? scheme : std::string_view();
}

}  // namespace

Result<std::vector<ObjectInfo>> LocalDirectory::List(std::string_view prefix) const {
  TIDEMARK_RETURN_IF_ERROR(CheckLocalPrefix(prefix));
  std::vector<ObjectInfo> objects;
  const std::string folder = prefix.empty() ? root_ : PathOf(prefix.substr(0, prefix.size() - 1));
  TIDEMARK_RETURN_IF_ERROR(links_.CheckPlace(folder));
  TIDEMARK_RETURN_IF_ERROR(Walk(folder, std::string(prefix), &objects, nullptr));
  std::sort(objects.begin(), objects.end(),
            [](const ObjectInfo& a, const ObjectInfo& b) { return a.name < b.name; });
  return objects;
}

Status LocalDirectory::DeleteUnfinished(std::string_view prefix) {
  TIDEMARK_RETURN_IF_ERROR(CheckLocalPrefix(prefix));
  std::vector<std::string> temporaries;
  const std::string folder = prefix.empty() ? root_ : PathOf(prefix.substr(0, prefix.size() - 1));
  TIDEMARK_RETURN_IF_ERROR(links_.CheckPlace(folder));
  TIDEMARK_RETURN_IF_ERROR(Walk(folder, std::string(prefix), nullptr, &temporaries));
  Status outcome;
  for (const std::string& path : temporaries) {
    if (path.find(own_mark_) != std::string::npos) continue;  // being written right now
    const rocksdb::IOStatus deleted = fs_->DeleteFile(path, Io(), nullptr);
    if (deleted.ok() || IsMissing(deleted)) continue;
    if (outcome.ok()) outcome = FromRocksDb(deleted, "delete the leftover " + path);
  }
  return outcome;
}

Status LocalDirectory::Walk(const std::string& folder, const std::string& name_prefix,
                            std::vector<ObjectInfo>* objects,
                            std::vector<std::string>* temporaries) const {
  TIDEMARK_ASSIGN_OR_RETURN(const std::vector<std::string> children, Children(folder));
  for (const std::string& entry : children) {
    const std::string path = folder + '/' + entry;
    if (IsTemporary(entry)) {
      if (temporaries != nullptr) temporaries->push_back(path);
    } else if (IsObjectPart(entry)) {
      TIDEMARK_RETURN_IF_ERROR(WalkEntry(path, name_prefix + entry, objects, temporaries));
    }
  }
  return {};
}

// What vanishes while we look has been deleted: it is passed over.
Status LocalDirectory::WalkEntry(const std::string& path, const std::string& name,
                                 std::vector<ObjectInfo>* objects,
                                 std::vector<std::string>* temporaries) const {
  // A link is an object that cannot be read, whatever it leads to: so whoever looks through all
  // objects sees it, and who wants it is told.
  if (!links_.CheckPlace(path).ok()) {
    if (objects != nullptr) objects->push_back({name, 0});
    return {};
  }
  TIDEMARK_ASSIGN_OR_RETURN(const Kind kind, KindOf(path));
  if (kind == Kind::kFolder) return Walk(path, name + '/', objects, temporaries);
  if (objects == nullptr || kind == Kind::kAbsent) return {};
  uint64_t size = 0;
  const rocksdb::IOStatus status = fs_->GetFileSize(path, Io(), &size, nullptr);
  if (IsMissing(status)) return {};
  TIDEMARK_RETURN_IF_ERROR(FromRocksDb(status, "look at " + path));
  objects->push_back({name, size});
  return {};
}

// RocksDB says "not found" also of a directory that may not be read, and of a file. Neither must
// pass for an empty repository.
Result<std::vector<std::string>> LocalDirectory::Children(const std::string& folder) const {
  std::vector<std::string> children;
  const rocksdb::IOStatus listed = fs_->GetChildren(folder, Io(), &children, nullptr);
  if (listed.ok()) return children;
  if (!IsMissing(listed)) return FromRocksDb(listed, "list directory " + folder);
  TIDEMARK_ASSIGN_OR_RETURN(const Kind kind, KindOf(folder));
  if (kind == Kind::kAbsent) return std::vector<std::string>();
  if (kind == Kind::kFolder)
    return Status(StatusCode::kUnavailable, "directory-unreadable",
                  folder + " exists but cannot be read; check its permissions");
  if (folder != root_) return std::vector<std::string>();
  return Status(StatusCode::kInvalidArgument, "not-a-directory",
                folder + " is a file; expected a directory, or a path that does not exist yet");
}

bool LocalDirectory::LinksFrom(const std::string& local_directory) const {
  return CanLink(local_directory, root_);
}

Result<std::shared_ptr<CheckpointStorage>> OpenLocalDirectoryOn(const std::string& path,
                                                                FileSystemPtr fs) {
  if (path.empty())
    return Status(
        StatusCode::kInvalidArgument, "repository-uri",
        "the path of the directory is empty; expected `/absolute/path` or `relative/path`");
  // The process may change its working directory later.
  std::error_code error;
  std::string absolute = std::filesystem::absolute(path, error).string();
  if (error)
    return Status(StatusCode::kUnavailable, "io-error",
                  "find the absolute path of " + path + ": " + error.message());
  while (absolute.ends_with('/')) absolute.pop_back();
  if (absolute.empty()) absolute = "/.";
  return std::shared_ptr<CheckpointStorage>(
      std::make_shared<LocalDirectory>(std::move(absolute), std::move(fs)));
}

Result<std::shared_ptr<CheckpointStorage>> OpenStorageOn(std::string_view uri, FileSystemPtr fs) {
  const std::string_view scheme = SchemeOf(uri);
  if (scheme.empty()) return OpenLocalDirectoryOn(std::string(uri), std::move(fs));
  if (scheme == "file") {
    TIDEMARK_ASSIGN_OR_RETURN(const std::string path, PathOfFileUri(uri));
    return OpenLocalDirectoryOn(path, std::move(fs));
  }
  return Status(StatusCode::kUnsupported, "uri-scheme",
                "`" + std::string(uri) + "` has the scheme `" + std::string(scheme) +
                    "`; known is `file` (file:///absolute/path, or a plain path; write ./" +
                    std::string(uri) +
                    " for a relative path with a colon). For other storage "
                    "implement CheckpointStorage and pass it as StoreOptions::storage");
}

}  // namespace tidemark::storage

namespace tidemark {

Result<std::shared_ptr<CheckpointStorage>> OpenLocalDirectory(const std::string& path) {
  return storage::OpenLocalDirectoryOn(path, storage::DefaultFileSystem());
}

Result<std::shared_ptr<CheckpointStorage>> OpenStorage(std::string_view uri) {
  return storage::OpenStorageOn(uri, storage::DefaultFileSystem());
}

}  // namespace tidemark
