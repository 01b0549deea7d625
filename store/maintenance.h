// Maintenance: what happens to epochs after they are durable: local change log, write-back, new
// bases, log merges, collection of garbage and old manifests. The planner says what is next. Runs
// on the runtime's threads, one step of a store at a time, and never delays the commit lane.
#pragma once

#include "compaction/log_merge.h"
#include "compaction/planner.h"
#include "compaction/rebase.h"
#include "storage/fetch.h"
#include "storage/live_database.h"
#include "storage/repository.h"
#include "store/commit_lane.h"
#include "store/executor.h"
#include "store/recorder.h"

#include <tidemark/status.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
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
  compaction::Policy policy;
  compaction::Costs costs;
  Compression codec = Compression::kZstd;  // of merged segments
  int codec_level = 1;
  // The checkpoint that the store was restored from; epoch 0: none.
  format::EpochIdentity restored_at;
  // Base files to hash before anything is published or dropped (Verification::kFast); empty: none.
  std::vector<storage::UnverifiedFile> verify_first;
  // What all this writes passes it, also through `live`; open before Start and from Stop on. Null:
  // nothing waits.
  std::shared_ptr<storage::WriteGate> write_gate;
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
  // From now on every checkpoint is to stand on a base of its own epoch, once RocksDB has rewritten
  // what it is at work on, or is to be.
  void RequestBase();
  // The writer reads through the newest view now, and no longer through one before it.
  void ViewAdopted();
  // Looks for requests of tools with the next step, which is due then.
  void LookForRequests();
  // Does what is due at open.
  void Start();
  // Waits until no step is going on or due.
  void WaitIdle() { lane_.WaitIdle(); }
  // Whether something is due once RocksDB has compacted what it is at work on. Waits for a moment,
  // and lets a step follow.
  bool AwaitRocksDb();
  void Stop();
  // Lets the next opening use the live directory, unless files of it have still to be hashed:
  // nobody hashes a directory that is used again. A failure changes nothing for this process. The
  // lane's own, or after Stop.
  void MarkReady();
  // The last failure, OK after a success.
  Status last_error() const;

 private:
  void Step();
  Status RunStep();
  compaction::Facts GatherFacts();
  bool IsOfThisHistory(const format::Checkpoint& newest) const;
  Status Do(const compaction::Plan& plan);
  Status VerifyNextFile();
  bool IsVerified() const { return verified_files_ == options_.verify_first.size(); }
  Status FeedChangeLog();
  Status WriteBackAll();
  void Compact(uint32_t table);
  Status Rebase();
  Status MergeLog(const std::vector<uint64_t>& segments);
  bool IsWriteBackUrgent() const;
  bool CopiesAreLimited() const {
    return options_.write_gate != nullptr && !options_.costs.links_are_free;
  }
  bool IsMergeWanted() const { return !stopping_.load() && !IsWriteBackUrgent(); }
  Status MergeFailed(const std::vector<uint64_t>& segments, Status status);
  void DropUnnamed();
  void ForgetUploads(const compaction::UploadedBase& published);
  Status Collect();

  // What tools have left (maintenance_tools.cc).
  uint64_t NewestEpoch() const;
  Status LookForTools();
  Status AnswerRequests(uint64_t newest);
  void TellOfUnreadable(const Status& status);

  storage::Repository& repository_;
  storage::LiveDatabase& live_;
  CommitLane& commits_;
  const MaintenanceOptions options_;

  mutable std::mutex mutex_;
  std::vector<DurableEpoch> inbox_;  // protected by mutex_
  Status last_error_;                // protected by mutex_
  std::atomic<bool> write_back_requested_{false};
  std::atomic<bool> look_for_requests_{false};
  std::atomic<bool> base_requested_{false};
  // A step is to follow when RocksDB has ended a compaction, or the writer has adopted a view.
  std::atomic<bool> waiting_{false};
  std::atomic<bool> rocksdb_is_compacting_{false};
  std::atomic<bool> stopping_{false};

  // The lane's own.
  size_t verified_files_ = 0;  // of options_.verify_first
  bool leftovers_deleted_ = false;
  std::set<uint32_t> compacted_;    // tables, since the last write-back
  std::set<uint64_t> unmergeable_;  // segments that a merge has failed with
  bool log_is_damaged_ = false;
  // Files that were put but perhaps not named, merged segments above all, and the version of the
  // list that they were to be added to.
  std::vector<std::pair<std::string, uint64_t>> unnamed_;
  std::deque<DurableEpoch> unapplied_;
  size_t fed_ = 0;  // how many of unapplied_ the change log has
  uint64_t unapplied_bytes_ = 0;
  bool wrote_back_last_ = false;
  compaction::UploadCache uploads_;
  // Requests that were seen, and the last epoch that was closed by then: a checkpoint after it
  // answers them.
  std::map<std::string, uint64_t> requests_;
  std::chrono::steady_clock::time_point looked_for_requests_{};
  std::string unreadable_told_;
  Lane lane_;
};

}  // namespace tidemark::store
