// The list in memory: look-ups, comparison, reference counts; and inlined segments.
#include "format/manifest.h"

#include "format/little_endian.h"

#include <algorithm>
#include <iterator>
#include <tuple>

namespace tidemark::format {
namespace {

bool SameTables(const Checkpoint& a, const Checkpoint& b) {
  if (a.tables == nullptr || b.tables == nullptr) return a.tables == b.tables;
  return a.tables == b.tables || *a.tables == *b.tables;
}

auto Fields(const Checkpoint& c) {
  return std::tie(c.id, c.at, c.time_ms, c.base, c.segments, c.metadata, c.records,
                  c.net_change_bytes, c.log_bytes, c.barrier_ns, c.encode_ns, c.durable_ns);
}

auto Fields(const Manifest& m) {
  return std::tie(m.repository_id, m.subtask, m.parallelism, m.max_parallelism, m.version,
                  m.attempt, m.writer, m.writer_open, m.next_table_id, m.next_file_id,
                  m.next_base_id, m.tables, m.files, m.bases, m.checkpoints, m.lineage);
}

}  // namespace

std::vector<LineageEntry> LineageTo(const std::vector<LineageEntry>& lineage,
                                    const EpochIdentity& at) {
  std::vector<LineageEntry> history;
  for (const LineageEntry& entry : lineage) {
    if (entry.attempt >= at.attempt) break;
    history.push_back(entry);
  }
  history.push_back({at.attempt, at.writer, at.epoch});
  return history;
}

bool operator==(const Checkpoint& a, const Checkpoint& b) {
  return Fields(a) == Fields(b) && SameTables(a, b);
}

bool operator==(const Manifest& a, const Manifest& b) { return Fields(a) == Fields(b); }

uint64_t NextFileId(const Manifest& manifest, const ManifestEdit& edit) {
  return edit.files_added.empty() ? manifest.next_file_id : edit.files_added.back().id + 1;
}

const Checkpoint* Manifest::FindCheckpoint(uint64_t id) const {
  const auto found = std::lower_bound(
      checkpoints.begin(), checkpoints.end(), id,
      [](const Checkpoint& checkpoint, uint64_t wanted) { return checkpoint.id < wanted; });
  return found != checkpoints.end() && found->id == id ? &*found : nullptr;
}

Status CheckCheckpointExists(const Manifest& manifest, uint64_t id) {
  if (manifest.FindCheckpoint(id) != nullptr) return {};
  std::string existing;
  for (const Checkpoint& checkpoint : manifest.checkpoints) {
    existing += (existing.empty() ? "" : ", ") + std::to_string(checkpoint.id);
  }
  return Status(StatusCode::kNotFound, "checkpoint-not-found",
                "checkpoint " + std::to_string(id) + " does not exist; " +
                    (existing.empty() ? "the repository has none" : "those that do: " + existing));
}

Manifest ListOf(const Manifest& all, const Checkpoint& checkpoint) {
  Manifest list;
  list.repository_id = all.repository_id;
  list.subtask = all.subtask;
  list.parallelism = all.parallelism;
  list.max_parallelism = all.max_parallelism;
  list.version = all.version;
  list.attempt = all.attempt;
  list.writer = all.writer;
  list.writer_open = all.writer_open;
  list.next_table_id = all.next_table_id;
  list.next_file_id = all.next_file_id;
  list.next_base_id = all.next_base_id;
  list.lineage = LineageTo(all.lineage, checkpoint.at);
  list.checkpoints.push_back(checkpoint);
  for (const uint32_t table : *checkpoint.tables) list.tables.insert(*all.tables.find(table));
  for (const uint64_t file : checkpoint.segments) list.files.insert(*all.files.find(file));
  if (const auto base = all.bases.find(checkpoint.base); base != all.bases.end()) {
    list.bases.insert(*base);
    for (const BaseFile& file : base->second.files) list.files.insert(*all.files.find(file.file));
  }
  list.references = ReferencesOf(list);
  return list;
}

ManifestReferences ReferencesOf(const Manifest& manifest) {
  ManifestReferences counted;
  counted.checkpoints = manifest.checkpoints.size();
  for (const auto& [id, table] : manifest.tables) counted.bytes += SnapshotBytes(table);
  for (const auto& [id, file] : manifest.files) {
    counted.file_names.insert(file.name);
    counted.bytes += SnapshotBytes(file);
  }
  for (const auto& [id, base] : manifest.bases) {
    for (const BaseFile& file : base.files) ++counted.files[file.file];
    counted.bytes += SnapshotBytes(base);
  }
  for (const Checkpoint& checkpoint : manifest.checkpoints) CountCheckpoint(checkpoint, &counted);
  return counted;
}

void CountCheckpoint(const Checkpoint& checkpoint, ManifestReferences* counted) {
  counted->bytes += SnapshotBytes(checkpoint);
  if (checkpoint.base != 0) ++counted->bases[checkpoint.base];
  for (const uint64_t segment : checkpoint.segments) ++counted->files[segment];
  counted->segments += checkpoint.segments.size();
  if (checkpoint.tables == nullptr) return;
  for (const uint32_t table : *checkpoint.tables) ++counted->tables[table];
  if (++counted->table_lists[checkpoint.tables.get()] == 1)
    counted->table_ids += checkpoint.tables->size();
}

Checksum128 InlinedChecksum(const std::vector<SegmentEntry>& entries) {
  Hasher128 hasher;
  const auto update = [&hasher](const std::string& bytes) {
    std::string length;
    AppendLittleEndian(static_cast<uint32_t>(bytes.size()), &length);
    hasher.Update(length);
    hasher.Update(bytes);
  };
  for (const SegmentEntry& entry : entries) {
    update(entry.key);
    update(entry.frame);
  }
  return hasher.Digest();
}

uint64_t InlinedBytes(const std::vector<SegmentEntry>& entries) {
  uint64_t bytes = 0;
  for (const SegmentEntry& entry : entries)
    bytes += 2 * sizeof(uint32_t) + entry.key.size() + entry.frame.size();
  return bytes;
}

}  // namespace tidemark::format
