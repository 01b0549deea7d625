// Repository: the manifest chain of one subtask: reading it, opening it for writing, publishing,
// fencing, and collecting what it no longer names.
//
// The commit protocol, its order of writes, and why it suffices stand in docs/DURABILITY.md.
#pragma once

#include "format/manifest.h"
#include "storage/held_checkpoint.h"

#include <tidemark/storage.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace tidemark::storage {

class ManifestChain;

// What the FORMAT file says. NotFound (`repository-not-found`) if nothing is there;
// IncompatibleFormat (`not-a-repository`) if other things are; else as DecodeRepositoryInfo.
Result<format::RepositoryInfo> ReadRepositoryInfo(const CheckpointStorage& storage);

// The subtasks that have a folder, ascending.
Result<std::vector<uint32_t>> ListSubtasks(const CheckpointStorage& storage);

// The newest list that can be read.
struct ManifestReading {
  format::Manifest manifest;
  // Damaged versions that were passed over, newest first: what they held is not in `manifest`. Each
  // message names the file.
  std::vector<Status> damaged;
  uint64_t newest_version = 0;  // that exists, damaged ones included; 0: none
  uint64_t snapshot_version = 0;
  std::string snapshot_name;
  uint64_t snapshot_bytes = 0;
};
// Reads the newest manifest; never writes, never locks. A file that vanishes while reading means
// that the chain moved on: it lists again (a bounded number of times, then Unavailable
// `manifest-moving`). A damaged version ends the list before it: the newest readable prefix is
// returned with `damaged` set. Corruption if no prefix can be read; NotFound (`subtask-not-found`)
// if the subtask has no manifest.
Result<ManifestReading> ReadManifest(const CheckpointStorage& storage,
                                     const format::WriterId& repository_id, uint32_t subtask);
// The inlined segment inside `manifest/<version>` that `file` (kind kInlined) names; checked
// against its checksum. Corruption (`file-missing`, `file-size`, `file-checksum`, and what
// decoding the version finds) for proven damage; IncompatibleFormat (`format-newer`); Unavailable.
Result<std::vector<format::SegmentEntry>> ReadInlined(const CheckpointStorage& storage,
                                                      uint32_t subtask,
                                                      const format::FileMeta& file);

struct RepositoryOptions {
  std::shared_ptr<CheckpointStorage> storage;
  uint32_t subtask = 0;
  uint32_t parallelism = 1;
  uint32_t max_parallelism = 128;
  bool take_over = false;
};

// The name of the error that says so: a pin is damaged, which stops deletions and nothing else.
inline constexpr std::string_view kPinUnreadable = "pin-unreadable";
// Where the checkpoints of pins stand.
struct PinnedCheckpoints {
  std::vector<format::EpochIdentity> at;
  bool all_known = false;  // every pin could be read
};

// The writer's handle.
//
// Thread safety: Prepare, Publish and Close from one thread at a time (the commit lane); Collect
// and its like from one other (the maintenance lane); the const members from any.
class Repository {
 public:
  // Creates the repository and the subtask where they do not exist, takes the lock, and opens a new
  // attempt whose version builds on a snapshot of its own. Blocks.
  // Errors: Busy (`repository-locked`: another process holds the lock; `writer-open`: the storage
  // knows no locks and the last writer did not close; both say that take_over exists),
  // InvalidArgument (`max-parallelism`, expected and got; `parallelism`), IncompatibleFormat
  // (`not-a-repository`, `format-newer`, `repository-id`), Corruption, Unavailable, Fenced when it
  // loses the race against other openers ten times.
  static Result<std::unique_ptr<Repository>> Open(const RepositoryOptions& options);
  ~Repository();

  const std::vector<Status>& damaged() const noexcept { return damaged_; }
  const format::WriterId& repository_id() const noexcept { return repository_id_; }
  uint32_t subtask() const noexcept { return subtask_; }
  CheckpointStorage& storage() const noexcept { return *storage_; }
  // `name` of a FileMeta as the storage knows it.
  std::string ObjectName(std::string_view name) const;

  // The list as last published. A copy under a lock that no I/O is done under.
  format::Manifest manifest() const;
  // Calls `f(const Manifest&)` under that lock; `f` must be short, and must not call this object.
  template <class F>
  auto WithManifest(F&& f) const {
    std::lock_guard lock(mutex_);
    return f(manifest_);
  }

  // The checkpoint `id`, or the newest one if unset, as the list stands now; null if there is none.
  // What is returned goes before this object.
  std::unique_ptr<HeldCheckpoint> Hold(std::optional<uint64_t> id) const;
  // The checkpoint of a pin, also one that the list does not have. NotFound (`pin-not-found`);
  // Unavailable (`pin-moving`); else as ReadPin.
  Result<std::unique_ptr<HeldCheckpoint>> HoldPin(std::string_view name) const;
  // As of the last look at the pins. Never null.
  std::shared_ptr<const PinnedCheckpoints> pinned_checkpoints() const;
  // Looks whether another writer has taken the repository, which this one may not know yet: Fenced,
  // and the handle is dead from then on. Unavailable if that cannot be told. Reads one object, and
  // one for each version of its own that is in doubt.
  Status CheckNotFenced();

  // Makes the handle fit to publish: after a Publish that failed in doubt it opens a new attempt
  // whose snapshot ends at the last version that was acknowledged (invariant 11). Must precede the
  // making of every edit, because attempt and writer may change here. Fenced if another writer has
  // opened meanwhile.
  Status Prepare();
  uint64_t attempt() const;
  // The first of this handle.
  uint64_t first_attempt() const noexcept { return first_attempt_; }
  format::WriterId writer() const;
  // The version that the next Publish creates: inlined files are named after it.
  uint64_t next_version() const;

  // Publishes the next manifest version, durable on return. Fenced: another attempt's version
  // stands in its place; the handle is dead from then on. Corruption (`manifest-edit`): the edit
  // does not fit the list; nothing was written. Any other error: in doubt; Prepare again.
  Status Publish(format::ManifestEdit edit, std::vector<format::SegmentEntry> inlined);

  // Publishes an edit that marks the writer as closed (best effort) and releases the lock. Later
  // calls return Closed. Without it the writer counts as open, as after a crash.
  Status Close();

  // Maintenance. Each of these first looks whether this writer has been fenced, and then deletes
  // nothing. Before files are deleted that a pin may keep the pins are read. Errors leave the rest
  // for later: Unavailable (`pin-unreadable`) as long as a pin is damaged.
  // Reads the pins; retention goes by what was read last. Unavailable (`pin-unreadable`): what can
  // be read counts.
  Status ReadPins();
  // Takes a file that was put and will not be named: it goes with those that edits drop.
  void AddDropped(std::string_view file);
  // Deletes files that published edits have dropped, except those that are held (Hold).
  Status DeleteDropped();
  // Deletes what crashed writers left: log/ and base/ files of attempts before this handle's first
  // that the list does not name, snapshots that the chain has moved past, and unfinished objects.
  // Nothing of it if damage was found when opening: what was there may be all that is left.
  Status DeleteLeftovers();
  // Writes a new snapshot when the edits since the last one outnumber max(32, its size / 4 KiB);
  // the next version published names it; a later call deletes what it made superfluous and nobody
  // holds.
  Status CollectManifests();
  // While not allowed, files are kept although dropped, and nothing is deleted (kFast before its
  // hashes are done).
  void SetDeletionsAllowed(bool allowed) noexcept { deletions_allowed_.store(allowed); }

 private:
  enum class Health { kFit, kInDoubt, kFenced, kClosed };
  // What became of a version that we tried to create.
  enum class Creation { kOurs, kAnothers, kInDoubt };
  struct Created {
    Creation outcome;
    Status status;  // unless kOurs
  };
  struct Snapshot {
    uint64_t version = 0;
    std::string name;
    uint64_t bytes = 0;
  };
  // A snapshot for an opening version that could not be created, and its content.
  struct SpareSnapshot {
    Snapshot snapshot;
    format::Checksum128 checksum;
  };
  // A new attempt, made but not yet adopted.
  struct Opening {
    format::Manifest list;
    Snapshot snapshot;
    bool late = false;  // a later version is there: the opening counts for nothing
  };

  explicit Repository(const RepositoryOptions& options);

  // Opening (repository_open.cc).
  Status TakeLock(bool take_over);
  Status OpenFirstAttempt(const RepositoryOptions& options);
  Result<bool> TryOpenFirstAttempt(const RepositoryOptions& options);
  Result<Opening> OpenAttempt(format::Manifest list, uint64_t newest, uint64_t attempt);
  Result<Snapshot> PutOpeningSnapshot(const format::Manifest& list);
  Result<bool> TryReopen();
  // Reads the versions after `acknowledged`; Fenced if one is another writer's. The last that
  // exists.
  Result<uint64_t> LastOfOurs(uint64_t acknowledged);
  void Adopt(Opening opening);
  // InvalidArgument if the list is of a job of another shape.
  Status CheckShape(const RepositoryOptions& options, const format::Manifest& list) const;

  // Publishing (repository.cc).
  Result<format::ManifestVersion> MakeVersion(format::ManifestEdit edit,
                                              std::vector<format::SegmentEntry> inlined);
  Created Create(const format::ManifestVersion& version, const std::string& bytes);
  Created Compare(uint64_t version, const std::string& bytes);
  Status Acknowledge(const format::ManifestVersion& version);
  Status BecomeFenced(const format::ManifestVersion& by);
  Status Usable() const;  // with mutex_ held
  bool IsOwn(const format::WriterId& writer) const;
  void RegisterWriter(const format::WriterId& writer, uint64_t attempt);
  // With mutex_ held. `inlined`: a segment travels in it, which a pin may keep.
  void Supersede(uint64_t version, bool inlined);
  void Keep(uint64_t opening);  // with mutex_ held

  // Holding (held_checkpoint.cc).
  friend class HeldCheckpoint;
  std::unique_ptr<HeldCheckpoint> HoldFilesOf(format::Manifest list) const;  // with mutex_ held
  void Release(const HeldCheckpoint& held) const;

  // Pins (repository_pins.cc).
  Status DeleteUnlessPinned(std::vector<std::string>* names);
  bool IsPinned(std::string_view object) const;  // with mutex_ held
  std::string FileNameOf(std::string_view object) const;

  // Collecting (repository_collect.cc). All of these on the maintenance lane.
  // Encodes it, and returns it only if it decodes: older ones are deleted for its sake.
  static Result<std::string> EncodeSnapshot(const format::Manifest& list);
  Status WriteSnapshotIfDue();
  Status ClassifyOldVersions();
  Status DeleteSuperseded();
  void ForgetSuperseded(const std::vector<std::string>& objects);
  // What becomes of a version once it is superseded.
  enum class Fate : uint8_t {
    kStays,  // it opens an attempt, or nobody knows
    kGoes,
    kGoesIfUnpinned,  // with the segment in it
  };
  Result<Fate> FateOf(uint64_t version) const;
  Result<std::vector<std::string>> LeftoverFiles(std::string_view prefix) const;
  Result<std::vector<std::string>> LeftoverSnapshots() const;

  // Constant after construction (the lock and what Open finds: after Open).
  const std::shared_ptr<CheckpointStorage> storage_;
  const uint32_t subtask_;
  format::WriterId repository_id_;
  std::vector<Status> damaged_;
  uint64_t first_attempt_ = 0;  // of this handle
  std::unique_ptr<StorageLock> lock_;
  std::unique_ptr<ManifestChain> chain_;

  std::optional<SpareSnapshot> spare_snapshot_;  // the publishing thread's
  std::atomic<bool> deletions_allowed_{true};

  mutable std::mutex mutex_;
  // Guarded by mutex_, which no I/O is done under.
  format::Manifest manifest_;  // as of the last acknowledged version
  Health health_ = Health::kFit;
  Status fenced_;
  uint64_t attempt_ = 0;
  format::WriterId writer_;
  uint64_t attempts_used_ = 0;                 // the highest that this handle has tried
  std::vector<format::WriterId> own_writers_;  // all that this handle has tried to publish as
  Snapshot snapshot_;                          // that the chain builds on
  std::optional<Snapshot> next_snapshot_;      // that the next version will name
  // What became superfluous, and what must stay although nothing reads it.
  std::vector<format::FileMeta> dropped_;
  mutable std::map<std::string, uint32_t> held_;     // how often, by FileMeta::name
  std::set<std::string, std::less<>> pinned_files_;  // FileMeta::name
  std::shared_ptr<const PinnedCheckpoints> pinned_checkpoints_ =
      std::make_shared<const PinnedCheckpoints>();
  std::vector<std::string> superseded_snapshots_;
  // Deletable once they are not after snapshot_.version; whether a segment travels in it.
  std::map<uint64_t, bool> superseded_versions_;
  std::set<uint64_t> kept_versions_;    // open an attempt, or precede one that does
  std::vector<uint64_t> unclassified_;  // found when opening; nobody has looked into them
};

}  // namespace tidemark::storage
