// What a store promises about the states that it keeps: invariants 2, 5 and 6 of
// docs/ARCHITECTURE.md.
#include "tests/store/core_fixture.h"

#include "storage/live_database.h"

#include <random>
#include <set>
#include <string>
#include <vector>

namespace tidemark::store {
namespace {

using test::FaultError;

// With and without hard links: two ways of publishing bases.
class StateInvariantsTest : public CoreFixture, public ::testing::WithParamInterface<bool> {
 protected:
  void SetUp() override {
    storage_->DenyLinks(GetParam());
    options_.keep_last = 100;
    options_.write_back_segments = 4'096;
    options_.write_back_bytes = uint64_t{1} << 30;
  }

  // Changes a random part of the table and makes a checkpoint of it.
  void RandomEpoch(uint64_t id) {
    for (int i = 0; i < 60; ++i) {
      const std::string key = "key" + std::to_string(random_() % 150);
      if (random_() % 4 == 0) {
        ASSERT_EQ(table_->Delete(key).ToString(), "OK");
      } else {
        Put(key, "of checkpoint " + std::to_string(id) + std::string(random_() % 50, '.'));
      }
    }
    states_[id] = Read(*table_);
    ASSERT_EQ(Save(id).ToString(), "OK");
  }
  void ExpectEveryCheckpoint() {
    for (const auto& [id, state] : states_) {
      SCOPED_TRACE("checkpoint " + std::to_string(id));
      LoseLiveDirectory();
      Restore(id);
      EXPECT_EQ(Read(*table_), state);
      Close();
    }
  }

  std::mt19937 random_{2};
  std::map<uint64_t, Content> states_;
};
INSTANTIATE_TEST_SUITE_P(Links, StateInvariantsTest, ::testing::Bool(),
                         [](const auto& links) { return links.param ? "Denied" : "Used"; });

TEST_P(StateInvariantsTest, Invariant02RestoringGivesTheStateAtTheBarrierBeforeAndAfterCompaction) {
  Open();
  uint64_t id = 0;
  while (id < 8) RandomEpoch(++id);
  Close();
  ExpectEveryCheckpoint();  // from segments alone

  Restore(std::nullopt);
  ASSERT_EQ(store_->Drain().ToString(),
            "OK");  // everything goes into RocksDB, and into a base where that is free
  Close();
  ExpectEveryCheckpoint();

  Restore(std::nullopt);
  while (id < 12) RandomEpoch(++id);
  ASSERT_EQ(store_->Drain().ToString(), "OK");
  while (id < 14) RandomEpoch(++id);
  Close();
  ExpectEveryCheckpoint();  // from different bases and the segments after them
}

TEST_P(StateInvariantsTest, Invariant02AlsoWhileWriteBackRunsAllTheTime) {
  options_.write_back_segments = 1;
  Open();
  for (uint64_t id = 1; id <= 25; ++id) RandomEpoch(id);
  Close();
  ExpectEveryCheckpoint();
}

// A key in every epoch that nothing ever writes again, and one that all write.
TEST_P(StateInvariantsTest, Invariant05AFailedCheckpointLosesNothing) {
  for (const uint64_t inline_bytes : {uint64_t{0}, kMiB}) {
    options_.inline_segment_bytes_max = inline_bytes;
    options_.directory = directory_ / ("live" + std::to_string(inline_bytes));
    options_.storage = storage_ = std::make_shared<test::FaultStorage>(
        storage::OpenLocalDirectoryOn(directory_ / ("repository" + std::to_string(inline_bytes)),
                                      fs_)
            .value());
    Open();
    Content expected;
    uint64_t id = 0;
    for (uint64_t call = 1; call <= 6; ++call) {
      for (const bool sticky : {false, true}) {
        for (const bool answer_lost : {false, true}) {
          storage_->plan().Inject({.call = call,
                                   .sticky = sticky,
                                   .error = call % 2 == 0 ? FaultError::kFull : FaultError::kIo,
                                   .operations = test::kStorageWrites,
                                   .answer_lost = answer_lost});
          for (int epoch = 0; epoch < 3; ++epoch) {
            const std::string number = std::to_string(++id);
            Put("only in " + number, number);
            Put("in all", number);
            expected["only in " + number] = expected["in all"] = number;
            (void)Save(id);
          }
          storage_->plan().Clear();
          ASSERT_EQ(Save(++id).ToString(), "OK");
          ASSERT_EQ(Read(*table_), expected);
        }
      }
    }
    Close();
    LoseLiveDirectory();
    Restore(std::nullopt);
    EXPECT_EQ(store_->restored().checkpoint->id, id);
    EXPECT_EQ(Read(*table_), expected);
    Close();
  }
}

TEST_P(StateInvariantsTest, Invariant05ATableCreatedInAFailedCheckpointIsInTheNext) {
  Open();
  ASSERT_EQ(Save(1).ToString(), "OK");
  const auto created = store_->OpenTable("created", {}).value();
  ASSERT_EQ(created->Put("a", "1").ToString(), "OK");
  storage_->plan().Inject({.sticky = true, .operations = test::kStorageWrites});
  EXPECT_FALSE(Save(2).ok());
  storage_->plan().Clear();
  ASSERT_EQ(Save(2).ToString(), "OK");
  Close();
  Restore(std::nullopt);
  EXPECT_EQ(Read(*store_->OpenTable("created", {}).value()), (Content{{"a", "1"}}));
  Close();
}

// A disk that fills up while segments are written locally: the scratch file of a segment is on it.
TEST_P(StateInvariantsTest, Invariant05WhenTheLocalDiskFails) {
  options_.inline_segment_bytes_max = 0;
  Open();
  Content expected;
  uint64_t id = 0;
  for (uint64_t call = 1; call <= 12; ++call) {
    for (const FaultError error : {FaultError::kFull, FaultError::kIo}) {
      fs_->plan().Inject(
          {.call = call, .sticky = true, .error = error, .contains = "/tmp/segment-"});
      const std::string number = std::to_string(++id);
      Put(number, number);
      expected[number] = number;
      const Status failed = Save(id);
      EXPECT_TRUE(failed.ok() || fs_->plan().fired() > 0) << failed.ToString();
      if (!failed.ok() && error == FaultError::kFull) {
        EXPECT_EQ(failed.code(), StatusCode::kResourceExhausted);
      }
      fs_->plan().Clear();
      ASSERT_EQ(Save(++id).ToString(), "OK");
    }
  }
  Close();
  LoseLiveDirectory();
  Restore(std::nullopt);
  EXPECT_EQ(Read(*table_), expected);
  Close();
}

// Once: a segment that could not be brought into the local change log was tried again although the
// failure had consumed its file, and nothing was collected until the next write-back.
TEST_P(StateInvariantsTest, ALocalChangeLogThatFailsHoldsUpNothing) {
  options_.inline_segment_bytes_max = 0;
  options_.keep_last = 1;
  Open();
  fs_->plan().Inject({.contains = "/side/"});
  uint64_t id = 0;
  const auto save = [&] {
    Put("a", std::to_string(++id));
    ASSERT_EQ(Save(id).ToString(), "OK");
  };
  // It is fed by a thread of its own, some time later; where links are free it is not.
  const auto has_failed = [&] { return !GetParam() || fs_->plan().fired() > 0; };
  for (int i = 0; i < 10 || (i < 500 && !has_failed()); ++i) save();
  EXPECT_TRUE(has_failed());
  fs_->plan().Clear();
  // Versions are collected some time after every thirty-two.
  const auto versions = [&] { return storage_->List("subtasks/00000/manifest/").value().size(); };
  for (int i = 0; i < 300 && versions() >= id; ++i) save();
  EXPECT_LT(versions(), id);
  Close();
}

// In every epoch all keys change to its number: a state in which they differ stands between two
// epochs. Every call of a store that writes to the state database fails once, with all after it;
// what is then on disk is looked at.
TEST_P(StateInvariantsTest, Invariant06TheStateDatabaseStandsAtAnEpochBoundary) {
  constexpr int kKeys = 40;
  options_.write_back_segments = 1;
  std::set<uint64_t> epochs_seen;
  bool struck = true;
  for (uint64_t call = 1; struck && call < 400; call += TIDEMARK_SANITIZED ? 17 : 5) {
    SCOPED_TRACE("call " + std::to_string(call));
    options_.directory = directory_ / ("live" + std::to_string(call));
    options_.storage = storage_ = std::make_shared<test::FaultStorage>(
        storage::OpenLocalDirectoryOn(directory_ / ("repository" + std::to_string(call)), fs_)
            .value());
    storage_->DenyLinks(GetParam());
    Open();
    const auto second = store_->OpenTable("second", {}).value();
    fs_->plan().Inject({.call = call, .sticky = true, .contains = options_.directory});
    std::string live_directory;
    for (uint64_t epoch = 1; epoch <= 5; ++epoch) {
      for (int i = 0; i < kKeys; ++i) {
        Put(std::to_string(i), std::to_string(epoch));
        ASSERT_EQ(second->Put(std::to_string(i), std::to_string(epoch)).ToString(), "OK");
      }
      (void)Save(epoch);
      (void)store_->Drain();
    }
    struck = fs_->plan().fired() > 0;
    (void)store_->Close();
    table_.reset();
    store_.reset();
    fs_->plan().Clear();
    auto live =
        storage::LiveDatabase::Open({.directory = options_.directory + "/live.1", .fs = fs_});
    ASSERT_TRUE(live.has_value()) << live.error().ToString();
    const format::AppliedMark mark = (*live)->mark();
    epochs_seen.insert(mark.at.epoch);
    for (const uint32_t table : {1u, 2u}) {
      int keys = 0;
      const Status scanned =
          (*live)->View()->Scan(table, [&](std::string_view, std::string_view value) {
            EXPECT_EQ(format::ParseStoredValue(value).value().value, std::to_string(mark.at.epoch));
            ++keys;
            return true;
          });
      EXPECT_EQ(scanned.ToString(), "OK");
      EXPECT_EQ(keys, mark.at.epoch == 0 ? 0 : kKeys);
    }
  }
  EXPECT_GT(epochs_seen.size(), 3u);
}

}  // namespace
}  // namespace tidemark::store
