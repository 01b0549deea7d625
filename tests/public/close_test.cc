#include "tests/public/store_fixture.h"

#include <tidemark/flatbuffers.h>
#include <tidemark/value_state.h>

#include <optional>
#include <string>
#include <vector>

namespace tidemark::test {
namespace {

class CloseTest : public StoreFixture {
 protected:
  void SetUp() override { Open(); }
  static void ExpectClosed(const std::vector<Status>& statuses) {
    int number = 0;
    for (const Status& status : statuses) {
      SCOPED_TRACE("call " + std::to_string(++number));
      EXPECT_ERROR(status, StatusCode::kClosed, "store-closed");
    }
  }
};

TEST_F(CloseTest, EveryMemberOfEveryHandleSaysClosed) {
  Table table = Open("t");
  auto counts = store_->Value<std::string, uint64_t>("counts").value();
  EXPECT_OK(table.Put("a", "1"));
  const PendingCheckpoint pending = store_->Checkpoint(1).value();
  EXPECT_OK(store_->Close());
  ExpectClosed(
      {table.Get("a").error(), table.Put("a", "2"), table.Delete("a"),
       table.Update("a", [](auto) -> Result<std::string_view> { return std::string_view("x"); }),
       table.Mutable("a").error(), table.ForEach([](auto, auto) { return true; })});
  ExpectClosed({counts.Get("a").error(), counts.Put("a", 2), counts.Delete("a"),
                counts.Update("a", [](uint64_t& n) { ++n; }),
                counts.ForEach([](auto, auto) { return true; })});
  ExpectClosed({store_->OpenTable("t").error(), store_->OpenTable("new").error(),
                (store_->Value<std::string, uint64_t>("counts").error()),
                store_->Checkpoint(2).error(), store_->Rollback(), store_->Drain()});
  EXPECT_EQ(table.name(), "t");
  EXPECT_EQ(table.options().value_codec, "bytes");
  EXPECT_TRUE(store_->Checkpoints().empty());
  EXPECT_FALSE(store_->restored().checkpoint.has_value());
  EXPECT_EQ(store_->epoch(), 2u);
  EXPECT_OK(pending.Wait());
  EXPECT_OK(store_->Close()) << "closing twice does nothing";
}

TEST_F(CloseTest, HandlesMayOutliveTheStore) {
  Table table = Open("t");
  auto counts = store_->Value<std::string, uint64_t>("counts").value();
  const PendingCheckpoint pending = store_->Checkpoint(1).value();
  store_.reset();
  ExpectClosed({table.Get("a").error(), table.Put("a", "2"), counts.Get("a").error()});
  EXPECT_OK(pending.Wait());
  EXPECT_EQ(table.name(), "t");
}

TEST_F(CloseTest, ChangesAfterTheLastBarrierAreLost) {
  Table table = Open("t");
  EXPECT_OK(table.Put("a", "1"));
  EXPECT_OK(Save(1));
  EXPECT_OK(table.Put("a", "2"));
  Reopen();
  table = Open("t");
  EXPECT_EQ(Read(table, "a"), "1");
}

TEST_F(CloseTest, FinishesCheckpointsInFlight) {
  Table table = Open("t");
  std::vector<PendingCheckpoint> pending;
  for (uint64_t id = 1; id <= 20; ++id) {
    EXPECT_OK(table.Put("a", std::to_string(id)));
    pending.push_back(store_->Checkpoint(id).value());
  }
  EXPECT_OK(store_->Close());
  for (const PendingCheckpoint& one : pending) {
    EXPECT_TRUE(one.done());
    EXPECT_OK(one.Wait());
  }
  Reopen();
  table = Open("t");
  EXPECT_EQ(Read(table, "a"), "20");
}

TEST_F(CloseTest, GivesAllMemoryBack) {
  Table table = Open("t");
  for (int i = 0; i < 5'000; ++i) EXPECT_OK(table.Put(std::to_string(i), std::string(500, 'v')));
  EXPECT_OK(Save(1));
  for (int i = 0; i < 100; ++i) EXPECT_OK(table.Put(std::to_string(i), "after the barrier"));
  EXPECT_GT(options_.runtime->memory_used_bytes(), 2 * kMiB);
  EXPECT_OK(store_->Close());
  EXPECT_EQ(options_.runtime->memory_used_bytes(), 0u);
}

TEST_F(CloseTest, AStoreThatCouldNotOpenHoldsNothing) {
  EXPECT_OK(Save(1));
  EXPECT_OK(store_->Close());
  storage_->plan().Inject({.sticky = true, .contains = "manifest/"});
  EXPECT_FALSE(StateStore::Open(options_).has_value());
  storage_->plan().Clear();
  EXPECT_EQ(options_.runtime->memory_used_bytes(), 0u);
  Reopen();
  EXPECT_EQ(store_->restored().checkpoint->id, 1u);
}

TEST_F(CloseTest, TheRepositoryIsFreeAfterwards) {
  StoreOptions second = options_;
  second.directory = directory_ / "second";
  EXPECT_ERROR(StateStore::Open(second).error(), StatusCode::kBusy, "repository-locked");
  EXPECT_OK(store_->Close());
  auto opened = StateStore::Open(second);
  ASSERT_TRUE(opened.has_value()) << opened.error().ToString();
  // The first one cannot tell yet, and finds out without doing harm.
  EXPECT_OK((*opened)->Close());
}

TEST_F(CloseTest, AStoreThatWasTakenOverIsFenced) {
  Table table = Open("t");
  EXPECT_OK(table.Put("a", "1"));
  EXPECT_OK(Save(1));
  EXPECT_OK(store_->Drain());  // or maintenance finds it out before the next checkpoint does
  StoreOptions second = options_;
  second.directory = directory_ / "second";
  second.take_over = true;
  auto newer = StateStore::Open(second).value();
  EXPECT_OK(table.Put("a", "2"));
  const PendingCheckpoint pending = store_->Checkpoint(2).value();
  EXPECT_ERROR(pending.Wait(), StatusCode::kFenced, "writer-fenced");
  EXPECT_EQ(table.Put("a", "3").code(), StatusCode::kFenced);
  EXPECT_EQ(store_->Checkpoint(3).error().code(), StatusCode::kFenced);
  EXPECT_EQ(store_->Drain().code(), StatusCode::kFenced);
  EXPECT_EQ(store_->Close().code(), StatusCode::kFenced);
  ExpectClosed({table.Put("a", "3")});
  Table taken = newer->OpenTable("t").value();
  EXPECT_EQ(Read(taken, "a"), "1");
  EXPECT_OK(taken.Put("a", "newer"));
  EXPECT_OK(newer->Checkpoint(2).value().Wait());
}

}  // namespace
}  // namespace tidemark::test
