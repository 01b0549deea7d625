// Manifest versions and snapshots: structs to bytes.
#include "format/assert.h"
#include "format/flatbuffer.h"
#include "format/frame.h"
#include "format/manifest.h"
#include "format/manifest_bytes.h"

#include <algorithm>
#include <span>

namespace tidemark::format {
namespace {

using flatbuffers::Offset;
using flatbuffers::Vector;
template <class T>
using VectorOffset = Offset<Vector<T>>;

// Builds the tables of manifest.fbs. FlatBuffers abort when they grow too large; so it stops adding
// before that, and Finish reports it.
class ManifestBuilder {
 public:
  Offset<fb::ManifestVersion> Create(const ManifestVersion& version);
  Offset<fb::ManifestSnapshot> Create(const Manifest& manifest);

  // The whole file around the root table.
  template <class T>
  Result<std::string> Finish(Offset<T> root, FileType type, FrameKind kind, Compression codec);

 private:
  Offset<fb::TableMeta> Create(const TableMeta& table);
  Offset<fb::FileMeta> Create(const FileMeta& file);
  Offset<fb::BaseFile> Create(const BaseFile& file);
  Offset<fb::Base> Create(const Base& base);
  Offset<fb::MetadataEntry> Create(const Metadata::value_type& entry);
  Offset<fb::SegmentEntry> Create(const SegmentEntry& entry);
  Offset<fb::ManifestEdit> Create(const ManifestEdit& edit);
  // `before` is the checkpoint that this one is stored as a difference from.
  Offset<fb::Checkpoint> Create(const Checkpoint& checkpoint, const Checkpoint& before);
  VectorOffset<Offset<fb::Checkpoint>> Create(const std::deque<Checkpoint>& checkpoints);
  template <class Id, class T>
  auto Create(const std::pair<const Id, T>& entry) {
    return Create(entry.second);
  }

  bool HasRoom(size_t bytes) {
    too_large_ = too_large_ || builder_.GetSize() + bytes > kFrameRawBytesMax;
    return !too_large_;
  }
  Offset<flatbuffers::String> CreateText(const std::string& text);
  VectorOffset<uint8_t> CreateBytes(std::string_view bytes);
  VectorOffset<uint8_t> CreateOptionalBytes(std::string_view bytes);
  VectorOffset<const fb::LineageEntry*> CreateLineage(const std::vector<LineageEntry>& lineage);
  template <class Id>
  VectorOffset<const fb::IdRun*> CreateRuns(std::span<const Id> ids);
  template <class T>
  VectorOffset<const T*> CreateStructs(const std::vector<T>& structs);
  // A vector of the tables of all items; absent if there are none.
  template <class Range>
  auto CreateAll(const Range& items);

  flatbuffers::FlatBufferBuilder builder_;
  bool too_large_ = false;
};

fb::EpochIdentity IdentityOf(const EpochIdentity& at) {
  return {at.attempt, at.epoch, ToBytes16(at.writer.bytes)};
}

Checkpoint NoCheckpoint() {
  Checkpoint none;
  none.tables = std::make_shared<const std::vector<uint32_t>>();
  return none;
}

// How many segments at the front of `before` are gone in `after`, so that the rest begins it; all
// of them if it does not.
size_t DroppedInFront(const std::vector<uint64_t>& before, const std::vector<uint64_t>& after) {
  if (after.empty()) return before.size();
  const auto rest = std::find(before.begin(), before.end(), after.front());
  const bool begins_it = before.end() - rest <= static_cast<ptrdiff_t>(after.size()) &&
                         std::equal(rest, before.end(), after.begin());
  return begins_it ? static_cast<size_t>(rest - before.begin()) : before.size();
}

std::vector<uint32_t> Without(const std::vector<uint32_t>& ids,
                              const std::vector<uint32_t>& others) {
  std::vector<uint32_t> rest;
  std::set_difference(ids.begin(), ids.end(), others.begin(), others.end(),
                      std::back_inserter(rest));
  return rest;
}

Offset<flatbuffers::String> ManifestBuilder::CreateText(const std::string& text) {
  return HasRoom(text.size()) ? builder_.CreateString(text) : Offset<flatbuffers::String>();
}

VectorOffset<uint8_t> ManifestBuilder::CreateBytes(std::string_view bytes) {
  if (!HasRoom(bytes.size())) return {};
  return builder_.CreateVector(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
}

VectorOffset<uint8_t> ManifestBuilder::CreateOptionalBytes(std::string_view bytes) {
  return bytes.empty() ? VectorOffset<uint8_t>() : CreateBytes(bytes);
}

template <class T>
VectorOffset<const T*> ManifestBuilder::CreateStructs(const std::vector<T>& structs) {
  if (!HasRoom(structs.size() * sizeof(T))) return {};
  return builder_.CreateVectorOfStructs(structs);
}

template <class Id>
VectorOffset<const fb::IdRun*> ManifestBuilder::CreateRuns(std::span<const Id> ids) {
  std::vector<fb::IdRun> runs;
  for (size_t begin = 0, end = 0; begin < ids.size(); begin = end) {
    end = begin + 1;
    while (end < ids.size() && ids[end] == ids[end - 1] + 1) ++end;
    runs.emplace_back(ids[begin], end - begin);
  }
  return runs.empty() ? VectorOffset<const fb::IdRun*>() : CreateStructs(runs);
}

VectorOffset<const fb::LineageEntry*> ManifestBuilder::CreateLineage(
    const std::vector<LineageEntry>& lineage) {
  std::vector<fb::LineageEntry> entries;
  entries.reserve(lineage.size());
  for (const LineageEntry& entry : lineage)
    entries.emplace_back(entry.attempt, entry.last_epoch, ToBytes16(entry.writer.bytes));
  return CreateStructs(entries);
}

template <class Range>
auto ManifestBuilder::CreateAll(const Range& items) {
  std::vector<decltype(Create(*items.begin()))> offsets;
  for (auto item = items.begin(); item != items.end() && !too_large_; ++item)
    offsets.push_back(Create(*item));
  return offsets.empty() ? decltype(builder_.CreateVector(offsets))()
                         : builder_.CreateVector(offsets);
}

Offset<fb::TableMeta> ManifestBuilder::Create(const TableMeta& table) {
  const auto name = CreateText(table.name);
  const auto key_codec = CreateText(table.key_codec);
  const auto value_codec = CreateText(table.value_codec);
  const auto schema = CreateOptionalBytes(table.schema);
  return too_large_ ? Offset<fb::TableMeta>()
                    : fb::CreateTableMeta(builder_, table.id, static_cast<uint8_t>(table.kind),
                                          name, key_codec, value_codec, schema, table.exact_count);
}

Offset<fb::FileMeta> ManifestBuilder::Create(const FileMeta& file) {
  const auto name = CreateText(file.name);
  const auto sst_unique_id = CreateOptionalBytes(file.sst_unique_id);
  if (too_large_) return {};
  const fb::Bytes16 checksum = ToBytes16(file.checksum.bytes);
  return fb::CreateFileMeta(builder_, file.id, static_cast<uint8_t>(file.kind), name, file.size,
                            &checksum, file.attempt, file.first_epoch, file.last_epoch, file.unique,
                            file.records, file.net_change_bytes, sst_unique_id, file.first_group,
                            file.last_group, file.range_tombstones);
}

Offset<fb::BaseFile> ManifestBuilder::Create(const BaseFile& file) {
  const auto live_name = CreateText(file.live_name);
  return too_large_ ? Offset<fb::BaseFile>() : fb::CreateBaseFile(builder_, file.file, live_name);
}

Offset<fb::Base> ManifestBuilder::Create(const Base& base) {
  const auto current = CreateText(base.current);
  // Required, so also there when it is empty.
  auto files = CreateAll(base.files);
  if (files.IsNull()) files = builder_.CreateVector(std::vector<Offset<fb::BaseFile>>());
  if (too_large_) return {};
  const fb::EpochIdentity at = IdentityOf(base.at);
  return fb::CreateBase(builder_, base.id, &at, current, files);
}

Offset<fb::MetadataEntry> ManifestBuilder::Create(const Metadata::value_type& entry) {
  const auto key = CreateBytes(entry.first);
  const auto value = CreateBytes(entry.second);
  return too_large_ ? Offset<fb::MetadataEntry>() : fb::CreateMetadataEntry(builder_, key, value);
}

Offset<fb::SegmentEntry> ManifestBuilder::Create(const SegmentEntry& entry) {
  const auto key = CreateBytes(entry.key);
  const auto frame = CreateBytes(entry.frame);
  return too_large_ ? Offset<fb::SegmentEntry>() : fb::CreateSegmentEntry(builder_, key, frame);
}

Offset<fb::Checkpoint> ManifestBuilder::Create(const Checkpoint& checkpoint,
                                               const Checkpoint& before) {
  TIDEMARK_ASSERT(checkpoint.tables != nullptr);
  const size_t dropped = DroppedInFront(before.segments, checkpoint.segments);
  const size_t kept = before.segments.size() - dropped;
  const auto segments_added =
      CreateRuns(std::span<const uint64_t>(checkpoint.segments).subspan(kept));
  VectorOffset<const fb::IdRun*> tables_dropped;
  VectorOffset<const fb::IdRun*> tables_added;
  if (checkpoint.tables != before.tables) {
    tables_dropped = CreateRuns<uint32_t>(Without(*before.tables, *checkpoint.tables));
    tables_added = CreateRuns<uint32_t>(Without(*checkpoint.tables, *before.tables));
  }
  const auto metadata = CreateAll(checkpoint.metadata);
  if (too_large_) return {};
  const fb::EpochIdentity at = IdentityOf(checkpoint.at);
  return fb::CreateCheckpoint(builder_, checkpoint.id, &at, checkpoint.time_ms, checkpoint.base,
                              static_cast<uint32_t>(dropped), segments_added, tables_dropped,
                              tables_added, metadata, checkpoint.records,
                              checkpoint.net_change_bytes, checkpoint.log_bytes,
                              checkpoint.barrier_ns, checkpoint.encode_ns, checkpoint.durable_ns);
}

VectorOffset<Offset<fb::Checkpoint>> ManifestBuilder::Create(
    const std::deque<Checkpoint>& checkpoints) {
  const Checkpoint none = NoCheckpoint();
  const Checkpoint* before = &none;
  std::vector<Offset<fb::Checkpoint>> offsets;
  for (const Checkpoint& checkpoint : checkpoints) {
    if (too_large_) return {};
    offsets.push_back(Create(checkpoint, *before));
    before = &checkpoint;
  }
  return builder_.CreateVector(offsets);
}

Offset<fb::ManifestEdit> ManifestBuilder::Create(const ManifestEdit& edit) {
  VectorOffset<uint64_t> removed;
  if (!edit.checkpoints_removed.empty() &&
      HasRoom(edit.checkpoints_removed.size() * sizeof(uint64_t)))
    removed = builder_.CreateVector(edit.checkpoints_removed);
  const auto tables = CreateAll(edit.tables_added);
  const auto files = CreateAll(edit.files_added);
  const auto bases = CreateAll(edit.bases_added);
  Offset<fb::Checkpoint> added;
  if (edit.checkpoint_added.has_value()) added = Create(*edit.checkpoint_added, NoCheckpoint());
  VectorOffset<const fb::LineageEntry*> lineage;
  if (edit.lineage.has_value()) lineage = CreateLineage(*edit.lineage);
  VectorOffset<const fb::IdRun*> merged_segments;
  if (edit.merge.has_value())
    merged_segments = CreateRuns(std::span<const uint64_t>(edit.merge->segments));
  return fb::CreateManifestEdit(builder_, edit.opens_attempt, edit.closes_writer, removed, tables,
                                files, bases, added, edit.rebase_to, lineage, merged_segments,
                                edit.merge.has_value() ? edit.merge->into : 0);
}

Offset<fb::ManifestVersion> ManifestBuilder::Create(const ManifestVersion& version) {
  const auto snapshot_name = CreateText(version.snapshot_name);
  const auto inlined = CreateAll(version.inlined);
  const auto edit = Create(version.edit);
  if (too_large_) return {};
  const fb::Bytes16 repository_id = ToBytes16(version.repository_id.bytes);
  const fb::Bytes16 writer = ToBytes16(version.writer.bytes);
  return fb::CreateManifestVersion(builder_, &repository_id, version.version, version.attempt,
                                   &writer, version.snapshot_version, snapshot_name,
                                   version.time_ms, edit, inlined);
}

Offset<fb::ManifestSnapshot> ManifestBuilder::Create(const Manifest& manifest) {
  const auto tables = CreateAll(manifest.tables);
  const auto files = CreateAll(manifest.files);
  const auto bases = CreateAll(manifest.bases);
  const auto checkpoints = Create(manifest.checkpoints);
  const auto lineage = CreateLineage(manifest.lineage);
  if (too_large_) return {};
  const fb::Bytes16 repository_id = ToBytes16(manifest.repository_id.bytes);
  const fb::Bytes16 writer = ToBytes16(manifest.writer.bytes);
  return fb::CreateManifestSnapshot(
      builder_, &repository_id, manifest.subtask, manifest.parallelism, manifest.max_parallelism,
      manifest.version, manifest.attempt, &writer, manifest.writer_open, manifest.next_table_id,
      manifest.next_file_id, manifest.next_base_id, tables, files, bases, checkpoints, lineage);
}

template <class T>
Result<std::string> ManifestBuilder::Finish(Offset<T> root, FileType type, FrameKind kind,
                                            Compression codec) {
  if (too_large_)
    return Status(StatusCode::kInvalidArgument, "frame-too-large",
                  "a manifest takes over " + std::to_string(kFrameRawBytesMax) +
                      " bytes; retain fewer checkpoints or less metadata");
  builder_.Finish(root);
  return EncodeFile(type, kind, BytesOf(builder_), codec);
}

}  // namespace

// Versions are small, and what is inlined is compressed already.
Result<std::string> EncodeManifestVersion(const ManifestVersion& version) {
  ManifestBuilder builder;
  return builder.Finish(builder.Create(version), FileType::kManifestVersion,
                        FrameKind::kManifestVersion, Compression::kNone);
}

Result<std::string> EncodeManifestSnapshot(const Manifest& manifest) {
  ManifestBuilder builder;
  return builder.Finish(builder.Create(manifest), FileType::kManifestSnapshot,
                        FrameKind::kManifestSnapshot, Compression::kZstd);
}

}  // namespace tidemark::format
