#include "compaction/write_back.h"

#include "tests/compaction/record_list.h"
#include "tests/storage/live_database_fixture.h"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace tidemark::test {
namespace {

using compaction::OwnedRecord;
using compaction::WriteBackStatistics;
using format::Op;

// Epoch by epoch, what changed: by table, then by user key.
using Epochs = std::map<uint64_t, StateChanges>;

class WriteBackTest : public LiveDatabaseFixture {
 protected:
  // One stream for each table and epoch.
  static std::vector<compaction::TableChanges> ChangesOf(const Epochs& epochs) {
    std::map<uint32_t, compaction::TableChanges> tables;
    for (const auto& [epoch, changes] : epochs) {
      for (const auto& [id, table] : changes) {
        std::map<std::string, OwnedRecord> sorted;
        for (const auto& [key, value] : table) {
          const std::string stored = StoredKey(key);
          sorted[stored] = {stored, value.value_or(""), epoch, value ? Op::kPut : Op::kDelete};
        }
        std::vector<OwnedRecord> records;
        for (auto& [key, record] : sorted) records.push_back(std::move(record));
        tables[id].table_id = id;
        tables[id].streams.push_back(compaction::StreamOf(std::move(records)));
      }
    }
    std::vector<compaction::TableChanges> changes;
    for (auto& [id, table] : tables) changes.push_back(std::move(table));
    return changes;
  }

  void ApplyToModel(const Epochs& epochs) {
    for (const auto& [epoch, changes] : epochs) {
      for (const auto& [id, table] : changes) {
        for (const auto& [key, value] : table) {
          value ? void(model_[id][key] = *value) : void(model_[id].erase(key));
        }
      }
    }
  }

  Result<WriteBackStatistics> WriteBack(const Epochs& epochs) {
    std::map<uint32_t, int> tables;
    for (const auto& [id, content] : model_) tables[id];
    for (const auto& [epoch, changes] : epochs) {
      for (const auto& [id, table] : changes) tables[id];
    }
    std::vector<uint32_t> ids;
    for (const auto& [id, count] : tables) ids.push_back(id);
    return compaction::WriteBack(*database_, ChangesOf(epochs),
                                 MarkAt(epochs.rbegin()->first, ids));
  }
};

TEST_F(WriteBackTest, MovesEpochsIntoTheState) {
  Open();
  const Epochs epochs = {{1, {{1, {{"a", "1"}, {"b", "1"}}}, {2, {{"a", "one"}}}}},
                         {2, {{1, {{"b", "2"}, {"c", "2"}}}}},
                         {3, {{1, {{"a", std::nullopt}}}, {5, {{"", ""}}}}}};
  const auto statistics = WriteBack(epochs);
  ASSERT_TRUE(statistics.has_value()) << statistics.error().ToString();
  EXPECT_EQ(statistics->records, 5u)
      << "the delete of a, b, c; a of table 2; the empty key of table 5";
  EXPECT_GT(statistics->bytes, 0u);
  ApplyToModel(epochs);
  ExpectModelAt(3);
  EXPECT_TRUE(FilesIn("tmp").empty());
  Reopen();
  ExpectModelAt(3);
}

TEST_F(WriteBackTest, EpochsWithoutChangesMoveTheMark) {
  Open();
  const Epochs epochs = {{1, {{1, {{"a", "1"}}}}}};
  ASSERT_TRUE(WriteBack(epochs).has_value());
  ApplyToModel(epochs);
  ASSERT_TRUE(WriteBack({{7, {}}}).has_value());
  ExpectModelAt(7);
}

TEST_F(WriteBackTest, ChangesThatAreAppliedAlreadyAreNotAppliedAgain) {
  Open();
  const Epochs first = {{1, {{1, {{"a", "1"}, {"b", "1"}}}}}, {2, {{1, {{"a", "2"}}}}}};
  ASSERT_TRUE(WriteBack(first).has_value());
  ApplyToModel(first);
  // A merged segment that begins before the mark.
  const Epochs again = {{2, {{1, {{"b", "an old value"}}}}}, {3, {{1, {{"c", "3"}}}}}};
  const auto statistics = WriteBack(again);
  ASSERT_TRUE(statistics.has_value());
  EXPECT_EQ(statistics->records, 1u);
  ApplyToModel({{3, again.at(3)}});
  ExpectModelAt(3);
}

TEST_F(WriteBackTest, AnErrorOfAStreamLeavesTheStateWhereItWas) {
  Open();
  const Epochs first = {{1, {{1, {{"a", "1"}}}, {2, {{"b", "1"}}}}}};
  ASSERT_TRUE(WriteBack(first).has_value());
  ApplyToModel(first);

  const Epochs second = {{2, {{1, {{"a", "2"}}}, {2, {{"b", "2"}}}}}};
  std::vector<compaction::TableChanges> damaged = ChangesOf(second);
  damaged[1].streams.push_back(compaction::StreamOf(
      {}, Status(StatusCode::kCorruption, "frame-checksum", "side/000007.sst")));
  const auto failed = compaction::WriteBack(*database_, std::move(damaged), MarkAt(2, {1, 2}));
  EXPECT_EQ(failed.error().name(), "frame-checksum");
  ExpectModelAt(1);
  EXPECT_TRUE(FilesIn("tmp").empty()) << "the finished SSTs of table 1 are left behind";

  ASSERT_TRUE(WriteBack(second).has_value()) << "it may be repeated";
  ApplyToModel(second);
  ExpectModelAt(2);
}

TEST_F(WriteBackTest, RecordsOfLaterVersionsAreRefusedAndChangeNothing) {
  Open();
  std::vector<compaction::TableChanges> changes(1);
  changes[0].table_id = 1;
  changes[0].streams.push_back(compaction::StreamOf({{StoredKey("a"), "1", 1, Op::kPut, 1'234}}));
  const auto refused = compaction::WriteBack(*database_, std::move(changes), MarkAt(1, {1}));
  EXPECT_EQ(refused.error().code(), StatusCode::kIncompatibleFormat);
  EXPECT_EQ(refused.error().name(), "record-expiry");
  EXPECT_EQ(database_->mark(), format::AppliedMark());
  EXPECT_TRUE(ReadAll(*database_->View(), {1}).at(1).empty());
  EXPECT_TRUE(FilesIn("tmp").empty());
}

// ENOSPC and EIO at every call that writes: each try either applies all of the epoch or nothing,
// and leaves no scratch file. RocksDB used to leave one where it could not remove the name of a
// file that it had moved in.
TEST_F(WriteBackTest, AFailureAtAnyPointAppliesAllOrNothing) {
  Open();
  const Epochs first = {{1, {{1, {{"a", "1"}}}, {2, {{"b", "1"}}}}}};
  ASSERT_TRUE(WriteBack(first).has_value());
  ApplyToModel(first);
  uint64_t epoch = 1;
  for (const FaultError error : {FaultError::kFull, FaultError::kIo}) {
    for (uint64_t call = 1;; ++call) {
      SCOPED_TRACE("call " + std::to_string(call));
      const std::string value = std::to_string(epoch + 1);
      const Epochs next = {
          {epoch + 1, {{1, {{"a", value}, {"c" + value, value}}}, {2, {{"b", value}}}}}};
      fs_->plan().Inject({.call = call, .error = error});
      const auto outcome = WriteBack(next);
      const bool struck = fs_->plan().fired() > 0;
      fs_->plan().Clear();
      if (database_->mark().at.epoch == epoch + 1) {
        ApplyToModel(next);
        ++epoch;
      } else {
        EXPECT_FALSE(outcome.has_value());
      }
      ExpectModelAt(epoch);
      EXPECT_EQ(FilesIn("tmp"), std::vector<std::string>());
      if (!struck) break;
      ASSERT_LT(call, 1'000u);
    }
  }
  Reopen();
  ExpectModelAt(epoch);
}

// Some file systems need room even to remove a file. What the failed tries could not remove used to
// stay until the next opening, so that a full disk became fuller with each of them.
TEST_F(WriteBackTest, ScratchFilesThatCannotBeRemovedGoWithTheNextTry) {
  Open();
  const Epochs epochs = {{1, {{1, {{"a", "1"}}}, {2, {{"b", "1"}}}}}};
  fs_->plan().Inject({.sticky = true,
                      .error = FaultError::kFull,
                      .contains = "/tmp/",
                      .operations = {FileOperation::kSync, FileOperation::kDelete}});
  for (int attempt = 0; attempt < 3; ++attempt) {
    const auto failed = WriteBack(epochs);
    EXPECT_EQ(failed.error().code(), StatusCode::kResourceExhausted);
    EXPECT_EQ(failed.error().name(), "disk-full");
  }
  EXPECT_EQ(FilesIn("tmp").size(), 3u);
  fs_->plan().Clear();
  ASSERT_TRUE(WriteBack(epochs).has_value());
  ApplyToModel(epochs);
  ExpectModelAt(1);
  EXPECT_EQ(FilesIn("tmp"), std::vector<std::string>());
}

TEST_F(WriteBackTest, EqualsAModelUnderRandomChanges) {
  options_.sst_target_bytes = 64 << 10;
  Open();
  std::mt19937 random(31);
  uint64_t epoch = 0;
  for (int round = 0; round < 30; ++round) {
    Epochs epochs;
    const uint64_t count = 1 + random() % 5;
    for (uint64_t i = 0; i < count; ++i) {
      StateChanges& changes = epochs[++epoch];
      for (uint32_t table = 1; table <= 1 + random() % 4; ++table) {
        const size_t keys = random() % 200;
        for (size_t k = 0; k < keys; ++k) {
          const std::string key = std::to_string(random() % 500);
          changes[table][key] = random() % 3 == 0
                                    ? std::optional<std::string>()
                                    : std::optional(std::string(random() % 900, 'v') + key);
        }
      }
    }
    const auto outcome = WriteBack(epochs);
    ASSERT_TRUE(outcome.has_value()) << outcome.error().ToString();
    ApplyToModel(epochs);
    for (const auto& [number, changes] : epochs) {
      for (const auto& [id, table] : changes) model_[id];
    }
    if (round % 10 == 9) Reopen();
    ExpectModelAt(epoch);
  }
}

}  // namespace
}  // namespace tidemark::test
