// What a list takes in a snapshot, and where it ends.
#include "format/manifest.h"

#include <algorithm>

namespace tidemark::format {
namespace {

// A FlatBuffers table with its offset, and a vector or string beside its bytes.
constexpr uint64_t kTableBytes = 48;
constexpr uint64_t kVectorBytes = 12;
constexpr uint64_t kFileBytes = 160;        // numbers, checksum and the id of an SST
constexpr uint64_t kCheckpointBytes = 256;  // numbers, and runs of ids that are few

Status TooLarge(const std::string& what, uint64_t got, uint64_t limit) {
  return Status(StatusCode::kResourceExhausted, "list-too-large",
                "the checkpoint is not added, as " + what + " " + std::to_string(got) +
                    ", over the limit of " + std::to_string(limit) +
                    ": retain fewer checkpoints, or give them less metadata and fewer tables");
}

bool Contains(const std::vector<uint64_t>& ids, uint64_t id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

// Whether the checkpoint that the edit adds has the tables of the one that it will follow.
bool SharesTables(const ManifestEdit& edit, const Manifest& list) {
  for (auto last = list.checkpoints.rbegin(); last != list.checkpoints.rend(); ++last)
    if (!Contains(edit.checkpoints_removed, last->id))
      return *last->tables == *edit.checkpoint_added->tables;
  return false;
}

}  // namespace

uint64_t SnapshotBytes(const TableMeta& table) {
  return kTableBytes + 4 * kVectorBytes + table.name.size() + table.key_codec.size() +
         table.value_codec.size() + table.schema.size();
}

uint64_t SnapshotBytes(const FileMeta& file) { return kFileBytes + file.name.size(); }

uint64_t SnapshotBytes(const Base& base) {
  uint64_t bytes = kTableBytes + base.current.size();
  for (const BaseFile& file : base.files)
    bytes += kTableBytes + kVectorBytes + file.live_name.size();
  return bytes;
}

uint64_t SnapshotBytes(const Checkpoint& checkpoint) {
  uint64_t bytes = kCheckpointBytes;
  for (const auto& [key, value] : checkpoint.metadata)
    bytes += kTableBytes + 2 * kVectorBytes + key.size() + value.size();
  return bytes;
}

Status CheckListSize(const ManifestEdit& edit, const Manifest& list) {
  if (!edit.checkpoint_added) return {};
  const Checkpoint& added = *edit.checkpoint_added;
  const ManifestReferences& now = list.references;
  ManifestReferences gone;
  for (const uint64_t id : edit.checkpoints_removed)
    if (const Checkpoint* const removed = list.FindCheckpoint(id); removed != nullptr)
      CountCheckpoint(*removed, &gone);

  const uint64_t segments = now.segments - gone.segments + added.segments.size();
  if (segments > kSegmentReferencesMax)
    return TooLarge("all of them would name segments so many times:", segments,
                    kSegmentReferencesMax);

  uint64_t table_ids = now.table_ids;
  for (const auto& [tables, checkpoints] : gone.table_lists)
    if (const auto known = now.table_lists.find(tables);
        known != now.table_lists.end() && known->second == checkpoints)
      table_ids -= tables->size();
  if (!SharesTables(edit, list)) table_ids += added.tables->size();
  if (table_ids > kTableReferencesMax)
    return TooLarge("all of them would name tables so many times:", table_ids, kTableReferencesMax);

  uint64_t come = SnapshotBytes(added);
  for (const TableMeta& table : edit.tables_added) come += SnapshotBytes(table);
  const bool grows = come > gone.bytes;
  for (const FileMeta& file : edit.files_added) come += SnapshotBytes(file);
  for (const Base& base : edit.bases_added) come += SnapshotBytes(base);
  const uint64_t bytes = now.bytes - gone.bytes + come;
  if (bytes <= kListBytesMax || !grows) return {};
  return TooLarge("the list would take so many bytes:", bytes, kListBytesMax);
}

}  // namespace tidemark::format
