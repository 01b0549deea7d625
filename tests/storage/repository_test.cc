// The manifest chain as one writer, its successors and readers see it, without threads.
#include "format/frame.h"
#include "tests/storage/repository_fixture.h"

#include <filesystem>
#include <fstream>

namespace tidemark::test {
namespace {

using storage::Repository;

class RepositoryTest : public RepositoryFixture {
 protected:
  void Overwrite(const std::string& name, const std::string& bytes) {
    std::ofstream(PathOf(name), std::ios::binary | std::ios::trunc) << bytes;
  }
  std::string Content(const std::string& name) { return fault_->Read(name, 0, UINT64_MAX).value(); }
  // Flips a bit in the middle of a file.
  void Damage(const std::string& name) {
    std::string bytes = Content(name);
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
    Overwrite(name, bytes);
  }
  std::string VersionName(uint64_t version) {
    return format::SubtaskPrefix(0) + format::ManifestName(version);
  }
};

TEST_F(RepositoryTest, CreatesARepositoryAndFindsItAgain) {
  EXPECT_EQ(storage::ReadRepositoryInfo(*fault_).error().name(), "repository-not-found");
  {
    TestWriter writer = Open();
    EXPECT_EQ(writer->attempt(), 1u);
    EXPECT_EQ(writer->next_version(), 2u);
    EXPECT_TRUE(writer->manifest().writer_open);
    EXPECT_EQ(storage::ReadRepositoryInfo(*fault_).value().id, writer->repository_id());
    ASSERT_TRUE(writer->Close().ok());
  }
  TestWriter writer = Open();
  EXPECT_EQ(writer->attempt(), 2u);
  EXPECT_EQ(storage::ListSubtasks(*fault_).value(), std::vector<uint32_t>{0});
}

TEST_F(RepositoryTest, ReadersSeeWhatTheWriterPublished) {
  TestWriter writer = Open();
  for (uint64_t id = 1; id <= 10; ++id) {
    ASSERT_TRUE(writer.Commit(id * 10, {.inlined = id % 2 == 0}).ok());
    const auto reading = Read().value();
    EXPECT_EQ(reading.manifest, writer->manifest());
    EXPECT_TRUE(reading.damaged.empty());
  }
  ExpectIntact(writer->manifest());
  EXPECT_EQ(ReadIds(), (std::vector<uint64_t>{10, 20, 30, 40, 50, 60, 70, 80, 90, 100}));
}

TEST_F(RepositoryTest, TellsASubtaskThatWasNeverOpened) {
  Open();
  EXPECT_EQ(storage::ReadManifest(*fault_, RepositoryId(), 7).error().name(), "subtask-not-found");
}

TEST_F(RepositoryTest, RefusesADirectoryOfSomethingElse) {
  ASSERT_TRUE(fault_->Put("photos/cat.jpg", "meow").ok());
  const Status status = TryOpen().error();
  EXPECT_EQ(status.code(), StatusCode::kIncompatibleFormat);
  EXPECT_EQ(status.name(), "not-a-repository");
  EXPECT_NE(status.message().find("photos/cat.jpg"), std::string::npos);
  EXPECT_EQ(fault_->List("").value().size(), 1u);
}

TEST_F(RepositoryTest, RefusesANewerFormat) {
  Open();
  // The major version is the u16 after the magic; the header's own check covers it.
  std::string bytes = Content("FORMAT");
  bytes[8] = static_cast<char>(format::kFormatMajor + 1);
  const auto check =
      static_cast<uint32_t>(format::Checksum64(std::string_view(bytes).substr(0, 12)));
  for (size_t i = 0; i < 4; ++i) bytes[12 + i] = static_cast<char>(check >> (8 * i));
  Overwrite("FORMAT", bytes);
  EXPECT_EQ(TryOpen().error().name(), "format-newer");
  EXPECT_EQ(TryOpen().error().code(), StatusCode::kIncompatibleFormat);
}

TEST_F(RepositoryTest, RefusesManifestsOfAnotherRepository) {
  Open();
  const std::string manifest = Content(VersionName(1));
  std::filesystem::remove_all(PathOf(""));
  Reopen();
  Open();
  Overwrite(VersionName(1), manifest);
  EXPECT_EQ(TryOpen().error().name(), "repository-id");
  EXPECT_EQ(Read().error().code(), StatusCode::kIncompatibleFormat);
}

TEST_F(RepositoryTest, ChecksTheShapeOfTheJob) {
  Open();
  const auto open = [&](uint32_t subtask, uint32_t parallelism, uint32_t max_parallelism) {
    return Repository::Open({.storage = fault_,
                             .subtask = subtask,
                             .parallelism = parallelism,
                             .max_parallelism = max_parallelism})
        .error();
  };
  const Status other_max = open(0, 1, 64);
  EXPECT_EQ(other_max.name(), "max-parallelism");
  EXPECT_NE(other_max.message().find("expected max_parallelism 128"), std::string::npos);
  EXPECT_NE(other_max.message().find("got 64"), std::string::npos);
  EXPECT_EQ(open(0, 2, 128).name(), "parallelism");
  EXPECT_EQ(open(1, 1, 128).name(), "parallelism");
  EXPECT_EQ(open(0, 0, 128).name(), "parallelism");
  EXPECT_EQ(open(0, 129, 128).name(), "parallelism");
  EXPECT_EQ(open(0, 1, 32'769).name(), "parallelism");
  EXPECT_EQ(open(0, 1, 0).code(), StatusCode::kInvalidArgument);
}

TEST_F(RepositoryTest, LetsOneWriterInAtATime) {
  TestWriter writer = Open();
  const Status locked = TryOpen().error();
  EXPECT_EQ(locked.code(), StatusCode::kBusy);
  EXPECT_EQ(locked.name(), "repository-locked");
  EXPECT_NE(locked.message().find("take_over"), std::string::npos);
  EXPECT_TRUE(writer.Commit(1).ok());
  ASSERT_TRUE(writer->Close().ok());
  EXPECT_TRUE(TryOpen().has_value());
}

TEST_F(RepositoryTest, WithoutLocksAsksBeforeReplacingAWriterThatDidNotClose) {
  fault_->HideLocks(true);
  Open();  // and gone, as if killed
  const Status open = TryOpen().error();
  EXPECT_EQ(open.code(), StatusCode::kBusy);
  EXPECT_EQ(open.name(), "writer-open");
  EXPECT_NE(open.message().find("take_over"), std::string::npos);
  TestWriter writer = Open(true);
  ASSERT_TRUE(writer->Close().ok());
  EXPECT_TRUE(TryOpen().has_value());
}

TEST_F(RepositoryTest, UseAfterCloseIsAnError) {
  TestWriter writer = Open();
  ASSERT_TRUE(writer->Close().ok());
  EXPECT_FALSE(Read().value().manifest.writer_open);
  EXPECT_EQ(writer->Prepare().code(), StatusCode::kClosed);
  EXPECT_EQ(writer->Publish({}, {}).code(), StatusCode::kClosed);
  EXPECT_TRUE(writer->Close().ok());
}

TEST_F(RepositoryTest, RefusesAnEditThatDoesNotFitAndWritesNothing) {
  TestWriter writer = Open();
  ASSERT_TRUE(writer.Commit(1).ok());
  const auto before = Versions();
  format::ManifestEdit edit;
  edit.checkpoints_removed = {7};
  const Status refused = writer->Publish(std::move(edit), {});
  EXPECT_EQ(refused.code(), StatusCode::kCorruption);
  EXPECT_EQ(refused.name(), "manifest-edit");
  EXPECT_EQ(Versions(), before);
  EXPECT_TRUE(writer.Commit(2).ok());
  EXPECT_EQ(writer->attempt(), 1u);
}

TEST_F(RepositoryTest, Invariant04ManifestVersionsAreConsecutiveAndAFencedWriterCannotPublish) {
  TestWriter old_writer = Open();
  ASSERT_TRUE(old_writer.CommitRange(1, 3).ok());
  TestWriter new_writer = Open(true);
  const Status fenced = old_writer.Commit(4);
  EXPECT_EQ(fenced.code(), StatusCode::kFenced);
  EXPECT_EQ(fenced.name(), "writer-fenced");
  EXPECT_EQ(old_writer->Prepare().code(), StatusCode::kFenced);
  EXPECT_EQ(old_writer->Publish({}, {}).code(), StatusCode::kFenced);
  EXPECT_EQ(old_writer->Close().code(), StatusCode::kFenced);
  ASSERT_TRUE(new_writer.CommitRange(4, 6).ok());
  EXPECT_EQ(ReadIds(), Range(1, 6));
  EXPECT_EQ(Versions(), Range(1, 8));
}

TEST_F(RepositoryTest, Invariant04AWriterThatSleptThroughACollectionIsFenced) {
  TestWriter sleeper = Open();
  ASSERT_TRUE(sleeper.CommitRange(1, 3).ok());
  TestWriter writer = Open(true);
  for (uint64_t id = 4; id <= 150; ++id) {
    ASSERT_TRUE(writer.Commit(id, {.inlined = false, .keep_last = 2}).ok());
    ASSERT_TRUE(writer.Collect().ok());
  }
  EXPECT_LT(Versions().size(), 80u);
  EXPECT_EQ(sleeper.Commit(4).code(), StatusCode::kFenced);
  EXPECT_EQ(ReadIds(), Range(149, 150));
  EXPECT_TRUE(writer.Commit(151).ok());
}

TEST_F(RepositoryTest, Invariant04SuccessWhenOnlyTheAnswerWasLostBelow) {
  TestWriter writer = Open();
  fault_->plan().Inject({.operations = {StorageOperation::kCreateIfAbsent}, .repeated = true});
  EXPECT_TRUE(writer.Commit(1).ok());
  EXPECT_EQ(fault_->plan().fired(), 1u);
  EXPECT_EQ(writer->attempt(), 1u);
  EXPECT_TRUE(writer.Commit(2).ok());
  EXPECT_EQ(ReadIds(), Range(1, 2));
}

TEST_F(RepositoryTest, OpensAlthoughTheAnswerWasLostBelow) {
  fault_->plan().Inject(
      {.call = 2, .operations = {StorageOperation::kCreateIfAbsent}, .repeated = true});
  TestWriter writer = Open();
  EXPECT_EQ(fault_->plan().fired(), 1u);
  EXPECT_TRUE(writer.Commit(1).ok());
}

// The publish was carried out, but nobody knows: it must not count, whatever is on the disk.
TEST_F(RepositoryTest, Invariant11ALostAnswerOpensANewAttemptThatEndsAtTheLastAcknowledged) {
  TestWriter writer = Open();
  ASSERT_TRUE(writer.CommitRange(1, 3).ok());
  fault_->plan().Inject({.operations = {StorageOperation::kCreateIfAbsent}, .answer_lost = true});
  EXPECT_EQ(writer.Commit(4).code(), StatusCode::kUnavailable);
  EXPECT_EQ(writer->Publish({}, {}).name(), "manifest-in-doubt");
  ASSERT_TRUE(writer->Prepare().ok());
  EXPECT_EQ(writer->attempt(), 2u);
  EXPECT_EQ(ReadIds(), Range(1, 3));
  ASSERT_TRUE(writer.Commit(5).ok());
  EXPECT_EQ(Read().value().manifest, writer->manifest());
  EXPECT_EQ(ReadIds(), (std::vector<uint64_t>{1, 2, 3, 5}));
}

TEST_F(RepositoryTest, Invariant11APublishThatNeverArrivedOpensANewAttemptToo) {
  TestWriter writer = Open();
  ASSERT_TRUE(writer.CommitRange(1, 3).ok());
  fault_->plan().Inject({.operations = {StorageOperation::kCreateIfAbsent}});
  EXPECT_EQ(writer.Commit(4).code(), StatusCode::kUnavailable);
  ASSERT_TRUE(writer.Commit(5).ok());
  EXPECT_EQ(writer->attempt(), 2u);
  EXPECT_EQ(ReadIds(), (std::vector<uint64_t>{1, 2, 3, 5}));
}

// ... nor may what cannot be read of it stand in the way.
TEST_F(RepositoryTest, Invariant11AHalfWrittenVersionOfOursDoesNotMatter) {
  TestWriter writer = Open();
  ASSERT_TRUE(writer.CommitRange(1, 3).ok());
  fault_->plan().Inject({.operations = {StorageOperation::kCreateIfAbsent}, .answer_lost = true});
  EXPECT_FALSE(writer.Commit(4).ok());
  Overwrite(VersionName(5), "half");
  ASSERT_TRUE(writer.Commit(5).ok());
  const auto reading = Read().value();
  EXPECT_EQ(Ids(reading.manifest), (std::vector<uint64_t>{1, 2, 3, 5}));
  EXPECT_TRUE(reading.damaged.empty());
}

TEST_F(RepositoryTest, Invariant11PrepareFindsOutThatItWasFencedMeanwhile) {
  TestWriter writer = Open();
  ASSERT_TRUE(writer.Commit(1).ok());
  fault_->plan().Inject({.operations = {StorageOperation::kCreateIfAbsent}, .answer_lost = true});
  EXPECT_FALSE(writer.Commit(2).ok());
  TestWriter other = Open(true);  // believes what is there
  EXPECT_EQ(Ids(other->manifest()), Range(1, 2));
  EXPECT_EQ(writer->Prepare().code(), StatusCode::kFenced);
  EXPECT_TRUE(other.Commit(3).ok());
}

TEST_F(RepositoryTest, PrepareCanBeTriedUntilTheStorageIsBack) {
  TestWriter writer = Open();
  ASSERT_TRUE(writer.Commit(1).ok());
  fault_->plan().Inject({.sticky = true});
  EXPECT_FALSE(writer.Commit(2).ok());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(writer->Prepare().code(), StatusCode::kUnavailable);
  fault_->plan().Clear();
  ASSERT_TRUE(writer.Commit(3).ok());
  EXPECT_EQ(ReadIds(), (std::vector<uint64_t>{1, 3}));
}

TEST_F(RepositoryTest, PassesOverADamagedNewestVersion) {
  {
    TestWriter writer = Open();
    ASSERT_TRUE(writer.CommitRange(1, 5).ok());
  }
  Damage(VersionName(6));
  const auto reading = Read().value();
  EXPECT_EQ(Ids(reading.manifest), Range(1, 4));
  EXPECT_EQ(reading.newest_version, 6u);
  ASSERT_EQ(reading.damaged.size(), 1u);
  EXPECT_EQ(reading.damaged[0].code(), StatusCode::kCorruption);
  EXPECT_NE(reading.damaged[0].message().find(VersionName(6)), std::string::npos);

  TestWriter writer = Open();
  EXPECT_EQ(writer->damaged().size(), 1u);
  EXPECT_EQ(writer->next_version(), 8u);
  ASSERT_TRUE(writer.Commit(5).ok());
  EXPECT_EQ(ReadIds(), Range(1, 5));
  EXPECT_TRUE(Read().value().damaged.empty());
  ExpectIntact(Read().value().manifest);
}

TEST_F(RepositoryTest, TheListEndsBeforeADamagedVersionInTheMiddle) {
  {
    TestWriter writer = Open();
    ASSERT_TRUE(writer.CommitRange(1, 5).ok());
  }
  Overwrite(VersionName(4), "");
  const auto reading = Read().value();
  EXPECT_EQ(Ids(reading.manifest), Range(1, 2));
  ASSERT_EQ(reading.damaged.size(), 2u);
  EXPECT_NE(reading.damaged[0].message().find(VersionName(6)), std::string::npos);
  EXPECT_NE(reading.damaged[1].message().find(VersionName(4)), std::string::npos);
}

TEST_F(RepositoryTest, AMissingVersionEndsTheListToo) {
  {
    TestWriter writer = Open();
    ASSERT_TRUE(writer.CommitRange(1, 5).ok());
  }
  std::filesystem::remove(PathOf(VersionName(4)));
  const auto reading = Read().value();
  EXPECT_EQ(Ids(reading.manifest), Range(1, 2));
  EXPECT_EQ(reading.damaged.back().name(), "file-missing");
}

TEST_F(RepositoryTest, FallsBackToAnOlderSnapshotWhenTheNewestIsDamaged) {
  {
    TestWriter writer = Open();
    ASSERT_TRUE(writer.CommitRange(1, 3).ok());
  }
  { TestWriter writer = Open(); }
  const std::vector<std::string> snapshots = Names(format::kSnapshotPrefix);
  ASSERT_EQ(snapshots.size(), 2u);
  Damage(snapshots[1]);
  EXPECT_EQ(ReadIds(), Range(1, 3));
  EXPECT_FALSE(Read().value().damaged.empty());
  Overwrite(snapshots[0], "");
  const Status unreadable = Read().error();
  EXPECT_EQ(unreadable.code(), StatusCode::kCorruption);
  EXPECT_EQ(unreadable.name(), "manifest-unreadable");
  EXPECT_NE(unreadable.message().find(snapshots[0]), std::string::npos);
  EXPECT_EQ(TryOpen().error().code(), StatusCode::kCorruption);
}

TEST_F(RepositoryTest, DoesNotTakeALostManifestFolderForANewRepository) {
  {
    TestWriter writer = Open();
    ASSERT_TRUE(writer.Commit(1).ok());
  }
  { TestWriter writer = Open(); }
  std::filesystem::remove_all(PathOf(format::SubtaskPrefix(0) + "manifest"));
  Reopen();
  EXPECT_EQ(TryOpen().error().name(), "manifest-missing");
}

TEST_F(RepositoryTest, ReadsTheInlinedSegmentOfAVersion) {
  TestWriter writer = Open();
  ASSERT_TRUE(writer.Commit(1).ok());
  const format::FileMeta file = writer->manifest().files.begin()->second;
  const auto entries = storage::ReadInlined(*fault_, 0, file).value();
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].frame, "segment of epoch 1");
  format::FileMeta other = file;
  other.checksum.bytes[0] ^= 1;
  EXPECT_EQ(storage::ReadInlined(*fault_, 0, other).error().name(), "file-checksum");
}

// A version that was gone used to be NotFound, and one that another program had written over
// IncompatibleFormat: restore took neither for damage, and did not fall back.
TEST_F(RepositoryTest, Invariant09VersionOfAnInlinedSegmentThatIsGoneOrForeignIsDamage) {
  TestWriter writer = Open();
  ASSERT_TRUE(writer.Commit(1).ok());
  const format::FileMeta file = writer->manifest().files.begin()->second;
  const std::string path = PathOf(format::SubtaskPrefix(0) + file.name);
  std::filesystem::remove(path);
  const Status gone = storage::ReadInlined(*fault_, 0, file).error();
  EXPECT_EQ(gone.code(), StatusCode::kCorruption) << gone.ToString();
  EXPECT_EQ(gone.name(), "file-missing");
  std::ofstream(path) << "another program's bytes";
  const Status foreign = storage::ReadInlined(*fault_, 0, file).error();
  EXPECT_EQ(foreign.code(), StatusCode::kCorruption) << foreign.ToString();
  EXPECT_EQ(foreign.name(), "not-tidemark");
}

// An attempt is stamped into the names of files: one that was ever seen is not given out again,
// although the version that opened it cannot be used.
TEST_F(RepositoryTest, NeverReusesAnAttemptThatItCanSee) {
  for (int i = 0; i < 3; ++i) Open();
  Overwrite(format::SubtaskPrefix(0) + format::ManifestName(2), "");
  TestWriter writer = Open();
  EXPECT_EQ(writer->attempt(), 4u);
}

}  // namespace
}  // namespace tidemark::test
