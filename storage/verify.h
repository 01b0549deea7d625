// Whether what the manifest says of a checkpoint's files is true of the files: behind `ckpt-inspect
// verify` and restore. Reads only.
#pragma once

#include "format/manifest.h"

#include <tidemark/storage.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace tidemark::storage {

// Each level includes those before it.
enum class VerifyLevel : uint8_t {
  kManifest,  // the list names every file that the checkpoint needs, and their epochs have no gap
  kFiles,     // the files exist and have the size that the list says; nothing is read but versions
              // that hold an inlined segment
  kChecksum,  // their whole content has the checksum that the list says
};

// What was found. Totals count each file once, however many checkpoints name it.
struct VerifyReport {
  // Corruption for proven damage: `manifest-invariant`, `file-missing`, `file-size`,
  // `file-checksum`, and what reading an inlined segment finds. Unavailable and its like where
  // something could not be read, which proves nothing. Each message names the file, expected and
  // got.
  std::vector<Status> findings;
  uint64_t files = 0;  // that the checkpoint needs
  uint64_t bytes = 0;
  uint64_t files_checked = 0;  // of these; fewer where reading failed, 0 at level manifest
  uint64_t bytes_checked = 0;  // whose content was hashed

  bool intact() const noexcept { return findings.empty(); }
  // Whether damage is proven; otherwise findings mean that the check is incomplete.
  bool damaged() const noexcept;
};

// One file. OK, or the finding.
// Thread safety: may be called concurrently.
Status VerifyFile(const CheckpointStorage& storage, uint32_t subtask, const format::FileMeta& file,
                  VerifyLevel level);

// Verifies any number of checkpoints of one list; looks at a file that several of them name once.
//
// Thread safety: one thread at a time.
class Verifier {
 public:
  // Both outlive the verifier.
  Verifier(const CheckpointStorage& storage, const format::Manifest& manifest, VerifyLevel level);

  // `checkpoint` is one of the manifest's. Findings of shared files are reported for each
  // checkpoint.
  VerifyReport Verify(const format::Checkpoint& checkpoint);
  // Over all checkpoints verified so far.
  const VerifyReport& total() const noexcept { return total_; }

 private:
  void VerifyNamed(const format::FileMeta& file, VerifyReport* report);

  const CheckpointStorage& storage_;
  const format::Manifest& manifest_;
  const VerifyLevel level_;
  std::map<uint64_t, Status> known_;  // by FileMeta::id
  VerifyReport total_;
};

// A single checkpoint.
VerifyReport VerifyCheckpoint(const CheckpointStorage& storage, const format::Manifest& manifest,
                              const format::Checkpoint& checkpoint, VerifyLevel level);

}  // namespace tidemark::storage
