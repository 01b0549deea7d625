// What goes and what stays: invariant 3, and invariant 4 where it depends on what was collected.
#include "tests/storage/repository_fixture.h"

#include <tidemark/pins.h>

#include <array>
#include <filesystem>
#include <thread>

namespace tidemark::test {
namespace {

class RepositoryCollectTest : public RepositoryFixture {
 protected:
  bool Exists(const std::string& name) { return fault_->Size(name).has_value(); }
  std::string VersionName(uint64_t version) {
    return format::SubtaskPrefix(0) + format::ManifestName(version);
  }
  // Names of log/ and base/ files that the list holds.
  std::set<std::string> Named(const format::Manifest& list) {
    std::set<std::string> names;
    for (const auto& [id, file] : list.files)
      if (file.kind != format::FileKind::kInlined)
        names.insert(format::SubtaskPrefix(0) + file.name);
    return names;
  }
  std::set<std::string> Present() {
    std::set<std::string> present;
    for (const std::string_view folder : {format::kLogPrefix, format::kBasePrefix})
      for (std::string& name : Names(folder)) present.insert(std::move(name));
    return present;
  }
};

TEST_F(RepositoryCollectTest, Invariant03RetainedFilesStayAndDroppedOnesGo) {
  TestWriter writer = Open();
  for (uint64_t id = 1; id <= 120; ++id) {
    const CommitShape shape{.inlined = id % 3 == 0, .keep_last = 4, .rebase = id % 5 == 0};
    ASSERT_TRUE(writer.Commit(id, shape).ok());
    ASSERT_TRUE(writer.Collect().ok());
    EXPECT_EQ(Present(), Named(writer->manifest()));
    ExpectIntact(writer->manifest());
    EXPECT_EQ(Read().value().manifest, writer->manifest());
  }
  EXPECT_EQ(ReadIds(), Range(117, 120));
  EXPECT_LT(Versions().size(), 45u);
}

// Segments in files of their own and inside manifest versions, and bases.
TEST_F(RepositoryCollectTest, Invariant03WhatIsHeldStaysUntilItIsReleased) {
  TestWriter writer = Open();
  const auto intact = [this](const storage::HeldCheckpoint& held) {
    EXPECT_EQ(format::CheckManifest(held.list()).ToString(), "OK");
    return storage::VerifyCheckpoint(*fault_, held.list(), held.checkpoint(),
                                     storage::VerifyLevel::kChecksum)
        .intact();
  };
  for (uint64_t id = 1; id <= 9; ++id) {
    ASSERT_TRUE(writer.Commit(id, {.inlined = id % 2 == 0, .rebase = id == 4}).ok());
  }
  auto older = writer->Hold(2);
  auto newest = writer->Hold(std::nullopt);
  auto again = writer->Hold(9);
  ASSERT_TRUE(older != nullptr && newest != nullptr && again != nullptr);
  EXPECT_EQ(older->checkpoint().id, 2u);
  EXPECT_EQ(newest->checkpoint().id, 9u);
  EXPECT_EQ(older->list().checkpoints.size(), 1u);

  // Long enough for all versions so far to be superseded.
  for (uint64_t id = 10; id <= 90; ++id) {
    ASSERT_TRUE(writer.Commit(id, {.keep_last = 1, .rebase = true}).ok());
    ASSERT_TRUE(writer.Collect().ok());
  }
  ASSERT_TRUE(writer->DeleteLeftovers().ok());
  EXPECT_EQ(Ids(writer->manifest()), Range(90, 90)) << "the list goes on as if nobody read";
  EXPECT_TRUE(intact(*older));
  EXPECT_TRUE(intact(*newest));
  const std::set<std::string> named_by_newest = Named(newest->list());
  const size_t versions = Versions().size();

  older.reset();
  newest.reset();  // `again` holds the same
  ASSERT_TRUE(writer.Collect().ok());
  EXPECT_TRUE(intact(*again));
  again.reset();
  ASSERT_TRUE(writer.Collect().ok());
  EXPECT_EQ(Present(), Named(writer->manifest()));
  for (const std::string& name : named_by_newest) EXPECT_FALSE(Exists(name)) << name;
  EXPECT_LT(Versions().size(), versions);
}

// A pin comes and goes between the choice of what is deleted and the deletion. Who has taken hold
// of its checkpoint meanwhile keeps it.
TEST_F(RepositoryCollectTest, Invariant03AHoldThatComesAfterTheChoiceKeepsItsFilesToo) {
  TestWriter writer = Open();
  ASSERT_TRUE(writer.CommitRange(1, 3, {.inlined = false}).ok());
  ASSERT_TRUE(PinCheckpoint(*fault_, "late", 2).has_value());
  const std::string name = "pins/late";
  const std::string pin = fault_->Read(name, 0, fault_->Size(name).value()).value();
  ASSERT_TRUE(fault_->Delete(std::array<std::string, 1>{name}).ok());
  ASSERT_TRUE(writer.Commit(4, {.inlined = false, .keep_last = 1, .rebase = true}).ok());
  const std::set<std::string> before = Present();

  const auto pause = fault_->PauseBefore(StorageOperation::kList, "pins");
  std::thread deletion([&] { EXPECT_TRUE(writer->DeleteDropped().ok()); });
  pause->WaitUntilReached();
  ASSERT_TRUE(fault_->Put(name, pin).ok());
  auto held = writer->HoldPin("late");
  EXPECT_TRUE(held.has_value()) << held.error().ToString();
  EXPECT_TRUE(fault_->Delete(std::array<std::string, 1>{name}).ok());
  pause->Release();
  deletion.join();
  ASSERT_TRUE(held.has_value());
  EXPECT_TRUE(storage::VerifyCheckpoint(*fault_, (*held)->list(), (*held)->checkpoint(),
                                        storage::VerifyLevel::kChecksum)
                  .intact());
  EXPECT_LT(Present().size(), before.size()) << "the rest has gone";
  held->reset();
  ASSERT_TRUE(writer.Collect().ok());
  EXPECT_EQ(Present(), Named(writer->manifest()));
}

TEST_F(RepositoryCollectTest, OnlyACheckpointThatIsThereCanBeHeld) {
  TestWriter writer = Open();
  EXPECT_EQ(writer->Hold(std::nullopt), nullptr);
  ASSERT_TRUE(writer.CommitRange(1, 3, {.keep_last = 2}).ok());
  EXPECT_EQ(writer->Hold(1), nullptr);
  EXPECT_EQ(writer->Hold(4), nullptr);
  EXPECT_NE(writer->Hold(2), nullptr);
}

TEST_F(RepositoryCollectTest, Invariant03NothingGoesWhileDeletionsAreNotAllowed) {
  {
    TestWriter writer = Open();
    ASSERT_TRUE(writer.CommitRange(1, 40, {.inlined = false}).ok());
    ASSERT_TRUE(fault_->Put(format::SubtaskPrefix(0) + format::SegmentName(1, 90, 90, 7), "").ok());
  }
  TestWriter writer = Open();
  const size_t before = fault_->List("").value().size();
  writer->SetDeletionsAllowed(false);
  ASSERT_TRUE(writer.Commit(41, {.keep_last = 1, .rebase = true}).ok());
  ASSERT_TRUE(writer.Collect().ok());
  ASSERT_TRUE(writer->DeleteLeftovers().ok());
  EXPECT_EQ(fault_->List("").value().size(), before + 2);  // a version and a base file
  writer->SetDeletionsAllowed(true);
  ASSERT_TRUE(writer.Collect().ok());
  ASSERT_TRUE(writer->DeleteLeftovers().ok());
  EXPECT_EQ(Present(), Named(writer->manifest()));
}

// The drop is acknowledged only when its version is; until then the file is still retained.
TEST_F(RepositoryCollectTest, Invariant03AnEditInDoubtDropsNothing) {
  TestWriter writer = Open();
  ASSERT_TRUE(writer.CommitRange(1, 3, {.inlined = false}).ok());
  const CommitShape drops{.inlined = false, .keep_last = 1, .rebase = true};
  for (const bool arrives : {true, false}) {
    fault_->plan().Inject(
        {.operations = {StorageOperation::kCreateIfAbsent}, .answer_lost = arrives});
    EXPECT_FALSE(writer.Commit(4, drops).ok());
    ASSERT_TRUE(writer.Collect().ok());
    ASSERT_TRUE(writer->Prepare().ok());
    ASSERT_TRUE(writer.Collect().ok());
    ASSERT_TRUE(writer->DeleteLeftovers().ok());
    EXPECT_EQ(ReadIds(), Range(1, 3));
    ExpectIntact(Read().value().manifest);
  }
}

TEST_F(RepositoryCollectTest, Invariant03AFencedWriterDeletesNothing) {
  TestWriter old_writer = Open();
  ASSERT_TRUE(old_writer.CommitRange(1, 40, {.inlined = false}).ok());
  ASSERT_TRUE(old_writer.Commit(41, {.keep_last = 1, .rebase = true}).ok());
  TestWriter new_writer = Open(true);
  const size_t before = fault_->List("").value().size();
  EXPECT_EQ(old_writer->DeleteDropped().code(), StatusCode::kFenced);
  EXPECT_EQ(old_writer->DeleteLeftovers().code(), StatusCode::kFenced);
  EXPECT_EQ(old_writer->CollectManifests().code(), StatusCode::kFenced);
  EXPECT_EQ(fault_->List("").value().size(), before);
}

// Once: it looked one version ahead only, where its own one in doubt hid the other writer's.
TEST_F(RepositoryCollectTest, Invariant03AFencedWriterDeletesNothingInDoubtEither) {
  TestWriter old_writer = Open();
  ASSERT_TRUE(old_writer.CommitRange(1, 40, {.inlined = false}).ok());
  ASSERT_TRUE(old_writer.Commit(41, {.keep_last = 1, .rebase = true}).ok());
  fault_->plan().Inject({.operations = {StorageOperation::kCreateIfAbsent}, .answer_lost = true});
  EXPECT_EQ(old_writer.Commit(42).code(), StatusCode::kUnavailable);
  TestWriter new_writer = Open(true);
  const size_t before = fault_->List("").value().size();
  EXPECT_EQ(old_writer->DeleteDropped().code(), StatusCode::kFenced);
  EXPECT_EQ(fault_->List("").value().size(), before);
}

// Once: a leftover that could not be deleted kept all that came after it.
TEST_F(RepositoryCollectTest, ALeftoverThatCannotBeDeletedKeepsNoOther) {
  {
    TestWriter writer = Open();
    ASSERT_TRUE(writer.CommitRange(1, 2, {.inlined = false}).ok());
    const uint64_t attempt = writer->attempt();
    for (const std::string& name :
         {format::SegmentName(attempt, 3, 3, 1), format::BaseMetaName(attempt, 2)})
      ASSERT_TRUE(fault_->Put(writer->ObjectName(name), "left").ok());
  }
  TestWriter writer = Open(true);
  const auto left = [&] {
    size_t objects = 0;
    // Not of any four bytes: the lock holds its owner's number, which has four digits at times.
    for (const ObjectInfo& object : fault_->List("").value())
      objects += fault_->Read(object.name, 0, 5).value_or("") == "left" ? 1 : 0;
    return objects;
  };
  ASSERT_EQ(left(), 2u);
  fault_->plan().Inject(
      {.sticky = true, .contains = "/log/", .operations = {StorageOperation::kDelete}});
  EXPECT_EQ(writer->DeleteLeftovers().code(), StatusCode::kUnavailable);
  EXPECT_EQ(left(), 1u);
  fault_->plan().Clear();
  ASSERT_TRUE(writer->DeleteLeftovers().ok());
  EXPECT_EQ(left(), 0u);
}

// Once: when the name of the next version was taken by something that nobody could read, collecting
// said Corruption, which fails a store for good, although the next commit would have found its way
// around it.
TEST_F(RepositoryCollectTest, AVersionThatNobodyCanReadOnlyHoldsDeletionsUp) {
  TestWriter writer = Open();
  ASSERT_TRUE(writer.CommitRange(1, 4, {.inlined = false, .keep_last = 2, .rebase = true}).ok());
  const auto before = Present();
  const std::string newest = VersionName(writer->manifest().version);
  std::string damaged = fault_->Read(newest, 0, fault_->Size(newest).value()).value();
  damaged.back() ^= 1;
  ASSERT_TRUE(fault_->Put(VersionName(writer->manifest().version + 1), damaged).ok());
  for (const Status& status : {writer->DeleteDropped(), writer->DeleteLeftovers()}) {
    EXPECT_EQ(status.code(), StatusCode::kUnavailable) << status.ToString();
    EXPECT_EQ(status.name(), "manifest-in-doubt");
  }
  EXPECT_EQ(Present(), before);
  EXPECT_EQ(writer.Commit(5).code(), StatusCode::kCorruption);
  ASSERT_TRUE(writer.Commit(5, {.keep_last = 2}).ok());
  ASSERT_TRUE(writer.Collect().ok());
  EXPECT_EQ(Present(), Named(writer->manifest()));
  EXPECT_EQ(ReadIds(), Range(4, 5));
}

// Once: while a pin could not be read no manifest version went either, and the chain grew with
// every commit. No pin keeps a version without a segment in it.
TEST_F(RepositoryCollectTest, ChainsDoNotGrowWhileAPinCannotBeRead) {
  TestWriter writer = Open();
  ASSERT_TRUE(writer.CommitRange(1, 3, {.inlined = true, .keep_last = 2}).ok());
  ASSERT_TRUE(fault_->Put("pins/bad", "no pin").ok());
  const auto files = Present();
  for (uint64_t id = 4; id <= 300; ++id) {
    ASSERT_TRUE(writer.Commit(id, {.inlined = false, .keep_last = 2, .rebase = true}).ok());
    (void)writer->DeleteDropped();
    (void)writer->CollectManifests();
  }
  EXPECT_LT(Versions().size(), 90u);
  EXPECT_TRUE(Exists(VersionName(3))) << "a pin may keep the segment in it";
  EXPECT_EQ(ReadIds(), Range(299, 300));
  EXPECT_EQ(writer.Collect().name(), "pin-unreadable");
  ASSERT_TRUE(fault_->Delete({{"pins/bad"}}).ok());
  ASSERT_TRUE(writer.Collect().ok());
  EXPECT_EQ(Present(), Named(writer->manifest()));
  EXPECT_FALSE(Exists(VersionName(3)));
}

TEST_F(RepositoryCollectTest, Invariant04VersionsThatOpenAnAttemptAreNeverDeleted) {
  std::vector<uint64_t> openings;
  uint64_t id = 0;
  for (int i = 0; i < 5; ++i) {
    TestWriter writer = Open();
    openings.push_back(writer->next_version() - 1);
    for (int commits = 0; commits < 70; ++commits) {
      ASSERT_TRUE(writer.Commit(++id, {.inlined = false, .keep_last = 2, .rebase = true}).ok());
      ASSERT_TRUE(writer.Collect().ok());
    }
    ASSERT_TRUE(writer->DeleteLeftovers().ok());
    for (const uint64_t opening : openings) {
      EXPECT_TRUE(Exists(VersionName(opening)));
      // What the writer before may still be about to create, not having heard that it did.
      if (opening > 1) {
        EXPECT_TRUE(Exists(VersionName(opening - 1)));
      }
    }
    EXPECT_LE(Versions().size(), 2 * openings.size() + 70);
    EXPECT_LE(Names(format::kSnapshotPrefix).size(), 2u);
  }
  EXPECT_EQ(ReadIds(), Range(349, 350));
}

TEST_F(RepositoryCollectTest, Invariant03VersionsWithARetainedInlinedSegmentStay) {
  {
    TestWriter writer = Open();
    ASSERT_TRUE(writer.CommitRange(1, 100).ok());
    ASSERT_TRUE(writer.Collect().ok());
    ASSERT_TRUE(writer.Commit(101).ok());
    ASSERT_TRUE(writer.Collect().ok());
  }
  TestWriter writer = Open();
  ASSERT_TRUE(writer.Collect().ok());
  EXPECT_EQ(Versions(), Range(1, 103));  // all of them: every epoch since the beginning is needed
  ExpectIntact(writer->manifest());
  ASSERT_TRUE(writer.Commit(102, {.keep_last = 1, .rebase = true}).ok());
  ASSERT_TRUE(writer.Collect().ok());
  EXPECT_EQ(Versions(), (std::vector<uint64_t>{1, 102, 103, 104}));
  ExpectIntact(Read().value().manifest);
}

TEST_F(RepositoryCollectTest, WritesASnapshotNowAndThenOnly) {
  TestWriter writer = Open();
  std::set<std::string> seen;
  for (uint64_t id = 1; id <= 200; ++id) {
    ASSERT_TRUE(writer.Commit(id, {.inlined = false, .keep_last = 1, .rebase = true}).ok());
    ASSERT_TRUE(writer.Collect().ok());
    for (const std::string& name : Names(format::kSnapshotPrefix)) seen.insert(name);
  }
  EXPECT_GE(seen.size(), 4u);
  EXPECT_LE(seen.size(), 7u);
}

TEST_F(RepositoryCollectTest, DeletesWhatCrashedAttemptsLeft) {
  const std::string prefix = format::SubtaskPrefix(0);
  {
    TestWriter writer = Open();
    ASSERT_TRUE(writer.Commit(1, {.inlined = false}).ok());
    ASSERT_TRUE(
        fault_->Put(prefix + format::SegmentName(1, 2, 2, 7), "upload without commit").ok());
    ASSERT_TRUE(fault_->Put(prefix + format::BaseSstName(1, 8), "upload without commit").ok());
    ASSERT_TRUE(fault_->Put(prefix + format::SnapshotName(0, 9), "a racing opener's").ok());
  }
  std::filesystem::copy_file(PathOf("FORMAT"), PathOf(prefix + "log/x.tmp-0000000000000000-1"));
  TestWriter writer = Open();
  ASSERT_TRUE(fault_->Put(prefix + format::SegmentName(2, 2, 2, 7), "on its way").ok());
  ASSERT_TRUE(writer->DeleteLeftovers().ok());
  std::set<std::string> expected = Named(writer->manifest());
  expected.insert(prefix + format::SegmentName(2, 2, 2, 7));
  EXPECT_EQ(Present(), expected);
  EXPECT_EQ(Names(format::kSnapshotPrefix).size(), 1u);
  EXPECT_FALSE(std::filesystem::exists(PathOf(prefix + "log/x.tmp-0000000000000000-1")));
}

// The store may put a segment that is durable into the next checkpoint, after the attempt has
// changed.
TEST_F(RepositoryCollectTest, KeepsUploadsOfItsOwnEarlierAttempts) {
  TestWriter writer = Open();
  ASSERT_TRUE(writer.Commit(1).ok());
  const std::string upload = format::SubtaskPrefix(0) + format::SegmentName(1, 2, 2, 7);
  ASSERT_TRUE(fault_->Put(upload, "durable").ok());
  fault_->plan().Inject({.operations = {StorageOperation::kCreateIfAbsent}});
  EXPECT_FALSE(writer.Commit(2).ok());
  ASSERT_TRUE(writer->Prepare().ok());
  EXPECT_EQ(writer->attempt(), 2u);
  ASSERT_TRUE(writer->DeleteLeftovers().ok());
  EXPECT_TRUE(Exists(upload));
}

TEST_F(RepositoryCollectTest, LeavesEverythingFromBeforeWhenItFoundDamage) {
  {
    TestWriter writer = Open();
    ASSERT_TRUE(writer.CommitRange(1, 5, {.inlined = false}).ok());
  }
  std::filesystem::resize_file(PathOf(VersionName(4)), 20);
  TestWriter writer = Open();
  EXPECT_EQ(Ids(writer->manifest()), Range(1, 2));
  const std::set<std::string> before = Present();
  for (uint64_t id = 3; id <= 60; ++id) {
    ASSERT_TRUE(writer.Commit(id).ok());
    ASSERT_TRUE(writer.Collect().ok());
  }
  ASSERT_TRUE(writer->DeleteLeftovers().ok());
  EXPECT_EQ(Present(), before);
  for (uint64_t version = 1; version <= 7; ++version) EXPECT_TRUE(Exists(VersionName(version)));
}

TEST_F(RepositoryCollectTest, ResumesADeletionThatFailed) {
  TestWriter writer = Open();
  ASSERT_TRUE(writer.CommitRange(1, 40, {.inlined = false}).ok());
  ASSERT_TRUE(writer.Commit(41, {.keep_last = 1, .rebase = true}).ok());
  for (uint64_t call : {1, 5, 20}) {
    fault_->plan().Inject(
        {.call = call, .sticky = true, .operations = {StorageOperation::kDelete}});
    EXPECT_EQ(writer.Collect().code(), StatusCode::kUnavailable);
    fault_->plan().Clear();
    EXPECT_EQ(Read().value().manifest, writer->manifest());
  }
  ASSERT_TRUE(writer.Collect().ok());
  EXPECT_EQ(Present(), Named(writer->manifest()));
}

}  // namespace
}  // namespace tidemark::test
