#include "tests/format/manifest_fixture.h"

#include <functional>

namespace tidemark::format {
namespace {

// A writer with checkpoints 11 to 15 of epochs 1 to 5.
class ManifestApplyTest : public testing::Test {
 protected:
  void SetUp() override {
    writer.Do(writer.Open());
    for (uint64_t epoch = 1; epoch <= 5; ++epoch) {
      ManifestVersion version = writer.Commit(10 + epoch, epoch);
      if (epoch == 1) writer.AddTable(&version, "counts");
      writer.Do(version);
    }
  }

  // The problem that an edit is refused with; the list must not change.
  std::string Refused(const ManifestVersion& version) {
    const Manifest before = writer.list;
    std::vector<FileMeta> removed;
    const Status status = writer.Apply(version, &removed);
    if (status.ok()) return "";
    EXPECT_EQ(status.code(), StatusCode::kCorruption);
    EXPECT_EQ(status.name(), "manifest-edit");
    EXPECT_EQ(writer.list, before);
    EXPECT_EQ(writer.list.references.files, before.references.files);
    EXPECT_TRUE(removed.empty());
    return std::string(status.message());
  }

  ManifestVersion Changed(ManifestVersion version,
                          const std::function<void(ManifestEdit&)>& change) {
    change(version.edit);
    return version;
  }

  std::vector<std::string> RemovedBy(const ManifestVersion& version) {
    std::vector<FileMeta> removed;
    EXPECT_TRUE(writer.Apply(version, &removed).ok());
    EXPECT_TRUE(CheckManifest(writer.list).ok());
    std::vector<std::string> names;
    for (const FileMeta& file : removed) names.push_back(file.name);
    std::sort(names.begin(), names.end());
    return names;
  }

  ManifestWriter writer;
};

#define EXPECT_REFUSED(version, part)                                            \
  do {                                                                           \
    const std::string refused = Refused(version);                                \
    EXPECT_NE(refused.find(part), std::string::npos) << "\"" << refused << "\""; \
  } while (false)

TEST_F(ManifestApplyTest, CommitsExtendTheList) {
  const Manifest& list = writer.list;
  EXPECT_EQ(list.version, 6u);
  EXPECT_EQ(list.attempt, 1u);
  EXPECT_TRUE(list.writer_open);
  EXPECT_EQ(list.checkpoints.size(), 5u);
  EXPECT_EQ(list.checkpoints.back().segments, (std::vector<uint64_t>{1, 2, 3, 4, 5}));
  EXPECT_EQ(list.lineage, (std::vector<LineageEntry>{{1, WriterOf(1), 5}}));
  EXPECT_EQ(list.next_file_id, 6u);
  EXPECT_EQ(list.next_table_id, 2u);
  EXPECT_EQ(list.FindCheckpoint(13)->at.epoch, 3u);
  EXPECT_EQ(list.FindCheckpoint(16), nullptr);
  // Checkpoints with the same tables share one list of them.
  EXPECT_EQ(list.checkpoints.front().tables, list.checkpoints.back().tables);
}

TEST_F(ManifestApplyTest, FilesLeaveWithTheirLastCheckpoint) {
  std::vector<std::string> segments;
  for (const auto& [id, file] : writer.list.files) segments.push_back(file.name);
  // All of them are part of checkpoint 15 too.
  EXPECT_EQ(RemovedBy(writer.Remove({11, 13, 14})), std::vector<std::string>());
  // Then it moves; checkpoint 12 still has the first two.
  EXPECT_EQ(RemovedBy(writer.Rebase(5)), (std::vector(segments.begin() + 2, segments.end())));
  EXPECT_EQ(RemovedBy(writer.Remove({12})), (std::vector(segments.begin(), segments.begin() + 2)));
  EXPECT_EQ(writer.list.checkpoints.size(), 1u);
}

TEST_F(ManifestApplyTest, RebaseMovesCheckpointsAtOrAfterTheBase) {
  const std::string third = writer.list.files.at(3).name;
  EXPECT_EQ(RemovedBy(writer.Rebase(3)), std::vector<std::string>{third});
  EXPECT_EQ(writer.list.FindCheckpoint(12)->base, 0u);
  EXPECT_EQ(writer.list.FindCheckpoint(12)->segments.size(), 2u);
  EXPECT_EQ(writer.list.FindCheckpoint(13)->base, 1u);
  EXPECT_TRUE(writer.list.FindCheckpoint(13)->segments.empty());
  EXPECT_EQ(writer.list.FindCheckpoint(15)->segments, (std::vector<uint64_t>{4, 5}));

  // A commit and a rebase in one version: the new checkpoint moves too.
  ManifestVersion version = writer.Commit(16, 6);
  const ManifestVersion rebase = writer.Rebase(5);
  version.edit.bases_added = rebase.edit.bases_added;
  version.edit.rebase_to = rebase.edit.rebase_to;
  for (FileMeta file : rebase.edit.files_added) {
    ++file.id;
    version.edit.files_added.push_back(file);
  }
  for (BaseFile& file : version.edit.bases_added[0].files) ++file.file;
  writer.Do(version);
  EXPECT_EQ(writer.list.FindCheckpoint(16)->base, 2u);
  EXPECT_EQ(writer.list.FindCheckpoint(16)->segments.size(), 1u);
  EXPECT_EQ(writer.list.FindCheckpoint(14)->base, 1u);
}

TEST_F(ManifestApplyTest, BasesLeaveWithTheirLastCheckpoint) {
  writer.Do(writer.Rebase(2));
  writer.Do(writer.Rebase(4));
  EXPECT_EQ(writer.list.bases.size(), 2u);
  const std::vector<std::string> removed = RemovedBy(writer.Remove({12, 13}));
  EXPECT_EQ(writer.list.bases.size(), 1u);
  // The base's three files, and segment 3, which only checkpoint 13 still had.
  EXPECT_EQ(removed.size(), 4u);
}

TEST_F(ManifestApplyTest, ThingsThatNothingNamesLeaveAtOnce) {
  ManifestVersion version = writer.Next();
  version.edit.files_added = {writer.Segment(6, 6)};
  version.edit.tables_added = {
      {.id = 2, .name = "t", .key_codec = "", .value_codec = "", .schema = ""}};
  EXPECT_EQ(RemovedBy(version), std::vector<std::string>{version.edit.files_added[0].name});
  EXPECT_EQ(writer.list.files.size(), 5u);
  EXPECT_EQ(writer.list.tables.size(), 1u);
  // Their ids are gone.
  EXPECT_EQ(writer.list.next_file_id, 7u);
  EXPECT_EQ(writer.list.next_table_id, 3u);
}

TEST_F(ManifestApplyTest, DroppedTablesLeaveWithTheirLastCheckpoint) {
  ManifestVersion version = writer.Commit(16, 6);
  version.edit.checkpoint_added->tables = std::make_shared<const std::vector<uint32_t>>();
  writer.AddTable(&version, "counts");  // the name is free in this checkpoint
  writer.Do(version);
  EXPECT_EQ(writer.list.tables.size(), 2u);
  writer.Do(writer.Remove({11, 12, 13, 14, 15}));
  ASSERT_EQ(writer.list.tables.size(), 1u);
  EXPECT_EQ(writer.list.tables.begin()->first, 2u);
}

TEST_F(ManifestApplyTest, BranchDropsTheAbandonedCheckpoints) {
  writer.Do(writer.Open());
  const ManifestVersion branch = writer.CommitAfter(writer.list.FindCheckpoint(13), 14, 4);
  EXPECT_EQ(RemovedBy(branch).size(), 2u);
  const Manifest& list = writer.list;
  EXPECT_EQ(list.checkpoints.size(), 4u);
  EXPECT_EQ(list.checkpoints.back().at.attempt, 2u);
  EXPECT_EQ(list.lineage, (std::vector<LineageEntry>{{1, WriterOf(1), 3}, {2, WriterOf(2), 4}}));
  // A base of the abandoned branch no longer fits.
  ManifestVersion rebase = writer.Rebase(4);
  rebase.edit.bases_added[0].at = {1, WriterOf(1), 4};
  EXPECT_REFUSED(rebase, "lineage");
}

TEST_F(ManifestApplyTest, BranchMayReplaceEvenWhatItStandsOn) {
  writer.Do(writer.Open());
  ManifestVersion branch = writer.CommitAfter(writer.list.FindCheckpoint(13), 20, 4);
  branch.edit.checkpoints_removed = {11, 12, 13, 14, 15};
  writer.Do(branch);
  EXPECT_EQ(writer.list.checkpoints.size(), 1u);
  EXPECT_EQ(writer.list.files.size(), 4u);
}

TEST_F(ManifestApplyTest, RemovingTheNewestShortensTheLineage) {
  writer.Do(writer.Open());
  writer.Do(writer.Commit(16, 6));
  EXPECT_EQ(writer.list.lineage.size(), 2u);
  writer.Do(writer.Remove({15, 16}));
  EXPECT_EQ(writer.list.lineage, (std::vector<LineageEntry>{{1, WriterOf(1), 4}}));
  writer.Do(writer.Remove({11, 12, 13, 14}));
  EXPECT_TRUE(writer.list.lineage.empty());
  EXPECT_TRUE(writer.list.files.empty());
}

TEST_F(ManifestApplyTest, LineageForgetsTheOldest) {
  for (uint64_t epoch = 6; epoch <= 5 + kLineageMax + 3; ++epoch) {
    writer.Do(writer.Open());
    writer.Do(writer.Commit(10 + epoch, epoch));
  }
  EXPECT_EQ(writer.list.lineage.size(), kLineageMax);
  EXPECT_GT(writer.list.lineage.front().attempt, 1u);
}

TEST_F(ManifestApplyTest, InlinedSegmentsAreFilesOfTheVersion) {
  ManifestVersion version = writer.Commit(16, 6);
  ManifestWriter::Inline(&version);
  writer.Do(version);
  EXPECT_EQ(writer.list.files.at(6).kind, FileKind::kInlined);

  ManifestVersion next = writer.Commit(17, 7);
  ManifestWriter::Inline(&next);
  next.edit.files_added[0].name = version.edit.files_added[0].name;
  EXPECT_REFUSED(next, "has the name of another");
  next.edit.files_added[0].name = ManifestName(2);
  EXPECT_REFUSED(next, "inlined in another version");
  next.edit.files_added[0].name = ManifestName(next.version + 1);
  EXPECT_REFUSED(next, "inlined in no version");
  next.edit.files_added[0].name = ManifestName(next.version);
  next.edit.files_added[0].size += 1;
  EXPECT_REFUSED(next, "inlined segment");
  next.inlined.clear();
  EXPECT_REFUSED(next, "inlined segment");
  next = writer.Commit(17, 7);
  next.inlined = version.inlined;
  EXPECT_REFUSED(next, "that no file names");
}

TEST_F(ManifestApplyTest, ClosedWritersPublishNothing) {
  ManifestVersion version = writer.Next();
  version.edit.closes_writer = true;
  writer.Do(version);
  EXPECT_FALSE(writer.list.writer_open);
  EXPECT_REFUSED(writer.Commit(16, 6), "closed");
  writer.Do(writer.Open());
  writer.Do(writer.Commit(16, 6));
}

TEST_F(ManifestApplyTest, RefusesVersionsOutOfTurn) {
  for (const uint64_t number : {uint64_t{0}, writer.list.version, writer.list.version + 2}) {
    ManifestVersion version = writer.Next();
    version.version = number;
    EXPECT_REFUSED(version, "version");
  }
  ManifestVersion foreign = writer.Next();
  foreign.repository_id = WriterOf(1);
  EXPECT_REFUSED(foreign, "repository");
}

TEST_F(ManifestApplyTest, RefusesOtherWriters) {
  ManifestVersion version = writer.Next();
  version.attempt = 2;
  EXPECT_REFUSED(version, "attempt 2");
  version.attempt = 1;
  version.writer = WriterOf(2);
  EXPECT_REFUSED(version, "writer");
  ManifestVersion open = writer.Open();
  open.attempt = 1;
  EXPECT_REFUSED(open, "already");
}

TEST_F(ManifestApplyTest, RefusesImpossibleRemovals) {
  EXPECT_REFUSED(writer.Remove({16}), "not in the list");
  EXPECT_REFUSED(writer.Remove({12, 12}), "twice");
}

TEST_F(ManifestApplyTest, RefusesReusedIds) {
  EXPECT_REFUSED(Changed(writer.Commit(16, 6), [](auto& e) { e.files_added[0].id = 5; }),
                 "next id");
  EXPECT_REFUSED(Changed(writer.Rebase(5), [](auto& e) { e.bases_added[0].id = 0; }), "next id");
  EXPECT_REFUSED(
      Changed(writer.Rebase(5), [](auto& e) { std::swap(e.files_added[0], e.files_added[1]); }),
      "next id");
  ManifestVersion version = writer.Commit(16, 6);
  writer.AddTable(&version, "more");
  version.edit.tables_added[0].id = 1;
  EXPECT_REFUSED(version, "next id");
}

TEST_F(ManifestApplyTest, RefusesBadFiles) {
  const auto with_file = [&](const std::function<void(FileMeta&)>& change) {
    return Changed(writer.Commit(16, 6), [&](ManifestEdit& edit) { change(edit.files_added[0]); });
  };
  for (const char* name : {"", "log/../../../etc/passwd", "/log/x", "base/1-2.sst", "FORMAT", "log",
                           "manifest/00000000000000000001"})
    EXPECT_NE(Refused(with_file([&](auto& f) { f.name = name; })), "") << name;
  EXPECT_REFUSED(with_file([](auto& f) { f.kind = static_cast<FileKind>(9); }), "kind 9");
  EXPECT_REFUSED(with_file([](auto& f) { f.kind = FileKind::kBaseSst; }), "outside of base/");
  EXPECT_REFUSED(with_file([](auto& f) { f.attempt = 0; }), "attempt 0");
  EXPECT_REFUSED(with_file([](auto& f) { f.attempt = 2; }), "attempt 2");
  EXPECT_REFUSED(with_file([](auto& f) { f.first_epoch = 0; }), "no range");
  EXPECT_REFUSED(with_file([](auto& f) { f.first_epoch = 7; }), "no range");
  EXPECT_REFUSED(with_file([](auto& f) { f.last_epoch = UINT64_MAX; }), "no range");
  EXPECT_REFUSED(with_file([](auto& f) { f.last_group = 128; }), "key groups");
  EXPECT_REFUSED(with_file([](auto& f) { f.first_group = 1; }), "key groups");
  EXPECT_REFUSED(with_file([](auto& f) { f.sst_unique_id = "short"; }), "SST id");
  EXPECT_REFUSED(with_file([&](auto& f) { f.name = writer.list.files.at(1).name; }),
                 "name of another");
}

TEST_F(ManifestApplyTest, RefusesBadTables) {
  const auto with_table = [&](const std::function<void(TableMeta&)>& change) {
    ManifestVersion version = writer.Commit(16, 6);
    writer.AddTable(&version, "more");
    change(version.edit.tables_added[0]);
    return version;
  };
  EXPECT_REFUSED(with_table([](auto& t) { t.name = ""; }), "name of 0 bytes");
  EXPECT_REFUSED(with_table([](auto& t) { t.name = std::string(256, 'n'); }), "256");
  EXPECT_REFUSED(with_table([](auto& t) { t.kind = static_cast<TableKind>(0); }), "kind 0");
  EXPECT_REFUSED(with_table([](auto& t) { t.kind = static_cast<TableKind>(8); }), "kind 8");
  EXPECT_REFUSED(with_table([](auto& t) { t.schema.resize(kSchemaBytesMax + 1); }), "schema");
  EXPECT_REFUSED(with_table([](auto& t) { t.name = "counts"; }), "two tables");
}

TEST_F(ManifestApplyTest, RefusesBadBases) {
  const auto with_base = [&](const std::function<void(Base&)>& change) {
    return Changed(writer.Rebase(5), [&](ManifestEdit& edit) { change(edit.bases_added[0]); });
  };
  EXPECT_REFUSED(with_base([](auto& b) { b.files[0].file = 99; }), "not in the list");
  EXPECT_REFUSED(with_base([](auto& b) { b.files[0].file = 1; }), "not a base file");
  for (const char* name : {"", "../../x.sst", "100.sst", "CURRENT", "MANIFEST-", "MANIFEST-x"})
    EXPECT_REFUSED(with_base([&](auto& b) { b.files[0].live_name = name; }), "RocksDB");
  EXPECT_REFUSED(with_base([](auto& b) { b.files[2].live_name = "MANIFEST-000005"; }), "RocksDB");
  EXPECT_REFUSED(with_base([](auto& b) { b.files[1].live_name = "MANIFEST-000005"; }), "twice");
  for (const char* current :
       {"", "MANIFEST-000005", "MANIFEST-000006\n", "../../MANIFEST-000005\n"})
    EXPECT_REFUSED(with_base([&](auto& b) { b.current = current; }), "CURRENT");
  EXPECT_REFUSED(with_base([](auto& b) { b.at.epoch = 0; }), "epoch");
  EXPECT_REFUSED(with_base([](auto& b) { b.at.epoch = 6; }), "after the newest");
  EXPECT_REFUSED(with_base([](auto& b) { b.at.attempt = 2; }), "attempt 2");
  EXPECT_REFUSED(with_base([](auto& b) { b.at.writer = WriterOf(9); }), "lineage");
}

TEST_F(ManifestApplyTest, RefusesBadCheckpoints) {
  const auto with = [&](const std::function<void(Checkpoint&)>& change) {
    return Changed(writer.Commit(16, 6),
                   [&](ManifestEdit& edit) { change(*edit.checkpoint_added); });
  };
  EXPECT_REFUSED(with([](auto& c) { c.id = 15; }), "follows checkpoint 15");
  EXPECT_REFUSED(with([](auto& c) { c.at.epoch = 5; }), "epoch 5");
  EXPECT_REFUSED(with([](auto& c) { c.at.epoch = 7; }), "ends at 6");
  EXPECT_REFUSED(with([](auto& c) { c.at.attempt = 2; }), "attempt and writer");
  EXPECT_REFUSED(with([](auto& c) { c.at.writer = WriterOf(2); }), "attempt and writer");
  EXPECT_REFUSED(with([](auto& c) { c.time_ms = 0; }), "older");
  EXPECT_REFUSED(with([](auto& c) { c.base = 1; }), "base 1");
  EXPECT_REFUSED(with([](auto& c) { c.tables = nullptr; }), "list of tables");
  const auto tables = [](std::vector<uint32_t> ids) {
    return std::make_shared<const std::vector<uint32_t>>(std::move(ids));
  };
  EXPECT_REFUSED(with([&](auto& c) { c.tables = tables({2}); }), "table 2");
  EXPECT_REFUSED(with([&](auto& c) { c.tables = tables({1, 1}); }), "ascend");
  EXPECT_REFUSED(with([](auto& c) { c.segments.push_back(99); }), "segment 99");
  EXPECT_REFUSED(with([](auto& c) { c.segments.pop_back(); }), "ends at 5");
  EXPECT_REFUSED(with([](auto& c) { c.segments.erase(c.segments.begin()); }), "begins with");
  EXPECT_REFUSED(with([](auto& c) { c.segments.insert(c.segments.begin() + 2, 2); }),
                 "begins with");
  EXPECT_REFUSED(with([](auto& c) { std::swap(c.segments[1], c.segments[2]); }), "begins with");
  EXPECT_REFUSED(with([](auto& c) { c.metadata["big"].resize(kMetadataBytesMax); }), "metadata");
}

// What a checkpoint shares with the one before it counts as checked only over the same base.
TEST_F(ManifestApplyTest, RefusesSharedSegmentsOverAnotherBase) {
  writer.Do(writer.Rebase(3));
  EXPECT_REFUSED(
      Changed(writer.Commit(16, 6), [](ManifestEdit& edit) { edit.checkpoint_added->base = 0; }),
      "begins with epoch 4 where epoch 1 is due");
}

TEST_F(ManifestApplyTest, RefusesBadLineages) {
  const auto with = [&](std::vector<LineageEntry> lineage) {
    return Changed(writer.Commit(16, 6), [&](ManifestEdit& edit) { edit.lineage = lineage; });
  };
  EXPECT_EQ(Refused(with({{1, WriterOf(1), 6}})), "");
  writer.Do(writer.Remove({16}));
  EXPECT_REFUSED(with({}), "lineage");
  EXPECT_REFUSED(with({{1, WriterOf(1), 5}}), "lineage");
  EXPECT_REFUSED(with({{1, WriterOf(2), 6}}), "lineage");
  EXPECT_REFUSED(with({{1, WriterOf(1), 7}, {1, WriterOf(1), 6}}), "ascend");

  writer.Do(writer.Open());
  EXPECT_REFUSED(Changed(writer.Commit(16, 6), [](auto& e) { e.lineage.reset(); }), "lineage");
  // It must lead over the checkpoints that stay.
  EXPECT_REFUSED(with({{2, WriterOf(2), 6}}), "checkpoint 11");
}

TEST_F(ManifestApplyTest, RefusesImpossibleRebases) {
  EXPECT_REFUSED(Changed(writer.Next(), [](auto& e) { e.rebase_to = 1; }), "base 1");
  // A segment over epochs 6 to 8 straddles a base of epoch 7.
  writer.Do(writer.Commit(18, 8));
  EXPECT_REFUSED(writer.Rebase(7), "straddles");
  writer.Do(writer.Rebase(8));
  EXPECT_REFUSED(writer.Rebase(5), "newer base");
  // Where no checkpoint stands on the newer base, an older one is fine.
  writer.Do(writer.Remove({18}));
  writer.Do(writer.Rebase(4));
}

// Checkpoints that end within the merged epochs keep what they have.
TEST_F(ManifestApplyTest, MergesSegmentsOfTheCheckpointsThatHaveThemAll) {
  writer.Do(writer.Commit(17, 7));
  const std::vector<uint64_t> chain = writer.list.checkpoints.back().segments;
  const std::vector<uint64_t> before = writer.list.FindCheckpoint(15)->segments;
  const uint64_t first_epoch = writer.list.files.at(chain[chain.size() - 3]).first_epoch;
  ManifestVersion version = writer.Next();
  version.edit.files_added = {writer.Segment(first_epoch, 7)};
  const uint64_t merged = version.edit.files_added[0].id;
  version.edit.merge = {{chain.end() - 3, chain.end()}, merged};
  std::vector<uint64_t> expected(chain.begin(), chain.end() - 3);
  expected.push_back(merged);

  EXPECT_EQ(RemovedBy(version).size(), 1u);  // the last of the three; 15 has the others
  EXPECT_EQ(writer.list.checkpoints.back().segments, expected);
  EXPECT_EQ(writer.list.FindCheckpoint(15)->segments, before);
  writer.Do(writer.Commit(18, 8));
  EXPECT_EQ(writer.list.checkpoints.back().segments.size(), expected.size() + 1);
}

TEST_F(ManifestApplyTest, RefusesImpossibleMerges) {
  const std::vector<uint64_t> chain = writer.list.checkpoints.back().segments;
  const FileMeta first = writer.list.files.at(chain[chain.size() - 2]);
  const FileMeta last = writer.list.files.at(chain.back());
  const auto with = [&](auto change) {
    ManifestVersion version = writer.Next();
    version.edit.files_added = {writer.Segment(first.first_epoch, last.last_epoch)};
    version.edit.merge = {{first.id, last.id}, version.edit.files_added[0].id};
    change(version.edit);
    return version;
  };
  EXPECT_REFUSED(with([](auto& e) { e.merge->into = 999; }), "segment 999");
  EXPECT_REFUSED(with([](auto& e) { e.merge->segments = {}; }), "no segments");
  EXPECT_REFUSED(with([&](auto& e) { e.merge->segments = {first.id}; }), "up to epoch");
  EXPECT_REFUSED(with([&](auto& e) { e.merge->segments = {last.id}; }), "is due");
  EXPECT_REFUSED(with([&](auto& e) { e.merge->segments = {last.id, first.id}; }), "is due");
  EXPECT_REFUSED(with([&](auto& e) { e.merge->segments = {first.id, 998}; }), "segment 998");
  EXPECT_REFUSED(with([](auto& e) { e.merge->segments = {e.merge->into}; }), "is due");
  EXPECT_REFUSED(Changed(writer.Rebase(last.last_epoch),
                         [&](auto& e) {
                           e.merge = {{first.id}, first.id};
                         }),
                 "another base");
  EXPECT_EQ(Refused(with([](auto&) {})), "");
}

// Once: commits were acknowledged whose list no snapshot could hold any more, so that nobody could
// open the repository for writing again. What makes a list shorter is never refused.
TEST_F(ManifestApplyTest, RefusesMoreThanASnapshotHolds) {
  writer.list.references.bytes = kListBytesMax - 10;
  ManifestVersion next = writer.Commit(16, 6);
  const Status refused = CheckListSize(next.edit, writer.list);
  EXPECT_EQ(refused.code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(refused.name(), "list-too-large");
  EXPECT_NE(refused.message().find("over the limit of 536870912: retain fewer checkpoints"),
            std::string_view::npos)
      << refused.ToString();
  EXPECT_EQ(Refused(next), "") << "a reader takes it";
  EXPECT_EQ(CheckListSize(writer.Remove({12}).edit, writer.list).ToString(), "OK");
  next = writer.Commit(17, 7);
  next.edit.checkpoints_removed = {11};
  EXPECT_EQ(CheckListSize(next.edit, writer.list).ToString(), "OK") << "one goes, and one comes";
  next.edit.checkpoint_added->metadata["more"] = "than went";
  EXPECT_EQ(CheckListSize(next.edit, writer.list).name(), "list-too-large");
}

TEST_F(ManifestApplyTest, RefusesMoreTablesThanCanBeRead) {
  writer.list.references.table_ids = kTableReferencesMax;
  ManifestVersion next = writer.Commit(16, 6);
  ASSERT_EQ(next.edit.checkpoint_added->tables->size(), 1U);
  EXPECT_EQ(CheckListSize(next.edit, writer.list).ToString(), "OK") << "those of the one before";
  next.edit.checkpoint_added->tables = std::make_shared<const std::vector<uint32_t>>();
  EXPECT_EQ(CheckListSize(next.edit, writer.list).ToString(), "OK") << "one without tables";
  next.edit.checkpoint_added->tables =
      std::make_shared<const std::vector<uint32_t>>(std::vector<uint32_t>{1, 2});
  EXPECT_EQ(CheckListSize(next.edit, writer.list).name(), "list-too-large");
  next.edit.checkpoints_removed = {11, 12, 13, 14, 15};
  EXPECT_EQ(CheckListSize(next.edit, writer.list).name(), "list-too-large") << "one list, one id";
}

// A list from elsewhere, without counts or with stale ones.
TEST_F(ManifestApplyTest, CountsListsThatWereMadeByHand) {
  writer.list.references = {};
  EXPECT_EQ(RemovedBy(writer.Remove({15})).size(), 1u);
  const ManifestReferences counted = ReferencesOf(writer.list);
  EXPECT_EQ(writer.list.references.files, counted.files);
  EXPECT_EQ(writer.list.references.file_names, counted.file_names);
}

}  // namespace
}  // namespace tidemark::format
