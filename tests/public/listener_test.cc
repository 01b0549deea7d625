// EventListener: every event comes for its real cause, once, and a listener that misbehaves harms
// nobody.
#include "tests/public/store_fixture.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

namespace tidemark::test {
namespace {

namespace fs = std::filesystem;
using Events = std::vector<std::string>;

class Listener : public EventListener {
 public:
  Events events() const {
    std::lock_guard lock(mutex_);
    return events_;
  }
  size_t Count(const std::string& event) const {
    const Events all = events();
    return static_cast<size_t>(std::count(all.begin(), all.end(), event));
  }
  std::function<void()> on_stall_begin;
  std::chrono::nanoseconds waited{};  // the last stall
  CheckpointStatistics completed{};   // the last one's; commit thread

  void OnCheckpointCompleted(const CheckpointOutcome& outcome) override {
    EXPECT_TRUE(outcome.status.ok());
    completed = outcome.statistics;
    Add("completed " + std::to_string(outcome.id));
  }
  void OnCheckpointFailed(const CheckpointOutcome& outcome) override {
    Add("failed " + std::to_string(outcome.id) + " " + std::string(outcome.status.name()));
  }
  void OnFallback(const RestoreReport::Skipped& skipped) override {
    Add("fallback " + std::to_string(skipped.id) + " " + std::string(skipped.reason.name()));
  }
  void OnFenced(const Status& status) override { Add("fenced " + std::string(status.name())); }
  void OnStallBegin() override {
    Add("stall begins");
    if (on_stall_begin) on_stall_begin();
  }
  void OnStallEnd(std::chrono::nanoseconds duration) override {
    waited = duration;
    Add("stall ends");
  }
  void OnCorruption(const Status& status) override {
    EXPECT_EQ(status.code(), StatusCode::kCorruption);
    Add("corruption " + std::string(status.name()));
  }

 protected:
  void Add(std::string event) {
    std::lock_guard lock(mutex_);
    events_.push_back(std::move(event));
  }

 private:
  mutable std::mutex mutex_;
  Events events_;  // protected by mutex_
};

class ThrowingListener final : public Listener {
 public:
  void OnCheckpointCompleted(const CheckpointOutcome& outcome) override {
    Listener::OnCheckpointCompleted(outcome);
    throw std::runtime_error("completed");
  }
  void OnCheckpointFailed(const CheckpointOutcome& outcome) override {
    Listener::OnCheckpointFailed(outcome);
    throw outcome.id;
  }
  void OnFallback(const RestoreReport::Skipped& skipped) override {
    Listener::OnFallback(skipped);
    throw std::runtime_error("fallback");
  }
  void OnFenced(const Status& status) override {
    Listener::OnFenced(status);
    throw std::runtime_error("fenced");
  }
  void OnStallBegin() override {
    Listener::OnStallBegin();
    throw std::runtime_error("begins");
  }
  void OnStallEnd(std::chrono::nanoseconds duration) override {
    Listener::OnStallEnd(duration);
    throw std::runtime_error("ends");
  }
  void OnCorruption(const Status& status) override {
    Listener::OnCorruption(status);
    throw std::runtime_error("corruption");
  }
};

class ListenerTest : public StoreFixture {
 protected:
  void Listen(std::shared_ptr<Listener> listener = std::make_shared<Listener>()) {
    options_.listener = listener_ = std::move(listener);
  }
  void OpenTable() {
    StoreFixture::Open();
    table_.emplace(Open("t"));
  }
  using StoreFixture::Open;
  Table& table() { return *table_; }

  // Checkpoints 1 to `count`, each a segment file of its own that only a restore elsewhere reads.
  void MakeCheckpoints(uint64_t count) {
    options_.inline_segment_bytes_max = 0;
    OpenTable();
    for (uint64_t id = 1; id <= count; ++id) {
      ASSERT_OK(table().Put("a", std::to_string(id)));
      ASSERT_OK(Save(id));
    }
    ASSERT_OK(store_->Close());
    fs::remove_all(options_.directory);
  }
  // The files of a folder of the repository, oldest first.
  std::vector<std::string> Files(const std::string& folder) const {
    std::vector<std::string> files;
    for (const auto& file :
         fs::directory_iterator(directory_ / ("repository/subtasks/00000/" + folder)))
      files.push_back(file.path());
    std::sort(files.begin(), files.end());
    return files;
  }
  static void Damage(const std::string& path, std::streamoff at) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    ASSERT_TRUE(file.good()) << path;
    file.seekp(at);
    file << "damage";
  }
  // Another store that fences this one. Maintenance would find that out too, so nothing of it is
  // due.
  std::unique_ptr<StateStore> TakeOver() {
    EXPECT_OK(store_->Drain());
    StoreOptions second = options_;
    second.directory = directory_ / "second";
    second.take_over = true;
    second.listener = nullptr;
    return StateStore::Open(second).value();
  }
  // An epoch that cannot become durable, and then writes until one has to wait. The last status.
  Status WriteUntilItWaits(const std::shared_ptr<FaultStorage::Pause>& pause) {
    int keys = 0;
    for (; keys < 1'000; ++keys) EXPECT_OK(table().Put("k" + std::to_string(keys), value_));
    EXPECT_TRUE(store_->Checkpoint(1).has_value());
    pause->WaitUntilReached();
    Status status;
    while (status.ok() && listener_->Count("stall begins") == 0)
      status = table().Put("k" + std::to_string(keys++), value_);
    return status;
  }

  const std::string value_ = std::string(8'000, 'v');
  std::shared_ptr<Listener> listener_;
  std::optional<Table> table_;
};

TEST_F(ListenerTest, CheckpointsThatCompleteAndFail) {
  Listen();
  OpenTable();
  Events before_callback;
  const PendingCheckpoint first =
      store_
          ->Checkpoint(1,
                       {.metadata = {},
                        .on_complete = [&](const auto&) { before_callback = listener_->events(); }})
          .value();
  ASSERT_OK(first.Wait());
  EXPECT_EQ(before_callback, Events{"completed 1"});
  EXPECT_EQ(listener_->completed.epoch, first.statistics().epoch);
  EXPECT_EQ(listener_->completed.durable, first.statistics().durable);
  storage_->plan().Inject(
      {.sticky = true, .error = FaultError::kFull, .operations = kStorageWrites});
  EXPECT_FALSE(Save(2).ok());
  storage_->plan().Clear();
  ASSERT_OK(Save(2));
  EXPECT_EQ(listener_->events(), (Events{"completed 1", "failed 2 disk-full", "completed 2"}));
}

TEST_F(ListenerTest, AStallBeginsAndEnds) {
  SetBudget(16 * kMiB);
  Listen();
  OpenTable();
  const auto pause = storage_->PauseBefore(StorageOperation::kCreateIfAbsent, "manifest/");
  Status reentrant;
  StoreMetrics during;
  listener_->on_stall_begin = [&] {
    reentrant = table().Put("from the listener", "v");
    during = store_->Metrics();
    pause->Release();
  };
  EXPECT_OK(WriteUntilItWaits(pause));
  EXPECT_ERROR(reentrant, StatusCode::kInvalidArgument, "reentrant-call");
  EXPECT_EQ(during.stalls, 1u);
  EXPECT_EQ(during.stall_time.count(), 0);
  const StoreMetrics after = store_->Metrics();
  EXPECT_EQ(after.stalls, 1u);
  EXPECT_GT(after.stall_time.count(), 0);
  EXPECT_EQ(after.stall_time, listener_->waited);
  EXPECT_OK(store_->Drain());
  Events events = listener_->events();
  EXPECT_EQ(std::erase(events, "completed 1"), 1u) << "before or after the end, on its own thread";
  EXPECT_EQ(events, (Events{"stall begins", "stall ends"}));
}

TEST_F(ListenerTest, AStallThatTimesOutEndsToo) {
  SetBudget(16 * kMiB);
  options_.stall_timeout = std::chrono::milliseconds(20);
  Listen();
  OpenTable();
  const auto pause = storage_->PauseBefore(StorageOperation::kCreateIfAbsent, "manifest/");
  EXPECT_ERROR(WriteUntilItWaits(pause), StatusCode::kResourceExhausted, "memory-budget");
  EXPECT_EQ(listener_->events(), (Events{"stall begins", "stall ends"}));
  // The timeout runs from the beginning of the write, which looks for room before it waits.
  EXPECT_GE(listener_->waited, options_.stall_timeout / 2);
  EXPECT_EQ(store_->Metrics().stall_time, listener_->waited);
  pause->Release();
}

TEST_F(ListenerTest, FencedByACheckpoint) {
  Listen();
  OpenTable();
  const auto newer = TakeOver();
  EXPECT_EQ(Save(1).code(), StatusCode::kFenced);
  EXPECT_EQ(Save(2).code(), StatusCode::kFenced);
  EXPECT_EQ(store_->Close().code(), StatusCode::kFenced);
  EXPECT_EQ(listener_->events(), (Events{"fenced writer-fenced", "failed 1 writer-fenced"}));
}

TEST_F(ListenerTest, FencedAndFoundOutByClose) {
  Listen();
  OpenTable();
  const auto newer = TakeOver();
  EXPECT_EQ(store_->Close().code(), StatusCode::kFenced);
  EXPECT_EQ(listener_->events(), Events{"fenced writer-fenced"});
}

TEST_F(ListenerTest, FallsBackOverDamagedCheckpoints) {
  MakeCheckpoints(4);
  const auto segments = Files("log");
  ASSERT_EQ(segments.size(), 4u);
  Damage(segments[2], 100);
  fs::remove(segments[3]);
  Listen();
  OpenTable();
  EXPECT_EQ(Read(table(), "a"), "2");
  EXPECT_EQ(listener_->events(),
            (Events{"corruption segment-checksum", "fallback 4 segment-checksum",
                    "corruption segment-checksum", "fallback 3 segment-checksum"}));
  ASSERT_EQ(store_->restored().skipped.size(), 2u);
  EXPECT_EQ(store_->Metrics().last_checkpoint->id, 2u);
}

TEST_F(ListenerTest, DamagedManifestVersionsAreCorruption) {
  MakeCheckpoints(2);
  Damage(Files("manifest").back(), 20);
  Listen();
  OpenTable();
  ASSERT_EQ(store_->restored().damaged_manifests.size(), 1u);
  EXPECT_EQ(listener_->events(),
            Events{"corruption " + std::string(store_->restored().damaged_manifests[0].name())});
}

TEST_F(ListenerTest, WhatMakesOpenFailIsCorruption) {
  MakeCheckpoints(2);
  Damage(Files("log")[0], 100);
  Listen();
  EXPECT_ERROR(StateStore::Open(options_).error(), StatusCode::kCorruption, "no-intact-checkpoint");
  options_.restore_checkpoint = 2;
  EXPECT_ERROR(StateStore::Open(options_).error(), StatusCode::kCorruption, "segment-checksum");
  options_.restore_checkpoint = 7;
  EXPECT_EQ(StateStore::Open(options_).error().code(), StatusCode::kNotFound);
  EXPECT_EQ(listener_->events(),
            (Events{"corruption no-intact-checkpoint", "corruption segment-checksum"}));
}

TEST_F(ListenerTest, LocalDamageThatTheRepositoryMakesUpForIsNot) {
  OpenTable();
  ASSERT_OK(table().Put("a", "1"));
  ASSERT_OK(Save(1));
  ASSERT_OK(store_->Drain());
  ASSERT_OK(store_->Close());
  for (const auto& file : fs::recursive_directory_iterator(options_.directory))
    if (file.path().filename() == "CURRENT") fs::resize_file(file.path(), 0);
  Listen();
  OpenTable();
  EXPECT_FALSE(store_->restored().reused_live_database);
  EXPECT_EQ(Read(table(), "a"), "1");
  EXPECT_EQ(listener_->events(), Events{});
}

// A version that is damaged lies where the next manifest version belongs.
TEST_F(ListenerTest, CorruptionThatACheckpointMeets) {
  Listen();
  OpenTable();
  ASSERT_OK(store_->Drain());  // so that no maintenance meets it first
  const fs::path newest = Files("manifest").back();
  std::string next = std::to_string(std::stoull(newest.filename().string()) + 1);
  next.insert(0, newest.filename().string().size() - next.size(), '0');
  fs::copy_file(newest, newest.parent_path() / next);
  Damage(newest.parent_path() / next, 20);
  const Status failed = Save(1);
  EXPECT_EQ(failed.code(), StatusCode::kCorruption);
  const std::string name(failed.name());
  ASSERT_OK(Save(1)) << "by a new attempt, around it";
  EXPECT_EQ(listener_->events(), (Events{"corruption " + name, "failed 1 " + name, "completed 1"}));
}

TEST_F(ListenerTest, CorruptionThatARunningStoreFinds) {
  OpenTable();
  ASSERT_OK(table().Put("a", "1"));
  ASSERT_OK(Save(1));
  ASSERT_OK(store_->Drain());
  Listen();
  Reopen();  // nothing of it is in the cache
  table_.emplace(Open("t"));
  for (const auto& file : fs::recursive_directory_iterator(options_.directory))
    if (file.path().extension() == ".sst") Damage(file.path(), 3);
  EXPECT_EQ(table().Get("a").error().code(), StatusCode::kCorruption);
  EXPECT_EQ(table().Get("a").error().code(), StatusCode::kCorruption);
  EXPECT_EQ(store_->Drain().code(), StatusCode::kCorruption);
  EXPECT_EQ(store_->Close().code(), StatusCode::kCorruption);
  ASSERT_EQ(listener_->events().size(), 1u);
  EXPECT_TRUE(listener_->events()[0].starts_with("corruption "));
}

// What a host throws must reach neither our threads, which it would end, nor the writer, whose
// call it would leave half done.
TEST_F(ListenerTest, ExceptionsAreDroppedAndCounted) {
  MakeCheckpoints(2);
  Damage(Files("log").back(), 100);
  SetBudget(16 * kMiB);
  options_.stall_timeout = std::chrono::milliseconds(20);
  Listen(std::make_shared<ThrowingListener>());
  OpenTable();
  EXPECT_EQ(Read(table(), "a"), "1");
  ASSERT_OK(Save(2));
  ASSERT_OK(store_->Drain());
  storage_->plan().Inject({.operations = kStorageWrites});
  EXPECT_FALSE(Save(3).ok());
  const auto pause = storage_->PauseBefore(StorageOperation::kCreateIfAbsent, "manifest/");
  for (int i = 0; i < 1'000; ++i) ASSERT_OK(table().Put("k" + std::to_string(i), value_));
  const PendingCheckpoint pending = store_->Checkpoint(3).value();
  pause->WaitUntilReached();
  Status full;
  for (int i = 0; full.ok(); ++i) full = table().Put("l" + std::to_string(i), value_);
  EXPECT_EQ(full.name(), "memory-budget");
  pause->Release();
  ASSERT_OK(pending.Wait());
  EXPECT_EQ(Read(table(), "k7"), value_);
  const auto newer = TakeOver();
  EXPECT_EQ(Save(4).code(), StatusCode::kFenced);
  EXPECT_EQ(listener_->events(),
            (Events{"corruption segment-checksum", "fallback 2 segment-checksum", "completed 2",
                    "failed 3 io-error", "stall begins", "stall ends", "completed 3",
                    "fenced writer-fenced", "failed 4 writer-fenced"}));
  EXPECT_EQ(store_->Metrics().listener_exceptions, 9u);
}

TEST_F(ListenerTest, NothingComesAfterClose) {
  Listen();
  OpenTable();
  std::vector<PendingCheckpoint> pending;
  for (uint64_t id = 1; id <= 20; ++id) pending.push_back(store_->Checkpoint(id).value());
  ASSERT_OK(store_->Close());
  EXPECT_EQ(listener_->events().size(), 20u) << "those in flight are finished by Close";
  store_.reset();
  table_.reset();
  EXPECT_EQ(listener_->events().size(), 20u);
  options_.listener.reset();
  EXPECT_EQ(listener_.use_count(), 1) << "the store has let go";
}

}  // namespace
}  // namespace tidemark::test
