// CheckManifest and CheckTransition.
#include "format/key.h"
#include "format/manifest_rules.h"

namespace tidemark::format {
namespace {

// The rules about the whole list; the items' own are in manifest_rules.h.
class Checker {
 public:
  explicit Checker(const Manifest& list) : list_(list), view_(list) {}

  Problem Run() const;

 private:
  Problem CheckHeader() const;
  Problem CheckTables() const;
  Problem CheckFiles() const;
  Problem CheckBases() const;
  Problem CheckCheckpoints() const;
  Problem CheckReferences() const;

  const Manifest& list_;
  const ManifestView view_;
};

Problem Checker::Run() const {
  Problem problem = CheckHeader();
  if (problem.empty()) problem = CheckTables();
  if (problem.empty()) problem = CheckFiles();
  if (problem.empty()) problem = CheckBases();
  if (problem.empty()) problem = CheckCheckpoints();
  if (problem.empty()) problem = CheckReferences();
  return problem;
}

Problem Checker::CheckHeader() const {
  if (list_.max_parallelism == 0 || list_.max_parallelism > kMaxParallelismMax)
    return "max_parallelism is " + std::to_string(list_.max_parallelism) + ", not in 1 to " +
           std::to_string(kMaxParallelismMax);
  if (list_.parallelism > list_.max_parallelism || list_.subtask >= list_.parallelism)
    return "it is of subtask " + std::to_string(list_.subtask) + " of " +
           std::to_string(list_.parallelism) + " with max_parallelism " +
           std::to_string(list_.max_parallelism);
  const Problem problem = LineageProblem(
      list_.lineage, list_.checkpoints.empty() ? nullptr : &list_.checkpoints.back());
  return problem.empty() ? problem : "the lineage " + problem;
}

Problem Checker::CheckTables() const {
  for (const auto& [id, table] : list_.tables) {
    if (table.id != id || id >= list_.next_table_id)
      return Named("table", id) + " does not fit its place or the next id " +
             std::to_string(list_.next_table_id);
    if (Problem problem = TableProblem(table); !problem.empty())
      return Named("table", id) + " " + problem;
  }
  return {};
}

Problem Checker::CheckFiles() const {
  std::unordered_set<std::string_view> names;
  for (const auto& [id, file] : list_.files) {
    if (file.id != id || id >= list_.next_file_id)
      return Named("file", id) + " does not fit its place or the next id " +
             std::to_string(list_.next_file_id);
    if (Problem problem = FileProblem(file, list_.attempt, list_.version, list_.max_parallelism);
        !problem.empty())
      return Named("file", id) + " " + problem;
    if (!names.insert(file.name).second)
      return Named("file", id) + " has the name of another, " + file.name;
  }
  return {};
}

Problem Checker::CheckBases() const {
  for (const auto& [id, base] : list_.bases) {
    if (base.id != id || id >= list_.next_base_id)
      return Named("base", id) + " does not fit its place or the next id " +
             std::to_string(list_.next_base_id);
    Problem problem = BaseProblem(base, list_.attempt, view_);
    if (problem.empty()) problem = HistoryProblem(base.at, list_.lineage, list_.attempt);
    if (!problem.empty()) return Named("base", id) + " " + problem;
  }
  return {};
}

Problem Checker::CheckCheckpoints() const {
  const Checkpoint* before = nullptr;
  for (const Checkpoint& checkpoint : list_.checkpoints) {
    Problem problem = CheckpointProblem(checkpoint, before, list_.attempt, view_);
    if (problem.empty()) problem = HistoryProblem(checkpoint.at, list_.lineage, list_.attempt);
    if (!problem.empty()) return Named("checkpoint", checkpoint.id) + " " + problem;
    before = &checkpoint;
  }
  return {};
}

Problem Checker::CheckReferences() const {
  const ManifestReferences references = ReferencesOf(list_);
  if (references.segments > kSegmentReferencesMax)
    return "checkpoints name segments " + std::to_string(references.segments) +
           " times, over the limit of " + std::to_string(kSegmentReferencesMax);
  for (const auto& [id, table] : list_.tables)
    if (!references.tables.contains(id)) return Named("table", id) + " is in no checkpoint";
  for (const auto& [id, file] : list_.files)
    if (!references.files.contains(id)) return Named("file", id) + " is in no checkpoint or base";
  for (const auto& [id, base] : list_.bases)
    if (!references.bases.contains(id)) return Named("base", id) + " is under no checkpoint";
  return {};
}

Problem HeaderTransition(const Manifest& from, const Manifest& to) {
  if (to.repository_id != from.repository_id || to.subtask != from.subtask ||
      to.max_parallelism != from.max_parallelism)
    return "they are of different repositories or subtasks";
  if (to.version <= from.version) return "the version does not rise";
  if (to.attempt < from.attempt) return "the attempt falls";
  if (to.attempt == from.attempt && to.writer != from.writer)
    return "the writer changes within " + Named("attempt", to.attempt);
  if (to.attempt == from.attempt && to.writer_open && !from.writer_open)
    return "a closed writer opens again";
  if (to.next_table_id < from.next_table_id || to.next_file_id < from.next_file_id ||
      to.next_base_id < from.next_base_id)
    return "an id counter falls";
  return {};
}

// What is in both must be the same; what is new must have a new id.
template <class Id, class T>
Problem ThingsTransition(std::string_view what, const std::map<Id, T>& from,
                         const std::map<Id, T>& to, Id next_id) {
  for (const auto& [id, thing] : to) {
    const auto old = from.find(id);
    if (old == from.end() && id < next_id) return Named(what, id) + " comes back";
    if (old != from.end() && !(old->second == thing)) return Named(what, id) + " changes";
  }
  return {};
}

// A checkpoint may move to another base, or to merged segments; what it says of itself stays.
bool IsSameCheckpoint(const Checkpoint& a, const Checkpoint& b) {
  return a.at == b.at && a.time_ms == b.time_ms && a.metadata == b.metadata &&
         a.tables != nullptr && b.tables != nullptr && *a.tables == *b.tables;
}

Problem CheckpointsTransition(const Manifest& from, const Manifest& to) {
  for (const Checkpoint& checkpoint : to.checkpoints) {
    const Checkpoint* const old = from.FindCheckpoint(checkpoint.id);
    // A branch may use the ids of the checkpoints that it replaces again.
    if (old != nullptr && old->at == checkpoint.at) {
      if (!IsSameCheckpoint(*old, checkpoint))
        return Named("checkpoint", checkpoint.id) + " changes";
    } else if (checkpoint.at.attempt < from.attempt) {
      return Named("checkpoint", checkpoint.id) + " is new, but of the older " +
             Named("attempt", checkpoint.at.attempt);
    }
  }
  return {};
}

}  // namespace

Status CheckManifest(const Manifest& manifest) {
  const Problem problem = Checker(manifest).Run();
  if (problem.empty()) return {};
  return Status(StatusCode::kCorruption, "manifest-invariant",
                "the list of manifest version " + std::to_string(manifest.version) +
                    " is not consistent: " + problem);
}

Status CheckTransition(const Manifest& from, const Manifest& to) {
  Problem problem = HeaderTransition(from, to);
  if (problem.empty())
    problem = ThingsTransition("table", from.tables, to.tables, from.next_table_id);
  if (problem.empty()) problem = ThingsTransition("file", from.files, to.files, from.next_file_id);
  if (problem.empty()) problem = ThingsTransition("base", from.bases, to.bases, from.next_base_id);
  if (problem.empty()) problem = CheckpointsTransition(from, to);
  if (problem.empty()) return {};
  return Status(StatusCode::kCorruption, "manifest-transition",
                "the list of manifest version " + std::to_string(to.version) +
                    " cannot follow that of version " + std::to_string(from.version) + ": " +
                    problem);
}

}  // namespace tidemark::format
