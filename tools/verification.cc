#include "tools/verification.h"

#include "format/names.h"
#include "storage/in_threads.h"
#include "tools/file_users.h"
#include "tools/target.h"

#include <algorithm>
#include <mutex>
#include <thread>

namespace tidemark::tools {
namespace {

constexpr int kListsMax = 20;

bool HasVanished(const Status& finding) { return finding.name() == "file-missing"; }

bool IsProof(const Status& finding) { return ExitCodeOf(finding) == ExitCode::kCorruption; }

// Whether the content was read to the end: always at level checksum, unless the size was wrong
// already; and an inlined segment is read as soon as it is looked at.
bool ContentWasRead(const format::FileMeta& file, const Status& finding,
                    storage::VerifyLevel level) {
  if (!finding.ok() && finding.name() != "file-checksum") return false;
  return level == storage::VerifyLevel::kChecksum ||
         (level == storage::VerifyLevel::kFiles && file.kind == format::FileKind::kInlined);
}

}  // namespace

Amount& Amount::operator+=(const Amount& other) {
  checkpoints += other.checkpoints;
  files += other.files;
  bytes += other.bytes;
  return *this;
}

bool SubtaskFindings::damaged() const {
  return std::any_of(findings.begin(), findings.end(),
                     [](const Finding& finding) { return IsProof(finding.error); });
}

SubtaskFindings Verification::Run(const std::vector<Selector>& selected) {
  result_.subtask = subtask_.number;
  Select(selected);
  VerifyUntilListHolds();
  SearchGoodOne();
  Summarize();
  return std::move(result_);
}

void Verification::Select(const std::vector<Selector>& selected) {
  asked_for_some_ = !selected.empty();
  for (const Selector& selector : selected) {
    const auto found = FindTarget(catalog_, subtask_, selector);
    if (!found) {
      result_.unanswered.push_back(found.error());
    } else if (found->in_pin_only) {
      result_.unanswered.push_back(
          Status(StatusCode::kNotFound, "checkpoint-not-found",
                 "subtask " + std::to_string(subtask_.number) + " does not retain checkpoint " +
                     std::to_string(found->checkpoint->id) + " any more, which pin " +
                     selector.text + " keeps; `digest` or `export` read all of it"));
    } else {
      asked_.insert(found->checkpoint->id);
    }
  }
  if (asked_for_some_) return;
  for (const format::Checkpoint& checkpoint : manifest().checkpoints) asked_.insert(checkpoint.id);
}

void Verification::VerifyUntilListHolds() {
  for (int lists = 0; lists < kListsMax; ++lists) {
    VerifyFiles();
    if (!AnyVanished()) return;
    const Result<bool> moved = ListMovedOn();
    if (!moved) {
      // What the newest list names is not known, so nothing is proven.
      for (auto& [file, found] : known_)
        if (HasVanished(found)) found = moved.error();
      return;
    }
    if (!*moved) return;
    ForgetVanished();
    DropUnretained();
  }
  ForgetVanished();
  result_.unanswered.push_back(Status(StatusCode::kUnavailable, "manifest-moving",
                                      "subtask " + std::to_string(subtask_.number) +
                                          ": files were dropped faster than they could be "
                                          "verified; try again when the writer rests"));
}

void Verification::VerifyFiles() {
  if (level_ == storage::VerifyLevel::kManifest) return;
  std::vector<const format::FileMeta*> files;
  std::set<uint64_t> seen;
  for (const std::set<uint64_t>* ids : {&asked_, &extra_}) {
    for (const uint64_t id : *ids) {
      const format::Checkpoint* const checkpoint = manifest().FindCheckpoint(id);
      if (checkpoint == nullptr) continue;
      ForEachFile(manifest(), *checkpoint, [&](uint64_t file) {
        const auto meta = manifest().files.find(file);
        if (meta == manifest().files.end() || known_.contains(file)) return;
        if (chosen_ && !chosen_(meta->second)) return;
        if (seen.insert(file).second) files.push_back(&meta->second);
      });
    }
  }
  VerifyAll(files);
}

// One thread hashes slower than a disk reads, and while it hashes the disk rests.
void Verification::VerifyAll(const std::vector<const format::FileMeta*>& files) {
  constexpr size_t kThreadsMax = 4;
  std::vector<Status> found(files.size());
  std::mutex mutex;
  const size_t processors = std::max(2U, std::thread::hardware_concurrency());
  // What is found goes on the list, and ends nothing.
  (void)storage::InThreads(files.size(), std::min(kThreadsMax, processors), [&](size_t i) {
    found[i] = storage::VerifyFile(*catalog_.storage, subtask_.number, *files[i], level_);
    const std::lock_guard lock(mutex);
    ++progress_so_far_.files;
    if (ContentWasRead(*files[i], found[i], level_)) progress_so_far_.bytes += files[i]->size;
    progress_(progress_so_far_);
    return Status();
  });
  for (size_t i = 0; i < files.size(); ++i) known_.emplace(files[i]->id, std::move(found[i]));
}

bool Verification::AnyVanished() const {
  return std::any_of(known_.begin(), known_.end(),
                     [](const auto& known) { return HasVanished(known.second); });
}

// Reads the list again; false if it is still the one that names the vanished files.
Result<bool> Verification::ListMovedOn() {
  Subtask again = ReadSubtask(*catalog_.storage, catalog_.info, subtask_.number);
  TIDEMARK_RETURN_IF_ERROR(again.error);
  if (again.manifest().version <= manifest().version) return false;
  subtask_ = std::move(again);
  list_findings_.clear();
  return true;
}

void Verification::ForgetVanished() {
  std::erase_if(known_, [](const auto& known) { return HasVanished(known.second); });
}

void Verification::DropUnretained() {
  const auto gone = [&](uint64_t id) { return manifest().FindCheckpoint(id) == nullptr; };
  for (const uint64_t id : asked_) {
    if (!gone(id)) continue;
    if (asked_for_some_)
      result_.unanswered.push_back(
          Status(StatusCode::kNotFound, "checkpoint-dropped",
                 "the writer of subtask " + std::to_string(subtask_.number) +
                     " dropped checkpoint " + std::to_string(id) + " while it was being verified"));
    else
      result_.dropped.push_back(id);
  }
  std::erase_if(asked_, gone);
  std::erase_if(extra_, gone);
}

// After damage, to the list or to a checkpoint asked for: looks at checkpoints that were not asked
// for, newest first, until one is good.
void Verification::SearchGoodOne() {
  const auto damaged = [&](uint64_t id) {
    const format::Checkpoint* const checkpoint = manifest().FindCheckpoint(id);
    return checkpoint != nullptr && ResultOf(*checkpoint) == CheckpointResult::kDamaged;
  };
  if (subtask_.reading.damaged.empty() && std::none_of(asked_.begin(), asked_.end(), damaged))
    return;
  while (const format::Checkpoint* const candidate = NextCandidate()) {
    extra_.insert(candidate->id);
    VerifyUntilListHolds();
  }
}

// The newest checkpoint that may be good, and is not known to be; nullptr if a newer one is, or
// none may be.
const format::Checkpoint* Verification::NextCandidate() const {
  for (auto it = manifest().checkpoints.rbegin(); it != manifest().checkpoints.rend(); ++it) {
    if (ResultOf(*it) != CheckpointResult::kGood) continue;
    return asked_.contains(it->id) || extra_.contains(it->id) ? nullptr : &*it;
  }
  return nullptr;
}

// As far as is known: files that were not looked at count as good.
CheckpointResult Verification::ResultOf(const format::Checkpoint& checkpoint) const {
  bool proven = !ListFindings(checkpoint).empty();
  bool unread = false;
  ForEachFile(manifest(), checkpoint, [&](uint64_t file) {
    const auto known = known_.find(file);
    if (known == known_.end() || known->second.ok()) return;
    (IsProof(known->second) ? proven : unread) = true;
  });
  if (proven) return CheckpointResult::kDamaged;
  return unread ? CheckpointResult::kIncomplete : CheckpointResult::kGood;
}

const std::vector<Status>& Verification::ListFindings(const format::Checkpoint& checkpoint) const {
  const auto [known, is_new] = list_findings_.try_emplace(checkpoint.id);
  if (is_new)
    known->second = storage::VerifyCheckpoint(*catalog_.storage, manifest(), checkpoint,
                                              storage::VerifyLevel::kManifest)
                        .findings;
  return known->second;
}

void Verification::Summarize() {
  for (const format::Checkpoint& checkpoint : manifest().checkpoints) {
    if (!asked_.contains(checkpoint.id) && !extra_.contains(checkpoint.id)) continue;
    result_.checkpoints.push_back(Describe(checkpoint));
    for (const Status& error : ListFindings(checkpoint))
      result_.findings.push_back({error, {}, {checkpoint.id}});
    if (result_.checkpoints.back().result == CheckpointResult::kGood)
      result_.newest_good = checkpoint.id;
  }
  AddFileFindings();
  result_.checked = Checked();
  result_.available.checkpoints = manifest().checkpoints.size();
  for (const auto& [id, file] : manifest().files)
    result_.available += {.files = 1, .bytes = file.size};
}

// Of the files that the final list names; one that could not be read was not checked.
Amount Verification::Checked() const {
  Amount checked{.checkpoints = result_.checkpoints.size()};
  for (const auto& [id, error] : known_) {
    const auto file = manifest().files.find(id);
    if (file == manifest().files.end()) continue;
    if (error.ok() || IsProof(error)) ++checked.files;
    if (ContentWasRead(file->second, error, level_)) checked.bytes += file->second.size;
  }
  return checked;
}

void Verification::AddFileFindings() {
  std::set<uint64_t> files;
  for (const auto& [file, error] : known_)
    if (!error.ok() && manifest().files.contains(file)) files.insert(file);
  const FileUsers users(manifest(), files);
  for (const uint64_t file : files)
    result_.findings.push_back(
        {known_.at(file), format::SubtaskPrefix(subtask_.number) + manifest().files.at(file).name,
         users.Of(file), manifest().files.at(file)});
}

CheckedCheckpoint Verification::Describe(const format::Checkpoint& checkpoint) const {
  CheckedCheckpoint described{.id = checkpoint.id, .time_ms = checkpoint.time_ms};
  described.asked = asked_.contains(checkpoint.id);
  described.result = ResultOf(checkpoint);
  ForEachFile(manifest(), checkpoint, [&](uint64_t id) {
    const auto file = manifest().files.find(id);
    if (file == manifest().files.end()) return;
    ++described.files;
    described.bytes += file->second.size;
  });
  return described;
}

}  // namespace tidemark::tools
