// CompactRepository: what it refuses, and what it leaves behind when something fails.
#include "tests/public/offline_compaction_fixture.h"

#include <fstream>
#include <string>
#include <thread>
#include <vector>

namespace tidemark::test {
namespace {

class OfflineCompactionErrorsTest : public OfflineCompactionFixture {
 protected:
  Status Error() { return CompactRepository(compact_).error(); }

  void ExpectBadOption(std::string_view name, std::string_view option) {
    const Status error = Error();
    EXPECT_ERROR(error, StatusCode::kInvalidArgument, name);
    EXPECT_NE(error.message().find(option), std::string_view::npos) << error.ToString();
  }
};

TEST_F(OfflineCompactionErrorsTest, BadOptionsAreNamed) {
  const CompactOptions good = compact_;
  compact_.directory.clear();
  ExpectBadOption("option-missing", "CompactOptions::directory");
  compact_ = good;
  compact_.storage = nullptr;
  ExpectBadOption("option-missing", "CompactOptions::repository");
  compact_ = good;
  compact_.repository = "file:///somewhere";
  ExpectBadOption("option-conflict", "CompactOptions::repository and CompactOptions::storage");
  compact_ = good;
  compact_.memory_budget_bytes = 16 * kMiB - 1;
  ExpectBadOption("option-bounds", "CompactOptions::memory_budget_bytes");
  compact_ = good;
  compact_.space_amplification_max = 1;
  ExpectBadOption("option-bounds", "CompactOptions::space_amplification_max");
  compact_ = good;
  compact_.subtask = 40'000;
  ExpectBadOption("option-bounds", "CompactOptions::subtask");
}

TEST_F(OfflineCompactionErrorsTest, WhatIsNotThereIsNotMade) {
  EXPECT_ERROR(Error(), StatusCode::kNotFound, "repository-not-found");
  EXPECT_FALSE(std::filesystem::exists(directory_ / "repository"));
  Open();
  ASSERT_OK(Save(1));
  Close();
  compact_.subtask = 3;
  EXPECT_ERROR(Error(), StatusCode::kNotFound, "subtask-not-found");
  EXPECT_FALSE(std::filesystem::exists(directory_ / "repository/subtasks/00003"));
  EXPECT_TRUE(ScratchIsEmpty());
}

TEST_F(OfflineCompactionErrorsTest, AnOpenStoreIsLeftAloneUnlessItIsToBeTakenOverFrom) {
  Open();
  SaveRandom(1, 3);
  const Status busy = Error();
  EXPECT_ERROR(busy, StatusCode::kBusy, "repository-locked");
  EXPECT_NE(busy.message().find("subtask 0"), std::string_view::npos) << busy.ToString();
  EXPECT_TRUE(ScratchIsEmpty());
  storage_->HideLocks(true);
  EXPECT_ERROR(Error(), StatusCode::kBusy, "writer-open");
  storage_->HideLocks(false);
  ASSERT_OK(Save(4));

  compact_.take_over = true;
  EXPECT_EQ(Compact().restored.checkpoint->id, 4u);
  EXPECT_ERROR(Save(5), StatusCode::kFenced, "writer-fenced");
  store_.reset();
  compact_.take_over = false;
  EXPECT_EQ(Compact().after.segments, 0u);
  ExpectIntactAndTidy();
}

TEST_F(OfflineCompactionErrorsTest, Invariant04AJobThatTakesOverFencesTheCompaction) {
  Open();
  SaveRandom(1, 3);
  Close();
  const Digests digests = ReadDigests();
  const auto pause = storage_->PauseBefore(StorageOperation::kPutFile, "base/");
  Status ended;
  std::thread compaction([&] { ended = Error(); });
  pause->WaitUntilReached();
  options_.take_over = true;
  Open();
  pause->Release();
  compaction.join();
  EXPECT_ERROR(ended, StatusCode::kFenced, "writer-fenced");
  EXPECT_TRUE(ScratchIsEmpty());
  EXPECT_EQ(View(3).Digest().value(), digests.at(3));
  ASSERT_OK(Save(4));
  Close();
  EXPECT_EQ(Compact().restored.checkpoint->id, 4u);
  ExpectIntactAndTidy();
}

// As StateStore::Open does: the next older one. A base for that would be one of a history that the
// next commit may or may not take.
TEST_F(OfflineCompactionErrorsTest, IfTheNewestIsDamagedNothingIsCompacted) {
  options_.inline_segment_bytes_max = 0;
  Open();
  SaveRandom(1, 4);
  Close();
  const Digests digests = ReadDigests();
  const format::Manifest list = List();
  const std::string path =
      directory_ /
      ("repository/subtasks/00000/" + list.files.at(list.checkpoints.back().segments.back()).name);
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(40);
  file.put('?');
  file.close();
  const std::vector<std::string> files = FilesThere();

  const CompactedSubtask compacted = Compact();
  ASSERT_EQ(compacted.restored.skipped.size(), 1u);
  EXPECT_EQ(compacted.restored.skipped[0].id, 4u);
  EXPECT_EQ(compacted.restored.checkpoint->id, 3u);
  EXPECT_EQ(compacted.written_bytes, 0u);
  EXPECT_EQ(compacted.after.retained_bytes, compacted.before.retained_bytes);
  EXPECT_EQ(FilesThere(), files);
  Reopen(3);
  EXPECT_EQ(View(3).Digest().value(), digests.at(3));
}

// tests/crash/compact_crash_test.cc has the other moments.
TEST_F(OfflineCompactionErrorsTest, AFullDiskLeavesEveryCheckpointAsItWas) {
  Open();
  SaveRandom(1, 4);
  Close();
  const Digests digests = ReadDigests();
  storage_->plan().Inject({.call = 2,
                           .sticky = true,
                           .error = FaultError::kFull,
                           .contains = "base/",
                           .operations = {StorageOperation::kPutFile}});
  EXPECT_EQ(Error().code(), StatusCode::kResourceExhausted);
  storage_->plan().Clear();
  EXPECT_TRUE(ScratchIsEmpty());
  EXPECT_EQ(ReadDigests(), digests);
  EXPECT_EQ(Compact().after.segments, 0u);
  ExpectIntactAndTidy();
  EXPECT_EQ(ReadDigests(), digests);
}

}  // namespace
}  // namespace tidemark::test
