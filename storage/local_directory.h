// LocalDirectory: CheckpointStorage over a directory. An object is a file; a name is a relative
// path.
//
// How a file gets its name, always in this order:
//   1. the content goes to `<name>.tmp-<unique>` beside it and is synced
//   2. a hard link gives it its name, which fails if the name is taken; the temporary name goes
//   3. the folder is synced; one that was made for it has been synced into its parent before
// So a name, once durable, has its whole content, and of several callers one gets the name. Where
// the file system knows no hard links, step 2 is a look and a rename under an flock on
// `.create-lock`. An error before step 2 leaves the name free; after it the caller must not rely on
// the name.
//
// A symbolic link below the root, in the place of an object or of a folder of objects, is refused
// (`object-link`): what it leads to is neither read nor listed, written or deleted. To who reads an
// object that is damage of the object, so that restore falls back to a checkpoint that does not
// need it. Calls that list, make or delete are Unavailable.
//
// Everything goes through the FileSystem object, except flock and the looks for links.
#pragma once

#include "storage/file_system.h"
#include "storage/local_directory_links.h"

#include <atomic>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark::storage {

// Thread safety: all members may be called concurrently.
class LocalDirectory final : public CheckpointStorage {
 public:
  // `root` is absolute, without a slash at its end.
  LocalDirectory(std::string root, FileSystemPtr fs);

  std::string Uri() const override;
  Status Put(std::string_view name, std::string_view bytes) override;
  Result<TransferKind> PutFile(std::string_view name, const std::string& path) override;
  Status CreateIfAbsent(std::string_view name, std::string_view bytes) override;
  Result<std::string> Read(std::string_view name, uint64_t offset, uint64_t length) const override;
  Result<uint64_t> Size(std::string_view name) const override;
  Result<TransferKind> Fetch(std::string_view name, const std::string& path,
                             bool may_link) const override;
  std::string LocalPath(std::string_view name) const override;
  Result<std::vector<ObjectInfo>> List(std::string_view prefix) const override;
  Status Delete(std::span<const std::string> names) override;
  Status DeleteUnfinished(std::string_view prefix) override;
  bool LinksFrom(const std::string& local_directory) const override;
  Result<std::unique_ptr<StorageLock>> TryLock(std::string_view name) override;

 private:
  enum class Naming { kDone, kTaken };
  enum class Kind { kAbsent, kFile, kFolder };

  std::string PathOf(std::string_view name) const { return root_ + '/' + std::string(name); }
  std::string TemporaryPath(const std::string& path);
  // Makes `folder` and sees to it that its name, and those above it up to the root's, are durable.
  Status PrepareFolder(const std::string& folder);
  Status SyncNameOfRoot();
  // Steps 2 and 3 for a synced file; `temporary` is gone afterwards, whatever the outcome.
  Status GiveName(const std::string& temporary, const std::string& path);
  // Step 3 where links work; nullopt, and nothing done, where they do not.
  Result<std::optional<Naming>> TryLink(const std::string& from, const std::string& path) const;
  Result<Naming> LinkName(const std::string& temporary, const std::string& path);
  Result<Naming> RenameUnderLock(const std::string& temporary, const std::string& path);
  Status CopyIn(const std::string& from, const std::string& path);
  Result<bool> Exists(const std::string& path) const;
  Result<Kind> KindOf(const std::string& path) const;
  // Adds what is below `folder` (a path) to the lists that are given; names begin with
  // `name_prefix`.
  Status Walk(const std::string& folder, const std::string& name_prefix,
              std::vector<ObjectInfo>* objects, std::vector<std::string>* temporaries) const;
  Status WalkEntry(const std::string& path, const std::string& name,
                   std::vector<ObjectInfo>* objects, std::vector<std::string>* temporaries) const;
  Result<std::vector<std::string>> Children(const std::string& folder) const;
  void Discard(const std::string& path) const;

  // Constant after construction.
  const std::string root_;
  const FileSystemPtr fs_;
  const std::string own_mark_;  // in the temporary names that this object makes
  const LinkGuard links_;

  std::atomic<uint64_t> temporaries_made_{0};
  std::mutex mutex_;
  std::set<std::string> prepared_;  // guarded by mutex_: folders (and files) with durable names
};

}  // namespace tidemark::storage
