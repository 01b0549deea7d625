#include "tools/explanations.h"

#include <algorithm>

namespace tidemark::tools {
namespace {

constexpr std::string_view kNothing = "Nothing was written or changed.";
constexpr std::string_view kAllCheckpoints = "All checkpoints are as they were.";

constexpr Explanation kExplanations[] = {
    {"error-unknown schema-unknown", "Nothing is known under that name.", kNothing,
     "The message names what is near, or what there is."},
    {"checkpoint-not-found checkpoint-dropped",
     "The checkpoint is not in the list of retained ones: it never was, retention has dropped it, "
     "or "
     "a job went on from an older one.",
     kAllCheckpoints, "Look at `ckpt-inspect list REPO`; a pin keeps one that will be needed."},
    {"pin-not-found pin-exists", "There is no pin of that name, or there is one already.",
     kAllCheckpoints, "`ckpt-inspect list REPO` shows the pins."},
    {"pin-incomplete",
     "A pin names files that are not there and that no list has any more. They were lost, or the "
     "command that made the pin was killed before it had made sure that they stay.",
     "All checkpoints of the lists.",
     "If nobody needs it: `ckpt-inspect unpin REPO NAME`. If somebody does, bring the files back "
     "from a copy."},
    {"pin-unreadable pin-structure request-structure",
     "A pin or request cannot be read. While a pin cannot, writers delete no file that it might "
     "keep, "
     "so the repository grows.",
     "All files. Checkpoints go on.",
     "If the pin is not needed: `ckpt-inspect unpin REPO NAME`. Else bring the object back from a "
     "copy."},
    {"pin-moving manifest-moving repository-changed opening-fenced",
     "The repository changed faster than it could be read.", kAllCheckpoints, "Try again."},
    {"pin-name pin-reason request-id request-reason checkpoint-selector epoch-range byte-amount "
     "time-span key subset fail-if command-line prune-rules prune-free table-name",
     "What was given is not of the form that is expected; the message says what is.", kNothing,
     "Correct it; --help of the command has examples."},
    {"repository-not-found subtask-not-found not-a-directory not-a-repository not-tidemark "
     "repository-uri uri-scheme",
     "There is no repository of Tidemark at that place, or no such subtask in it, although the "
     "lists of others say that the job has it.",
     kNothing,
     "Give the directory that holds FORMAT and subtasks/. If a subtask's folder is lost or not "
     "mounted, bring it back; --subtask N takes another one alone."},
    {"export-destination-kind",
     "A checkpoint is exported to a directory of this machine; what was given is none.", kNothing,
     "Give a path, and copy the result to where it is to be."},
    {"local-copy",
     "A file arrived on the local disk with other bytes than it has in the repository, which was "
     "read again and is right. The checkpoint is intact, and is not passed over.",
     kAllCheckpoints, "Check that disk, and start again."},
    {"manifest-snapshot",
     "The list of checkpoints was encoded, and what came out could not be decoded. It was not "
     "written, and nothing is deleted for its sake.",
     kAllCheckpoints,
     "This is a defect of the library: report it, with `ckpt-inspect list --json` of the "
     "repository."},
    {"repository-info repository-info-missing",
     "FORMAT, which names the repository, is lost or damaged. Everything else may be whole.",
     "Manifests and files are untouched.",
     "Bring FORMAT back from a copy, of the same repository; it never changes."},
    {"repository-id", "An object belongs to another repository: folders were mixed up.", kNothing,
     "Find out which copy is the right one before anything writes here."},
    {"repository-locked storage-locked directory-locked live-locked view-locked create-lock",
     "Another process has it open: the message names it.", kNothing,
     "Stop that process. If it hangs and cannot be stopped, `--take-over` "
     "(StoreOptions::take_over) "
     "fences it: it can publish nothing any more."},
    {"writer-open",
     "The last writer did not close, and this storage has no locks, so nobody knows whether it "
     "lives.",
     kNothing, "Make sure that it is gone, then take over."},
    {"writer-fenced",
     "Another writer has opened the repository since. This one can publish nothing any more, which "
     "is "
     "what keeps both from mixing their histories.",
     "All checkpoints that were reported complete.",
     "Close this store. If both were meant to run, give them different repositories or subtasks."},
    {"unknown-objects not-confirmed",
     "It would have deleted something, and nobody said that it may.", kNothing,
     "Look at what it names, then say --yes."},
    {"restore-differs",
     "What a store restored is not what reading the checkpoint in place gives. One of the two is "
     "wrong: a bug, or memory that is.",
     kAllCheckpoints, "Try again on another machine, and report it with both digests."},
    {"file-missing file-size file-checksum segment-checksum file-set* file-header "
     "file-checksum-kind file-not-found",
     "A file that checkpoints are made of is not what the manifest says: damaged, cut off, "
     "swapped, or "
     "gone.",
     "Checkpoints that do not need it. A restore falls back to the newest of those by itself.",
     "`ckpt-inspect verify REPO` names the checkpoints that are hit and the newest intact one. "
     "Bring "
     "the file back from a copy; its name and checksum are in `show`. Check the medium."},
    {"manifest-missing manifest-unreadable manifest-unusable manifest-structure manifest-version "
     "manifest-invariant manifest-transition manifest-edit manifest-apply",
     "A version or snapshot of the list of checkpoints is damaged, or says what cannot be.",
     "Files are untouched, and so are the versions before it: the list is read up to there.",
     "`ckpt-inspect verify REPO` says what is intact. Bring the object back from a copy before a "
     "job "
     "starts again: a job goes on from what can be read."},
    {"manifest-in-doubt",
     "The storage did not answer, so nobody knows whether a manifest version exists.",
     "All checkpoints that were reported complete.", "Open the store again: it finds out."},
    {"frame-* batch-* segment-* applied-mark base-mark base-meta base-file-name key-group-order "
     "stored-key value-header list-element codec-size flatbuffer-invalid spilled-record short-read "
     "epoch-0",
     "Bytes of a file are not what the format says. The checksum of the file shows whether it is "
     "damaged or was written so.",
     "Other files, and checkpoints that do not need this one.",
     "`ckpt-inspect verify REPO --level checksum`. If that finds nothing, please report a bug, "
     "with "
     "the file."},
    {"format-newer newer-format record-expiry frame-reserved",
     "A newer version of Tidemark has written this.", kNothing,
     "Use that version; `ckpt-inspect version` says what this one reads."},
    {"frame-too-large list-too-large metadata-too-large schema-too-large epoch-span value-too-long "
     "key-too-long",
     "Something is larger than the format allows; the message says the limit.", kNothing,
     "Make it smaller, or keep it elsewhere and a reference here."},
    {"no-intact-checkpoint", "Not one retained checkpoint verifies.",
     "What is there is left as it is.",
     "Do not start the job on an empty state by accident. Look at `ckpt-inspect verify REPO`, "
     "check "
     "the medium, and bring files back from a copy or a savepoint."},
    {"no-damage-found not-needed newest-complete not-named in-flight not-found",
     "A remark of `fsck`, `prune` or `verify`, no error.", kNothing, "Nothing."},
    {"nothing-to-verify nothing-to-check nothing-to-drop checkpoint-kept",
     "There is nothing that the command could do.", kNothing,
     "`ckpt-inspect list REPO` shows what there is."},
    {"object-link",
     "Inside of the repository something is a symbolic link. Links are not followed there: one "
     "could lead to any file of the machine.",
     "What is behind the link, and checkpoints that do not need this object.",
     "Put a copy of what it leads to in its place. The directory of the repository itself may be a "
     "link."},
    {"io-error storage-* object-* directory-unreadable output",
     "The medium, or the network in front of it, has failed. That proves nothing about the data.",
     kAllCheckpoints, "Check the medium, its rights and the system's log, then try again."},
    {"disk-full", "There is no room on the medium.",
     "All checkpoints. A checkpoint that failed for it is part of the next one.",
     "Make room: `ckpt-inspect prune REPO --free 10GiB --dry-run` says what would go."},
    {"scratch-directory", "Commands that read records need a directory to work in.", kNothing,
     "Set TMPDIR to a directory that can be written."},
    {"export-destination", "The destination of an export or import holds something.", kNothing,
     "Give a directory that is empty, or a new one."},
    {"live-*",
     "The local working directory of a store is damaged. It is a copy: the repository is the "
     "truth.",
     kAllCheckpoints,
     "Open the store: it restores from the repository. If the directory is in the way, delete it."},
    {"rocksdb-*", "RocksDB reports an error of its own; the message has its words.",
     kAllCheckpoints,
     "If it speaks of corruption, verify the repository and check the medium; else try again."},
    {"memory-budget", "An operation needs more memory than can be freed of the runtime's budget.",
     "The operation changed nothing.",
     "Raise RuntimeOptions::memory_budget_bytes, take checkpoints more often, or write less at "
     "once. If checkpoints have failed, find out why: what they hold waits in memory for the next "
     "one, so take that and try again."},
    {"compaction-behind", "RocksDB merges files more slowly than changes arrive.",
     "Nothing is lost; writes are held up.",
     "Give it more background threads, a faster disk, or fewer changes a second."},
    {"checkpoints-in-flight checkpoint-id",
     "A checkpoint was asked for in a way that cannot be: too many at once, or an id that is not "
     "above "
     "those before.",
     "The store is as it was.", "Wait for one of them, or give the next id."},
    {"table-* key-partition scan-partition delete-range ordered-bytes timer-queue",
     "A table is not what the call takes it for: another kind or codec, dropped, or not there.",
     "The store is as it was.",
     "`ckpt-inspect show REPO latest` lists the tables with kind and codecs."},
    {"option-* max-parallelism parallelism not-supported",
     "An option has a value that cannot be, or that does not go with another; the message says "
     "which.",
     kNothing, "Correct it; include/tidemark/options.h has the bounds."},
    {"store-closed repository-closed view-closed iterator-closed reentrant-call scan-outgrown",
     "A call came at a time when it cannot be served: after Close, within a callback, or on an "
     "iterator that outlived what it reads.",
     "The store is as it was.", "Correct the caller."},
    {"rebase-interrupted merge-interrupted",
     "Background work was given up because the store closed.", "All that it works on.",
     "Nothing: it is done again later."},
    {"digest-failed", "libcrypto could not compute a SHA-256.", kNothing,
     "Check that the process has memory, and libcrypto its modules."},
    {"apply-* exception ok-without-value segment-overlap internal* unknown*", "A bug in Tidemark.",
     kAllCheckpoints, "Please report it, with the message and what led to it."},
};

template <class F>
void ForEachName(const Explanation& explanation, F&& visit) {
  std::string_view rest = explanation.names;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find(' '), rest.size());
    visit(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
}

size_t DistanceOf(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row.back();
}

}  // namespace

bool Explanation::Covers(std::string_view name) const {
  bool covers = false;
  ForEachName(*this, [&](std::string_view one) {
    covers = covers ||
             (one.ends_with('*') ? name.starts_with(one.substr(0, one.size() - 1)) : name == one);
  });
  return covers;
}

std::span<const Explanation> Explanations() { return kExplanations; }

const Explanation* FindExplanation(std::string_view name) {
  const Explanation* beginning = nullptr;
  for (const Explanation& explanation : kExplanations) {
    bool is_whole = false;
    ForEachName(explanation, [&](std::string_view one) { is_whole = is_whole || one == name; });
    if (is_whole) return &explanation;
    if (beginning == nullptr && explanation.Covers(name)) beginning = &explanation;
  }
  return beginning;
}

std::vector<std::string> NamesLike(std::string_view name) {
  constexpr size_t kShown = 5;
  std::vector<std::pair<size_t, std::string>> all;
  for (const Explanation& explanation : kExplanations)
    ForEachName(explanation, [&](std::string_view one) {
      if (!one.ends_with('*')) all.emplace_back(DistanceOf(name, one), one);
    });
  std::sort(all.begin(), all.end());
  std::vector<std::string> names;
  for (const auto& [distance, one] : all)
    if (names.size() < kShown && distance <= std::max<size_t>(name.size() / 2, 3))
      names.push_back(one);
  return names;
}

}  // namespace tidemark::tools
