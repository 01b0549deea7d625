// CheckpointView: one checkpoint together with what the list says around it.
#pragma once

#include "tools/catalog.h"
#include "tools/file_users.h"

#include <string_view>
#include <vector>

namespace tidemark::tools {

// What the list does not hold is left out: its own checks would have refused it. Views: the catalog
// outlives this.
//
// Thread safety: const members may be called concurrently.
class CheckpointView {
 public:
  CheckpointView(const Subtask& subtask, const format::Checkpoint& checkpoint)
      : subtask_(subtask),
        checkpoint_(checkpoint),
        users_(subtask.manifest(), FilesOf(subtask.manifest(), checkpoint)) {}

  const format::Manifest& manifest() const { return subtask_.manifest(); }
  const format::Checkpoint& checkpoint() const { return checkpoint_; }
  bool IsLatest() const { return &checkpoint_ == &manifest().checkpoints.back(); }
  // Null: it starts from the empty state.
  const format::Base* base() const;
  std::vector<const format::TableMeta*> Tables() const;
  std::vector<const format::FileMeta*> Segments() const;
  const format::FileMeta* File(uint64_t id) const;
  // The other retained checkpoints that need the file.
  std::vector<uint64_t> OtherUsers(uint64_t file) const;
  // The attempts that lead to this checkpoint.
  std::vector<format::LineageEntry> Lineage() const;

 private:
  const Subtask& subtask_;
  const format::Checkpoint& checkpoint_;
  const FileUsers users_;
};

// The word for a kind of table: `bytes`, `value`, ...
std::string_view TableKindName(TableKind kind);

}  // namespace tidemark::tools
