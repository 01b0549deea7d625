#include "tests/public/store_fixture.h"

#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace tidemark::test {
namespace {

using IdList = std::vector<uint64_t>;

class CheckpointTest : public StoreFixture {
 protected:
  void SetUp() override { Open(); }
  Status StatusOf(uint64_t id, CheckpointOptions options = {}) {
    return store_->Checkpoint(id, std::move(options)).error();
  }
  // Every write of the repository fails from now on.
  void BreakStorage(FaultError error = FaultError::kFull) {
    storage_->plan().Inject({.sticky = true, .error = error, .operations = kStorageWrites});
  }
  void MendStorage() { storage_->plan().Clear(); }
};

TEST_F(CheckpointTest, IdsMustGrow) {
  ASSERT_OK(Save(5));
  for (const uint64_t id : {0u, 1u, 5u}) {
    EXPECT_ERROR(StatusOf(id), StatusCode::kInvalidArgument, "checkpoint-id");
  }
  EXPECT_NE(StatusOf(4).message().find("5"), std::string_view::npos);
  const auto pending = store_->Checkpoint(7);
  ASSERT_TRUE(pending.has_value());
  EXPECT_ERROR(StatusOf(6), StatusCode::kInvalidArgument, "checkpoint-id");
  EXPECT_ERROR(StatusOf(7), StatusCode::kInvalidArgument, "checkpoint-id");
  EXPECT_OK(pending->Wait());
  ASSERT_OK(Save(UINT64_MAX));
  EXPECT_ERROR(StatusOf(UINT64_MAX), StatusCode::kInvalidArgument, "checkpoint-id");
  EXPECT_EQ(Ids(), (IdList{5, 7, UINT64_MAX}));
}

TEST_F(CheckpointTest, ZeroIsAnId) {
  ASSERT_OK(Save(0));
  EXPECT_ERROR(StatusOf(0), StatusCode::kInvalidArgument, "checkpoint-id");
  Reopen();
  EXPECT_EQ(store_->restored().checkpoint->id, 0u);
  EXPECT_ERROR(StatusOf(0), StatusCode::kInvalidArgument, "checkpoint-id");
  ASSERT_OK(Save(1));
}

TEST_F(CheckpointTest, ARefusedOneLeavesTheEpochGoingOn) {
  Table table = Open("t");
  ASSERT_OK(table.Put("a", "1"));
  ASSERT_OK(Save(5));
  ASSERT_OK(table.Put("a", "2"));
  const uint64_t epoch = store_->epoch();
  EXPECT_FALSE(StatusOf(5).ok());
  EXPECT_EQ(store_->epoch(), epoch);
  ASSERT_OK(store_->Rollback());
  EXPECT_EQ(Read(table, "a"), "1");
}

TEST_F(CheckpointTest, IdsOfFailedOnesMayBeUsedAgain) {
  Table table = Open("t");
  ASSERT_OK(Save(1));
  BreakStorage();
  for (const uint64_t id : {2u, 3u, 2u}) {
    ASSERT_OK(table.Put("a", std::to_string(id)));
    const Status failed = Save(id);
    EXPECT_EQ(failed.code(), StatusCode::kResourceExhausted) << failed.ToString();
  }
  MendStorage();
  EXPECT_EQ(Ids(), IdList{1});
  ASSERT_OK(Save(2));
  EXPECT_EQ(Ids(), (IdList{1, 2}));
  Reopen();
  table = Open("t");
  EXPECT_EQ(Read(table, "a"), "2") << "what the failed ones held is in the next";
}

TEST_F(CheckpointTest, AnIdUnderWayIsTakenUntilItHasFailed) {
  const auto pause = storage_->PauseBefore(StorageOperation::kCreateIfAbsent, "manifest/");
  BreakStorage();
  const auto pending = store_->Checkpoint(9);
  ASSERT_TRUE(pending.has_value());
  pause->WaitUntilReached();
  EXPECT_FALSE(pending->done());
  EXPECT_ERROR(StatusOf(9), StatusCode::kInvalidArgument, "checkpoint-id");
  EXPECT_EQ(pending->WaitFor(std::chrono::milliseconds(1)), std::nullopt);
  pause->Release();
  EXPECT_FALSE(pending->Wait().ok());
  EXPECT_TRUE(pending->done());
  MendStorage();
  EXPECT_OK(Save(9));
}

TEST_F(CheckpointTest, BranchesContinueFromWhatWasRestored) {
  Table table = Open("t");
  for (const uint64_t id : {1u, 2u, 3u, 4u}) {
    ASSERT_OK(table.Put("a", std::to_string(id)));
    ASSERT_OK(Save(id));
  }
  Reopen(2);
  table = Open("t");
  EXPECT_EQ(Read(table, "a"), "2");
  EXPECT_EQ(Ids(), (IdList{1, 2, 3, 4})) << "nothing is abandoned before the first commit";
  EXPECT_ERROR(StatusOf(2), StatusCode::kInvalidArgument, "checkpoint-id");
  Reopen(4);
  Reopen(2);
  table = Open("t");
  ASSERT_OK(table.Put("a", "branch"));
  ASSERT_OK(Save(3)) << "only what the store stands on counts";
  EXPECT_EQ(Ids(), (IdList{1, 2, 3}));
  Reopen();
  table = Open("t");
  EXPECT_EQ(Read(table, "a"), "branch");
  Reopen(1);
  table = Open("t");
  EXPECT_EQ(Read(table, "a"), "1");
}

TEST_F(CheckpointTest, AFailedFirstCommitDoesNotAbandonAnything) {
  Table table = Open("t");
  for (const uint64_t id : {1u, 2u, 3u}) {
    ASSERT_OK(table.Put("a", std::to_string(id)));
    ASSERT_OK(Save(id));
  }
  Reopen(1);
  BreakStorage(FaultError::kIo);
  EXPECT_FALSE(Save(2).ok());
  MendStorage();
  EXPECT_EQ(Ids(), (IdList{1, 2, 3}));
  Reopen(3);
  table = Open("t");
  EXPECT_EQ(Read(table, "a"), "3");
}

TEST_F(CheckpointTest, WhatDoesNotExistIsSaidWithWhatDoes) {
  ASSERT_OK(Save(3));
  ASSERT_OK(Save(8));
  ASSERT_OK(store_->Close());
  options_.restore_checkpoint = 4;
  const auto opened = StateStore::Open(options_);
  EXPECT_ERROR(opened.error(), StatusCode::kNotFound, "checkpoint-not-found");
  EXPECT_NE(opened.error().message().find("3, 8"), std::string_view::npos)
      << opened.error().ToString();
  options_.directory = directory_ / "other";
  options_.storage = OpenLocalDirectory(directory_ / "empty").value();
  EXPECT_ERROR(StateStore::Open(options_).error(), StatusCode::kNotFound, "checkpoint-not-found");
}

TEST_F(CheckpointTest, KeepLast) {
  options_.keep_last = 2;
  Reopen();
  for (uint64_t id = 1; id <= 5; ++id) ASSERT_OK(Save(id));
  EXPECT_EQ(Ids(), (IdList{4, 5}));
  Reopen(4);
  EXPECT_EQ(store_->restored().checkpoint->id, 4u);
}

TEST_F(CheckpointTest, MetadataComesBack) {
  const Metadata metadata = {{"offset", "1234"}, {"", ""}, {"bytes", std::string("\0\xff", 2)}};
  ASSERT_OK(Save(1, metadata));
  ASSERT_OK(Save(2));
  EXPECT_EQ(store_->Checkpoints()[0].metadata, metadata);
  Reopen(1);
  EXPECT_EQ(store_->restored().checkpoint->metadata, metadata);
  Reopen(2);
  EXPECT_TRUE(store_->restored().checkpoint->metadata.empty());
}

TEST_F(CheckpointTest, MetadataHasALimit) {
  const std::string half(kMiB / 2, 'm');
  EXPECT_ERROR(StatusOf(1, {.metadata = {{half, half + "m"}}, .on_complete = {}}),
               StatusCode::kInvalidArgument, "metadata-too-large");
  EXPECT_OK(Save(1, {{half, half}}));
}

TEST_F(CheckpointTest, TheCallbackRunsOnceBeforeWaitReturns) {
  Table table = Open("t");
  ASSERT_OK(table.Put("a", "1"));
  std::atomic<int> calls{0};
  CheckpointOutcome outcome;
  const auto on_complete = [&](const CheckpointOutcome& got) {
    outcome = got;
    calls.fetch_add(1);
  };
  const auto pending = store_->Checkpoint(1, {.metadata = {}, .on_complete = on_complete});
  ASSERT_TRUE(pending.has_value());
  EXPECT_OK(pending->Wait());
  EXPECT_EQ(calls.load(), 1);
  EXPECT_EQ(outcome.id, 1u);
  EXPECT_OK(outcome.status);
  EXPECT_EQ(outcome.statistics.records, 1u);

  BreakStorage();
  const auto failing = store_->Checkpoint(2, {.metadata = {}, .on_complete = on_complete});
  ASSERT_TRUE(failing.has_value());
  EXPECT_FALSE(failing->Wait().ok());
  EXPECT_EQ(calls.load(), 2);
  EXPECT_EQ(outcome.id, 2u);
  EXPECT_EQ(outcome.status.ToString(), failing->Wait().ToString());
}

// What it threw left the commit thread, and ended the process.
TEST_F(CheckpointTest, ACallbackThatThrowsHarmsNobody) {
  for (uint64_t id = 1; id <= 2; ++id) {
    const auto pending = store_->Checkpoint(
        id,
        {.metadata = {}, .on_complete = [](const CheckpointOutcome& outcome) { throw outcome; }});
    ASSERT_TRUE(pending.has_value());
    EXPECT_OK(pending->Wait());
    EXPECT_EQ(store_->Metrics().listener_exceptions, id);
  }
}

// The clock overflowed, and "not within 292 years" came at once.
TEST_F(CheckpointTest, TheLongestLimitIsNone) {
  const auto pause = storage_->PauseBefore(StorageOperation::kCreateIfAbsent, "manifest/");
  const PendingCheckpoint pending = store_->Checkpoint(1).value();
  pause->WaitUntilReached();
  EXPECT_FALSE(pending.WaitFor(std::chrono::nanoseconds(1)).has_value());
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    pause->Release();
  });
  const std::optional<Status> outcome = pending.WaitFor(std::chrono::nanoseconds::max());
  later.join();
  ASSERT_TRUE(outcome.has_value());
  EXPECT_OK(*outcome);
}

TEST_F(CheckpointTest, PendingOutlivesTheStore) {
  std::optional<PendingCheckpoint> succeeded = store_->Checkpoint(1).value();
  EXPECT_OK(succeeded->Wait());
  BreakStorage();
  std::optional<PendingCheckpoint> failed = store_->Checkpoint(2).value();
  store_.reset();
  EXPECT_TRUE(succeeded->done());
  EXPECT_TRUE(failed->done()) << "closing decides what is in flight";
  const PendingCheckpoint copy = *succeeded;
  succeeded.reset();
  EXPECT_OK(copy.Wait());
  EXPECT_EQ(copy.id(), 1u);
  EXPECT_EQ(copy.statistics().epoch, 1u);
  EXPECT_FALSE(failed->Wait().ok());
}

TEST_F(CheckpointTest, StatisticsAreFilled) {
  options_.inline_segment_bytes_max = 1'000;
  Reopen();
  Table table = Open("t");
  ASSERT_OK(table.Put("key", "value"));
  ASSERT_OK(table.Put("gone", "1"));
  ASSERT_OK(table.Delete("gone"));
  const PendingCheckpoint small = store_->Checkpoint(1).value();
  EXPECT_OK(small.Wait());
  CheckpointStatistics statistics = small.statistics();
  EXPECT_EQ(statistics.epoch, 1u);
  EXPECT_EQ(statistics.records, 1u) << "`gone` came and went";
  EXPECT_EQ(statistics.net_change_bytes, 2 + 3 + 5u);
  EXPECT_TRUE(statistics.inlined);
  EXPECT_GT(statistics.log_bytes, 0u);
  EXPECT_GT(statistics.barrier.count(), 0);
  EXPECT_GT(statistics.encode.count(), 0);
  EXPECT_GE(statistics.durable, statistics.barrier);

  for (int i = 0; i < 1'000; ++i) ASSERT_OK(table.Put(std::to_string(i), std::to_string(i * i)));
  const PendingCheckpoint large = store_->Checkpoint(2).value();
  EXPECT_OK(large.Wait());
  statistics = large.statistics();
  EXPECT_EQ(statistics.epoch, 2u);
  EXPECT_EQ(statistics.records, 1'000u);
  EXPECT_FALSE(statistics.inlined);
  EXPECT_GT(statistics.log_bytes, 1'000u);

  const PendingCheckpoint empty = store_->Checkpoint(3).value();
  EXPECT_OK(empty.Wait());
  EXPECT_EQ(empty.statistics().records, 0u);
  EXPECT_EQ(empty.statistics().epoch, 3u);
}

TEST_F(CheckpointTest, ListsWhatIsRetained) {
  const auto before = std::chrono::system_clock::now() - std::chrono::seconds(1);
  ASSERT_OK(Save(3, {{"k", "v"}}));
  ASSERT_OK(Save(4));
  const std::vector<CheckpointInfo> list = store_->Checkpoints();
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0].id, 3u);
  EXPECT_EQ(list[0].epoch, 1u);
  EXPECT_EQ(list[0].metadata, (Metadata{{"k", "v"}}));
  EXPECT_EQ(list[1].epoch, 2u);
  EXPECT_GE(list[0].time, before);
  EXPECT_GE(list[1].time, list[0].time);
}

TEST_F(CheckpointTest, ManyMayBeInFlight) {
  Table table = Open("t");
  std::vector<PendingCheckpoint> pending;
  for (uint64_t id = 1; id <= 200; ++id) {
    ASSERT_OK(table.Put("a", std::to_string(id)));
    pending.push_back(store_->Checkpoint(id).value());
  }
  for (const PendingCheckpoint& one : pending) EXPECT_OK(one.Wait());
  EXPECT_EQ(Ids(), (IdList{196, 197, 198, 199, 200}));
  Reopen(198);
  table = Open("t");
  EXPECT_EQ(Read(table, "a"), "198");
}

TEST_F(CheckpointTest, TooManyInFlightAreRefusedAndTheEpochGoesOn) {
  const auto pause = storage_->PauseBefore(StorageOperation::kCreateIfAbsent, "manifest/");
  Table table = Open("t");
  std::vector<PendingCheckpoint> pending;
  Status refused;
  for (uint64_t id = 1; refused.ok(); ++id) {
    ASSERT_LT(id, 5'000u);
    ASSERT_OK(table.Put("a", std::to_string(id)));
    auto checkpoint = store_->Checkpoint(id);
    if (checkpoint.has_value()) {
      pending.push_back(*std::move(checkpoint));
    } else {
      refused = checkpoint.error();
    }
  }
  EXPECT_ERROR(refused, StatusCode::kBusy, "checkpoints-in-flight");
  const size_t count = pending.size();
  pause->Release();
  for (const PendingCheckpoint& one : pending) EXPECT_OK(one.Wait());
  ASSERT_OK(Save(count + 1));
  Reopen();
  table = Open("t");
  EXPECT_EQ(Read(table, "a"), std::to_string(count + 1));
}

}  // namespace
}  // namespace tidemark::test
