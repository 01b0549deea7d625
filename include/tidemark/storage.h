// CheckpointStorage: where checkpoints live. A host may implement it over its own file system or
// object store; Tidemark brings the local directory (`OpenLocalDirectory`).
//
// Names are relative, '/'-separated paths of the characters [A-Za-z0-9._-] without empty, `.` or
// `..` parts. An object is written once and never changed; Tidemark makes every name unique, but
// for the names that `CreateIfAbsent` arbitrates; of these, those below `pins/` may be deleted and
// created again. Nothing here assumes POSIX.
#pragma once

#include <tidemark/status.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark {

// A name and its size in bytes, as `CheckpointStorage::List` returns them.
struct ObjectInfo {
  std::string name;
  uint64_t size = 0;
};

// How PutFile and Fetch brought the bytes over.
enum class TransferKind : uint8_t {
  kLinked,  // shares the bytes with the source on the medium: cost nothing
  kCopied,  // the bytes were copied
};

// Held while this process is the writer; dropping it gives the lock up. Destroyed from any thread.
class StorageLock {
 public:
  virtual ~StorageLock() = default;
};

// The interface. Every error leaves existing objects unchanged.
//
// Thread safety: all members may be called concurrently.
// Errors: `Unavailable` for a medium that failed (retry may help), `ResourceExhausted` when it is
// full, `NotFound` and `AlreadyExists` as said; messages name the object.
class CheckpointStorage {
 public:
  virtual ~CheckpointStorage() = default;

  // What to call this storage in messages, `file:///mnt/checkpoints/job` for example.
  virtual std::string Uri() const = 0;

  // Creates `name` with `bytes`. Blocks until content and name are durable. AlreadyExists if taken.
  virtual Status Put(std::string_view name, std::string_view bytes) = 0;

  // Creates `name` with the content of the local file `path`, whose content is already durable
  // (synced) and will not change. Links where that is possible, else copies. Blocks until content
  // and name are durable. AlreadyExists if taken.
  virtual Result<TransferKind> PutFile(std::string_view name, const std::string& path) = 0;

  // Creates `name` with `bytes` if no such object exists; of several callers exactly one succeeds.
  // Blocks until durable. AlreadyExists when it was there before. After any other error it is
  // unknown whether the object exists or will survive: the caller must not rely on either.
  virtual Status CreateIfAbsent(std::string_view name, std::string_view bytes) = 0;

  // The bytes [offset, offset + length) of `name`, fewer where it ends earlier. NotFound.
  virtual Result<std::string> Read(std::string_view name, uint64_t offset,
                                   uint64_t length) const = 0;

  // The size of `name` in bytes. NotFound.
  virtual Result<uint64_t> Size(std::string_view name) const = 0;

  // Makes the local file `path` (which must not exist) hold the content of `name`. Links if
  // `may_link` and possible, else copies. Neither a copy nor the directory entry need be synced.
  // NotFound.
  virtual Result<TransferKind> Fetch(std::string_view name, const std::string& path,
                                     bool may_link) const = 0;

  // The path of a local file that has the content of `name`, for whoever reads it where it lies,
  // and never writes to it; empty where objects are no local files, or `name` cannot be one. Says
  // nothing of whether it exists. Reading through it goes on when the object is deleted.
  virtual std::string LocalPath(std::string_view name) const {
    static_cast<void>(name);
    return {};
  }

  // All objects whose name starts with `prefix` (whole folders: it ends in '/'), in byte order of
  // their names, without those still being written. An unknown prefix gives an empty list. An
  // object whose creation has returned is shown, whoever created it: pins depend on it.
  virtual Result<std::vector<ObjectInfo>> List(std::string_view prefix) const = 0;

  // Removes the objects; those that do not exist are passed over. One that cannot be removed should
  // not keep those after it: the first error is returned in the end. Whether they went too is for
  // the next call to find out, which names all of them again.
  virtual Status Delete(std::span<const std::string> names) = 0;

  // Removes what callers that died left below `prefix` (as in List) of objects that they never
  // finished: parts that List does not show. A caller that is still at work there gets an error for
  // what it was writing. Nothing to do where storage keeps no such parts.
  virtual Status DeleteUnfinished(std::string_view prefix) {
    static_cast<void>(prefix);
    return {};
  }

  // True when PutFile from `local_directory` would link, so that publishing costs no bytes.
  virtual bool LinksFrom(const std::string& local_directory) const = 0;

  // Takes the exclusive lock `name` if the storage has such a thing. Busy, naming the holder if
  // known, when another process or handle has it; Unsupported where storage knows no locks.
  virtual Result<std::unique_ptr<StorageLock>> TryLock(std::string_view name) = 0;
};

// The local directory `path` as storage; a network file system works when it keeps what
// docs/DURABILITY.md asks of it. Creates nothing before the first write; `path` is created then.
// Name parts that begin with '.' or contain `.tmp-` are its own: InvalidArgument (`object-name`),
// as all other invalid names are, and never listed. InvalidArgument if `path` is empty.
Result<std::shared_ptr<CheckpointStorage>> OpenLocalDirectory(const std::string& path);

// Opens what a repository URI names: `file:///absolute/path`, `file:relative`, or a plain path.
// Unsupported for other schemes, naming the known ones.
Result<std::shared_ptr<CheckpointStorage>> OpenStorage(std::string_view uri);

}  // namespace tidemark
