// Pins and requests: what is pinned stays, whatever the writer does and whoever was faster; and
// what is asked for is answered by a checkpoint that comes after it was asked for.
#include "storage/pins.h"
#include "format/names.h"
#include "format/pin.h"
#include "storage/repository.h"
#include "storage/verify.h"
#include "tests/public/store_fixture.h"

#include <tidemark/pins.h>

#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace tidemark::test {
namespace {

class Listener : public EventListener {
 public:
  // Maintenance runs on the test's own thread.
  std::vector<RequestInfo> requests;
  void OnCheckpointRequested(const RequestInfo& request) override { requests.push_back(request); }
};

class PinsTest : public StoreFixture {
 protected:
  PinsTest() {
    // Maintenance happens when the test says so.
    options_.runtime =
        Runtime::Create({.memory_budget_bytes = 64 * kMiB, .background_threads = 0}).value();
    options_.keep_last = 1;
    options_.listener = listener_;
  }

  void OpenTable() {
    Open();
    table_.emplace(Open("t"));
  }
  void ReopenTable(std::optional<uint64_t> checkpoint = std::nullopt) {
    table_.reset();
    Reopen(checkpoint);
    table_.emplace(Open("t"));
  }
  void Maintain() { options_.runtime->RunMaintenance(); }
  // Changes some of the keys, for good, and saves them.
  void Change(uint64_t id) {
    for (uint64_t i = 0; i < 4; ++i)
      ASSERT_OK(table_->Put("key" + std::to_string((3 * id + i) % 10), Value(id, i)));
    ASSERT_OK(table_->Put("last", std::to_string(id)));
    ASSERT_OK(Save(id));
    saved_[id] = Read(*table_);
  }
  // Up to and with `last`.
  void ChangeUpTo(uint64_t last) {
    for (uint64_t id = saved_.empty() ? 1 : saved_.rbegin()->first + 1; id <= last; ++id) {
      Change(id);
      Maintain();
    }
  }
  // Too large to be inlined if `inline_segment_bytes_max` is 0 only.
  static std::string Value(uint64_t id, uint64_t i) {
    return std::string(20, static_cast<char>('a' + (id + i) % 26)) + std::to_string(id);
  }
  Content ViewOf(const std::string& pin) {
    auto view = store_->OpenView({.checkpoint = {}, .pin = pin});
    EXPECT_TRUE(view.has_value()) << view.error().ToString();
    if (!view.has_value()) return {};
    auto table = view->Table("t");
    return ContentOf(*table);
  }
  void ExpectPinIntact(const std::string& name) const {
    const format::WriterId id = storage::ReadRepositoryInfo(*storage_).value().id;
    const auto pins = storage::ReadPins(*storage_, id, std::nullopt);
    ASSERT_TRUE(pins.has_value()) << pins.error().ToString();
    size_t lists = 0;
    for (const format::Pin& pin : pins->readable) {
      if (pin.name != name) continue;
      for (const format::Manifest& list : pin.lists) {
        ++lists;
        const auto report = storage::VerifyCheckpoint(*storage_, list, list.checkpoints.front(),
                                                      storage::VerifyLevel::kChecksum);
        for (const Status& finding : report.findings) ADD_FAILURE() << finding.ToString();
      }
    }
    EXPECT_EQ(lists, options_.parallelism);
  }
  std::set<std::string> Objects() const {
    std::set<std::string> names;
    for (const ObjectInfo& object : storage_->List("").value()) names.insert(object.name);
    return names;
  }
  // Files of log/ and base/ that the list does not name.
  std::set<std::string> Unnamed() const {
    const format::WriterId id = storage::ReadRepositoryInfo(*storage_).value().id;
    const auto reading = storage::ReadManifest(*storage_, id, 0);
    std::set<std::string> names = Objects();
    std::erase_if(names, [](const std::string& name) {
      return name.find("/log/") == std::string::npos && name.find("/base/") == std::string::npos;
    });
    for (const auto& [file, meta] : reading->manifest.files)
      names.erase(format::SubtaskPrefix(0) + meta.name);
    return names;
  }

  std::shared_ptr<Listener> listener_ = std::make_shared<Listener>();
  std::optional<Table> table_;
  std::map<uint64_t, Content> saved_;
};

// ---- Pins ----

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

// ---- Requests ----

TEST_F(PinsTest, ARequestIsAnsweredByACheckpointThatComesAfterIt) {
  OpenTable();
  ChangeUpTo(1);
  const auto id = RequestCheckpoint(*storage_, "please");
  ASSERT_TRUE(id.has_value()) << id.error().ToString();
  Change(2);
  store_->LookForRequests();
  Maintain();
  ASSERT_EQ(listener_->requests.size(), 1u);
  EXPECT_EQ(listener_->requests[0].id, *id);
  EXPECT_EQ(listener_->requests[0].reason, "please");
  EXPECT_EQ(ListRequests(*storage_).value().size(), 1u)
      << "the barrier of 2 was before anybody had looked";
  store_->LookForRequests();
  Maintain();
  EXPECT_EQ(listener_->requests.size(), 1u) << "told once";
  Change(3);
  Maintain();
  EXPECT_EQ(ListRequests(*storage_).value().size(), 0u);
  EXPECT_EQ(listener_->requests.size(), 1u);
}

TEST_F(PinsTest, AFailedCheckpointIsNoAnswer) {
  OpenTable();
  ChangeUpTo(1);
  ASSERT_OK(RequestCheckpoint(*storage_).error());
  store_->LookForRequests();
  Maintain();
  storage_->plan().Inject({.operations = {StorageOperation::kCreateIfAbsent}});
  EXPECT_OK(table_->Put("last", "2"));
  EXPECT_EQ(Save(2).code(), StatusCode::kUnavailable);
  Maintain();
  EXPECT_EQ(ListRequests(*storage_).value().size(), 1u);
  Change(3);
  Maintain();
  EXPECT_EQ(ListRequests(*storage_).value().size(), 0u);
}

// Found in review: the newest checkpoint of the list was an answer, though of a branch that the
// store had left.
TEST_F(PinsTest, ABranchThatIsBeingAbandonedIsNoAnswer) {
  options_.keep_last = 10;
  OpenTable();
  ChangeUpTo(9);
  ReopenTable(3);
  ASSERT_OK(RequestCheckpoint(*storage_).error());
  for (int i = 0; i < 3; ++i) {
    store_->LookForRequests();
    Maintain();
  }
  EXPECT_EQ(listener_->requests.size(), 1u);
  EXPECT_EQ(ListRequests(*storage_).value().size(), 1u);
  Change(20);
  Maintain();
  EXPECT_EQ(ListRequests(*storage_).value().size(), 0u);
}

// Found in review: the look noted the last barrier before it listed the requests.
TEST_F(PinsTest, ABarrierDuringTheLookIsNoAnswer) {
  OpenTable();
  ChangeUpTo(1);
  const auto pause = storage_->PauseBefore(StorageOperation::kList, "requests/");
  store_->LookForRequests();
  std::thread looking([this] { Maintain(); });
  pause->WaitUntilReached();
  Change(2);
  ASSERT_OK(RequestCheckpoint(*storage_).error());
  pause->Release();
  looking.join();
  store_->LookForRequests();
  Maintain();
  EXPECT_EQ(ListRequests(*storage_).value().size(), 1u);
  Change(3);
  Maintain();
  EXPECT_EQ(ListRequests(*storage_).value().size(), 0u);
}

TEST_F(PinsTest, AnAnswerThatCannotBeGivenIsGivenLater) {
  OpenTable();
  ChangeUpTo(1);
  ASSERT_OK(RequestCheckpoint(*storage_).error());
  store_->LookForRequests();
  Maintain();
  storage_->plan().Inject({.contains = "requests/", .operations = {StorageOperation::kDelete}});
  Change(2);
  Maintain();
  EXPECT_EQ(storage_->plan().fired(), 1u);
  EXPECT_EQ(ListRequests(*storage_).value().size(), 1u);
  store_->LookForRequests();
  Maintain();
  EXPECT_EQ(ListRequests(*storage_).value().size(), 0u);
  EXPECT_EQ(listener_->requests.size(), 1u) << "told once";
}

TEST_F(PinsTest, AnIdleStoreLooksWhenItIsTold) {
  OpenTable();
  Maintain();
  ASSERT_OK(RequestCheckpoint(*storage_).error());
  Maintain();
  EXPECT_EQ(listener_->requests.size(), 0u);
  store_->LookForRequests();
  Maintain();
  EXPECT_EQ(listener_->requests.size(), 1u);
  EXPECT_OK(store_->Close());
  store_->LookForRequests();
}

TEST_F(PinsTest, ARequestCanBeTakenBack) {
  EXPECT_ERROR(RequestCheckpoint(*storage_).error(), StatusCode::kNotFound, "repository-not-found");
  OpenTable();
  EXPECT_ERROR(RequestCheckpoint(*storage_, std::string(4097, 'r')).error(),
               StatusCode::kInvalidArgument, "request-reason");
  EXPECT_ERROR(WithdrawRequest(*storage_, "17"), StatusCode::kInvalidArgument, "request-id");
  const std::string id = *RequestCheckpoint(*storage_);
  EXPECT_OK(WithdrawRequest(*storage_, id));
  EXPECT_OK(WithdrawRequest(*storage_, id));
  EXPECT_EQ(ListRequests(*storage_).value().size(), 0u);
}

TEST_F(PinsTest, ADamagedRequestHarmsNobody) {
  OpenTable();
  ChangeUpTo(1);
  ASSERT_OK(storage_->Put("subtasks/00000/requests/0123456789abcdef", "no request"));
  ASSERT_OK(RequestCheckpoint(*storage_).error());
  store_->LookForRequests();
  Maintain();
  ChangeUpTo(4);
  EXPECT_ERROR(ListRequests(*storage_).error(), StatusCode::kCorruption, "not-tidemark");
  EXPECT_EQ(listener_->requests.size(), 1u) << "the other one";
  EXPECT_EQ(Objects().contains("subtasks/00000/requests/0123456789abcdef"), true);
  EXPECT_EQ(Ids(), std::vector<uint64_t>{4});
}

}  // namespace
}  // namespace tidemark::test
