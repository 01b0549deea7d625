// A list and the writer that changes it, for tests of manifests. Each step returns the version that
// the writer would publish; tests apply it, or change it first.
#pragma once

#include "format/manifest.h"
#include "format/names.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace tidemark::format {

inline WriterId WriterOf(uint64_t attempt) {
  WriterId id;
  id.bytes.fill(static_cast<uint8_t>(attempt));
  id.bytes[0] = static_cast<uint8_t>(attempt >> 8);
  return id;
}

inline Manifest EmptyList() {
  Manifest list;
  list.repository_id = WriterOf(0xeeee);
  return list;
}

class ManifestWriter {
 public:
  Manifest list = EmptyList();

  // The version after the list's, without changes.
  ManifestVersion Next() const {
    ManifestVersion version;
    version.repository_id = list.repository_id;
    version.version = list.version + 1;
    version.attempt = list.attempt;
    version.writer = list.writer;
    version.time_ms = 1'700'000'000'000 + static_cast<int64_t>(list.version);
    return version;
  }

  ManifestVersion Open() const {
    ManifestVersion version = Next();
    version.attempt = list.attempt + 1;
    version.writer = WriterOf(version.attempt);
    version.edit.opens_attempt = true;
    return version;
  }

  // Adds checkpoint `id` after the newest one, with a segment for the epochs up to `epoch`.
  ManifestVersion Commit(uint64_t id, uint64_t epoch) const {
    return CommitAfter(list.checkpoints.empty() ? nullptr : &list.checkpoints.back(), id, epoch);
  }

  // The same on top of an older checkpoint, dropping those after it. Null: the empty state.
  ManifestVersion CommitAfter(const Checkpoint* before, uint64_t id, uint64_t epoch) const {
    ManifestVersion version = Next();
    ManifestEdit& edit = version.edit;
    const uint64_t stands_on = before == nullptr ? 0 : before->at.epoch;
    for (const Checkpoint& checkpoint : list.checkpoints)
      if (checkpoint.at.epoch > stands_on) edit.checkpoints_removed.push_back(checkpoint.id);

    Checkpoint added;
    if (before != nullptr) added = *before;
    added.id = id;
    added.at = {.attempt = list.attempt, .writer = list.writer, .epoch = epoch};
    added.time_ms = version.time_ms;
    added.metadata = {{"offset", std::to_string(1000 * epoch)}};
    added.records = 10 * epoch;
    if (added.tables == nullptr) added.tables = std::make_shared<const std::vector<uint32_t>>();
    edit.files_added = {Segment(stands_on + 1, epoch)};
    added.segments.push_back(edit.files_added.back().id);
    edit.checkpoint_added = std::move(added);
    if (before == nullptr || before->at.attempt != list.attempt)
      edit.lineage = LineageAfter(stands_on, epoch);
    return version;
  }

  // `ahead`: how many ids of the same edit come before it.
  FileMeta Segment(uint64_t first_epoch, uint64_t last_epoch, uint64_t ahead = 0) const {
    FileMeta file;
    file.id = list.next_file_id + ahead;
    file.kind = FileKind::kSegment;
    file.attempt = list.attempt;
    file.first_epoch = first_epoch;
    file.last_epoch = last_epoch;
    file.unique = 0x1000 + file.id;
    file.name = SegmentName(file.attempt, first_epoch, last_epoch, file.unique);
    file.size = 5000 + file.id;
    file.checksum = Checksum128Of(file.name);
    file.records = 10;
    file.net_change_bytes = 640;
    return file;
  }

  // Turns the last segment of a commit into one that travels inside the version.
  static void Inline(ManifestVersion* version) {
    version->inlined = {{EncodeSegmentKey(version->version, 0, ""), "header"},
                        {EncodeSegmentKey(version->version, 1, "key"), "frame"}};
    FileMeta& file = version->edit.files_added.back();
    file.kind = FileKind::kInlined;
    file.name = ManifestName(version->version);
    file.size = InlinedBytes(version->inlined);
    file.checksum = InlinedChecksum(version->inlined);
  }

  // Adds a base at `epoch` with `ssts` new files, and moves checkpoints to it.
  ManifestVersion Rebase(uint64_t epoch, int ssts = 1) const {
    ManifestVersion version = Next();
    Base base;
    base.id = list.next_base_id;
    base.at = IdentityAt(epoch);
    base.current = "MANIFEST-000005\n";
    uint64_t next_file = list.next_file_id;
    const auto add = [&](FileKind kind, const std::string& live_name) {
      FileMeta file;
      file.id = next_file++;
      file.kind = kind;
      file.attempt = list.attempt;
      file.unique = 0x1000 + file.id;
      file.name = kind == FileKind::kBaseSst ? BaseSstName(file.attempt, file.unique)
                                             : BaseMetaName(file.attempt, file.unique);
      file.size = 100;
      file.checksum = Checksum128Of(file.name);
      if (kind == FileKind::kBaseSst) file.sst_unique_id = file.name.substr(5, 16);
      file.last_group = list.max_parallelism - 1;
      base.files.push_back({file.id, live_name});
      version.edit.files_added.push_back(std::move(file));
    };
    add(FileKind::kBaseMeta, "MANIFEST-000005");
    add(FileKind::kBaseMeta, "OPTIONS-000007");
    for (int i = 0; i < ssts; ++i) add(FileKind::kBaseSst, std::to_string(100 + i) + ".sst");
    version.edit.bases_added = {std::move(base)};
    version.edit.rebase_to = list.next_base_id;
    return version;
  }

  ManifestVersion Remove(std::vector<uint64_t> ids) const {
    ManifestVersion version = Next();
    version.edit.checkpoints_removed = std::move(ids);
    return version;
  }

  // A commit's checkpoint gets a new table.
  void AddTable(ManifestVersion* version, const std::string& name) const {
    const auto id = static_cast<uint32_t>(list.next_table_id + version->edit.tables_added.size());
    version->edit.tables_added.push_back({.id = id,
                                          .name = name,
                                          .kind = TableKind::kValue,
                                          .key_codec = "string",
                                          .value_codec = "u64",
                                          .schema = ""});
    std::vector<uint32_t> tables = *version->edit.checkpoint_added->tables;
    tables.push_back(id);
    version->edit.checkpoint_added->tables = std::make_shared<const std::vector<uint32_t>>(tables);
  }

  Status Apply(const ManifestVersion& version, std::vector<FileMeta>* removed = nullptr) {
    return ApplyEdit(version, &list, removed);
  }
  // For steps that must succeed.
  void Do(const ManifestVersion& version) {
    const Status status = Apply(version);
    ASSERT_TRUE(status.ok()) << status.ToString();
    const Status checked = CheckManifest(list);
    ASSERT_TRUE(checked.ok()) << checked.ToString();
  }

  EpochIdentity IdentityAt(uint64_t epoch) const {
    for (const LineageEntry& entry : list.lineage)
      if (epoch <= entry.last_epoch) return {entry.attempt, entry.writer, epoch};
    return {list.attempt, list.writer, epoch};
  }

  std::vector<LineageEntry> LineageAfter(uint64_t stands_on, uint64_t epoch) const {
    std::vector<LineageEntry> lineage;
    for (LineageEntry entry : list.lineage) {
      if (stands_on == 0 || (!lineage.empty() && lineage.back().last_epoch >= stands_on)) break;
      entry.last_epoch = std::min(entry.last_epoch, stands_on);
      lineage.push_back(entry);
    }
    lineage.push_back({list.attempt, list.writer, epoch});
    return lineage;
  }
};

}  // namespace tidemark::format
