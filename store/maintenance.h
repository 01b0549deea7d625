// Maintenance: what happens to epochs after they are durable: local change log, write-back, new
// bases, retention, collection of garbage and old manifests. Runs on the runtime's threads, one
// step of a store at a time, and never delays the commit lane.
#pragma once

#include "compaction/policy.h"
#include "compaction/rebase.h"
#include "storage/live_database.h"
#include "storage/repository.h"
#include "store/commit_lane.h"
#include "store/executor.h"
#include "store/recorder.h"

#include <tidemark/status.h>

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace tidemark::store {

// What a write-back hands back to the writer: RocksDB now holds these epochs, and the view shows
// them.
struct Applied {
  std::shared_ptr<const storage::StateView> view;
  std::vector<std::shared_ptr<SealedEpoch>> epochs;  // ascending
};

struct MaintenanceOptions {
  storage::FileSystemPtr fs;
  compaction::WriteBackPolicy write_back;
  // Publishing a base costs no bytes here: base after every write-back, and no local copy of the
  // log.
  bool links_are_free = false;
  // Base files to hash before anything is published or dropped (Verification::kFast); empty: none.
  std::vector<format::FileMeta> verify_first;
  std::function<void(Applied)> on_applied;
  std::function<void(const Status&)> on_fatal;
  Recorder* recorder = nullptr;  // outlives the lane
};

// Thread safety: all members may be called concurrently; Stop once.
class Maintenance {
 public:
  // All references outlive this object. `unapplied`: epochs replayed at restore, durable already.
  Maintenance(Executor& executor, storage::Repository& repository, storage::LiveDatabase& live,
              CommitLane& commits, MaintenanceOptions options,
              std::vector<std::shared_ptr<SealedEpoch>> unapplied);

  // Takes over published epochs.
  void Add(std::vector<DurableEpoch> epochs);
  // Writes back all that is durable, however little.
  void RequestWriteBack();
  // Does what is due at open.
  void Start() { lane_.Kick(); }
  void WaitIdle() { lane_.WaitIdle(); }
  void Stop() { lane_.Stop(); }
  // The last failure, OK after a success.
  Status last_error() const;

 private:
  void Step();
  Status RunStep();
  Status MoveOn(bool requested);
  Status VerifyNextFile();
  bool IsVerified() const { return verified_files_ == options_.verify_first.size(); }
  Status FeedChangeLog();
  Status WriteBackAll();
  Status Rebase();
  Status Collect();

  storage::Repository& repository_;
  storage::LiveDatabase& live_;
  CommitLane& commits_;
  const MaintenanceOptions options_;

  mutable std::mutex mutex_;
  std::vector<DurableEpoch> inbox_;  // protected by mutex_
  Status last_error_;                // protected by mutex_
  std::atomic<bool> write_back_requested_{false};

  // The lane's own.
  size_t verified_files_ = 0;  // of options_.verify_first
  bool leftovers_deleted_ = false;
  bool rebase_due_ = false;
  std::deque<DurableEpoch> unapplied_;
  size_t fed_ = 0;  // how many of unapplied_ the change log has
  uint64_t unapplied_bytes_ = 0;
  compaction::UploadCache uploads_;
  Lane lane_;
};

}  // namespace tidemark::store
