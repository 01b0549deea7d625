// The manifest: which checkpoints a subtask's repository retains, and of which files they are made.
//
// A version is one edit; a snapshot is the whole list. Both are encoded in format/manifest.fbs. The
// list in memory is `Manifest`; it changes only by `ApplyEdit`, which keeps it consistent or leaves
// it alone.
#pragma once

#include "format/checksum.h"
#include "format/segment.h"

#include <tidemark/options.h>
#include <tidemark/status.h>
#include <tidemark/table.h>

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace tidemark::format {

constexpr uint64_t kMetadataBytesMax = uint64_t{1} << 20;  // keys and values of one checkpoint
constexpr uint64_t kSchemaBytesMax = uint64_t{1} << 20;
constexpr size_t kTableNameBytesMax = 255;
constexpr size_t kTablesMax = size_t{1} << 20;    // of one checkpoint
constexpr size_t kSegmentsMax = size_t{1} << 20;  // of one checkpoint
// Bounds what a list costs in memory: the segments of all checkpoints, each time they are named.
constexpr uint64_t kSegmentReferencesMax = uint64_t{1} << 25;
// The same of tables. Checkpoints that have the tables of the one before them share its list, which
// counts once.
constexpr uint64_t kTableReferencesMax = uint64_t{1} << 25;
// What metadata, schemas, names and files of a list may take in a snapshot (SnapshotBytes): about
// half of the one frame that it is, so that there is always a way to write it.
constexpr uint64_t kListBytesMax = uint64_t{512} << 20;

struct TableMeta {
  uint32_t id = 0;  // from 1, never reused
  std::string name;
  TableKind kind = TableKind::kBytes;
  std::string key_codec;
  std::string value_codec;
  std::string schema;
  bool exact_count = false;  // it keeps count of its keys
  friend bool operator==(const TableMeta&, const TableMeta&) = default;
};

// Persisted: do not renumber.
enum class FileKind : uint8_t {
  kSegment = 1,   // log/<attempt>-<first>-<last>-<unique>.sst
  kInlined = 2,   // a segment inside manifest/<version>; the checksum is that of its inlined bytes
  kBaseSst = 3,   // base/<attempt>-<unique>.sst
  kBaseMeta = 4,  // base/<attempt>-<unique>.meta: RocksDB's MANIFEST or OPTIONS
};

struct FileMeta {
  uint64_t id = 0;  // from 1, never reused
  FileKind kind = FileKind::kSegment;
  std::string name;  // relative to the subtask's folder
  uint64_t size = 0;
  Checksum128 checksum;
  uint64_t attempt = 0;
  // Segments, inlined ones included.
  uint64_t first_epoch = 0;
  uint64_t last_epoch = 0;
  uint64_t unique = 0;
  uint64_t records = 0;
  uint64_t net_change_bytes = 0;
  // SSTs.
  std::string sst_unique_id;  // RocksDB's, 16 bytes; empty if unknown
  uint16_t first_group = 0;
  uint16_t last_group = 0;
  uint64_t range_tombstones = 0;
  friend bool operator==(const FileMeta&, const FileMeta&) = default;
};

struct BaseFile {
  uint64_t file = 0;      // FileMeta::id
  std::string live_name;  // what RocksDB calls it: 000123.sst, MANIFEST-000005, OPTIONS-000007
  friend bool operator==(const BaseFile&, const BaseFile&) = default;
};

struct Base {
  uint64_t id = 0;  // from 1, never reused
  EpochIdentity at;
  std::string current;  // the content of CURRENT
  std::vector<BaseFile> files;
  friend bool operator==(const Base&, const Base&) = default;
};

struct Checkpoint {
  uint64_t id = 0;  // the host's
  EpochIdentity at;
  int64_t time_ms = 0;  // Unix milliseconds, never less than the one before
  uint64_t base = 0;    // Base::id; 0: the empty state, that of epoch 0
  // FileMeta::id; ascending epochs, gapless from the base to at.epoch.
  std::vector<uint64_t> segments;
  std::shared_ptr<const std::vector<uint32_t>> tables;  // ids, ascending; never null
  Metadata metadata;
  uint64_t records = 0;  // of its own epochs, as CheckpointStatistics
  uint64_t net_change_bytes = 0;
  uint64_t log_bytes = 0;
  uint64_t barrier_ns = 0;
  uint64_t encode_ns = 0;
  uint64_t durable_ns = 0;  // until its manifest version was written out

  // Compares the tables, not the pointers to them.
  friend bool operator==(const Checkpoint& a, const Checkpoint& b);
};

// Attempts that lead to the newest checkpoint, oldest first; each ran up to `last_epoch`, where the
// next began.
struct LineageEntry {
  uint64_t attempt = 0;
  WriterId writer;
  uint64_t last_epoch = 0;
  friend bool operator==(const LineageEntry&, const LineageEntry&) = default;
};
// Older entries are dropped; a live database that old is not reused.
constexpr size_t kLineageMax = 64;
// The part of a history that leads to `at`, which lies on it, or before all that is left of it.
std::vector<LineageEntry> LineageTo(const std::vector<LineageEntry>& lineage,
                                    const EpochIdentity& at);

// How often a list's checkpoints and bases name things, so that an edit finds out what it drops
// without looking at all of them. Derived: not stored, not compared.
struct ManifestReferences {
  std::unordered_map<uint64_t, uint32_t> files;   // by checkpoints and bases
  std::unordered_map<uint64_t, uint32_t> bases;   // by checkpoints
  std::unordered_map<uint32_t, uint32_t> tables;  // by checkpoints
  std::unordered_set<std::string> file_names;     // of all files in the list
  uint64_t segments = 0;                          // in all checkpoints
  std::unordered_map<const std::vector<uint32_t>*, uint32_t> table_lists;  // by checkpoints
  uint64_t table_ids = 0;                                                  // in all of these lists
  uint64_t bytes = 0;      // SnapshotBytes of all there is
  size_t checkpoints = 0;  // that are counted here
};

struct Manifest {
  WriterId repository_id;
  uint32_t subtask = 0;
  uint32_t parallelism = 1;
  uint32_t max_parallelism = 128;
  uint64_t version = 0;  // the last one applied
  uint64_t attempt = 0;
  WriterId writer;
  bool writer_open = false;
  uint32_t next_table_id = 1;
  uint64_t next_file_id = 1;
  uint64_t next_base_id = 1;
  std::map<uint32_t, TableMeta> tables;
  std::map<uint64_t, FileMeta> files;
  std::map<uint64_t, Base> bases;
  std::deque<Checkpoint> checkpoints;  // ascending epochs and ids
  std::vector<LineageEntry> lineage;   // of the newest checkpoint; empty if there is none
  ManifestReferences references;       // kept by ApplyEdit

  const Checkpoint* FindCheckpoint(uint64_t id) const;
  friend bool operator==(const Manifest& a, const Manifest& b);
};

// Counts them anew. Whoever changes files, bases or checkpoints by other means than ApplyEdit sets
// `references` to this; decoding a snapshot does.
ManifestReferences ReferencesOf(const Manifest& manifest);
// Adds what one checkpoint names, and itself, to the counts; but not to `checkpoints`.
void CountCheckpoint(const Checkpoint& checkpoint, ManifestReferences* counted);

// About what a thing takes in a snapshot before compression, rather more than less; what counts
// against kListBytesMax.
uint64_t SnapshotBytes(const TableMeta& table);
uint64_t SnapshotBytes(const FileMeta& file);
uint64_t SnapshotBytes(const Base& base);
uint64_t SnapshotBytes(const Checkpoint& checkpoint);

// NotFound (`checkpoint-not-found`) naming those that exist, unless `id` does.
Status CheckCheckpointExists(const Manifest& manifest, uint64_t id);
// What one checkpoint of a list needs of it: a list itself, by all rules.
Manifest ListOf(const Manifest& all, const Checkpoint& checkpoint);

// Neighbours in the log, and the one segment that says the same.
struct SegmentMerge {
  std::vector<uint64_t> segments;  // FileMeta::id, in the order of a chain
  uint64_t into = 0;               // FileMeta::id, of the same epochs
  friend bool operator==(const SegmentMerge&, const SegmentMerge&) = default;
};

// One manifest version's change. Applied in this order; what no checkpoint (or base) names any more
// afterwards (files, bases, tables) leaves the list by itself.
struct ManifestEdit {
  bool opens_attempt = false;  // with the version's attempt and writer
  bool closes_writer = false;
  std::vector<uint64_t> checkpoints_removed;  // ids
  std::vector<TableMeta> tables_added;
  std::vector<FileMeta> files_added;
  std::vector<Base> bases_added;
  std::optional<Checkpoint> checkpoint_added;
  // Every checkpoint at or after this base's epoch moves to it: segments up to that epoch leave it.
  uint64_t rebase_to = 0;  // Base::id; 0: none
  // Every checkpoint that names all of these segments names the merged one instead; those that end
  // within its epochs keep their own. Not together with `rebase_to`.
  std::optional<SegmentMerge> merge;
  // Replaces the lineage; set by the first commit of an attempt. Otherwise a commit extends the
  // last entry.
  std::optional<std::vector<LineageEntry>> lineage;
  friend bool operator==(const ManifestEdit&, const ManifestEdit&) = default;
};

// The id that the next file which the edit adds has to have.
uint64_t NextFileId(const Manifest& manifest, const ManifestEdit& edit);

// A file manifest/<version>.
struct ManifestVersion {
  WriterId repository_id;
  uint64_t version = 0;
  uint64_t attempt = 0;
  WriterId writer;
  // The list that this version builds on: the object `snapshot_name` (as SnapshotName makes it,
  // with its folder), holding the list as of `snapshot_version`. Both are 0 and empty for the empty
  // list.
  uint64_t snapshot_version = 0;
  std::string snapshot_name;
  int64_t time_ms = 0;
  ManifestEdit edit;
  // The inlined segment: the entries of the file of kind kInlined that the edit adds; empty if it
  // adds none.
  std::vector<SegmentEntry> inlined;
  friend bool operator==(const ManifestVersion&, const ManifestVersion&) = default;
};

// Whether a writer may add the checkpoint of `edit` to the list: ResourceExhausted
// (`list-too-large`) if it would grow beyond kSegmentReferencesMax, kTableReferencesMax or, with
// metadata or tables that do not take the place of others, kListBytesMax. A matter of whoever
// writes: readers take longer lists, as far as they can.
Status CheckListSize(const ManifestEdit& edit, const Manifest& list);

// Checks the edit against the list and applies it, or returns an error (`manifest-edit`,
// Corruption, as edits come from files; the message names the rule) and changes nothing.
// `removed_files`, if given, gets what left the list, appended. Costs what the edit and the
// checkpoints that it touches hold, however long the list is.
//
// The rules of CheckManifest hold afterwards if they held before. Besides:
//   - versions follow each other; one that opens an attempt has a higher attempt; every other one
//     carries the list's attempt and writer, and that writer has not closed;
//   - ids of added tables, files and bases ascend and are new: at least the list's counter;
//   - an added checkpoint is of the version's own attempt and writer;
//   - an inlined file is named after the version and has the size of its entries;
//   - the first commit of an attempt brings the lineage;
//   - when checkpoints move to `rebase_to`, none has a segment that straddles the base's epoch, and
//     none stands on a newer base;
//   - merged segments follow each other, and the one that replaces them is of just their epochs.
Status ApplyEdit(const ManifestVersion& version, Manifest* manifest,
                 std::vector<FileMeta>* removed_files);
// Whether ApplyEdit would succeed; what it would return otherwise.
Status CheckEdit(const ManifestVersion& version, const Manifest& manifest);

// Everything that must hold in one list: references resolve, chains are gapless from epoch 1 or the
// base on, checkpoints lie on the lineage, ids and epochs ascend, times do not fall, names are
// well-formed and unique (those of tables within a checkpoint), everything is named by a
// checkpoint. Corruption (`manifest-invariant`), naming the rule and the place.
Status CheckManifest(const Manifest& manifest);
// What must hold between a list and a later one of the same subtask: attempts and counters never
// fall, versions rise, ids are never reused, and what both name is the same. Corruption
// (`manifest-transition`).
Status CheckTransition(const Manifest& from, const Manifest& to);

// Encoded as whole files (format/frame.h). InvalidArgument (`frame-too-large`) when a list or an
// inlined segment outgrows a frame. Decoding verifies FlatBuffers and bounds, not the rules of
// CheckManifest. Corruption: as DecodeFile, or `manifest-structure`.
Result<std::string> EncodeManifestVersion(const ManifestVersion& version);
Result<ManifestVersion> DecodeManifestVersion(std::string_view file, std::string_view where);
Result<std::string> EncodeManifestSnapshot(const Manifest& manifest);
Result<Manifest> DecodeManifestSnapshot(std::string_view file, std::string_view where);

// The checksum and the size that a FileMeta of kind kInlined carries: of [key length u32 LE][key]
// [frame length u32 LE][frame] of each entry.
Checksum128 InlinedChecksum(const std::vector<SegmentEntry>& entries);
uint64_t InlinedBytes(const std::vector<SegmentEntry>& entries);

// The FORMAT file. Corruption as DecodeFile, or `repository-info`.
struct RepositoryInfo {
  WriterId id;
  uint32_t max_parallelism = 128;
  int64_t created_ms = 0;
  friend bool operator==(const RepositoryInfo&, const RepositoryInfo&) = default;
};
Result<std::string> EncodeRepositoryInfo(const RepositoryInfo& info);
Result<RepositoryInfo> DecodeRepositoryInfo(std::string_view file, std::string_view where);

}  // namespace tidemark::format
