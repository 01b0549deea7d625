// ApplyEdit: first a plan, which may fail; then the changes, which cannot.
#include "format/manifest_edit_plan.h"

#include <algorithm>

namespace tidemark::format {
namespace {

// Counts one reference less, and remembers the thing once nothing refers to it.
template <class Id>
void Drop(Id id, std::unordered_map<Id, uint32_t>* counts, std::vector<Id>* unreferenced) {
  const auto found = counts->find(id);
  if (found == counts->end() || --found->second > 0) return;
  counts->erase(found);
  unreferenced->push_back(id);
}

class Applier {
 public:
  Applier(const ManifestVersion& version, EditPlan plan, Manifest* list)
      : version_(version), edit_(version.edit), plan_(std::move(plan)), list_(*list) {}

  void Run(std::vector<FileMeta>* removed_files);

 private:
  void RemoveCheckpoints();
  void AddThings();
  void AddCheckpoint();
  void MoveToBase(Checkpoint* checkpoint, size_t segments_dropped);
  void TakeMerged(Checkpoint* checkpoint, size_t first_segment);
  Checkpoint& CheckpointAt(size_t index_before);
  void Uncount(const Checkpoint& checkpoint);
  void EraseUnreferenced(std::vector<FileMeta>* removed_files);
  void SetWriter();

  const ManifestVersion& version_;
  const ManifestEdit& edit_;
  const EditPlan plan_;
  Manifest& list_;
  size_t checkpoints_before_ = 0;
  // Things that had no reference at some moment; they may have got one since.
  std::vector<uint64_t> files_;
  std::vector<uint64_t> bases_;
  std::vector<uint32_t> tables_;
};

void Applier::Run(std::vector<FileMeta>* removed_files) {
  checkpoints_before_ = list_.checkpoints.size();
  RemoveCheckpoints();
  AddThings();
  if (edit_.checkpoint_added.has_value()) AddCheckpoint();
  for (const Move& move : plan_.moves) MoveToBase(&CheckpointAt(move.index), move.segments_dropped);
  for (const Merge& merge : plan_.merges)
    TakeMerged(&CheckpointAt(merge.index), merge.first_segment);
  list_.lineage = plan_.lineage;
  SetWriter();
  EraseUnreferenced(removed_files);
  list_.references.checkpoints = list_.checkpoints.size();
}

void Applier::RemoveCheckpoints() {
  for (const size_t index : plan_.removed) Uncount(list_.checkpoints[index]);
  // Neighbours together, from the back, so that the other indexes stay right: nearly always this is
  // one run at the front.
  for (size_t end = plan_.removed.size(); end > 0;) {
    size_t begin = end - 1;
    while (begin > 0 && plan_.removed[begin - 1] + 1 == plan_.removed[begin]) --begin;
    const auto at = list_.checkpoints.begin();
    list_.checkpoints.erase(at + static_cast<ptrdiff_t>(plan_.removed[begin]),
                            at + static_cast<ptrdiff_t>(plan_.removed[end - 1] + 1));
    end = begin;
  }
}

void Applier::AddThings() {
  for (const TableMeta& table : edit_.tables_added) {
    list_.tables.emplace_hint(list_.tables.end(), table.id, table);
    list_.references.bytes += SnapshotBytes(table);
    list_.next_table_id = table.id + 1;
    tables_.push_back(table.id);
  }
  for (const FileMeta& file : edit_.files_added) {
    list_.files.emplace_hint(list_.files.end(), file.id, file);
    list_.references.file_names.insert(file.name);
    list_.references.bytes += SnapshotBytes(file);
    list_.next_file_id = file.id + 1;
    files_.push_back(file.id);
  }
  for (const Base& base : edit_.bases_added) {
    list_.bases.emplace_hint(list_.bases.end(), base.id, base);
    for (const BaseFile& file : base.files) ++list_.references.files[file.file];
    list_.references.bytes += SnapshotBytes(base);
    list_.next_base_id = base.id + 1;
    bases_.push_back(base.id);
  }
}

void Applier::AddCheckpoint() {
  const Checkpoint* const before = list_.checkpoints.empty() ? nullptr : &list_.checkpoints.back();
  const auto shared = before == nullptr ? nullptr : before->tables;
  list_.checkpoints.push_back(*edit_.checkpoint_added);
  Checkpoint& added = list_.checkpoints.back();
  if (shared != nullptr && *shared == *added.tables) added.tables = shared;
  CountCheckpoint(added, &list_.references);
}

void Applier::MoveToBase(Checkpoint* checkpoint, size_t segments_dropped) {
  const auto begin = checkpoint->segments.begin();
  const auto kept = begin + static_cast<ptrdiff_t>(segments_dropped);
  for (auto segment = begin; segment != kept; ++segment)
    Drop(*segment, &list_.references.files, &files_);
  list_.references.segments -= segments_dropped;
  checkpoint->segments.erase(begin, kept);

  if (checkpoint->base != 0) Drop(checkpoint->base, &list_.references.bases, &bases_);
  checkpoint->base = edit_.rebase_to;
  ++list_.references.bases[checkpoint->base];
}

void Applier::TakeMerged(Checkpoint* checkpoint, size_t first_segment) {
  const auto first = checkpoint->segments.begin() + static_cast<ptrdiff_t>(first_segment);
  const auto end = first + static_cast<ptrdiff_t>(edit_.merge->segments.size());
  for (auto segment = first; segment != end; ++segment)
    Drop(*segment, &list_.references.files, &files_);
  ++list_.references.files[edit_.merge->into];
  list_.references.segments -= edit_.merge->segments.size() - 1;
  *first = edit_.merge->into;
  checkpoint->segments.erase(first + 1, end);
}

// A checkpoint by the index that it had before others were removed, as in Move.
Checkpoint& Applier::CheckpointAt(size_t index_before) {
  if (index_before == checkpoints_before_) return list_.checkpoints.back();
  const auto removed_before =
      std::lower_bound(plan_.removed.begin(), plan_.removed.end(), index_before) -
      plan_.removed.begin();
  return list_.checkpoints[index_before - static_cast<size_t>(removed_before)];
}

void Applier::Uncount(const Checkpoint& checkpoint) {
  ManifestReferences& references = list_.references;
  if (checkpoint.base != 0) Drop(checkpoint.base, &references.bases, &bases_);
  for (const uint64_t segment : checkpoint.segments) Drop(segment, &references.files, &files_);
  references.segments -= checkpoint.segments.size();
  references.bytes -= SnapshotBytes(checkpoint);
  if (checkpoint.tables == nullptr) return;
  for (const uint32_t table : *checkpoint.tables) Drop(table, &references.tables, &tables_);
  const auto shared = references.table_lists.find(checkpoint.tables.get());
  if (--shared->second > 0) return;
  references.table_lists.erase(shared);
  references.table_ids -= checkpoint.tables->size();
}

void Applier::EraseUnreferenced(std::vector<FileMeta>* removed_files) {
  ManifestReferences& references = list_.references;
  for (const uint64_t id : bases_) {
    const auto base = list_.bases.find(id);
    if (base == list_.bases.end() || references.bases.contains(id)) continue;
    for (const BaseFile& file : base->second.files) Drop(file.file, &references.files, &files_);
    references.bytes -= SnapshotBytes(base->second);
    list_.bases.erase(base);
  }
  for (const uint64_t id : files_) {
    const auto file = list_.files.find(id);
    if (file == list_.files.end() || references.files.contains(id)) continue;
    references.file_names.erase(file->second.name);
    references.bytes -= SnapshotBytes(file->second);
    if (removed_files != nullptr) removed_files->push_back(std::move(file->second));
    list_.files.erase(file);
  }
  for (const uint32_t id : tables_) {
    const auto table = list_.tables.find(id);
    if (table == list_.tables.end() || references.tables.contains(id)) continue;
    references.bytes -= SnapshotBytes(table->second);
    list_.tables.erase(table);
  }
}

void Applier::SetWriter() {
  list_.version = version_.version;
  if (edit_.opens_attempt) {
    list_.attempt = version_.attempt;
    list_.writer = version_.writer;
    list_.writer_open = true;
  }
  if (edit_.closes_writer) list_.writer_open = false;
}

Status Plan(const ManifestVersion& version, const Manifest& manifest, EditPlan* plan) {
  const Problem problem = MakePlan(version, manifest, plan);
  if (problem.empty()) return {};
  return Status(StatusCode::kCorruption, "manifest-edit",
                "manifest version " + std::to_string(version.version) +
                    " does not fit the list before it: " + problem);
}

}  // namespace

Status CheckEdit(const ManifestVersion& version, const Manifest& manifest) {
  EditPlan plan;
  return Plan(version, manifest, &plan);
}

Status ApplyEdit(const ManifestVersion& version, Manifest* manifest,
                 std::vector<FileMeta>* removed_files) {
  if (manifest->references.checkpoints != manifest->checkpoints.size())
    manifest->references = ReferencesOf(*manifest);
  EditPlan plan;
  TIDEMARK_RETURN_IF_ERROR(Plan(version, *manifest, &plan));
  Applier(version, std::move(plan), manifest).Run(removed_files);
  return {};
}

}  // namespace tidemark::format
