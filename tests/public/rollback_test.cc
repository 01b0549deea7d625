#include "tests/public/store_fixture.h"

#include <cstring>
#include <string>

namespace tidemark::test {
namespace {

class RollbackTest : public StoreFixture {
 protected:
  void SetUp() override {
    Open();
    table_.emplace(Open("t"));
  }
  Table& table() { return *table_; }
  void Put(std::string_view key, std::string_view value) { EXPECT_OK(table().Put(key, value)); }
  void Rollback() { EXPECT_OK(store_->Rollback()); }

  std::optional<Table> table_;
};

TEST_F(RollbackTest, UndoesEverythingSinceTheBarrier) {
  Put("kept", "1");
  Put("changed", "1");
  Put("deleted", "1");
  EXPECT_OK(Save(1));
  const Content before = Read(table());
  Put("new", "2");
  Put("changed", "2");
  Put("changed", "a value that needs more room than the one that was there before it");
  EXPECT_OK(table().Delete("deleted"));
  EXPECT_OK(table().Delete("kept"));
  Put("kept", "2");
  Rollback();
  EXPECT_EQ(Read(table()), before);
  EXPECT_EQ(Read(table(), "new"), std::nullopt);
  EXPECT_OK(Save(2));
  EXPECT_EQ(Read(table()), before);
  Reopen();
  table_.emplace(Open("t"));
  EXPECT_EQ(Read(table()), before);
}

TEST_F(RollbackTest, OfAFreshStoreLeavesItEmpty) {
  Put("a", "1");
  Rollback();
  EXPECT_EQ(Read(table()), Content());
  Rollback();
  Put("a", "2");
  EXPECT_OK(Save(1));
  EXPECT_EQ(Read(table()), (Content{{"a", "2"}}));
}

TEST_F(RollbackTest, DoesNotReachBehindTheBarrierWhateverBecameOfTheCheckpoint) {
  Put("a", "1");
  storage_->plan().Inject({.sticky = true, .operations = kStorageWrites});
  EXPECT_FALSE(Save(1).ok());
  Put("a", "2");
  Rollback();
  EXPECT_EQ(Read(table(), "a"), "1") << "the failed checkpoint's changes are the next one's";
  storage_->plan().Clear();
  EXPECT_OK(Save(2));
  Reopen();
  table_.emplace(Open("t"));
  EXPECT_EQ(Read(table(), "a"), "1");
}

TEST_F(RollbackTest, OfEntriesThatWereAppliedMeanwhile) {
  Put("a", "1");
  Put("b", "1");
  EXPECT_OK(Save(1));
  Put("a", "2");
  EXPECT_OK(store_->Drain());  // epoch 1 goes to RocksDB while its entries have newer versions
  Put("b", "2");
  Rollback();
  EXPECT_EQ(Read(table()), (Content{{"a", "1"}, {"b", "1"}}));
}

TEST_F(RollbackTest, InPlaceChangesToo) {
  Put("a", "before");
  EXPECT_OK(Save(1));
  EXPECT_OK(store_->Drain());
  std::memcpy(table().Mutable("a").value().data(), "during", 6);
  Rollback();
  EXPECT_EQ(Read(table(), "a"), "before");
}

TEST_F(RollbackTest, TablesCreatedSinceStayEmpty) {
  EXPECT_OK(Save(1));
  Table created = Open("created");
  EXPECT_OK(created.Put("a", "1"));
  Rollback();
  EXPECT_EQ(Read(created), Content());
  EXPECT_OK(created.Put("b", "2"));
  EXPECT_OK(Save(2));
  Reopen();
  created = Open("created");
  EXPECT_EQ(Read(created), (Content{{"b", "2"}}));
}

TEST_F(RollbackTest, GivesTheMemoryBack) {
  EXPECT_OK(Save(1));
  EXPECT_OK(store_->Drain());
  const uint64_t before = options_.runtime->memory_used_bytes();
  for (int i = 0; i < 10'000; ++i) Put("key" + std::to_string(i), std::string(1'000, 'v'));
  EXPECT_GT(options_.runtime->memory_used_bytes(), before + 10 * kMiB);
  Rollback();
  // Spare chunks, index and lists stay.
  EXPECT_LT(options_.runtime->memory_used_bytes(), before + kMiB);
}

}  // namespace
}  // namespace tidemark::test
