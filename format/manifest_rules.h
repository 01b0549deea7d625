// The rules of a list, item by item: ApplyEdit asks them about what an edit brings, CheckManifest
// about all that is there. Each returns what is wrong in words, or an empty string. They take
// nothing for granted, because lists and edits come from files.
#pragma once

#include "format/manifest.h"

namespace tidemark::format {

using Problem = std::string;

// The list as it will be: what it holds and what an edit, if given, adds. Views: both must outlive
// it.
class ManifestView {
 public:
  explicit ManifestView(const Manifest& list, const ManifestEdit* edit = nullptr)
      : list_(list), edit_(edit) {}
  // Null if there is no such thing. The ids in an edit must ascend.
  const TableMeta* FindTable(uint32_t id) const;
  const FileMeta* FindFile(uint64_t id) const;
  const Base* FindBase(uint64_t id) const;
  const Manifest& list() const { return list_; }

 private:
  const Manifest& list_;
  const ManifestEdit* edit_;
};

bool IsSegment(FileKind kind);

Problem TableProblem(const TableMeta& table);
// `attempt` and `version`: the newest that a file can be of.
Problem FileProblem(const FileMeta& file, uint64_t attempt, uint64_t version,
                    uint32_t max_parallelism);
Problem BaseProblem(const Base& base, uint64_t attempt, const ManifestView& view);
// `before` is the checkpoint before it in the list, null for the first. What both share is taken as
// checked.
Problem CheckpointProblem(const Checkpoint& checkpoint, const Checkpoint* before, uint64_t attempt,
                          const ManifestView& view);
// `newest` is null when there is no checkpoint.
Problem LineageProblem(const std::vector<LineageEntry>& lineage, const Checkpoint* newest);
// Whether a state can be an ancestor of the newest checkpoint, in a list of that attempt.
Problem HistoryProblem(const EpochIdentity& at, const std::vector<LineageEntry>& lineage,
                       uint64_t attempt);

// For messages.
std::string Named(std::string_view what, uint64_t id);

}  // namespace tidemark::format
