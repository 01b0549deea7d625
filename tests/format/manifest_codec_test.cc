#include "format/checksum.h"
#include "format/frame.h"
#include "format/manifest_generated.h"
#include "tests/format/manifest_fixture.h"

#include <functional>
#include <random>

namespace tidemark::format {
namespace {

template <class T>
std::string NameOf(const Result<T>& result) {
  return result.has_value() ? "" : std::string(result.error().name());
}

ManifestVersion FullVersion() {
  ManifestWriter writer;
  writer.Do(writer.Open());
  writer.Do(writer.Commit(1, 1));
  ManifestVersion version = writer.Commit(2, 4);
  writer.AddTable(&version, "counts");
  version.edit.tables_added[0].schema = std::string("\0schema", 7);
  const ManifestVersion rebase = writer.Rebase(1, 2);
  for (FileMeta file : rebase.edit.files_added) {
    ++file.id;
    version.edit.files_added.push_back(file);
  }
  version.edit.bases_added = rebase.edit.bases_added;
  for (BaseFile& file : version.edit.bases_added[0].files) ++file.file;
  version.edit.rebase_to = rebase.edit.rebase_to;
  version.edit.checkpoints_removed = {1};
  version.edit.lineage = {{1, WriterOf(1), 4}};
  version.edit.closes_writer = true;
  version.edit.checkpoint_added->metadata = {{"", ""}, {std::string("\0\xff", 2), "bytes"}};
  version.inlined = {{EncodeSegmentKey(4, 0, ""), "header"}, {EncodeSegmentKey(4, 1, "k"), ""}};
  FileMeta& file = version.edit.files_added[0];
  file.kind = FileKind::kInlined;
  file.name = ManifestName(version.version);
  file.size = InlinedBytes(version.inlined);
  file.checksum = InlinedChecksum(version.inlined);
  version.snapshot_version = 2;
  version.snapshot_name = SnapshotName(2, 0xabc);
  return version;
}

Manifest FullList() {
  ManifestWriter writer;
  writer.Do(writer.Open());
  for (uint64_t epoch = 1; epoch <= 6; ++epoch) {
    ManifestVersion version = writer.Commit(10 + epoch, epoch);
    if (epoch % 3 == 1) writer.AddTable(&version, "table" + std::to_string(epoch));
    writer.Do(version);
    if (epoch == 3) writer.Do(writer.Rebase(2, 3));
  }
  return writer.list;
}

TEST(ManifestCodecTest, VersionsRoundTrip) {
  const ManifestVersion version = FullVersion();
  EXPECT_EQ(DecodeManifestVersion(EncodeManifestVersion(version).value(), "").value(), version);

  ManifestVersion small;
  small.version = 1;
  small.edit.opens_attempt = true;
  EXPECT_EQ(DecodeManifestVersion(EncodeManifestVersion(small).value(), "").value(), small);
  // No lineage is not the same as an empty one.
  small.edit.lineage.emplace();
  EXPECT_EQ(DecodeManifestVersion(EncodeManifestVersion(small).value(), "").value(), small);
}

TEST(ManifestCodecTest, FullVersionAlsoApplies) {
  ManifestWriter writer;
  writer.Do(writer.Open());
  writer.Do(writer.Commit(1, 1));
  EXPECT_TRUE(writer.Apply(FullVersion()).ok());
}

TEST(ManifestCodecTest, SnapshotsRoundTrip) {
  const Manifest list = FullList();
  const Manifest decoded = DecodeManifestSnapshot(EncodeManifestSnapshot(list).value(), "").value();
  EXPECT_EQ(decoded, list);
  EXPECT_EQ(decoded.references.files, list.references.files);
  EXPECT_EQ(decoded.references.bases, list.references.bases);
  EXPECT_EQ(decoded.references.tables, list.references.tables);
  EXPECT_EQ(decoded.references.segments, list.references.segments);
  EXPECT_EQ(decoded.references.file_names, list.references.file_names);
  // Checkpoints with the same tables share them again.
  EXPECT_EQ(decoded.checkpoints[1].tables, decoded.checkpoints[2].tables);

  EXPECT_EQ(DecodeManifestSnapshot(EncodeManifestSnapshot(EmptyList()).value(), "").value(),
            EmptyList());
}

// Encoding knows nothing of rules: lists of ids in any order come back as they were.
TEST(ManifestCodecTest, CheckpointsThatShareNothingRoundTrip) {
  Manifest list = FullList();
  for (uint32_t id = 50; id < 60; ++id) {
    list.tables[id] = list.tables.begin()->second;
    list.tables[id].id = id;
    list.files[id] = list.files.begin()->second;
    list.files[id].id = id;
  }
  const auto tables = [](std::vector<uint32_t> ids) {
    return std::make_shared<const std::vector<uint32_t>>(std::move(ids));
  };
  list.checkpoints[1].segments = {7, 3, 9, 8, 2};
  list.checkpoints[2].segments = {3, 9, 8, 2, 5};
  list.checkpoints[3].segments = {8, 2};
  list.checkpoints[4].segments = {};
  list.checkpoints[5].segments = {1, UINT64_MAX};
  list.checkpoints[1].tables = tables({1, 2, 3, 5, UINT32_MAX});
  list.checkpoints[2].tables = tables({2, 4, 5});
  list.checkpoints[3].tables = tables({});
  list.checkpoints[4].tables = tables({9});
  EXPECT_EQ(DecodeManifestSnapshot(EncodeManifestSnapshot(list).value(), "").value(), list);
}

// Ten thousand checkpoints of hundreds of segments each, as runs of ids, stay small.
TEST(ManifestCodecTest, LongListsAreSmall) {
  ManifestWriter writer;
  writer.Do(writer.Open());
  for (uint64_t epoch = 1; epoch <= 300; ++epoch) writer.Do(writer.Commit(epoch, epoch));
  const std::string file = EncodeManifestSnapshot(writer.list).value();
  EXPECT_LT(file.size(), 300 * 100u);
  EXPECT_EQ(DecodeManifestSnapshot(file, "").value(), writer.list);
  EXPECT_LT(EncodeManifestVersion(writer.Commit(301, 301)).value().size(), 1000u);
}

TEST(ManifestCodecTest, RepositoryInfoRoundTrips) {
  const RepositoryInfo info{.id = WriterOf(7), .max_parallelism = 32'768, .created_ms = -1};
  EXPECT_EQ(DecodeRepositoryInfo(EncodeRepositoryInfo(info).value(), "").value(), info);
  for (const uint32_t max : {0u, 32'769u}) {
    const auto bad = DecodeRepositoryInfo(
        EncodeRepositoryInfo({.id = WriterOf(7), .max_parallelism = max, .created_ms = 0}).value(),
        "");
    EXPECT_EQ(NameOf(bad), "repository-info");
  }
}

// ---- Damage ----

template <class Decode>
void ExpectEveryDamageIsRefused(std::string file, const Decode& decode) {
  ASSERT_TRUE(decode(file).has_value());
  for (size_t bit = 0; bit < 8 * file.size(); ++bit) {
    file[bit / 8] = static_cast<char>(file[bit / 8] ^ 1 << bit % 8);
    const auto decoded = decode(file);
    ASSERT_FALSE(decoded.has_value()) << "bit " << bit;
    ASSERT_EQ(decoded.error().code(), StatusCode::kCorruption) << "bit " << bit;
    ASSERT_TRUE(decoded.error().message().starts_with("dir/file")) << decoded.error().message();
    file[bit / 8] = static_cast<char>(file[bit / 8] ^ 1 << bit % 8);
  }
  for (size_t bytes = 0; bytes < file.size(); ++bytes) {
    const auto decoded = decode(file.substr(0, bytes));
    ASSERT_FALSE(decoded.has_value()) << bytes;
    ASSERT_EQ(decoded.error().code(), StatusCode::kCorruption) << bytes;
  }
}

TEST(ManifestDamageTest, VersionsAreRefused) {
  ExpectEveryDamageIsRefused(
      EncodeManifestVersion(FullVersion()).value(),
      [](std::string_view file) { return DecodeManifestVersion(file, "dir/file"); });
}

TEST(ManifestDamageTest, SnapshotsAreRefused) {
  ExpectEveryDamageIsRefused(EncodeManifestSnapshot(FullList()).value(), [](std::string_view file) {
    return DecodeManifestSnapshot(file, "dir/file");
  });
}

TEST(ManifestDamageTest, RepositoryInfosAreRefused) {
  ExpectEveryDamageIsRefused(
      EncodeRepositoryInfo({.id = WriterOf(7), .max_parallelism = 128, .created_ms = 1}).value(),
      [](std::string_view file) { return DecodeRepositoryInfo(file, "dir/file"); });
}

// The FlatBuffer inside a file, and a file around another one.
std::string RawOf(std::string_view file, FileType type, FrameKind kind) {
  return DecodeFile(type, kind, file, "").value();
}

// Bytes of the FlatBuffer are changed and checksums made right: whatever that yields, neither
// decoding nor what follows it may crash.
TEST(ManifestDamageTest, SurvivesDamageThatTheChecksumHides) {
  const std::string version = RawOf(EncodeManifestVersion(FullVersion()).value(),
                                    FileType::kManifestVersion, FrameKind::kManifestVersion);
  const std::string snapshot = RawOf(EncodeManifestSnapshot(FullList()).value(),
                                     FileType::kManifestSnapshot, FrameKind::kManifestSnapshot);
  ManifestWriter writer;
  writer.Do(writer.Open());
  writer.Do(writer.Commit(1, 1));
  std::mt19937_64 random(1);
  const auto changes = {0x01, 0x80, 0xff, static_cast<int>(random() % 255 + 1)};
  for (size_t at = 0; at < std::max(version.size(), snapshot.size()); ++at) {
    for (const int change : changes) {
      if (at < version.size()) {
        std::string raw = version;
        raw[at] = static_cast<char>(raw[at] ^ change);
        const auto decoded =
            DecodeManifestVersion(*EncodeFile(FileType::kManifestVersion,
                                              FrameKind::kManifestVersion, raw, Compression::kNone),
                                  "");
        Manifest list = writer.list;
        if (decoded.has_value() && ApplyEdit(*decoded, &list, nullptr).ok()) {
          ASSERT_TRUE(CheckManifest(list).ok());
        }
      }
      if (at < snapshot.size()) {
        std::string raw = snapshot;
        raw[at] = static_cast<char>(raw[at] ^ change);
        auto decoded = DecodeManifestSnapshot(
            *EncodeFile(FileType::kManifestSnapshot, FrameKind::kManifestSnapshot, raw,
                        Compression::kNone),
            "");
        if (!decoded.has_value()) continue;
        (void)CheckManifest(*decoded);
        // Also unchecked lists must not crash an edit.
        ManifestWriter on_damaged;
        on_damaged.list = *std::move(decoded);
        (void)on_damaged.Apply(on_damaged.Rebase(4));
        if (!on_damaged.list.checkpoints.empty())
          (void)on_damaged.Apply(on_damaged.Remove({on_damaged.list.checkpoints.back().id}));
      }
    }
  }
}

// ---- Intact files that say impossible things ----

std::string VersionErrorAfter(const std::function<void(ManifestVersion&)>& change) {
  ManifestVersion version = FullVersion();
  change(version);
  return NameOf(DecodeManifestVersion(EncodeManifestVersion(version).value(), ""));
}

TEST(ManifestStructureTest, SnapshotNamesCannotLeadElsewhere) {
  for (const std::string& name :
       {std::string("../../etc/passwd"), std::string("snapshots/../../x"), std::string("FORMAT"),
        SnapshotName(1, 2), ManifestName(2), std::string()})
    EXPECT_EQ(VersionErrorAfter([&](auto& v) { v.snapshot_name = name; }), "manifest-structure")
        << name;
  EXPECT_EQ(VersionErrorAfter([](auto& v) {
              v.snapshot_version = v.version;
              v.snapshot_name = SnapshotName(v.version, 1);
            }),
            "manifest-structure");
}

TEST(ManifestStructureTest, InlinedBytesMustBeTheNamedOnes) {
  EXPECT_EQ(VersionErrorAfter([](auto& v) { v.inlined[1].frame = "x"; }), "manifest-structure");
  EXPECT_EQ(VersionErrorAfter([](auto& v) { v.inlined.clear(); }), "manifest-structure");
  EXPECT_EQ(VersionErrorAfter([](auto& v) { v.edit.files_added.clear(); }), "manifest-structure");
}

TEST(ManifestStructureTest, LineagesAreBounded) {
  EXPECT_EQ(VersionErrorAfter([](auto& v) { v.edit.lineage->resize(kLineageMax + 1); }),
            "manifest-structure");
}

TEST(ManifestStructureTest, NoFlatBufferAtAll) {
  const auto file = EncodeFile(FileType::kManifestVersion, FrameKind::kManifestVersion,
                               "not a FlatBuffer, but long enough", Compression::kNone);
  EXPECT_EQ(NameOf(DecodeManifestVersion(*file, "")), "manifest-structure");
  const auto empty =
      EncodeFile(FileType::kRepository, FrameKind::kRepository, "", Compression::kNone);
  EXPECT_EQ(NameOf(DecodeRepositoryInfo(*empty, "")), "repository-info");
}

// Files as only a forger builds them.
using Builder = flatbuffers::FlatBufferBuilder;
template <class T>
using Offsets = std::vector<flatbuffers::Offset<T>>;

std::string_view Finished(Builder* b) {
  return {reinterpret_cast<const char*>(b->GetBufferPointer()), b->GetSize()};
}

flatbuffers::Offset<fb::Checkpoint> CheckpointOf(Builder* b, const std::vector<fb::IdRun>& segments,
                                                 const std::vector<fb::IdRun>& tables,
                                                 uint32_t dropped = 0) {
  const auto segment_runs = b->CreateVectorOfStructs(segments);
  const auto table_runs = b->CreateVectorOfStructs(tables);
  const fb::EpochIdentity at;
  fb::CheckpointBuilder checkpoint(*b);
  checkpoint.add_at(&at);
  checkpoint.add_segments_dropped(dropped);
  checkpoint.add_segments_added(segment_runs);
  checkpoint.add_tables_added(table_runs);
  return checkpoint.Finish();
}

// A version that adds this checkpoint.
std::string ForgedCheckpointError(const std::vector<fb::IdRun>& segments,
                                  const std::vector<fb::IdRun>& tables, uint32_t dropped = 0) {
  Builder b;
  const fb::Bytes16 id;
  const auto checkpoint = CheckpointOf(&b, segments, tables, dropped);
  const auto edit = fb::CreateManifestEdit(b, false, false, 0, 0, 0, 0, checkpoint);
  const auto name = b.CreateString("");
  b.Finish(fb::CreateManifestVersion(b, &id, 1, 1, &id, 0, name, 0, edit));
  const auto file = EncodeFile(FileType::kManifestVersion, FrameKind::kManifestVersion,
                               Finished(&b), Compression::kNone);
  return NameOf(DecodeManifestVersion(*file, ""));
}

TEST(ManifestStructureTest, RunsOfIdsAreBounded) {
  EXPECT_EQ(ForgedCheckpointError({{1, 2}, {9, kSegmentsMax - 2}}, {{1, kTablesMax}}), "");
  EXPECT_EQ(ForgedCheckpointError({{1, 0}}, {}), "manifest-structure");
  EXPECT_EQ(ForgedCheckpointError({{UINT64_MAX, 2}}, {}), "manifest-structure");
  EXPECT_EQ(ForgedCheckpointError({{1, UINT64_MAX}}, {}), "manifest-structure");
  EXPECT_EQ(ForgedCheckpointError({{1, 2}, {9, kSegmentsMax - 1}}, {}), "manifest-structure");
  EXPECT_EQ(ForgedCheckpointError({}, {{1, kTablesMax + 1}}), "manifest-structure");
  EXPECT_EQ(ForgedCheckpointError({}, {{UINT32_MAX, 2}}), "manifest-structure");
  EXPECT_EQ(ForgedCheckpointError({}, {{uint64_t{1} << 32, 1}}), "manifest-structure");
  EXPECT_EQ(ForgedCheckpointError({}, {{5, 1}, {1, 1}}), "manifest-structure");
  EXPECT_EQ(ForgedCheckpointError({}, {}, 1), "manifest-structure");
}

std::string ForgedSnapshotError(Builder* b, const Offsets<fb::TableMeta>& tables,
                                const Offsets<fb::FileMeta>& files,
                                const Offsets<fb::Checkpoint>& checkpoints) {
  const fb::Bytes16 id;
  const auto table_vector = b->CreateVector(tables);
  const auto file_vector = b->CreateVector(files);
  const auto checkpoint_vector = b->CreateVector(checkpoints);
  fb::ManifestSnapshotBuilder snapshot(*b);
  snapshot.add_repository_id(&id);
  snapshot.add_writer(&id);
  snapshot.add_tables(table_vector);
  snapshot.add_files(file_vector);
  snapshot.add_checkpoints(checkpoint_vector);
  b->Finish(snapshot.Finish());
  const auto file = EncodeFile(FileType::kManifestSnapshot, FrameKind::kManifestSnapshot,
                               Finished(b), Compression::kZstd);
  return NameOf(DecodeManifestSnapshot(*file, ""));
}

flatbuffers::Offset<fb::FileMeta> FileOf(Builder* b, uint64_t id) {
  const fb::Bytes16 checksum;
  return fb::CreateFileMeta(*b, id, 1, b->CreateString("f"), 0, &checksum);
}

flatbuffers::Offset<fb::TableMeta> TableOf(Builder* b, uint32_t id) {
  const auto text = b->CreateString("t");
  return fb::CreateTableMeta(*b, id, 1, text, text, text);
}

TEST(ManifestStructureTest, SnapshotsNameNoMoreThanTheyHold) {
  const auto error = [](uint64_t segments, uint64_t tables) {
    Builder b;
    const Offsets<fb::TableMeta> two_tables = {TableOf(&b, 1), TableOf(&b, 2)};
    const Offsets<fb::FileMeta> two_files = {FileOf(&b, 1), FileOf(&b, 2)};
    return ForgedSnapshotError(&b, two_tables, two_files,
                               {CheckpointOf(&b, {{1, segments}}, {{1, tables}})});
  };
  EXPECT_EQ(error(2, 2), "");
  EXPECT_EQ(error(3, 2), "manifest-structure");
  EXPECT_EQ(error(2, 3), "manifest-structure");
}

// Many checkpoints that each inherit a long list: little in the file, all memory when unfolded.
TEST(ManifestStructureTest, InheritedListsAreBounded) {
  constexpr uint64_t kFiles = 20'000;
  Builder b;
  Offsets<fb::FileMeta> files;
  for (uint64_t id = 1; id <= kFiles; ++id) files.push_back(FileOf(&b, id));
  Offsets<fb::Checkpoint> checkpoints = {CheckpointOf(&b, {{1, kFiles}}, {})};
  checkpoints.resize(kSegmentReferencesMax / kFiles + 2, CheckpointOf(&b, {}, {}));
  EXPECT_EQ(ForgedSnapshotError(&b, {}, files, checkpoints), "manifest-structure");
}

// Once: checkpoints that each had other tables than the one before them took three times as much
// of the reader's bound as of the writer's, who had none for tables: a snapshot was written, and
// the ones before it deleted, that nobody could read.
TEST(ManifestStructureTest, WhatMayBeWrittenCanBeRead) {
  constexpr uint32_t kTables = 20'000;
  Manifest list = EmptyList();
  std::vector<uint32_t> all;
  for (uint32_t id = 1; id <= 2 * kTables; ++id) {
    list.tables[id].id = id;
    list.tables[id].name = "t" + std::to_string(id);
    all.push_back(id);
  }
  list.next_table_id = 2 * kTables + 1;
  list.version = list.attempt = 1;
  list.writer = WriterOf(1);
  const std::vector<uint32_t> halves[] = {{all.begin(), all.begin() + kTables},
                                          {all.begin() + kTables, all.end()}};
  for (uint64_t id = 1; id <= kTableReferencesMax / kTables; ++id) {
    Checkpoint checkpoint;
    checkpoint.id = id;
    checkpoint.at = {.attempt = 1, .writer = list.writer, .epoch = id};
    checkpoint.tables = std::make_shared<const std::vector<uint32_t>>(halves[id % 2]);
    list.checkpoints.push_back(std::move(checkpoint));
  }
  EXPECT_LE(ReferencesOf(list).table_ids, kTableReferencesMax);
  const auto bytes = EncodeManifestSnapshot(list);
  ASSERT_TRUE(bytes.has_value()) << bytes.error().ToString();
  const auto decoded = DecodeManifestSnapshot(*bytes, "here");
  ASSERT_TRUE(decoded.has_value()) << decoded.error().ToString();
  EXPECT_EQ(decoded->checkpoints, list.checkpoints);
}

// One table that a vector names again and again.
TEST(ManifestStructureTest, SharedTablesAreBounded) {
  Builder b;
  const auto text = b.CreateString(std::string(100'000, 'x'));
  const Offsets<fb::TableMeta> tables(100'000, fb::CreateTableMeta(b, 1, 1, text, text, text));
  EXPECT_EQ(ForgedSnapshotError(&b, tables, {}, {}), "manifest-structure");
}

TEST(ManifestStructureTest, TwoThingsWithOneIdAreRefused) {
  Builder b;
  const Offsets<fb::TableMeta> tables = {TableOf(&b, 1), TableOf(&b, 1)};
  EXPECT_EQ(ForgedSnapshotError(&b, tables, {}, {}), "manifest-structure");
}

TEST(InlinedTest, ChecksumCoversLengths) {
  const std::vector<SegmentEntry> a = {{"ab", "c"}};
  const std::vector<SegmentEntry> b = {{"a", "bc"}};
  EXPECT_NE(InlinedChecksum(a), InlinedChecksum(b));
  EXPECT_EQ(InlinedChecksum(a), Checksum128Of(std::string_view("\2\0\0\0ab\1\0\0\0c", 11)));
  EXPECT_EQ(InlinedBytes(a), 11u);
  EXPECT_EQ(InlinedBytes({}), 0u);
}

}  // namespace
}  // namespace tidemark::format
