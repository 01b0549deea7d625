#include "format/manifest_rules.h"

#include "format/key.h"
#include "format/names.h"

#include <algorithm>
#include <limits>
#include <set>

namespace tidemark::format {
namespace {

// One less than the type holds, so that counting on from an id or epoch cannot overflow.
constexpr uint64_t kNumberMax = std::numeric_limits<uint64_t>::max() - 1;

// `items` has ascending ids.
template <class T, class Id>
const T* FindIn(const std::vector<T>& items, Id id) {
  const auto found = std::lower_bound(items.begin(), items.end(), id,
                                      [](const T& item, Id wanted) { return item.id < wanted; });
  return found != items.end() && found->id == id ? &*found : nullptr;
}

template <class T, class Id>
const T* FindIn(const std::map<Id, T>& items, Id id) {
  const auto found = items.find(id);
  return found != items.end() ? &found->second : nullptr;
}

Problem EpochRangeProblem(const FileMeta& file) {
  if (file.first_epoch >= 1 && file.first_epoch <= file.last_epoch && file.last_epoch <= kNumberMax)
    return {};
  return "has the epochs " + std::to_string(file.first_epoch) + " to " +
         std::to_string(file.last_epoch) + ", which are no range";
}

// Names decide which objects of the storage are read and deleted: none may lead out of its folder.
Problem FileNameProblem(const FileMeta& file, uint64_t version) {
  if (!IsValidObjectName(file.name)) return "has a name with forbidden parts";
  switch (file.kind) {
    case FileKind::kSegment:
      return file.name.starts_with(kLogPrefix) ? "" : "is a segment outside of log/";
    case FileKind::kInlined: {
      const std::optional<uint64_t> in = ParseManifestName(file.name);
      return in.has_value() && *in <= version ? "" : "is inlined in no version up to this one";
    }
    case FileKind::kBaseSst:
    case FileKind::kBaseMeta:
      return file.name.starts_with(kBasePrefix) ? "" : "is a base file outside of base/";
  }
  return "is of the unknown kind " + std::to_string(static_cast<unsigned>(file.kind));
}

bool IsNumber(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// What RocksDB may call a file: these names become paths in the local directory.
bool IsLiveName(std::string_view name, FileKind kind) {
  if (name.size() > 64) return false;
  if (kind == FileKind::kBaseSst)
    return name.ends_with(".sst") && IsNumber(name.substr(0, name.size() - 4));
  for (const std::string_view prefix : {"MANIFEST-", "OPTIONS-"})
    if (name.starts_with(prefix)) return IsNumber(name.substr(prefix.size()));
  return false;
}

Problem BaseFileProblem(const BaseFile& file, const ManifestView& view) {
  const FileMeta* const meta = view.FindFile(file.file);
  if (meta == nullptr) return "names " + Named("file", file.file) + ", which is not in the list";
  if (meta->kind != FileKind::kBaseSst && meta->kind != FileKind::kBaseMeta)
    return "names " + Named("file", file.file) + ", which is not a base file";
  if (!IsLiveName(file.live_name, meta->kind))
    return "gives " + Named("file", file.file) + " a name that RocksDB does not use";
  return {};
}

// RocksDB opens whatever CURRENT says, relative to its directory.
bool NamesItsManifest(const Base& base) {
  return std::any_of(base.files.begin(), base.files.end(), [&](const BaseFile& file) {
    return file.live_name.starts_with("MANIFEST-") && base.current == file.live_name + "\n";
  });
}

Problem OrderProblem(const Checkpoint& checkpoint, const Checkpoint& before) {
  if (checkpoint.id <= before.id) return "follows " + Named("checkpoint", before.id);
  if (checkpoint.at.epoch <= before.at.epoch)
    return "is of epoch " + std::to_string(checkpoint.at.epoch) + ", not after epoch " +
           std::to_string(before.at.epoch) + " of the one before";
  if (checkpoint.time_ms < before.time_ms) return "is older than the one before";
  if (checkpoint.at.attempt < before.at.attempt)
    return "is of an older attempt than the one before";
  if (checkpoint.at.attempt == before.at.attempt && checkpoint.at.writer != before.at.writer)
    return "has another writer than the one before, in the same attempt";
  return {};
}

Problem TablesProblem(const Checkpoint& checkpoint, const Checkpoint* before,
                      const ManifestView& view) {
  if (checkpoint.tables == nullptr) return "has no list of tables";
  const std::vector<uint32_t>& ids = *checkpoint.tables;
  if (ids.size() > kTablesMax) return "has " + std::to_string(ids.size()) + " tables";
  if (before != nullptr && before->tables != nullptr && *before->tables == ids) return {};
  std::set<std::string_view> names;
  for (size_t i = 0; i < ids.size(); ++i) {
    if (i > 0 && ids[i] <= ids[i - 1]) return "has table ids that do not ascend";
    const TableMeta* const table = view.FindTable(ids[i]);
    if (table == nullptr) return "names " + Named("table", ids[i]) + ", which is not in the list";
    if (!names.insert(table->name).second)
      return "has two tables with the name of " + Named("table", ids[i]);
  }
  return {};
}

size_t SharedSegments(const Checkpoint& checkpoint, const Checkpoint* before) {
  if (before == nullptr || before->base != checkpoint.base) return 0;
  const auto [end, other] = std::mismatch(checkpoint.segments.begin(), checkpoint.segments.end(),
                                          before->segments.begin(), before->segments.end());
  return static_cast<size_t>(end - checkpoint.segments.begin());
}

// The base and the segments after it, each beginning where the one before ended.
Problem ChainProblem(const Checkpoint& checkpoint, const Checkpoint* before,
                     const ManifestView& view) {
  uint64_t reached = 0;
  if (checkpoint.base != 0) {
    const Base* const base = view.FindBase(checkpoint.base);
    if (base == nullptr)
      return "names " + Named("base", checkpoint.base) + ", which is not in the list";
    reached = base->at.epoch;
  }
  if (checkpoint.segments.size() > kSegmentsMax)
    return "has " + std::to_string(checkpoint.segments.size()) + " segments";
  const size_t shared = SharedSegments(checkpoint, before);
  for (size_t i = shared > 0 ? shared - 1 : 0; i < checkpoint.segments.size(); ++i) {
    const FileMeta* const segment = view.FindFile(checkpoint.segments[i]);
    if (segment == nullptr || !IsSegment(segment->kind))
      return "names " + Named("segment", checkpoint.segments[i]) + ", which is not in the list";
    const bool known_to_fit = i + 1 == shared;
    if (!known_to_fit && segment->first_epoch != reached + 1)
      return "has a chain in which " + Named("segment", segment->id) + " begins with epoch " +
             std::to_string(segment->first_epoch) + " where epoch " + std::to_string(reached + 1) +
             " is due";
    reached = segment->last_epoch;
  }
  if (reached == checkpoint.at.epoch) return {};
  return "is of epoch " + std::to_string(checkpoint.at.epoch) + ", but its chain ends at " +
         std::to_string(reached);
}

}  // namespace

const TableMeta* ManifestView::FindTable(uint32_t id) const {
  const TableMeta* const found = FindIn(list_.tables, id);
  return found == nullptr && edit_ != nullptr ? FindIn(edit_->tables_added, id) : found;
}

const FileMeta* ManifestView::FindFile(uint64_t id) const {
  const FileMeta* const found = FindIn(list_.files, id);
  return found == nullptr && edit_ != nullptr ? FindIn(edit_->files_added, id) : found;
}

const Base* ManifestView::FindBase(uint64_t id) const {
  const Base* const found = FindIn(list_.bases, id);
  return found == nullptr && edit_ != nullptr ? FindIn(edit_->bases_added, id) : found;
}

bool IsSegment(FileKind kind) { return kind == FileKind::kSegment || kind == FileKind::kInlined; }

Problem TableProblem(const TableMeta& table) {
  if (table.id == 0 || table.id == std::numeric_limits<uint32_t>::max())
    return "has an id out of bounds";
  if (table.name.empty() || table.name.size() > kTableNameBytesMax)
    return "has a name of " + std::to_string(table.name.size()) + " bytes";
  if (table.kind < TableKind::kBytes || table.kind > TableKind::kTimerQueue)
    return "is of the unknown kind " + std::to_string(static_cast<unsigned>(table.kind));
  if (table.schema.size() > kSchemaBytesMax)
    return "has a schema of " + std::to_string(table.schema.size()) + " bytes";
  return {};
}

Problem FileProblem(const FileMeta& file, uint64_t attempt, uint64_t version,
                    uint32_t max_parallelism) {
  if (file.id == 0 || file.id > kNumberMax) return "has an id out of bounds";
  if (Problem problem = FileNameProblem(file, version); !problem.empty()) return problem;
  if (file.attempt == 0 || file.attempt > attempt)
    return "is of attempt " + std::to_string(file.attempt) + ", which is not in 1 to " +
           std::to_string(attempt);
  if (!file.sst_unique_id.empty() && file.sst_unique_id.size() != 16)
    return "has an SST id of " + std::to_string(file.sst_unique_id.size()) + " bytes";
  if (file.first_group > file.last_group || file.last_group >= max_parallelism)
    return "has the key groups " + std::to_string(file.first_group) + " to " +
           std::to_string(file.last_group) + " of " + std::to_string(max_parallelism);
  return IsSegment(file.kind) ? EpochRangeProblem(file) : Problem();
}

Problem BaseProblem(const Base& base, uint64_t attempt, const ManifestView& view) {
  if (base.id == 0 || base.id > kNumberMax) return "has an id out of bounds";
  if (base.at.epoch == 0 || base.at.epoch > kNumberMax) return "has an epoch out of bounds";
  if (base.at.attempt == 0 || base.at.attempt > attempt)
    return "is of attempt " + std::to_string(base.at.attempt) + ", which is not in 1 to " +
           std::to_string(attempt);
  std::set<std::string_view> live_names;
  for (const BaseFile& file : base.files) {
    if (Problem problem = BaseFileProblem(file, view); !problem.empty()) return problem;
    if (!live_names.insert(file.live_name).second) return "names " + file.live_name + " twice";
  }
  if (!NamesItsManifest(base)) return "has a CURRENT that names none of its MANIFEST files";
  return {};
}

Problem CheckpointProblem(const Checkpoint& checkpoint, const Checkpoint* before, uint64_t attempt,
                          const ManifestView& view) {
  if (checkpoint.at.attempt == 0 || checkpoint.at.attempt > attempt)
    return "is of attempt " + std::to_string(checkpoint.at.attempt) + ", which is not in 1 to " +
           std::to_string(attempt);
  if (checkpoint.at.epoch == 0) return "is of epoch 0; epochs count from 1";
  if (before != nullptr)
    if (Problem problem = OrderProblem(checkpoint, *before); !problem.empty()) return problem;
  if (Problem problem = TablesProblem(checkpoint, before, view); !problem.empty()) return problem;
  if (Problem problem = ChainProblem(checkpoint, before, view); !problem.empty()) return problem;
  uint64_t metadata_bytes = 0;
  for (const auto& [key, value] : checkpoint.metadata) metadata_bytes += key.size() + value.size();
  if (metadata_bytes > kMetadataBytesMax)
    return "has " + std::to_string(metadata_bytes) + " bytes of metadata";
  return {};
}

Problem LineageProblem(const std::vector<LineageEntry>& lineage, const Checkpoint* newest) {
  if (newest == nullptr) return lineage.empty() ? "" : "leads to no checkpoint";
  if (lineage.size() > kLineageMax)
    return "has " + std::to_string(lineage.size()) + " entries, over the limit of " +
           std::to_string(kLineageMax);
  for (size_t i = 1; i < lineage.size(); ++i)
    if (lineage[i].attempt <= lineage[i - 1].attempt ||
        lineage[i].last_epoch < lineage[i - 1].last_epoch)
      return "has entries that do not ascend";
  const EpochIdentity& at = newest->at;
  if (lineage.empty() || lineage.back() != LineageEntry{at.attempt, at.writer, at.epoch})
    return "does not lead to the newest checkpoint, " + Named("checkpoint", newest->id);
  return {};
}

Problem HistoryProblem(const EpochIdentity& at, const std::vector<LineageEntry>& lineage,
                       uint64_t attempt) {
  const auto entry = std::find_if(lineage.begin(), lineage.end(),
                                  [&](const LineageEntry& e) { return e.last_epoch >= at.epoch; });
  if (entry == lineage.end()) return "is of an epoch after the newest checkpoint";
  if (entry->attempt == at.attempt && entry->writer == at.writer) return {};
  // Entries before the first may have been dropped, and those behind it by a branch since.
  const bool truncated = entry == lineage.begin() && attempt > kLineageMax;
  if (truncated && at.attempt < entry->attempt) return {};
  return "is of epoch " + std::to_string(at.epoch) + " in attempt " + std::to_string(at.attempt) +
         ", but the lineage has that epoch in attempt " + std::to_string(entry->attempt);
}

std::string Named(std::string_view what, uint64_t id) {
  return std::string(what) + " " + std::to_string(id);
}

}  // namespace tidemark::format
