// Pins: what is pinned stays, whatever the writer does and whoever was faster.
#include "tests/public/pins_fixture.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace tidemark::test {
namespace {

class PinsTest : public PinsFixture {};

TEST_F(PinsTest, RetentionPassesOverAPinnedCheckpoint) {
  OpenTable();
  ChangeUpTo(3);
  const auto pin = PinCheckpoint(*storage_, "before-the-upgrade", 3, "ticket 17");
  ASSERT_TRUE(pin.has_value()) << pin.error().ToString();
  EXPECT_EQ(pin->name, "before-the-upgrade");
  EXPECT_EQ(pin->checkpoint, 3u);
  EXPECT_EQ(pin->reason, "ticket 17");
  EXPECT_OK(store_->Close());
  ReopenTable();  // it looks at the pins before its first commit
  ChangeUpTo(12);
  EXPECT_EQ(Ids(), (std::vector<uint64_t>{3, 12}));
  ExpectPinIntact("before-the-upgrade");
  EXPECT_EQ(ViewOf("before-the-upgrade"), saved_[3]);

  // Also as what it is: a checkpoint to start from.
  ReopenTable(3);
  EXPECT_EQ(Read(*table_), saved_[3]);

  EXPECT_OK(UnpinCheckpoint(*storage_, "before-the-upgrade"));
  saved_.erase(saved_.upper_bound(3), saved_.end());
  Change(20);
  Maintain();
  Change(21);
  Maintain();
  EXPECT_EQ(Ids(), std::vector<uint64_t>{21});
  Maintain();
  EXPECT_EQ(Unnamed(), std::set<std::string>());
}

// A list remembers the last 64 attempts that led to its newest checkpoint. A job that had been
// started more often, and went back to a pinned checkpoint from before these, could commit nothing
// from then on: the list did not say any more how it had come to what it still had. Found by 108
// kills beside somebody who pins.
TEST_F(PinsTest, WhatIsOlderThanTheHistoryOfAttemptsCanBeGoneBackTo) {
  OpenTable();
  Change(1);
  ReopenTable();
  Change(2);
  ASSERT_OK(PinCheckpoint(*storage_, "first", 2).error());
  ReopenTable();
  Change(3);
  ASSERT_OK(PinCheckpoint(*storage_, "second", 3).error());
  const uint64_t last = 3 + format::kLineageMax + 5;
  for (uint64_t id = 4; id <= last; ++id) {
    ReopenTable();
    Change(id);
  }
  ASSERT_EQ(Ids(), (std::vector<uint64_t>{2, 3, last}));
  ASSERT_OK(PinCheckpoint(*storage_, "again", 2).error());
  EXPECT_EQ(ViewOf("again"), saved_[2]);

  ReopenTable(3);
  EXPECT_EQ(Read(*table_), saved_[3]);
  Change(200);
  EXPECT_EQ(Ids(), (std::vector<uint64_t>{2, 3, 200}));
  ReopenTable();
  EXPECT_EQ(Read(*table_), saved_[200]);
  ReopenTable(2);
  EXPECT_EQ(Read(*table_), saved_[2]);
  Change(300);
  EXPECT_EQ(ViewOf("second"), saved_[3]);
}

// The list may have dropped the checkpoint already: nobody tells a writer that there is a new pin.
class DroppedPinTest : public PinsTest, public ::testing::WithParamInterface<uint64_t> {};

TEST_P(DroppedPinTest, Invariant03FilesOfAPinStayAlthoughTheListHasDroppedItsCheckpoint) {
  options_.inline_segment_bytes_max = GetParam();
  OpenTable();
  ChangeUpTo(3);
  ASSERT_OK(store_->Drain());  // it has a base
  Change(4);
  Change(5);
  ASSERT_OK(PinCheckpoint(*storage_, "kept", 5).error());
  Change(6);  // drops 5
  ASSERT_EQ(Ids(), std::vector<uint64_t>{6});
  Maintain();
  ExpectPinIntact("kept");
  for (uint64_t id = 7; id <= 90; ++id) {  // manifests are collected meanwhile
    Change(id);
    Maintain();
    if (id % 20 == 0) {
      ASSERT_OK(store_->Drain());
    }
  }
  ExpectPinIntact("kept");
  EXPECT_EQ(ViewOf("kept"), saved_[5]);

  // Nor does a later writer take them for leftovers.
  ReopenTable();
  ChangeUpTo(93);
  ExpectPinIntact("kept");
  EXPECT_EQ(ViewOf("kept"), saved_[5]);
  EXPECT_FALSE(Unnamed().empty());

  // Nobody else wants them.
  ASSERT_OK(UnpinCheckpoint(*storage_, "kept"));
  ChangeUpTo(180);
  ASSERT_OK(store_->Drain());
  EXPECT_EQ(Unnamed(), std::set<std::string>());
  size_t versions = 0;
  for (const std::string& name : Objects())
    versions += name.starts_with("subtasks/00000/manifest/") ? 1 : 0;
  EXPECT_LT(versions, 80u);
}

INSTANTIATE_TEST_SUITE_P(InlinedAndNot, DroppedPinTest, ::testing::Values(0, uint64_t{64} << 10));

TEST_F(PinsTest, AnAbandonedBranchStaysUnderItsPin) {
  options_.keep_last = 10;
  OpenTable();
  ChangeUpTo(6);
  const Content six = saved_[6];
  ASSERT_OK(PinCheckpoint(*storage_, "abandoned", 6).error());
  ReopenTable(3);
  saved_.erase(saved_.upper_bound(3), saved_.end());
  Change(4);  // another one
  Maintain();
  EXPECT_EQ(Ids(), (std::vector<uint64_t>{1, 2, 3, 4}));
  ASSERT_OK(store_->Drain());
  ChangeUpTo(30);
  ExpectPinIntact("abandoned");
  EXPECT_EQ(ViewOf("abandoned"), six);
}

TEST_F(PinsTest, APinThatCameTooLateIsNone) {
  OpenTable();
  ChangeUpTo(2);
  const auto pause = storage_->PauseBefore(StorageOperation::kCreateIfAbsent, "pins/late");
  Status pinned;
  std::thread pinning([&] { pinned = PinCheckpoint(*storage_, "late", 2).error(); });
  pause->WaitUntilReached();
  Change(3);
  Maintain();
  pause->Release();
  pinning.join();
  EXPECT_ERROR(pinned, StatusCode::kNotFound, "checkpoint-not-found");
  EXPECT_FALSE(Objects().contains("pins/late"));
}

TEST_F(PinsTest, APinFollowsACheckpointThatMovesToOtherFiles) {
  options_.keep_last = 2;
  options_.inline_segment_bytes_max = 0;
  OpenTable();
  ChangeUpTo(2);
  const auto pause = storage_->PauseBefore(StorageOperation::kCreateIfAbsent, "pins/moving");
  Status pinned;
  std::thread pinning([&] { pinned = PinCheckpoint(*storage_, "moving", 2).error(); });
  pause->WaitUntilReached();
  ASSERT_OK(store_->Drain());  // a new base takes the place of the segments
  pause->Release();
  pinning.join();
  ASSERT_OK(pinned);
  ExpectPinIntact("moving");
  ChangeUpTo(10);
  EXPECT_EQ(ViewOf("moving"), saved_[2]);
}

TEST_F(PinsTest, OnePinKeepsAllSubtasks) {
  options_.parallelism = 2;
  OpenTable();
  ChangeUpTo(2);
  EXPECT_ERROR(PinCheckpoint(*storage_, "all", 2).error(), StatusCode::kNotFound,
               "subtask-not-found");
  StoreOptions other_options = options_;
  other_options.subtask = 1;
  other_options.directory = directory_ / "live1";
  auto other = *StateStore::Open(other_options);
  // The other subtask has none.
  EXPECT_ERROR(PinCheckpoint(*storage_, "all", 2).error(), StatusCode::kNotFound,
               "checkpoint-not-found");
  ASSERT_OK(other->Checkpoint(2).value().Wait());
  ASSERT_OK(PinCheckpoint(*storage_, "all", 2).error());
  for (uint64_t id = 3; id <= 5; ++id) {
    ASSERT_OK(other->Checkpoint(id).value().Wait());
    Change(id);
    Maintain();
  }
  ExpectPinIntact("all");
  EXPECT_EQ(ViewOf("all"), saved_[2]);
  ASSERT_OK(other->OpenView({.checkpoint = {}, .pin = "all"}).error());
}

TEST_F(PinsTest, BadArgumentsSayWhatIsWrong) {
  EXPECT_ERROR(PinCheckpoint(*storage_, "a", 1).error(), StatusCode::kNotFound,
               "repository-not-found");
  EXPECT_ERROR(ListPins(*storage_).error(), StatusCode::kNotFound, "repository-not-found");
  OpenTable();
  ChangeUpTo(1);
  for (const std::string& name :
       {std::string(), std::string(".hidden"), std::string("a/b"), std::string("a b"),
        std::string("x.tmp-y"), std::string(101, 'n')}) {
    EXPECT_ERROR(PinCheckpoint(*storage_, name, 1).error(), StatusCode::kInvalidArgument,
                 "pin-name");
    EXPECT_ERROR(UnpinCheckpoint(*storage_, name), StatusCode::kInvalidArgument, "pin-name");
  }
  EXPECT_ERROR(PinCheckpoint(*storage_, "a", 1, std::string(4097, 'r')).error(),
               StatusCode::kInvalidArgument, "pin-reason");
  EXPECT_ERROR(PinCheckpoint(*storage_, "a", 9).error(), StatusCode::kNotFound,
               "checkpoint-not-found");
  EXPECT_ERROR(UnpinCheckpoint(*storage_, "a"), StatusCode::kNotFound, "pin-not-found");
  EXPECT_EQ(ListPins(*storage_).value().size(), 0u) << "nothing of all this has left a pin";

  ASSERT_OK(PinCheckpoint(*storage_, "a", 1, std::string(4096, 'r')).error());
  EXPECT_ERROR(PinCheckpoint(*storage_, "a", 1).error(), StatusCode::kAlreadyExists, "pin-exists");
  ASSERT_OK(PinCheckpoint(*storage_, std::string(100, 'n'), 1).error());
  EXPECT_EQ(ListPins(*storage_).value().size(), 2u);
  EXPECT_ERROR(store_->OpenView({.checkpoint = {}, .pin = "b"}).error(), StatusCode::kNotFound,
               "pin-not-found");
  EXPECT_ERROR(store_->OpenView({.checkpoint = 1, .pin = "a"}).error(),
               StatusCode::kInvalidArgument, "option-conflict");
  EXPECT_ERROR(store_->OpenView({.checkpoint = {}, .pin = "../a"}).error(),
               StatusCode::kInvalidArgument, "pin-name");
}

TEST_F(PinsTest, WhileAPinIsDamagedNothingIsDeletedAndTheStoreGoesOn) {
  options_.inline_segment_bytes_max = 0;
  OpenTable();
  ChangeUpTo(2);
  ASSERT_OK(PinCheckpoint(*storage_, "good", 2).error());
  std::string bytes = *storage_->Read("pins/good", 0, uint64_t{1} << 20);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  ASSERT_OK(storage_->Put("pins/bad", bytes));
  EXPECT_ERROR(ListPins(*storage_).error(), StatusCode::kCorruption, "frame-checksum");
  const std::set<std::string> before = Objects();
  ChangeUpTo(6);
  const std::set<std::string> after = Objects();
  EXPECT_TRUE(std::includes(after.begin(), after.end(), before.begin(), before.end()));
  EXPECT_ERROR(store_->Drain(), StatusCode::kUnavailable, "pin-unreadable");
  ChangeUpTo(7);

  ASSERT_OK(UnpinCheckpoint(*storage_, "bad"));
  ChangeUpTo(9);
  ASSERT_OK(store_->Drain());
  ExpectPinIntact("good");
  ASSERT_OK(UnpinCheckpoint(*storage_, "good"));
  ChangeUpTo(12);
  ASSERT_OK(store_->Drain());  // a base: segments are dropped
  EXPECT_EQ(Unnamed(), std::set<std::string>());
}

// Once: reading a pin took as much memory as its file said it had, and a pipe in its place held
// maintenance up for ever.
TEST_F(PinsTest, APinThatIsNoSuchFileCostsNothing) {
  options_.inline_segment_bytes_max = 0;
  OpenTable();
  ChangeUpTo(2);
  const std::string folder = directory_ / "repository/pins";
  std::filesystem::create_directories(folder);
  std::ofstream(folder + "/huge") << "TDMK";
  std::filesystem::resize_file(folder + "/huge", uint64_t{1} << 40);
  EXPECT_ERROR(ListPins(*storage_).error(), StatusCode::kCorruption, "object-size");
  ChangeUpTo(4);
  EXPECT_ERROR(store_->Drain(), StatusCode::kUnavailable, "pin-unreadable");
  std::filesystem::remove(folder + "/huge");
  ASSERT_EQ(mkfifo((folder + "/pipe").c_str(), 0600), 0);
  EXPECT_ERROR(ListPins(*storage_).error(), StatusCode::kCorruption, "file-header");
  ChangeUpTo(6);
  EXPECT_ERROR(store_->Drain(), StatusCode::kUnavailable, "pin-unreadable");
  ASSERT_OK(UnpinCheckpoint(*storage_, "pipe"));
  ChangeUpTo(8);
  ASSERT_OK(store_->Drain());
}

// Found in review: one pin that could not be read made a new writer forget the others, and its
// first commit dropped their checkpoints from the list for good.
TEST_F(PinsTest, WhileAPinIsDamagedNoCheckpointIsOld) {
  OpenTable();
  ChangeUpTo(2);
  ASSERT_OK(PinCheckpoint(*storage_, "good", 2).error());
  ASSERT_OK(storage_->Put("pins/bad", "no pin"));
  ReopenTable();
  ChangeUpTo(5);
  EXPECT_EQ(Ids(), (std::vector<uint64_t>{2, 3, 4, 5}));
  ASSERT_OK(UnpinCheckpoint(*storage_, "bad"));
  store_->LookForRequests();
  Maintain();
  ChangeUpTo(6);
  EXPECT_EQ(Ids(), (std::vector<uint64_t>{2, 6}));
}

// Found by the model test: a failed look at the pins was passed over when opening. Until the next
// one, which a busy machine put off for the whole life of a short store, nothing counted as old.
TEST_F(PinsTest, AStoreThatCannotLookAtThePinsDoesNotOpen) {
  OpenTable();
  ChangeUpTo(2);
  ASSERT_OK(PinCheckpoint(*storage_, "good", 2).error());
  ASSERT_OK(store_->Close());
  storage_->plan().Inject({.contains = "pins/", .operations = {StorageOperation::kList}});
  EXPECT_EQ(StateStore::Open(options_).error().code(), StatusCode::kUnavailable);
  EXPECT_EQ(storage_->plan().fired(), 1u);
  ReopenTable();
  ChangeUpTo(4);
  EXPECT_EQ(Ids(), (std::vector<uint64_t>{2, 4}));
}

// Found in review: a version of which the writer does not know whether it was made is there for
// others to see, and what it alone names was deleted without a look at the pins.
TEST_F(PinsTest, Invariant03AMergedSegmentStaysThatOnlyAPinHasSeen) {
  options_.inline_segment_bytes_max = 0;
  options_.log_merge_segments = 2;
  options_.write_back_segments = 4'096;
  OpenTable();
  Change(1);
  Change(2);
  storage_->plan().Inject({.contains = "manifest/",
                           .operations = {StorageOperation::kCreateIfAbsent},
                           .answer_lost = true});
  Maintain();
  ASSERT_EQ(storage_->plan().fired(), 1u);
  storage_->plan().Clear();
  ASSERT_OK(PinCheckpoint(*storage_, "merged", 2).error());
  const format::WriterId id = storage::ReadRepositoryInfo(*storage_).value().id;
  const format::Pin pin = storage::ReadPin(*storage_, id, "merged", 0).value();
  ASSERT_EQ(pin.lists[0].checkpoints[0].segments.size(), 1u) << "the merged one";
  ChangeUpTo(9);
  ASSERT_OK(store_->Drain());
  ChangeUpTo(11);
  ExpectPinIntact("merged");
  EXPECT_EQ(ViewOf("merged"), saved_[2]);
}

// Found in review: a list ends before a damaged version, so that it may name what has been deleted.
TEST_F(PinsTest, NothingIsPinnedByAListThatIsNotTheNewest) {
  options_.keep_last = 3;
  OpenTable();
  ChangeUpTo(3);
  ASSERT_OK(store_->Close());
  std::string newest;
  for (const std::string& name : Objects())
    if (name.starts_with("subtasks/00000/manifest/")) newest = name;
  ASSERT_OK(storage_->Delete(std::vector<std::string>{newest}));
  ASSERT_OK(storage_->Put(newest, "no version"));
  EXPECT_EQ(PinCheckpoint(*storage_, "late", 3).error().code(), StatusCode::kCorruption);
  EXPECT_FALSE(Objects().contains("pins/late"));
}

// A name says nothing of what is under it: pins are deleted, and made again.
TEST_F(PinsTest, APinMadeAgainUnderTheSameNameKeepsTheOtherCheckpoint) {
  options_.inline_segment_bytes_max = 0;
  OpenTable();
  ChangeUpTo(1);
  for (uint64_t id = 1; id <= 8; ++id) {
    ASSERT_OK(PinCheckpoint(*storage_, "daily", id).error());
    Change(id + 1);
    Maintain();
    ExpectPinIntact("daily");
    EXPECT_EQ(ViewOf("daily"), saved_[id]);
    ASSERT_OK(UnpinCheckpoint(*storage_, "daily"));
  }
}

}  // namespace
}  // namespace tidemark::test
