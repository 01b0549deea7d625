// Manifest versions and snapshots: bytes to structs.
#include "format/flatbuffer.h"
#include "format/frame.h"
#include "format/manifest.h"
#include "format/manifest_bytes.h"
#include "format/manifest_rules.h"
#include "format/names.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace tidemark::format {
namespace {

using flatbuffers::Offset;
using flatbuffers::Vector;

// Turns verified tables into structs. Verified bytes may still say impossible things; the first
// such thing is kept as the problem, and what is read after it does not count.
class ManifestReader {
 public:
  // `raw_bytes`: the size of the FlatBuffer, which bounds what is copied out of it.
  explicit ManifestReader(size_t raw_bytes) : bytes_left_(raw_bytes) {}

  ManifestVersion Read(const fb::ManifestVersion& version);
  Manifest Read(const fb::ManifestSnapshot& snapshot);
  const Problem& problem() const { return problem_; }

 private:
  TableMeta Read(const fb::TableMeta& table);
  FileMeta Read(const fb::FileMeta& file);
  BaseFile Read(const fb::BaseFile& file);
  Base Read(const fb::Base& base);
  SegmentEntry Read(const fb::SegmentEntry& entry);
  ManifestEdit Read(const fb::ManifestEdit& edit);
  Checkpoint Read(const fb::Checkpoint& stored, const Checkpoint& before);
  std::deque<Checkpoint> Read(const Vector<Offset<fb::Checkpoint>>* stored);
  std::vector<uint64_t> ReadSegments(const fb::Checkpoint& stored, const Checkpoint& before);
  std::vector<uint32_t> ReadTables(const fb::Checkpoint& stored, const Checkpoint& before);
  std::vector<LineageEntry> ReadLineage(const Vector<const fb::LineageEntry*>* stored);
  Metadata ReadMetadata(const Vector<Offset<fb::MetadataEntry>>* stored);
  std::string ReadText(const flatbuffers::String* text);
  std::string ReadBytes(const Vector<uint8_t>* bytes);
  template <class Id>
  void AppendRuns(const Vector<const fb::IdRun*>* runs, size_t ids_max, std::vector<Id>* ids);
  template <class T, class Stored>
  std::vector<T> ReadAll(const Vector<Offset<Stored>>* stored);
  template <class Id, class T, class Stored>
  std::map<Id, T> ReadById(const Vector<Offset<Stored>>* stored);

  void Fail(Problem problem) {
    if (problem_.empty()) problem_ = std::move(problem);
  }
  // Offsets may lead to one string or table many times, so that a small file would fill all memory.
  // What Tidemark writes never does that: it takes no more than the file has.
  bool Take(uint64_t amount, uint64_t* left) {
    if (amount > *left) Fail("it unfolds to more than it can hold");
    if (!problem_.empty()) return false;
    *left -= amount;
    return true;
  }

  uint64_t bytes_left_;
  uint64_t segments_left_ = kSegmentReferencesMax;
  // What a checkpoint drops was in the list before, which has been counted too.
  uint64_t table_ids_left_ = 2 * kTableReferencesMax;
  // How many a checkpoint can name: in a snapshot no more than are in its list.
  size_t segments_max_ = kSegmentsMax;
  size_t tables_max_ = kTablesMax;
  Problem problem_;
};

// What the smallest table in a vector takes in a file.
constexpr uint64_t kTableBytesMin = 16;

EpochIdentity IdentityOf(const fb::EpochIdentity& at) {
  return {.attempt = at.attempt(), .writer = {FromBytes16(at.writer())}, .epoch = at.epoch()};
}

std::string ManifestReader::ReadText(const flatbuffers::String* text) {
  return Take(text->size(), &bytes_left_) ? text->str() : std::string();
}

std::string ManifestReader::ReadBytes(const Vector<uint8_t>* bytes) {
  if (bytes == nullptr || !Take(bytes->size(), &bytes_left_)) return {};
  return std::string(reinterpret_cast<const char*>(bytes->Data()), bytes->size());
}

template <class Id>
void ManifestReader::AppendRuns(const Vector<const fb::IdRun*>* runs, size_t ids_max,
                                std::vector<Id>* ids) {
  if (runs == nullptr) return;
  for (size_t i = 0; i < runs->size(); ++i) {
    const auto run = ElementAt<fb::IdRun>(runs->Data(), i);
    if (run.count() == 0 || run.first() > std::numeric_limits<Id>::max() ||
        run.count() - 1 > std::numeric_limits<Id>::max() - run.first())
      return Fail("a run of ids is out of bounds");
    if (ids->size() > ids_max || run.count() > ids_max - ids->size())
      return Fail("a checkpoint names more segments or tables than there can be");
    for (uint64_t n = 0; n < run.count(); ++n) ids->push_back(static_cast<Id>(run.first() + n));
  }
}

template <class T, class Stored>
std::vector<T> ManifestReader::ReadAll(const Vector<Offset<Stored>>* stored) {
  std::vector<T> items;
  if (stored == nullptr) return items;
  for (const Stored* item : *stored) {
    if (!Take(kTableBytesMin, &bytes_left_)) break;
    items.push_back(Read(*item));
  }
  return items;
}

template <class Id, class T, class Stored>
std::map<Id, T> ManifestReader::ReadById(const Vector<Offset<Stored>>* stored) {
  std::map<Id, T> items;
  for (T& item : ReadAll<T>(stored)) {
    const Id id = item.id;
    if (!items.emplace(id, std::move(item)).second)
      Fail("two things of a kind have the id " + std::to_string(id));
  }
  return items;
}

TableMeta ManifestReader::Read(const fb::TableMeta& table) {
  return {.id = table.id(),
          .name = ReadText(table.name()),
          .kind = static_cast<TableKind>(table.kind()),
          .key_codec = ReadText(table.key_codec()),
          .value_codec = ReadText(table.value_codec()),
          .schema = ReadBytes(table.schema()),
          .exact_count = table.exact_count()};
}

FileMeta ManifestReader::Read(const fb::FileMeta& file) {
  return {.id = file.id(),
          .kind = static_cast<FileKind>(file.kind()),
          .name = ReadText(file.name()),
          .size = file.size(),
          .checksum = {FromBytes16(*file.checksum())},
          .attempt = file.attempt(),
          .first_epoch = file.first_epoch(),
          .last_epoch = file.last_epoch(),
          .unique = file.unique(),
          .records = file.records(),
          .net_change_bytes = file.net_change_bytes(),
          .sst_unique_id = ReadBytes(file.sst_unique_id()),
          .first_group = file.first_group(),
          .last_group = file.last_group(),
          .range_tombstones = file.range_tombstones()};
}

BaseFile ManifestReader::Read(const fb::BaseFile& file) {
  return {.file = file.file(), .live_name = ReadText(file.live_name())};
}

Base ManifestReader::Read(const fb::Base& base) {
  return {.id = base.id(),
          .at = IdentityOf(*base.at()),
          .current = ReadText(base.current()),
          .files = ReadAll<BaseFile>(base.files())};
}

SegmentEntry ManifestReader::Read(const fb::SegmentEntry& entry) {
  return {.key = ReadBytes(entry.key()), .frame = ReadBytes(entry.frame())};
}

Metadata ManifestReader::ReadMetadata(const Vector<Offset<fb::MetadataEntry>>* stored) {
  Metadata metadata;
  if (stored == nullptr) return metadata;
  for (const fb::MetadataEntry* entry : *stored) {
    if (!Take(kTableBytesMin, &bytes_left_)) break;
    if (!metadata.emplace(ReadBytes(entry->key()), ReadBytes(entry->value())).second)
      Fail("a checkpoint has a metadata key twice");
  }
  return metadata;
}

std::vector<LineageEntry> ManifestReader::ReadLineage(
    const Vector<const fb::LineageEntry*>* stored) {
  std::vector<LineageEntry> lineage;
  if (stored == nullptr) return lineage;
  if (stored->size() > kLineageMax) Fail("the lineage has too many entries");
  for (size_t i = 0; i < stored->size() && problem_.empty(); ++i) {
    const auto entry = ElementAt<fb::LineageEntry>(stored->Data(), i);
    lineage.push_back({.attempt = entry.attempt(),
                       .writer = {FromBytes16(entry.writer())},
                       .last_epoch = entry.last_epoch()});
  }
  return lineage;
}

std::vector<uint64_t> ManifestReader::ReadSegments(const fb::Checkpoint& stored,
                                                   const Checkpoint& before) {
  const size_t dropped = stored.segments_dropped();
  if (dropped > before.segments.size()) Fail("a checkpoint drops more segments than there are");
  if (!problem_.empty()) return {};
  std::vector<uint64_t> segments(before.segments.begin() + static_cast<ptrdiff_t>(dropped),
                                 before.segments.end());
  AppendRuns(stored.segments_added(), segments_max_, &segments);
  if (!Take(segments.size(), &segments_left_)) return {};
  return segments;
}

std::vector<uint32_t> ManifestReader::ReadTables(const fb::Checkpoint& stored,
                                                 const Checkpoint& before) {
  std::vector<uint32_t> dropped;
  std::vector<uint32_t> added;
  AppendRuns(stored.tables_dropped(), tables_max_, &dropped);
  AppendRuns(stored.tables_added(), tables_max_, &added);
  const auto ascend = [](const std::vector<uint32_t>& ids) {
    return std::is_sorted(ids.begin(), ids.end());
  };
  if (!ascend(dropped) || !ascend(added)) Fail("the table ids of a checkpoint do not ascend");
  if (!problem_.empty()) return {};
  std::vector<uint32_t> kept;
  std::set_difference(before.tables->begin(), before.tables->end(), dropped.begin(), dropped.end(),
                      std::back_inserter(kept));
  std::vector<uint32_t> tables;
  std::merge(kept.begin(), kept.end(), added.begin(), added.end(), std::back_inserter(tables));
  if (!Take(dropped.size() + tables.size(), &table_ids_left_)) return {};
  return tables;
}

Checkpoint ManifestReader::Read(const fb::Checkpoint& stored, const Checkpoint& before) {
  Checkpoint checkpoint{.id = stored.id(),
                        .at = IdentityOf(*stored.at()),
                        .time_ms = stored.time_ms(),
                        .base = stored.base(),
                        .segments = ReadSegments(stored, before),
                        .tables = before.tables,
                        .metadata = ReadMetadata(stored.metadata()),
                        .records = stored.records(),
                        .net_change_bytes = stored.net_change_bytes(),
                        .log_bytes = stored.log_bytes(),
                        .barrier_ns = stored.barrier_ns(),
                        .encode_ns = stored.encode_ns(),
                        .durable_ns = stored.durable_ns()};
  if (stored.tables_dropped() != nullptr || stored.tables_added() != nullptr)
    checkpoint.tables = std::make_shared<const std::vector<uint32_t>>(ReadTables(stored, before));
  return checkpoint;
}

Checkpoint NoCheckpoint() {
  Checkpoint none;
  none.tables = std::make_shared<const std::vector<uint32_t>>();
  return none;
}

std::deque<Checkpoint> ManifestReader::Read(const Vector<Offset<fb::Checkpoint>>* stored) {
  std::deque<Checkpoint> checkpoints;
  if (stored == nullptr) return checkpoints;
  const Checkpoint none = NoCheckpoint();
  for (const fb::Checkpoint* checkpoint : *stored) {
    if (!Take(kTableBytesMin, &bytes_left_)) break;
    checkpoints.push_back(Read(*checkpoint, checkpoints.empty() ? none : checkpoints.back()));
  }
  return checkpoints;
}

ManifestEdit ManifestReader::Read(const fb::ManifestEdit& stored) {
  ManifestEdit edit;
  edit.opens_attempt = stored.opens_attempt();
  edit.closes_writer = stored.closes_writer();
  edit.tables_added = ReadAll<TableMeta>(stored.tables_added());
  edit.files_added = ReadAll<FileMeta>(stored.files_added());
  edit.bases_added = ReadAll<Base>(stored.bases_added());
  edit.rebase_to = stored.rebase_to();
  if (const auto* removed = stored.checkpoints_removed(); removed != nullptr)
    for (size_t i = 0; i < removed->size(); ++i)
      edit.checkpoints_removed.push_back(ElementAt<uint64_t>(removed->Data(), i));
  if (stored.checkpoint_added() != nullptr)
    edit.checkpoint_added = Read(*stored.checkpoint_added(), NoCheckpoint());
  if (stored.lineage() != nullptr) edit.lineage = ReadLineage(stored.lineage());
  if (stored.merged_into() != 0) {
    edit.merge.emplace().into = stored.merged_into();
    AppendRuns(stored.merged_segments(), segments_max_, &edit.merge->segments);
  }
  return edit;
}

// The name becomes the name of an object that is read: it must be one of a snapshot and no other.
bool IsSnapshot(const ManifestVersion& version) {
  if (version.snapshot_version >= version.version) return false;
  if (version.snapshot_name.empty()) return version.snapshot_version == 0;
  return ParseSnapshotName(version.snapshot_name) == version.snapshot_version;
}

bool HasInlined(const ManifestVersion& version) {
  for (const FileMeta& file : version.edit.files_added)
    if (file.kind == FileKind::kInlined) return file.checksum == InlinedChecksum(version.inlined);
  return version.inlined.empty();
}

ManifestVersion ManifestReader::Read(const fb::ManifestVersion& stored) {
  ManifestVersion version{.repository_id = {FromBytes16(*stored.repository_id())},
                          .version = stored.version(),
                          .attempt = stored.attempt(),
                          .writer = {FromBytes16(*stored.writer())},
                          .snapshot_version = stored.snapshot_version(),
                          .snapshot_name = ReadText(stored.snapshot_name()),
                          .time_ms = stored.time_ms(),
                          .edit = Read(*stored.edit()),
                          .inlined = ReadAll<SegmentEntry>(stored.inlined())};
  if (!IsSnapshot(version)) Fail("it builds on an impossible snapshot");
  if (!HasInlined(version)) Fail("its inlined segment is not the one that it names");
  return version;
}

Manifest ManifestReader::Read(const fb::ManifestSnapshot& stored) {
  Manifest list;
  list.repository_id = {FromBytes16(*stored.repository_id())};
  list.subtask = stored.subtask();
  list.parallelism = stored.parallelism();
  list.max_parallelism = stored.max_parallelism();
  list.version = stored.version();
  list.attempt = stored.attempt();
  list.writer = {FromBytes16(*stored.writer())};
  list.writer_open = stored.writer_open();
  list.next_table_id = stored.next_table_id();
  list.next_file_id = stored.next_file_id();
  list.next_base_id = stored.next_base_id();
  list.tables = ReadById<uint32_t, TableMeta>(stored.tables());
  list.files = ReadById<uint64_t, FileMeta>(stored.files());
  list.bases = ReadById<uint64_t, Base>(stored.bases());
  segments_max_ = std::min(segments_max_, list.files.size());
  tables_max_ = std::min(tables_max_, list.tables.size());
  list.checkpoints = Read(stored.checkpoints());
  list.lineage = ReadLineage(stored.lineage());
  if (problem_.empty()) list.references = ReferencesOf(list);
  return list;
}

Status Corrupt(std::string_view where, const Problem& problem) {
  return Status(StatusCode::kCorruption, "manifest-structure", std::string(where) + ": " + problem);
}

template <class T, class Stored>
Result<T> Decode(FileType type, FrameKind kind, std::string_view file, std::string_view where) {
  TIDEMARK_ASSIGN_OR_RETURN(const std::string raw, DecodeFile(type, kind, file, where));
  const auto* const root = VerifiedRoot<Stored>(raw);
  if (root == nullptr) return Corrupt(where, "no valid FlatBuffer");
  ManifestReader reader(raw.size());
  T decoded = reader.Read(*root);
  if (!reader.problem().empty()) return Corrupt(where, reader.problem());
  return decoded;
}

}  // namespace

Result<ManifestVersion> DecodeManifestVersion(std::string_view file, std::string_view where) {
  return Decode<ManifestVersion, fb::ManifestVersion>(FileType::kManifestVersion,
                                                      FrameKind::kManifestVersion, file, where);
}

Result<Manifest> DecodeManifestSnapshot(std::string_view file, std::string_view where) {
  return Decode<Manifest, fb::ManifestSnapshot>(FileType::kManifestSnapshot,
                                                FrameKind::kManifestSnapshot, file, where);
}

}  // namespace tidemark::format
