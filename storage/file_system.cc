#include "storage/file_system.h"

#include "storage/rocksdb_status.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

namespace tidemark::storage {
namespace {

using rocksdb::FileOptions;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

constexpr size_t kPieceBytes = size_t{1} << 20;

Status Error(const IOStatus& status, std::string_view doing, const std::string& path) {
  return FromRocksDb(status, std::string(doing) + ' ' + path);
}

enum class Synced : uint8_t { kNo, kYes };

// Appends whatever `next` hands out, syncs and closes. An empty piece ends the file.
template <class Next>
Status WriteFile(rocksdb::FileSystem& fs, const std::string& path, Synced synced, Next&& next) {
  // Creating over a name empties the file behind it, and with it whatever is linked to that file.
  IOStatus status = fs.FileExists(path, IOOptions(), nullptr);
  if (status.ok()) {
    status = fs.DeleteFile(path, IOOptions(), nullptr);
    if (!status.ok()) return Error(status, "replace", path);
  } else if (!status.IsNotFound()) {
    return Error(status, "look at", path);
  }
  std::unique_ptr<rocksdb::FSWritableFile> file;
  status = fs.NewWritableFile(path, FileOptions(), &file, nullptr);
  if (!status.ok()) return Error(status, "create", path);
  Status outcome;
  while (outcome.ok()) {
    Result<std::string_view> piece = next();
    if (!piece.has_value()) {
      outcome = std::move(piece).error();
      break;
    }
    if (piece->empty()) break;
    outcome =
        Error(file->Append({piece->data(), piece->size()}, IOOptions(), nullptr), "write", path);
  }
  if (outcome.ok() && synced == Synced::kYes)
    outcome = Error(file->Sync(IOOptions(), nullptr), "sync", path);
  status = file->Close(IOOptions(), nullptr);
  if (outcome.ok()) outcome = Error(status, "close", path);
  // Whatever a file holds whose sync failed, nobody may come to rely on it.
  if (!outcome.ok()) fs.DeleteFile(path, IOOptions(), nullptr).PermitUncheckedError();
  return outcome;
}

Result<bool> IsDirectory(rocksdb::FileSystem& fs, const std::string& path) {
  bool is_directory = false;
  const IOStatus status = fs.IsDirectory(path, IOOptions(), &is_directory, nullptr);
  if (!status.ok()) return Error(status, "look at", path);
  return is_directory;
}

bool IsAbsent(const Status& status) { return status.code() == StatusCode::kNotFound; }

// Calls looked_at(its parent, itself, whether it was made) for each directory on the way.
template <class LookedAt>
Status MakeDirectories(rocksdb::FileSystem& fs, const std::string& path, LookedAt&& looked_at) {
  std::filesystem::path made;
  for (const std::filesystem::path& part : std::filesystem::path(path).lexically_normal()) {
    const std::string parent = made.empty() ? "." : made.string();
    made /= part;
    if (part.empty() || part == "." || part == ".." || made == made.root_path()) continue;
    const Result<bool> there = IsDirectory(fs, made.string());
    if (there.has_value() && !*there) {
      return Status(StatusCode::kUnavailable, "io-error",
                    "create directory " + made.string() + ": a file of that name is in the way");
    }
    const bool absent = !there.has_value() && IsAbsent(there.error());
    if (!there.has_value()) {
      // Above what is ours we may lack the right to look, and to make what is there already.
      const IOStatus created = fs.CreateDirIfMissing(made.string(), IOOptions(), nullptr);
      if (absent && !created.ok()) return Error(created, "create directory", made.string());
    }
    TIDEMARK_RETURN_IF_ERROR(looked_at(parent, made.string(), absent));
  }
  return {};
}

// The existing directory at or above `path` that decides on which medium it lies.
std::filesystem::path ExistingPart(const std::string& path) {
  std::error_code ignored;
  std::filesystem::path part = std::filesystem::absolute(path, ignored);
  while (part.has_relative_path() && !std::filesystem::exists(part, ignored)) {
    part = part.parent_path();
  }
  return part;
}

// What must be equal for a link between two directories: the medium, and where it is mounted, as
// bind mounts of one medium refuse links into each other.
struct Medium {
  uint32_t device_major = 0;
  uint32_t device_minor = 0;
  uint64_t mount = 0;
  bool operator==(const Medium&) const = default;
};

std::optional<Medium> MediumOf(const std::filesystem::path& path) {
  struct statfs kind {};
  if (statfs(path.c_str(), &kind) != 0) return std::nullopt;
  constexpr uint64_t kExfat = 0x2011BAB0;
  const auto magic = static_cast<uint64_t>(kind.f_type);
  if (magic == MSDOS_SUPER_MAGIC || magic == kExfat) return std::nullopt;  // know no links
  struct statx about {};
  if (statx(AT_FDCWD, path.c_str(), 0, STATX_BASIC_STATS | STATX_MNT_ID, &about) != 0) {
    return std::nullopt;
  }
  // Kernels before 5.8 do not say the mount; a link that fails after all becomes a copy.
  const uint64_t mount = (about.stx_mask & STATX_MNT_ID) != 0 ? about.stx_mnt_id : 0;
  return Medium{about.stx_dev_major, about.stx_dev_minor, mount};
}

}  // namespace

FileSystemPtr DefaultFileSystem() { return rocksdb::FileSystem::Default(); }

Status WriteFileDurably(rocksdb::FileSystem& fs, const std::string& path, std::string_view bytes) {
  return WriteFile(fs, path, Synced::kYes, [&]() -> Result<std::string_view> {
    return std::exchange(bytes, std::string_view());
  });
}

Status SyncDirectory(rocksdb::FileSystem& fs, const std::string& path) {
  std::unique_ptr<rocksdb::FSDirectory> directory;
  const IOStatus status = fs.NewDirectory(path, IOOptions(), &directory, nullptr);
  if (!status.ok()) return Error(status, "open directory", path);
  return Error(directory->Fsync(IOOptions(), nullptr), "sync directory", path);
}

PieceReader::PieceReader(rocksdb::FileSystem& fs, std::string path)
    : fs_(fs), path_(std::move(path)) {}

Status PieceReader::Open() {
  return Error(fs_.NewSequentialFile(path_, FileOptions(), &file_, nullptr), "open", path_);
}

Result<std::string_view> PieceReader::Next(size_t bytes_max) {
  // Not filled: a small file touches little of it.
  if (buffer_ == nullptr) buffer_ = std::make_unique_for_overwrite<char[]>(kPieceBytes);
  rocksdb::Slice piece;
  const IOStatus status =
      file_->Read(std::min(bytes_max, kPieceBytes), IOOptions(), &piece, buffer_.get(), nullptr);
  if (!status.ok()) return Error(status, "read", path_);
  return std::string_view(piece.data(), piece.size());
}

Result<std::string> ReadWholeFile(rocksdb::FileSystem& fs, const std::string& path) {
  PieceReader reader(fs, path);
  TIDEMARK_RETURN_IF_ERROR(reader.Open());
  std::string bytes;
  while (true) {
    TIDEMARK_ASSIGN_OR_RETURN(const std::string_view piece, reader.Next(kPieceBytes));
    if (piece.empty()) return bytes;
    bytes.append(piece);
  }
}

Status CopyFile(rocksdb::FileSystem& fs, const std::string& from, const std::string& to,
                format::Hasher128* hasher, uint64_t limit) {
  PieceReader reader(fs, from);
  TIDEMARK_RETURN_IF_ERROR(reader.Open());
  return CopyFile(fs, &reader, to, hasher, limit);
}

Status CopyFile(rocksdb::FileSystem& fs, PieceReader* from, const std::string& to,
                format::Hasher128* hasher, uint64_t limit) {
  return WriteFile(fs, to, Synced::kYes, [&]() -> Result<std::string_view> {
    if (limit == 0) return std::string_view();
    TIDEMARK_ASSIGN_OR_RETURN(const std::string_view piece,
                              from->Next(std::min<uint64_t>(limit, kPieceBytes)));
    if (hasher != nullptr) hasher->Update(piece);
    limit -= piece.size();
    return piece;
  });
}

Status CopyFileUnsynced(rocksdb::FileSystem& fs, const std::string& from, const std::string& to) {
  PieceReader reader(fs, from);
  TIDEMARK_RETURN_IF_ERROR(reader.Open());
  return WriteFile(fs, to, Synced::kNo, [&] { return reader.Next(kPieceBytes); });
}

Status MakeDirectories(rocksdb::FileSystem& fs, const std::string& path) {
  if (IsDirectory(fs, path).value_or(false)) return {};
  return MakeDirectories(fs, path,
                         [](const std::string&, const std::string&, bool) { return Status(); });
}

Status CreateDirectories(rocksdb::FileSystem& fs, const std::string& path) {
  return MakeDirectories(fs, path,
                         [&](const std::string& parent, const std::string& directory, bool made) {
                           Status synced = SyncDirectory(fs, parent);
                           // A second sync would not bring back what the first one has lost: the
                           // next try makes it anew.
                           if (made && !synced.ok())
                             fs.DeleteDir(directory, IOOptions(), nullptr).PermitUncheckedError();
                           // It was there, though perhaps made by a process that was killed before
                           // it synced the name. Above what is ours we may lack the right to look
                           // or to sync.
                           return made ? std::move(synced) : Status();
                         });
}

Status RemoveAll(rocksdb::FileSystem& fs, const std::string& path) {
  // Unlinking first: a symbolic link goes itself, never what it points to.
  const Status unlinked = Error(fs.DeleteFile(path, IOOptions(), nullptr), "remove", path);
  if (unlinked.ok() || IsAbsent(unlinked)) return {};
  const Result<bool> is_directory = IsDirectory(fs, path);
  if (!is_directory.has_value() || !*is_directory) return unlinked;

  std::vector<std::string> children;
  const IOStatus listed = fs.GetChildren(path, IOOptions(), &children, nullptr);
  if (!listed.ok()) return Error(listed, "list", path);
  for (const std::string& child : children) {
    if (child == "." || child == "..") continue;
    TIDEMARK_RETURN_IF_ERROR(RemoveAll(fs, path + '/' + child));
  }
  const Status removed = Error(fs.DeleteDir(path, IOOptions(), nullptr), "remove directory", path);
  return IsAbsent(removed) ? Status() : removed;
}

uint64_t OpenFilesMax() {
  rlimit limit{};
  return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 1024;
}

bool CanLink(const std::string& directory_a, const std::string& directory_b) {
  const auto a = MediumOf(ExistingPart(directory_a));
  const auto b = MediumOf(ExistingPart(directory_b));
  return a.has_value() && a == b;
}

}  // namespace tidemark::storage
