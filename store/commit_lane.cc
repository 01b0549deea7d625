#include "store/commit_lane.h"

#include "format/names.h"
#include "store/executor.h"
#include "store/segment_encoder.h"
#include "store/segment_output.h"

#include <algorithm>
#include <chrono>

namespace tidemark::store {

namespace {

using format::Checkpoint;
using format::FileMeta;
using format::Manifest;
using format::ManifestEdit;
using format::SegmentEntry;

Status LaneClosed() { return Status(StatusCode::kClosed, "store-closed", "the store is closed"); }

uint64_t Nanoseconds(std::chrono::nanoseconds duration) {
  return static_cast<uint64_t>(duration.count());
}

int64_t NowMilliseconds() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

CommitLane::CommitLane(storage::Repository& repository, CommitLaneOptions options)
    : repository_(repository),
      options_(std::move(options)),
      newest_epoch_(options_.stands_on.epoch),
      stands_on_id_(options_.stands_on_id),
      stands_on_(options_.stands_on),
      thread_([this] { Run(); }) {}

CommitLane::~CommitLane() { Stop(); }

bool CommitLane::Submit(std::shared_ptr<SealedEpoch> epoch,
                        std::shared_ptr<CheckpointTicket> ticket) {
  {
    std::lock_guard lock(mutex_);
    if (in_flight_ >= kInFlightMax) return false;
    ++in_flight_;
    newest_epoch_ = epoch->last_epoch;
    jobs_.push_back({std::move(epoch), std::move(ticket)});
  }
  wake_.notify_one();
  return true;
}

Status CommitLane::PublishEdit(EditBuilder builder) {
  auto request = std::make_shared<EditRequest>();
  request->builder = std::move(builder);
  std::unique_lock lock(mutex_);
  if (stopping_) return LaneClosed();
  requests_.push_back(request);
  wake_.notify_one();
  changed_.wait(lock, [&] { return request->outcome.has_value(); });
  return *request->outcome;
}

uint64_t CommitLane::newest_epoch() const {
  std::lock_guard lock(mutex_);
  return newest_epoch_;
}

size_t CommitLane::stranded_epochs() const {
  std::lock_guard lock(mutex_);
  return in_flight_ > 0 ? 0 : left_;
}

void CommitLane::WaitIdle() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return jobs_.empty() && requests_.empty() && !busy_; });
}

void CommitLane::Stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void CommitLane::Run() {
  BecomeBackgroundThread("tidemark-commit");
  while (true) {
    std::optional<Job> job;
    Requests requests;
    {
      std::unique_lock lock(mutex_);
      busy_ = false;
      changed_.notify_all();
      wake_.wait(lock, [this] { return stopping_ || !jobs_.empty() || !requests_.empty(); });
      if (jobs_.empty() && requests_.empty()) return;
      busy_ = true;
      requests.swap(requests_);
      if (!jobs_.empty()) {
        job = std::move(jobs_.front());
        jobs_.pop_front();
      }
    }
    if (job) {
      Commit(std::move(*job), requests);
      continue;
    }
    const Status status = Publish(nullptr, requests, nullptr);
    std::lock_guard lock(mutex_);
    for (const auto& request : requests) request->outcome = status;
  }
}

void CommitLane::Commit(Job job, const Requests& requests) {
  unpublished_.push_back({std::move(job.epoch), std::nullopt, std::nullopt});
  CheckpointStatistics statistics;
  statistics.epoch = unpublished_.back().epoch->last_epoch;
  statistics.barrier = job.ticket->barrier_duration();
  const Status status = Publish(job.ticket.get(), requests, &statistics);
  statistics.durable = job.ticket->SinceBarrier();
  {
    std::lock_guard lock(mutex_);
    --in_flight_;
    left_ = unpublished_.size();
    for (const auto& request : requests) request->outcome = status;
  }
  statistics.barrier = job.ticket->barrier_duration();
  options_.recorder->CheckpointDecided({job.ticket->id, status, statistics}, NewestTime());
  if (!job.ticket->Decide(status, statistics)) options_.recorder->CallbackThrew();
  job.ticket->Finish();
}

std::chrono::system_clock::time_point CommitLane::NewestTime() const {
  return repository_.WithManifest([](const Manifest& manifest) {
    const int64_t ms = manifest.checkpoints.empty() ? 0 : manifest.checkpoints.back().time_ms;
    return std::chrono::system_clock::time_point(std::chrono::milliseconds(ms));
  });
}

// One manifest version: the checkpoint of `ticket` (may be null) with every unpublished epoch, and
// the requests' edits.
Status CommitLane::Publish(const CheckpointTicket* ticket, const Requests& requests,
                           CheckpointStatistics* statistics) {
  // First, because it may change attempt and writer, which names and identities carry.
  Status status = repository_.Prepare();
  std::vector<SegmentEntry> inlined;
  if (status.ok() && ticket != nullptr) status = MakeSegments(&inlined, statistics);
  if (status.ok()) {
    const Writing writing{repository_.attempt(), repository_.writer(), repository_.next_version(),
                          repository_.pinned_checkpoints()};
    ManifestEdit edit = repository_.WithManifest([&](const Manifest& manifest) {
      ManifestEdit made;
      if (ticket != nullptr) AddCheckpoint(manifest, writing, *ticket, inlined, *statistics, &made);
      for (const auto& request : requests) request->builder(manifest, &made);
      return made;
    });
    status = repository_.Publish(std::move(edit),
                                 ticket != nullptr ? inlined : std::vector<SegmentEntry>());
  }
  if (!status.ok()) {
    if (status.code() == StatusCode::kFenced) options_.on_fatal(status);
    return status;
  }
  if (ticket == nullptr) return {};
  stands_on_id_ = ticket->id;
  stands_on_ = {repository_.attempt(), repository_.writer(), unpublished_.back().epoch->last_epoch};
  branched_ = true;
  lineage_attempt_ = repository_.attempt();
  HandOver(std::move(inlined));
  return {};
}

// Makes every unpublished epoch's segment durable, but for the newest one's if it is small: that
// travels inside the manifest version.
Status CommitLane::MakeSegments(std::vector<SegmentEntry>* inlined,
                                CheckpointStatistics* statistics) {
  for (Unpublished& unpublished : unpublished_) {
    const bool is_newest = &unpublished == &unpublished_.back();
    const auto begin = std::chrono::steady_clock::now();
    if (!unpublished.segment) {
      TIDEMARK_RETURN_IF_ERROR(MakeSegment(unpublished, is_newest, inlined));
      statistics->encode += std::chrono::steady_clock::now() - begin;
    }
    statistics->records += unpublished.epoch->records;
    statistics->net_change_bytes += unpublished.epoch->net_change_bytes;
    statistics->inlined = !unpublished.segment.has_value();
    statistics->log_bytes +=
        unpublished.segment ? unpublished.segment->size : format::InlinedBytes(*inlined);
  }
  return {};
}

Status CommitLane::MakeSegment(Unpublished& unpublished, bool may_inline,
                               std::vector<SegmentEntry>* inlined) {
  SealedEpoch& epoch = *unpublished.epoch;
  if (!epoch.is_sorted) {
    TIDEMARK_RETURN_IF_ERROR(Sort(epoch));
    options_.on_sorted(epoch);
  }
  FileMeta meta = SegmentMeta(epoch);
  const std::string path =
      options_.scratch_directory + "/segment-" + meta.name.substr(format::kLogPrefix.size());
  auto file = EncodeTo(path, epoch, HeaderFor(meta), may_inline, inlined);
  if (!file.has_value()) {
    options_.remove_scratch(path);
    return std::move(file).error();
  }
  if (!*file) return {};
  meta.size = (*file)->size;
  meta.checksum = (*file)->checksum;
  meta.sst_unique_id = (*file)->unique_id;
  return PutSegment(unpublished, std::move(meta), **std::move(file));
}

// The file, or unset if the segment is small: then it is in `inlined`.
Result<std::optional<storage::SstFile>> CommitLane::EncodeTo(const std::string& path,
                                                             const SealedEpoch& epoch,
                                                             const format::SegmentHeader& header,
                                                             bool may_inline,
                                                             std::vector<SegmentEntry>* inlined) {
  // A large value has a batch of its own.
  const CountedBytes more(*options_.budget, epoch.largest_value_bytes > format::kBatchTargetBytes
                                                ? kBatchCopies * epoch.largest_value_bytes
                                                : 0);
  SegmentOutput output(options_.fs, path, may_inline ? options_.inline_bytes_max : 0);
  TIDEMARK_RETURN_IF_ERROR(
      EncodeSegment(epoch, header, options_.codec, options_.codec_level,
                    [&](SegmentEntry entry) { return output.Add(std::move(entry)); }));
  TIDEMARK_ASSIGN_OR_RETURN(std::optional<storage::SstFile> file, output.Finish());
  if (!file) *inlined = std::move(output.entries());
  return file;
}

FileMeta CommitLane::SegmentMeta(const SealedEpoch& epoch) const {
  FileMeta meta;
  meta.kind = format::FileKind::kSegment;
  meta.attempt = repository_.attempt();
  meta.unique = format::RandomUnique();
  meta.first_epoch = epoch.first_epoch;
  meta.last_epoch = epoch.last_epoch;
  meta.records = epoch.records;
  meta.net_change_bytes = epoch.net_change_bytes;
  meta.name = format::SegmentName(meta.attempt, meta.first_epoch, meta.last_epoch, meta.unique);
  return meta;
}

format::SegmentHeader CommitLane::HeaderFor(const FileMeta& meta) const {
  format::SegmentHeader header;
  header.attempt = meta.attempt;
  header.writer = repository_.writer();
  header.unique = meta.unique;
  return header;
}

// A file whose sync failed is never named: `segment` is set only when all of it is durable, and a
// retry encodes into a new file (invariant 11).
Status CommitLane::PutSegment(Unpublished& unpublished, FileMeta meta, storage::SstFile file) {
  const std::string path = file.path;
  const auto put = repository_.storage().PutFile(repository_.ObjectName(meta.name), path);
  if (put.has_value() && options_.keep_segments) {
    unpublished.local = std::move(file);
  } else {
    options_.remove_scratch(path);
  }
  if (!put.has_value()) return put.error();
  unpublished.segment = std::move(meta);
  return {};
}

std::vector<FileMeta> CommitLane::SegmentFiles(const Writing& writing,
                                               const std::vector<SegmentEntry>& inlined) const {
  std::vector<FileMeta> files;
  for (const Unpublished& unpublished : unpublished_) {
    if (unpublished.segment) {
      files.push_back(*unpublished.segment);
      continue;
    }
    const SealedEpoch& epoch = *unpublished.epoch;
    FileMeta meta;
    meta.kind = format::FileKind::kInlined;
    meta.name = format::ManifestName(writing.version);
    meta.size = format::InlinedBytes(inlined);
    meta.checksum = format::InlinedChecksum(inlined);
    meta.attempt = writing.attempt;
    meta.first_epoch = epoch.first_epoch;
    meta.last_epoch = epoch.last_epoch;
    meta.records = epoch.records;
    meta.net_change_bytes = epoch.net_change_bytes;
    if (const auto header =
            format::DecodeSegmentHeader(inlined.front().frame, "the segment just encoded")) {
      meta.unique = header->unique;
    }
    files.push_back(std::move(meta));
  }
  return files;
}

void CommitLane::AddCheckpoint(const Manifest& manifest, const Writing& writing,
                               const CheckpointTicket& ticket,
                               const std::vector<SegmentEntry>& inlined,
                               const CheckpointStatistics& statistics, ManifestEdit* edit) const {
  const Checkpoint* predecessor =
      stands_on_.epoch != 0 ? manifest.FindCheckpoint(stands_on_id_) : nullptr;
  Checkpoint checkpoint;
  checkpoint.id = ticket.id;
  checkpoint.at = {writing.attempt, writing.writer, unpublished_.back().epoch->last_epoch};
  checkpoint.time_ms = NowMilliseconds();
  if (!manifest.checkpoints.empty()) {  // a clock that jumps back does not reorder the list
    checkpoint.time_ms = std::max(checkpoint.time_ms, manifest.checkpoints.back().time_ms);
  }
  edit->checkpoints_removed = compaction::CheckpointsToDrop(
      manifest, options_.retention,
      {checkpoint.time_ms, !branched_, stands_on_.epoch, keep_present_.load(), writing.pinned->at,
       !writing.pinned->all_known});
  if (predecessor != nullptr) {
    checkpoint.base = predecessor->base;
    checkpoint.segments = predecessor->segments;
  }
  edit->files_added = SegmentFiles(writing, inlined);
  uint64_t next_file = manifest.next_file_id;
  for (FileMeta& file : edit->files_added) checkpoint.segments.push_back(file.id = next_file++);
  for (const Unpublished& unpublished : unpublished_) {
    // Also one that was dropped again before any checkpoint succeeded, and leaves with this very
    // edit: its records are in the segment, so its id must count as given out.
    for (const format::TableMeta& table : unpublished.epoch->tables_created)
      edit->tables_added.push_back(table);
  }
  checkpoint.tables = ticket.tables;
  checkpoint.metadata = ticket.options.metadata;
  checkpoint.records = statistics.records;
  checkpoint.net_change_bytes = statistics.net_change_bytes;
  checkpoint.log_bytes = statistics.log_bytes;
  checkpoint.barrier_ns = Nanoseconds(statistics.barrier);
  checkpoint.encode_ns = Nanoseconds(statistics.encode);
  checkpoint.durable_ns = Nanoseconds(ticket.SinceBarrier());

  if (lineage_attempt_ != writing.attempt) edit->lineage = LineageTo(manifest, checkpoint.at);
  edit->checkpoint_added = std::move(checkpoint);
}

// The attempts up to the checkpoint that the store stands on, then this one. What was abandoned
// after it is no part of the way.
std::vector<format::LineageEntry> CommitLane::LineageTo(const Manifest& manifest,
                                                        const format::EpochIdentity& at) const {
  std::vector<format::LineageEntry> lineage;
  if (stands_on_.epoch != 0) lineage = format::LineageTo(manifest.lineage, stands_on_);
  lineage.push_back({at.attempt, at.writer, at.epoch});
  // What readers refuse must not be written.
  if (lineage.size() > format::kLineageMax)
    lineage.erase(lineage.begin(), lineage.end() - format::kLineageMax);
  return lineage;
}

void CommitLane::HandOver(std::vector<SegmentEntry> inlined) {
  std::vector<DurableEpoch> durable;
  for (Unpublished& unpublished : unpublished_) {
    SealedEpoch& epoch = *unpublished.epoch;
    epoch.identity = {repository_.attempt(), repository_.writer(), epoch.last_epoch};
    const bool is_inlined = !unpublished.segment.has_value();
    std::vector<SegmentEntry> entries;
    if (is_inlined && options_.keep_segments) entries.swap(inlined);
    durable.push_back(
        {std::move(unpublished.epoch), std::move(unpublished.local), std::move(entries)});
  }
  unpublished_.clear();
  options_.on_durable(std::move(durable));
}

}  // namespace tidemark::store
