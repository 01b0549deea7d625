// CompactRepository: what it makes of a repository, and that every checkpoint and the job's next
// start find what they left there.
#include "tests/public/offline_compaction_fixture.h"

#include <string>
#include <vector>

namespace tidemark::test {
namespace {

enum class Transfer { kLink, kCopy };
void PrintTo(Transfer transfer, std::ostream* out) {
  *out << (transfer == Transfer::kLink ? "Link" : "Copy");
}

class OfflineCompactionTest : public OfflineCompactionFixture,
                              public ::testing::WithParamInterface<Transfer> {
 protected:
  OfflineCompactionTest() { storage_->DenyLinks(GetParam() == Transfer::kCopy); }

  // Twelve checkpoints: some before a base, some on it, the last three on a branch.
  void MakeRepository() {
    options_.log_merge_segments = 3;
    Open();
    SaveRandom(1, 8);
    ASSERT_OK(store_->Drain());
    SaveRandom(9, 12);
    Reopen(9);
    SaveRandom(20, 22);
    options_.runtime->RunMaintenance();
    Close();
  }
};

TEST_P(OfflineCompactionTest, Invariant02EveryRetainedCheckpointStaysWhatItWas) {
  ASSERT_NO_FATAL_FAILURE(MakeRepository());
  const Digests digests = ReadDigests();
  ASSERT_EQ(digests.size(), 12u);
  const size_t segments = List().checkpoints.back().segments.size();
  ASSERT_GT(segments, 0u);

  const CompactedSubtask compacted = Compact();
  EXPECT_EQ(compacted.restored.checkpoint->id, 22u);
  EXPECT_TRUE(compacted.restored.skipped.empty());
  EXPECT_EQ(compacted.before.segments, segments);
  EXPECT_EQ(compacted.after.segments, 0u);
  EXPECT_GT(compacted.after.base_bytes, 0u);
  EXPECT_GE(compacted.after.retained_bytes, compacted.after.base_bytes);
  EXPECT_GE(compacted.written_bytes, compacted.after.base_bytes);
  EXPECT_TRUE(List().checkpoints.back().segments.empty());
  EXPECT_FALSE(List().writer_open);
  ExpectIntactAndTidy();
  EXPECT_EQ(ReadDigests(), digests);

  // The job's old local directory stands where it stood.
  Open();
  EXPECT_EQ(store_->restored().checkpoint->id, 22u);
  EXPECT_EQ(Digests({{22, View().Digest().value()}}), Digests({{22, digests.at(22)}}));
  SaveRandom(23, 23);
  ASSERT_OK(store_->Drain());
  Close();
  // Or is lost.
  std::filesystem::remove_all(options_.directory);
  Open();
  EXPECT_EQ(store_->restored().checkpoint->id, 23u);
  EXPECT_EQ(View(22).Digest().value(), digests.at(22));
  Close();
  ExpectIntactAndTidy();
}

// What the job itself reads, not only its views.
TEST_P(OfflineCompactionTest, TheJobGoesOnFromItsOldLocalDirectory) {
  for (const bool drained : {true, false}) {
    SCOPED_TRACE(drained ? "all was applied" : "the log was not applied");
    const uint64_t first = drained ? 1 : 10;
    Open();
    Table table = Open("u");
    for (uint64_t id = first; id <= first + 3; ++id) {
      EXPECT_OK(table.Put("key" + std::to_string(id % 3), std::to_string(id)));
      ASSERT_OK(Save(id));
    }
    if (drained) {
      ASSERT_OK(store_->Drain());
    }
    const Content content = Read(table);
    Close();
    EXPECT_EQ(Compact().after.segments, 0u);
    Open();
    table = Open("u");
    EXPECT_EQ(store_->restored().reused_live_database, drained);
    EXPECT_EQ(Read(table), content);
    EXPECT_OK(table.Put("more", "value"));
    ASSERT_OK(Save(first + 4));
    Close();
  }
}

TEST_P(OfflineCompactionTest, WhatIsDeadLeaves) {
  options_.keep_last = 1;
  options_.space_amplification_max = 100;  // the job leaves everything to us
  Open();
  Table table = Open("u");
  const auto put = [&](uint64_t id, int first, int count) {
    std::string value(1'000, '\0');
    for (int i = first; i < first + count; ++i) {
      for (char& byte : value) byte = static_cast<char>(random_());
      EXPECT_OK(table.Put(std::to_string(i), value));
    }
    ASSERT_OK(Save(id));
    ASSERT_OK(store_->Drain());
  };
  put(1, 0, 6'000);
  put(2, 0, 5'000);
  for (int i = 1'000; i < 6'000; ++i) EXPECT_OK(table.Delete(std::to_string(i)));
  ASSERT_OK(Save(3));
  const uint64_t live_bytes = 1'000'000;
  Close();
  const Digests digests = ReadDigests();

  const CompactedSubtask compacted = Compact();
  EXPECT_GT(compacted.before.retained_bytes, 5 * live_bytes);
  EXPECT_GE(compacted.after.base_bytes, live_bytes);
  EXPECT_LT(compacted.after.retained_bytes, live_bytes * 12 / 10 + kMiB);
  EXPECT_EQ(compacted.after.segments, 0u);
  ExpectIntactAndTidy();
  EXPECT_EQ(ReadDigests(), digests);
}

// A base of the newest checkpoint's own epoch, but full of what is dead.
TEST_P(OfflineCompactionTest, ABaseThatShrinksIsReplaced) {
  options_.keep_last = 1;
  options_.space_amplification_max = 100;
  storage_->DenyLinks(false);  // so that the job publishes each write-back
  Open();
  Table table = Open("u");
  std::string value(1'000, '\0');
  for (uint64_t id = 1; id <= 3; ++id) {
    for (int i = 0; i < 3'000; ++i) {
      for (char& byte : value) byte = static_cast<char>(random_());
      EXPECT_OK(table.Put(std::to_string(i), value));
    }
    ASSERT_OK(Save(id));
    ASSERT_OK(store_->Drain());
  }
  Close();
  storage_->DenyLinks(GetParam() == Transfer::kCopy);
  const Digests digests = ReadDigests();
  const CompactedSubtask compacted = Compact();
  EXPECT_EQ(compacted.before.segments, 0u);
  EXPECT_GT(compacted.before.base_bytes, 8'000'000u);
  EXPECT_LT(compacted.after.base_bytes, 4'000'000u);
  ExpectIntactAndTidy();
  EXPECT_EQ(ReadDigests(), digests);
}

TEST_P(OfflineCompactionTest, ASecondTimeThereIsNothingToDo) {
  ASSERT_NO_FATAL_FAILURE(MakeRepository());
  const CompactedSubtask first = Compact();
  const std::vector<std::string> files = FilesThere();
  const CompactedSubtask second = Compact();
  EXPECT_EQ(second.written_bytes, 0u);
  EXPECT_EQ(second.before.retained_bytes, first.after.retained_bytes);
  EXPECT_EQ(second.after.retained_bytes, first.after.retained_bytes);
  EXPECT_EQ(FilesThere(), files);
}

TEST_P(OfflineCompactionTest, ARepositoryWithoutACheckpoint) {
  Open();
  Close();
  const CompactedSubtask compacted = Compact();
  EXPECT_FALSE(compacted.restored.checkpoint.has_value());
  EXPECT_EQ(compacted.written_bytes, 0u);
  EXPECT_EQ(compacted.after.retained_bytes, 0u);
  Open();
  ASSERT_OK(Save(1));
}

// A log longer than what is loaded into memory, and the repository by its name.
TEST_P(OfflineCompactionTest, AStateLargerThanTheBudget) {
  Open();
  Table table = Open("u");
  std::string value(4'000, '\0');
  for (uint64_t id = 1; id <= 12; ++id) {
    for (int i = 0; i < 500; ++i) {
      for (char& byte : value) byte = static_cast<char>(random_());
      EXPECT_OK(table.Put(std::to_string(id * 1'000 + static_cast<uint64_t>(i)), value));
    }
    ASSERT_OK(Save(id));
  }
  Close();
  const Digests digests = ReadDigests();
  compact_.storage = nullptr;
  compact_.repository = directory_ / "repository";
  const CompactedSubtask compacted = Compact();
  EXPECT_GT(compacted.after.base_bytes, 24'000'000u);
  EXPECT_EQ(compacted.after.segments, 0u);
  ExpectIntactAndTidy();
  EXPECT_EQ(ReadDigests(), digests);
}

TEST_P(OfflineCompactionTest, AllSubtasksOrOne) {
  options_.parallelism = 3;
  for (options_.subtask = 0; options_.subtask < 3; ++options_.subtask) {
    options_.directory = directory_ / ("live" + std::to_string(options_.subtask));
    Open();
    Table table = Open("u", {.kind = TableKind::kOrderedBytes});
    for (uint64_t id = 1; id <= 4; ++id) {
      EXPECT_OK(table.Put(std::to_string(id), "value"));
      ASSERT_OK(Save(id));
    }
    Close();
  }
  compact_.subtask = 1;
  EXPECT_EQ(Compact().subtask, 1u);
  EXPECT_FALSE(List(0).checkpoints.back().segments.empty());
  EXPECT_TRUE(List(1).checkpoints.back().segments.empty());
  EXPECT_FALSE(List(2).checkpoints.back().segments.empty());

  // A folder that nobody has finished is passed over.
  std::filesystem::create_directories(directory_ / "repository/subtasks/00005/manifest");
  std::vector<uint32_t> told;
  compact_.subtask.reset();
  compact_.on_subtask = [&](const CompactedSubtask& subtask) { told.push_back(subtask.subtask); };
  const auto report = CompactRepository(compact_);
  ASSERT_TRUE(report.has_value()) << report.error().ToString();
  ASSERT_EQ(report->subtasks.size(), 3u);
  EXPECT_EQ(told, (std::vector<uint32_t>{0, 1, 2}));
  for (uint32_t subtask = 0; subtask < 3; ++subtask) {
    EXPECT_EQ(report->subtasks[subtask].subtask, subtask);
    EXPECT_TRUE(List(subtask).checkpoints.back().segments.empty());
    ExpectIntactAndTidy(subtask);
  }
  EXPECT_EQ(report->subtasks[1].written_bytes, 0u);
  EXPECT_TRUE(ScratchIsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Transfers, OfflineCompactionTest,
                         ::testing::Values(Transfer::kLink, Transfer::kCopy), [](const auto& test) {
                           return test.param == Transfer::kLink ? "Link" : "Copy";
                         });

}  // namespace
}  // namespace tidemark::test
