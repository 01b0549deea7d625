// Requests: what is asked for is answered by a checkpoint that comes after it was asked for.
#include "tests/public/pins_fixture.h"

namespace tidemark::test {
namespace {

class RequestsTest : public PinsFixture {};

TEST_F(RequestsTest, ARequestIsAnsweredByACheckpointThatComesAfterIt) {
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

TEST_F(RequestsTest, AFailedCheckpointIsNoAnswer) {
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
TEST_F(RequestsTest, ABranchThatIsBeingAbandonedIsNoAnswer) {
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
TEST_F(RequestsTest, ABarrierDuringTheLookIsNoAnswer) {
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

TEST_F(RequestsTest, AnAnswerThatCannotBeGivenIsGivenLater) {
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

TEST_F(RequestsTest, AnIdleStoreLooksWhenItIsTold) {
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

TEST_F(RequestsTest, ARequestCanBeTakenBack) {
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

TEST_F(RequestsTest, ADamagedRequestHarmsNobody) {
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
