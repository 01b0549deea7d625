// CommitLane: the thread that makes sealed epochs durable, in epoch order.
//
// For each checkpoint: sort, encode, make the segment durable, publish a manifest version. A
// checkpoint that fails keeps its epochs here, and the next one publishes them too (invariant 5):
// the segment by name if its file is durable, else encoded anew. Maintenance hands its edits to
// this thread, which sends them along with the next checkpoint, or alone when there is none; so one
// thread creates all manifest versions.
#pragma once

#include "compaction/retention.h"
#include "format/change_batch.h"
#include "format/manifest.h"
#include "storage/repository.h"
#include "storage/segment_file.h"
#include "store/checkpoint_ticket.h"
#include "store/memory_budget.h"
#include "store/recorder.h"
#include "store/sealed_epoch.h"

#include <tidemark/options.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace tidemark::store {

// A published epoch on its way to the maintenance lane.
struct DurableEpoch {
  std::shared_ptr<SealedEpoch> epoch;
  // Its segment for the local change log, in one of two forms, when `keep_segments` is set.
  std::optional<storage::SstFile> file;
  std::vector<format::SegmentEntry> entries;
};

struct CommitLaneOptions {
  storage::FileSystemPtr fs;
  std::string scratch_directory;  // for segment files on their way to the repository
  std::function<void(const std::string& path)> remove_scratch;
  Compression codec = Compression::kZstd;
  int codec_level = 1;
  uint64_t inline_bytes_max = 0;
  compaction::RetentionPolicy retention;
  // Hand local copies of the segments to maintenance.
  bool keep_segments = false;
  // The checkpoint that the store was restored from; of epoch 0 if there was none.
  uint64_t stands_on_id = 0;
  format::EpochIdentity stands_on{};
  // Called on the commit thread.
  std::function<void(const SealedEpoch&)> on_sorted;
  std::function<void(std::vector<DurableEpoch>)> on_durable;
  std::function<void(const Status&)> on_fatal;  // no checkpoint can succeed any more
  Recorder* recorder = nullptr;                 // outlives the lane, as the next one
  MemoryBudget* budget = nullptr;
};

// Thread safety: all members may be called concurrently; Stop once.
class CommitLane {
 public:
  static constexpr size_t kInFlightMax = 1024;
  // Fills an edit, given the list that it will apply to. Runs on the commit thread; must be quick.
  using EditBuilder = std::function<void(const format::Manifest&, format::ManifestEdit*)>;

  // What the lane holds of a batch: its columns, its FlatBuffer, that compressed, and in its file.
  static constexpr uint64_t kBatchCopies = 4;
  static_assert(kBatchCopies * format::kBatchTargetBytes <= MemoryBudget::kBufferBytes);

  // `repository` outlives the lane, and is published to by nobody else.
  CommitLane(storage::Repository& repository, CommitLaneOptions options);
  ~CommitLane();

  // Queues a checkpoint; never blocks on I/O. False when kInFlightMax are under way.
  bool Submit(std::shared_ptr<SealedEpoch> epoch, std::shared_ptr<CheckpointTicket> ticket);
  // Publishes an edit; blocks until it is durable or has failed.
  Status PublishEdit(EditBuilder builder);
  // Blocks until nothing is queued or under way.
  void WaitIdle();
  // Finishes what is queued, then joins. Edits that come later fail with Closed.
  void Stop();
  // The last epoch whose barrier has come, whatever has become of it.
  uint64_t newest_epoch() const;
  // How many epochs lie here until the next checkpoint is submitted, those of checkpoints that have
  // failed; 0 while one is queued or under way.
  size_t stranded_epochs() const;
  // While set, a commit drops no checkpoint for being old.
  void SetKeepPresent(bool keep) noexcept { keep_present_.store(keep); }

 private:
  struct Job {
    std::shared_ptr<SealedEpoch> epoch;
    std::shared_ptr<CheckpointTicket> ticket;
  };
  struct EditRequest {
    EditBuilder builder;
    std::optional<Status> outcome;  // protected by mutex_
  };
  // An epoch that no manifest names yet.
  struct Unpublished {
    std::shared_ptr<SealedEpoch> epoch;
    std::optional<format::FileMeta> segment;  // durable in the repository
    std::optional<storage::SstFile> local;
  };
  // Who publishes, as which version, and what pins keep.
  struct Writing {
    uint64_t attempt;
    format::WriterId writer;
    uint64_t version;
    std::shared_ptr<const storage::PinnedCheckpoints> pinned;
  };
  using Requests = std::vector<std::shared_ptr<EditRequest>>;

  void Run();
  void Commit(Job job, const Requests& requests);
  Status Publish(const CheckpointTicket* ticket, const Requests& requests,
                 CheckpointStatistics* statistics);
  Status MakeSegments(std::vector<format::SegmentEntry>* inlined, CheckpointStatistics* statistics);
  Status MakeSegment(Unpublished& unpublished, bool may_inline,
                     std::vector<format::SegmentEntry>* inlined);
  Result<std::optional<storage::SstFile>> EncodeTo(const std::string& path,
                                                   const SealedEpoch& epoch,
                                                   const format::SegmentHeader& header,
                                                   bool may_inline,
                                                   std::vector<format::SegmentEntry>* inlined);
  Status PutSegment(Unpublished& unpublished, format::FileMeta meta, storage::SstFile file);
  format::FileMeta SegmentMeta(const SealedEpoch& epoch) const;  // without size and checksum
  format::SegmentHeader HeaderFor(const format::FileMeta& meta) const;
  std::chrono::system_clock::time_point NewestTime() const;
  void AddCheckpoint(const format::Manifest& manifest, const Writing& writing,
                     const CheckpointTicket& ticket,
                     const std::vector<format::SegmentEntry>& inlined,
                     const CheckpointStatistics& statistics, format::ManifestEdit* edit) const;
  std::vector<format::LineageEntry> LineageTo(const format::Manifest& manifest,
                                              const format::EpochIdentity& at) const;
  std::vector<format::FileMeta> SegmentFiles(
      const Writing& writing, const std::vector<format::SegmentEntry>& inlined) const;
  void HandOver(std::vector<format::SegmentEntry> inlined);

  storage::Repository& repository_;
  const CommitLaneOptions options_;
  std::atomic<bool> keep_present_{false};

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;  // protected by mutex_, as the next five
  uint64_t newest_epoch_;
  Requests requests_;
  size_t in_flight_ = 0;
  size_t left_ = 0;  // unpublished, when the last checkpoint was decided
  bool busy_ = false;
  bool stopping_ = false;

  // The commit thread's own.
  std::deque<Unpublished> unpublished_;
  uint64_t stands_on_id_;
  format::EpochIdentity stands_on_;
  uint64_t lineage_attempt_ = 0;  // the attempt whose lineage entry is published
  bool branched_ = false;         // the first commit has dropped what it does not continue
  std::thread thread_;
};

}  // namespace tidemark::store
