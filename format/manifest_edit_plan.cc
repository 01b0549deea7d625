#include "format/manifest_edit_plan.h"

#include "format/names.h"

#include <algorithm>
#include <unordered_set>

namespace tidemark::format {
namespace {

class Planner {
 public:
  Planner(const ManifestVersion& version, const Manifest& list, EditPlan* plan)
      : version_(version), edit_(version.edit), list_(list), view_(list, &edit_), plan_(*plan) {}

  Problem Run();

 private:
  Problem PlanVersion() const;
  Problem PlanRemoved();
  Problem PlanTables() const;
  Problem PlanFiles() const;
  Problem PlanInlined() const;
  Problem PlanBases() const;
  Problem PlanAdded() const;
  Problem PlanLineage();
  Problem PlanHistory() const;
  Problem PlanHistoryOf(const Checkpoint& checkpoint) const;
  Problem PlanMoves();
  Problem PlanMove(size_t index, const Checkpoint& checkpoint, const Base& to);
  Problem PlanMerges();
  Problem MergeProblem() const;
  void PlanMerge(size_t index, const Checkpoint& checkpoint, const FileMeta& into);
  // Calls f(index, checkpoint) for all that remain or are added and are of this epoch or a later
  // one, until it returns a problem.
  template <class F>
  Problem ForEachFrom(uint64_t epoch, F&& f) const;
  Problem PlanSize() const;

  bool IsRemoved(size_t index) const {
    return std::binary_search(plan_.removed.begin(), plan_.removed.end(), index);
  }
  const Checkpoint* Added() const {
    return edit_.checkpoint_added.has_value() ? &*edit_.checkpoint_added : nullptr;
  }
  const Checkpoint* LastRemaining() const;
  const Checkpoint* Newest() const { return Added() != nullptr ? Added() : LastRemaining(); }

  const ManifestVersion& version_;
  const ManifestEdit& edit_;
  const Manifest& list_;
  const ManifestView view_;
  EditPlan& plan_;
};

Problem Planner::Run() {
  Problem problem = PlanVersion();
  if (problem.empty()) problem = PlanRemoved();
  if (problem.empty()) problem = PlanTables();
  if (problem.empty()) problem = PlanFiles();
  if (problem.empty()) problem = PlanInlined();
  if (problem.empty()) problem = PlanBases();
  if (problem.empty()) problem = PlanAdded();
  if (problem.empty()) problem = PlanLineage();
  if (problem.empty()) problem = PlanHistory();
  if (problem.empty()) problem = PlanMoves();
  if (problem.empty()) problem = PlanMerges();
  if (problem.empty()) problem = PlanSize();
  return problem;
}

Problem Planner::PlanVersion() const {
  if (version_.repository_id != list_.repository_id)
    return "it belongs to repository " + version_.repository_id.Hex() + ", the list to " +
           list_.repository_id.Hex();
  if (version_.version != list_.version + 1)
    return "the list is of version " + std::to_string(list_.version);
  if (edit_.opens_attempt) {
    if (version_.attempt > list_.attempt) return {};
    return "it opens " + Named("attempt", version_.attempt) + ", the list is already of " +
           Named("attempt", list_.attempt);
  }
  if (version_.attempt != list_.attempt || version_.writer != list_.writer)
    return "it is of " + Named("attempt", version_.attempt) + " and writer " +
           version_.writer.Hex() + ", the list of " + Named("attempt", list_.attempt) +
           " and writer " + list_.writer.Hex();
  if (!list_.writer_open) return "its writer has closed";
  return {};
}

Problem Planner::PlanRemoved() {
  for (const uint64_t id : edit_.checkpoints_removed) {
    const auto found = std::lower_bound(
        list_.checkpoints.begin(), list_.checkpoints.end(), id,
        [](const Checkpoint& checkpoint, uint64_t wanted) { return checkpoint.id < wanted; });
    if (found == list_.checkpoints.end() || found->id != id)
      return "it removes " + Named("checkpoint", id) + ", which is not in the list";
    plan_.removed.push_back(static_cast<size_t>(found - list_.checkpoints.begin()));
  }
  std::sort(plan_.removed.begin(), plan_.removed.end());
  const auto twice = std::adjacent_find(plan_.removed.begin(), plan_.removed.end());
  if (twice == plan_.removed.end()) return {};
  return "it removes " + Named("checkpoint", list_.checkpoints[*twice].id) + " twice";
}

Problem Planner::PlanTables() const {
  uint32_t next = list_.next_table_id;
  for (const TableMeta& table : edit_.tables_added) {
    if (table.id < next || list_.tables.contains(table.id))
      return "it adds " + Named("table", table.id) + ", but the next id is " + std::to_string(next);
    if (Problem problem = TableProblem(table); !problem.empty())
      return Named("table", table.id) + " " + problem;
    next = table.id + 1;
  }
  return {};
}

Problem Planner::PlanFiles() const {
  uint64_t next = list_.next_file_id;
  std::unordered_set<std::string_view> names;
  for (const FileMeta& file : edit_.files_added) {
    if (file.id < next || list_.files.contains(file.id))
      return "it adds " + Named("file", file.id) + ", but the next id is " + std::to_string(next);
    if (Problem problem =
            FileProblem(file, version_.attempt, version_.version, list_.max_parallelism);
        !problem.empty())
      return Named("file", file.id) + " " + problem;
    if (list_.references.file_names.contains(file.name) || !names.insert(file.name).second)
      return Named("file", file.id) + " has the name of another, " + file.name;
    next = file.id + 1;
  }
  return {};
}

// The names are unique, so there is one inlined file at most.
Problem Planner::PlanInlined() const {
  const auto file = std::find_if(edit_.files_added.begin(), edit_.files_added.end(),
                                 [](const FileMeta& f) { return f.kind == FileKind::kInlined; });
  if (file == edit_.files_added.end())
    return version_.inlined.empty() ? "" : "it has an inlined segment that no file names";
  if (file->name != ManifestName(version_.version))
    return Named("file", file->id) + " is inlined in another version, " + file->name;
  const auto is_another = [&](const FileMeta& f) {
    return f.kind == FileKind::kInlined && f.id != file->id;
  };
  if (std::any_of(edit_.files_added.begin(), edit_.files_added.end(), is_another))
    return "it has two inlined files";
  if (version_.inlined.empty() || file->size != InlinedBytes(version_.inlined))
    return Named("file", file->id) + " has " + std::to_string(file->size) +
           " bytes, its inlined segment " + std::to_string(InlinedBytes(version_.inlined));
  return {};
}

Problem Planner::PlanBases() const {
  uint64_t next = list_.next_base_id;
  for (const Base& base : edit_.bases_added) {
    if (base.id < next || list_.bases.contains(base.id))
      return "it adds " + Named("base", base.id) + ", but the next id is " + std::to_string(next);
    if (Problem problem = BaseProblem(base, version_.attempt, view_); !problem.empty())
      return Named("base", base.id) + " " + problem;
    next = base.id + 1;
  }
  return {};
}

Problem Planner::PlanAdded() const {
  if (Added() == nullptr) return {};
  const std::string name = Named("checkpoint", Added()->id);
  if (Added()->at.attempt != version_.attempt || Added()->at.writer != version_.writer)
    return name + " is not of the attempt and writer that add it";
  const Problem problem = CheckpointProblem(*Added(), LastRemaining(), version_.attempt, view_);
  return problem.empty() ? problem : name + " " + problem;
}

const Checkpoint* Planner::LastRemaining() const {
  for (size_t index = list_.checkpoints.size(); index > 0; --index)
    if (!IsRemoved(index - 1)) return &list_.checkpoints[index - 1];
  return nullptr;
}

Problem Planner::PlanLineage() {
  std::vector<LineageEntry>& lineage = plan_.lineage;
  lineage = edit_.lineage.value_or(list_.lineage);
  const Checkpoint* const newest = Newest();
  if (!edit_.lineage.has_value()) {
    // What lies after the newest checkpoint is no longer part of its history.
    while (!lineage.empty() && (newest == nullptr || lineage.back().attempt > newest->at.attempt))
      lineage.pop_back();
    if (!lineage.empty() && lineage.back().attempt == newest->at.attempt)
      lineage.back().last_epoch = newest->at.epoch;
  }
  if (lineage.size() > kLineageMax) lineage.erase(lineage.begin(), lineage.end() - kLineageMax);
  const Problem problem = LineageProblem(lineage, newest);
  return problem.empty() ? problem : "the lineage " + problem;
}

// A lineage that is only extended keeps fitting what it fitted before.
Problem Planner::PlanHistory() const {
  for (const Base& base : edit_.bases_added)
    if (Problem problem = HistoryProblem(base.at, plan_.lineage, version_.attempt);
        !problem.empty())
      return Named("base", base.id) + " " + problem;
  if (!edit_.lineage.has_value()) return {};
  for (size_t i = 0; i < list_.checkpoints.size(); ++i) {
    if (IsRemoved(i)) continue;
    if (Problem problem = PlanHistoryOf(list_.checkpoints[i]); !problem.empty()) return problem;
  }
  return {};
}

Problem Planner::PlanHistoryOf(const Checkpoint& checkpoint) const {
  if (Problem problem = HistoryProblem(checkpoint.at, plan_.lineage, version_.attempt);
      !problem.empty())
    return Named("checkpoint", checkpoint.id) + " " + problem;
  const Base* const base = view_.FindBase(checkpoint.base);
  if (base == nullptr) return {};
  const Problem problem = HistoryProblem(base->at, plan_.lineage, version_.attempt);
  return problem.empty() ? problem : Named("base", base->id) + " " + problem;
}

Problem Planner::PlanMoves() {
  if (edit_.rebase_to == 0) return {};
  const Base* const to = view_.FindBase(edit_.rebase_to);
  if (to == nullptr)
    return "it moves checkpoints to " + Named("base", edit_.rebase_to) +
           ", which is not in the list";
  return ForEachFrom(to->at.epoch, [&](size_t index, const Checkpoint& checkpoint) {
    return PlanMove(index, checkpoint, *to);
  });
}

template <class F>
Problem Planner::ForEachFrom(uint64_t epoch, F&& f) const {
  const auto first = std::lower_bound(
      list_.checkpoints.begin(), list_.checkpoints.end(), epoch,
      [](const Checkpoint& checkpoint, uint64_t wanted) { return checkpoint.at.epoch < wanted; });
  for (auto index = static_cast<size_t>(first - list_.checkpoints.begin());
       index < list_.checkpoints.size(); ++index) {
    if (IsRemoved(index)) continue;
    if (Problem problem = f(index, list_.checkpoints[index]); !problem.empty()) return problem;
  }
  if (Added() == nullptr || Added()->at.epoch < epoch) return {};
  return f(list_.checkpoints.size(), *Added());
}

Problem Planner::PlanMove(size_t index, const Checkpoint& checkpoint, const Base& to) {
  if (const Base* const from = view_.FindBase(checkpoint.base);
      from != nullptr && from->at.epoch > to.at.epoch)
    return Named("checkpoint", checkpoint.id) + " already stands on a newer base";
  const std::vector<uint64_t>& segments = checkpoint.segments;
  const auto kept = std::partition_point(segments.begin(), segments.end(), [&](uint64_t segment) {
    const FileMeta* const file = view_.FindFile(segment);
    return file != nullptr && file->last_epoch <= to.at.epoch;
  });
  if (kept != segments.end()) {
    const FileMeta* const file = view_.FindFile(*kept);
    if (file == nullptr || file->first_epoch != to.at.epoch + 1)
      return Named("checkpoint", checkpoint.id) + " cannot move to " + Named("base", to.id) +
             " of epoch " + std::to_string(to.at.epoch) + ": " + Named("segment", *kept) +
             " straddles it";
  }
  plan_.moves.push_back({index, static_cast<size_t>(kept - segments.begin())});
  return {};
}

Problem Planner::PlanMerges() {
  if (!edit_.merge) return {};
  if (Problem problem = MergeProblem(); !problem.empty()) return problem;
  const FileMeta& into = *view_.FindFile(edit_.merge->into);
  return ForEachFrom(into.last_epoch, [&](size_t index, const Checkpoint& checkpoint) {
    PlanMerge(index, checkpoint, into);
    return Problem();
  });
}

Problem Planner::MergeProblem() const {
  const auto& [segments, merged] = *edit_.merge;
  if (edit_.rebase_to != 0) return "it merges segments and moves checkpoints to another base";
  const FileMeta* const into = view_.FindFile(merged);
  if (into == nullptr || !IsSegment(into->kind))
    return "it merges into " + Named("segment", merged) + ", which is not in the list";
  if (segments.empty()) return "it merges no segments into " + Named("segment", merged);
  uint64_t next_epoch = into->first_epoch;
  for (const uint64_t id : segments) {
    const FileMeta* const file = view_.FindFile(id);
    if (file == nullptr || !IsSegment(file->kind))
      return "it merges " + Named("segment", id) + ", which is not in the list";
    if (id == merged || file->first_epoch != next_epoch)
      return "it merges " + Named("segment", id) + " of epoch " +
             std::to_string(file->first_epoch) + " where epoch " + std::to_string(next_epoch) +
             " is due";
    next_epoch = file->last_epoch + 1;
  }
  if (next_epoch == into->last_epoch + 1) return {};
  return "it merges segments up to epoch " + std::to_string(next_epoch - 1) + " into " +
         Named("segment", merged) + " of epochs up to " + std::to_string(into->last_epoch);
}

void Planner::PlanMerge(size_t index, const Checkpoint& checkpoint, const FileMeta& into) {
  const std::vector<uint64_t>& chain = checkpoint.segments;
  const std::vector<uint64_t>& merged = edit_.merge->segments;
  const auto first = std::partition_point(chain.begin(), chain.end(), [&](uint64_t segment) {
    const FileMeta* const file = view_.FindFile(segment);
    return file != nullptr && file->first_epoch < into.first_epoch;
  });
  if (static_cast<size_t>(chain.end() - first) < merged.size()) return;
  if (!std::equal(merged.begin(), merged.end(), first)) return;
  plan_.merges.push_back({index, static_cast<size_t>(first - chain.begin())});
}

Problem Planner::PlanSize() const {
  uint64_t segments = list_.references.segments;
  for (const size_t index : plan_.removed) segments -= list_.checkpoints[index].segments.size();
  if (Added() != nullptr) segments += Added()->segments.size();
  if (segments <= kSegmentReferencesMax) return {};
  return "checkpoints would name segments " + std::to_string(segments) +
         " times, over the limit of " + std::to_string(kSegmentReferencesMax);
}

}  // namespace

Problem MakePlan(const ManifestVersion& version, const Manifest& manifest, EditPlan* plan) {
  return Planner(version, manifest, plan).Run();
}

}  // namespace tidemark::format
