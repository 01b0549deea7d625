#include "storage/local_directory.h"

#include "format/names.h"
#include "storage/local_directory_names.h"
#include "storage/rocksdb_status.h"

#include <algorithm>
#include <chrono>
#include <thread>

namespace tidemark::storage {
namespace {

constexpr std::string_view kCreateLockName = "/.create-lock";
constexpr std::chrono::seconds kCreateLockPatience{10};
constexpr int kNamingTriesMax = 3;

rocksdb::IOOptions Io() { return {}; }

std::string ParentOf(const std::string& path) { return path.substr(0, path.rfind('/')); }

bool IsMissing(const rocksdb::IOStatus& status) {
  return status.IsNotFound() || status.IsPathNotFound();
}

Status NotFound(const std::string& path) {
  return Status(StatusCode::kNotFound, "object-not-found", path + " does not exist");
}

Status Taken(const std::string& path) {
  return Status(StatusCode::kAlreadyExists, "object-exists", path + " exists already");
}

}  // namespace

LocalDirectory::LocalDirectory(std::string root, FileSystemPtr fs)
    : root_(std::move(root)), fs_(std::move(fs)), own_mark_(NewTemporaryMark()), links_(root_) {}

std::string LocalDirectory::Uri() const { return FileUri(root_); }

Status LocalDirectory::Put(std::string_view name, std::string_view bytes) {
  TIDEMARK_RETURN_IF_ERROR(CheckLocalName(name));
  const std::string path = PathOf(name);
  TIDEMARK_RETURN_IF_ERROR(links_.CheckPlace(path));
  TIDEMARK_RETURN_IF_ERROR(PrepareFolder(ParentOf(path)));
  // Another writer that opens the repository, or is being replaced, takes a temporary file for a
  // leftover and deletes it. Then the name is not given, and whose it is shows at the next try.
  for (int tries = 1;; ++tries) {
    const std::string temporary = TemporaryPath(path);
    if (Status written = WriteFileDurably(*fs_, temporary, bytes); !written.ok()) {
      Discard(temporary);
      return written;
    }
    Status named = GiveName(temporary, path);
    if (named.code() != StatusCode::kNotFound || tries == kNamingTriesMax) return named;
  }
}

// A name is given to one caller only, whatever it is for.
Status LocalDirectory::CreateIfAbsent(std::string_view name, std::string_view bytes) {
  return Put(name, bytes);
}

Result<TransferKind> LocalDirectory::PutFile(std::string_view name, const std::string& path) {
  TIDEMARK_RETURN_IF_ERROR(CheckLocalName(name));
  const std::string target = PathOf(name);
  TIDEMARK_RETURN_IF_ERROR(links_.CheckPlace(target));
  TIDEMARK_RETURN_IF_ERROR(PrepareFolder(ParentOf(target)));
  TIDEMARK_ASSIGN_OR_RETURN(const std::optional<Naming> linked, TryLink(path, target));
  if (!linked) {
    TIDEMARK_RETURN_IF_ERROR(CopyIn(path, target));
    return TransferKind::kCopied;
  }
  if (*linked == Naming::kTaken) return Taken(target);
  TIDEMARK_RETURN_IF_ERROR(SyncDirectory(*fs_, ParentOf(target)));
  return TransferKind::kLinked;
}

Status LocalDirectory::CopyIn(const std::string& from, const std::string& path) {
  const std::string temporary = TemporaryPath(path);
  if (Status copied = CopyFile(*fs_, from, temporary, nullptr); !copied.ok()) {
    Discard(temporary);
    return copied;
  }
  return GiveName(temporary, path);
}

std::string LocalDirectory::TemporaryPath(const std::string& path) {
  return path + own_mark_ + std::to_string(temporaries_made_.fetch_add(1));
}

Status LocalDirectory::PrepareFolder(const std::string& folder) {
  {
    std::lock_guard lock(mutex_);
    if (prepared_.contains(folder)) return {};
  }
  // The folder may exist and yet not survive a power failure, if who made it died before its sync.
  // So its parent is synced at the first use in any case, for all that it holds by then.
  if (folder == root_) {
    TIDEMARK_RETURN_IF_ERROR(CreateDirectories(*fs_, root_));
    TIDEMARK_RETURN_IF_ERROR(SyncNameOfRoot());
  } else {
    const std::string parent = ParentOf(folder);
    TIDEMARK_RETURN_IF_ERROR(PrepareFolder(parent));
    TIDEMARK_ASSIGN_OR_RETURN(const bool is_old, Exists(folder));
    TIDEMARK_RETURN_IF_ERROR(
        FromRocksDb(fs_->CreateDirIfMissing(folder, Io(), nullptr), "create directory " + folder));
    const std::vector<std::string> names = ListDirectory(*fs_, parent);
    if (Status synced = SyncDirectory(*fs_, parent); !synced.ok()) {
      // A second sync would not bring back what this one has lost: the next try makes it anew.
      if (!is_old) fs_->DeleteDir(folder, Io(), nullptr).PermitUncheckedError();
      return synced;
    }
    std::lock_guard lock(mutex_);
    for (const std::string& name : names) prepared_.insert(parent + '/' + name);
  }
  std::lock_guard lock(mutex_);
  prepared_.insert(folder);
  return {};
}

// The root may be a mount point in a directory that we may not even open; then its name is not ours
// to sync, and CreateDirectories has not made it either.
Status LocalDirectory::SyncNameOfRoot() {
  const std::string parent = root_.rfind('/') == 0 ? "/" : ParentOf(root_);
  std::unique_ptr<rocksdb::FSDirectory> directory;
  if (!fs_->NewDirectory(parent, Io(), &directory, nullptr).ok()) return {};
  return FromRocksDb(directory->Fsync(Io(), nullptr), "sync directory " + parent);
}

Status LocalDirectory::GiveName(const std::string& temporary, const std::string& path) {
  const Result<Naming> named = LinkName(temporary, path);
  Discard(temporary);
  if (!named) return named.error();
  // Also when the name was taken: who asks next may build on that object.
  TIDEMARK_RETURN_IF_ERROR(SyncDirectory(*fs_, ParentOf(path)));
  return *named == Naming::kTaken ? Taken(path) : Status();
}

Result<LocalDirectory::Naming> LocalDirectory::LinkName(const std::string& temporary,
                                                        const std::string& path) {
  TIDEMARK_ASSIGN_OR_RETURN(const std::optional<Naming> linked, TryLink(temporary, path));
  return linked ? *linked : RenameUnderLock(temporary, path);
}

// RocksDB reports a taken name as an I/O error like any other, and a network file system may do the
// work and lose the answer: so after a failure, what stands under the name tells.
Result<std::optional<LocalDirectory::Naming>> LocalDirectory::TryLink(
    const std::string& from, const std::string& path) const {
  const rocksdb::IOStatus linked = fs_->LinkFile(from, path, Io(), nullptr);
  if (linked.ok()) return std::optional(Naming::kDone);
  TIDEMARK_ASSIGN_OR_RETURN(const bool taken, Exists(path));
  if (taken) {
    bool same = false;
    TIDEMARK_RETURN_IF_ERROR(FromRocksDb(fs_->AreFilesSame(from, path, Io(), &same, nullptr),
                                         "compare " + from + " with " + path));
    return std::optional(same ? Naming::kDone : Naming::kTaken);
  }
  if (SaysThatLinksDoNotWork(linked)) return std::optional<Naming>();
  return FromRocksDb(linked, "link " + from + " as " + path);
}

Result<LocalDirectory::Naming> LocalDirectory::RenameUnderLock(const std::string& temporary,
                                                               const std::string& path) {
  const std::string create_lock = root_ + std::string(kCreateLockName);
  TIDEMARK_RETURN_IF_ERROR(links_.CheckPlace(create_lock));
  const auto deadline = std::chrono::steady_clock::now() + kCreateLockPatience;
  auto lock = LockFile(create_lock, "create-lock");
  while (!lock && lock.error().code() == StatusCode::kBusy &&
         std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    lock = LockFile(create_lock, "create-lock");
  }
  if (!lock) return std::move(lock).error();
  TIDEMARK_ASSIGN_OR_RETURN(const bool taken, Exists(path));
  if (taken) return Naming::kTaken;
  TIDEMARK_RETURN_IF_ERROR(FromRocksDb(fs_->RenameFile(temporary, path, Io(), nullptr),
                                       "rename " + temporary + " to " + path));
  return Naming::kDone;
}

Result<bool> LocalDirectory::Exists(const std::string& path) const {
  const rocksdb::IOStatus exists = fs_->FileExists(path, Io(), nullptr);
  if (exists.ok()) return true;
  if (IsMissing(exists)) return false;
  return FromRocksDb(exists, "look for " + path);
}

// What is left behind is hidden, and DeleteUnfinished finds it.
void LocalDirectory::Discard(const std::string& path) const {
  fs_->DeleteFile(path, Io(), nullptr).PermitUncheckedError();
}

// IsDirectory of RocksDB opens what it looks at, which a network file system makes a request of.
// Looking for `<file>/.` fails at once.
Result<LocalDirectory::Kind> LocalDirectory::KindOf(const std::string& path) const {
  uint64_t ignored = 0;
  const rocksdb::IOStatus inside = fs_->GetFileSize(path + "/.", Io(), &ignored, nullptr);
  if (inside.ok()) return Kind::kFolder;
  if (SaysThatItIsNoDirectory(inside)) return Kind::kFile;
  bool is_directory = false;
  const rocksdb::IOStatus looked = fs_->IsDirectory(path, Io(), &is_directory, nullptr);
  if (IsMissing(looked)) return Kind::kAbsent;
  TIDEMARK_RETURN_IF_ERROR(FromRocksDb(looked, "look at " + path));
  return is_directory ? Kind::kFolder : Kind::kFile;
}

Result<uint64_t> LocalDirectory::Size(std::string_view name) const {
  TIDEMARK_RETURN_IF_ERROR(CheckLocalName(name));
  const std::string path = PathOf(name);
  TIDEMARK_RETURN_IF_ERROR(links_.CheckObject(path));
  TIDEMARK_ASSIGN_OR_RETURN(const Kind kind, KindOf(path));
  if (kind != Kind::kFile) return NotFound(path);
  uint64_t size = 0;
  const rocksdb::IOStatus status = fs_->GetFileSize(path, Io(), &size, nullptr);
  if (IsMissing(status)) return NotFound(path);
  TIDEMARK_RETURN_IF_ERROR(FromRocksDb(status, "find the size of " + path));
  return size;
}

std::string LocalDirectory::LocalPath(std::string_view name) const {
  if (!CheckLocalName(name).ok()) return "";
  std::string path = PathOf(name);
  return links_.CheckObject(path).ok() ? path : "";
}

Result<std::string> LocalDirectory::Read(std::string_view name, uint64_t offset,
                                         uint64_t length) const {
  TIDEMARK_RETURN_IF_ERROR(CheckLocalName(name));
  const std::string path = PathOf(name);
  TIDEMARK_RETURN_IF_ERROR(links_.CheckObject(path));
  uint64_t size = 0;
  const rocksdb::IOStatus looked = fs_->GetFileSize(path, Io(), &size, nullptr);
  if (IsMissing(looked)) return NotFound(path);
  TIDEMARK_RETURN_IF_ERROR(FromRocksDb(looked, "find the size of " + path));
  if (offset >= size) return std::string();  // before it is opened: that of a pipe would block
  std::unique_ptr<rocksdb::FSRandomAccessFile> file;
  const rocksdb::IOStatus opened =
      fs_->NewRandomAccessFile(path, rocksdb::FileOptions(), &file, nullptr);
  if (IsMissing(opened)) return NotFound(path);
  TIDEMARK_RETURN_IF_ERROR(FromRocksDb(opened, "open " + path));
  std::string bytes(std::min(length, size - offset), '\0');
  rocksdb::Slice read;
  if (const rocksdb::IOStatus status =
          file->Read(offset, bytes.size(), Io(), &read, bytes.data(), nullptr);
      !status.ok()) {
    // A folder has a size and can be opened.
    TIDEMARK_ASSIGN_OR_RETURN(const Kind kind, KindOf(path));
    return kind == Kind::kFile ? FromRocksDb(status, "read " + path) : NotFound(path);
  }
  if (read.data() != bytes.data()) return read.ToString();
  bytes.resize(read.size());
  return bytes;
}

Result<TransferKind> LocalDirectory::Fetch(std::string_view name, const std::string& path,
                                           bool may_link) const {
  TIDEMARK_RETURN_IF_ERROR(CheckLocalName(name));
  const std::string source = PathOf(name);
  TIDEMARK_RETURN_IF_ERROR(links_.CheckObject(source));
  const Result<std::optional<Naming>> linked =
      may_link ? TryLink(source, path) : std::optional<Naming>();
  if (linked && *linked == Naming::kDone) return TransferKind::kLinked;
  // Of a folder no link can be made, nor of nothing.
  TIDEMARK_RETURN_IF_ERROR(Size(name).error());
  if (!linked) return linked.error();
  TIDEMARK_ASSIGN_OR_RETURN(const bool taken, *linked ? Result<bool>(true) : Exists(path));
  if (taken) return Taken(path);
  if (Status copied = CopyFileUnsynced(*fs_, source, path); !copied.ok()) {
    Discard(path);
    return copied;
  }
  return TransferKind::kCopied;
}

Status LocalDirectory::Delete(std::span<const std::string> names) {
  for (const std::string& name : names) TIDEMARK_RETURN_IF_ERROR(CheckLocalName(name));
  std::set<std::string> changed;
  Status outcome;
  for (const std::string& name : names) {
    const std::string path = PathOf(name);
    if (Status led_out = links_.CheckFolders(path); !led_out.ok()) {
      if (outcome.ok()) outcome = std::move(led_out);
      continue;
    }
    const rocksdb::IOStatus deleted = fs_->DeleteFile(path, Io(), nullptr);
    if (deleted.ok()) changed.insert(ParentOf(path));
    if (deleted.ok() || IsMissing(deleted)) continue;
    if (outcome.ok()) outcome = FromRocksDb(deleted, "delete " + path);
  }
  for (const std::string& folder : changed) {
    Status synced = SyncDirectory(*fs_, folder);
    if (outcome.ok()) outcome = std::move(synced);
  }
  return outcome;
}

Result<std::unique_ptr<StorageLock>> LocalDirectory::TryLock(std::string_view name) {
  TIDEMARK_RETURN_IF_ERROR(CheckLocalName(name));
  const std::string path = PathOf(name);
  TIDEMARK_RETURN_IF_ERROR(links_.CheckPlace(path));
  TIDEMARK_RETURN_IF_ERROR(PrepareFolder(ParentOf(path)));
  return LockFile(path, "storage-locked");
}

}  // namespace tidemark::storage
