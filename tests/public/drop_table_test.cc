#include "tests/public/store_fixture.h"

#include <string>

namespace tidemark::test {
namespace {

class DropTableTest : public StoreFixture {
 protected:
  void SetUp() override { Open(); }
  using StoreFixture::Open;
  bool Exists(std::string_view name) {
    // A table of another kind cannot be opened as this one.
    const auto opened = store_->OpenTable(name, {.value_codec = "probe"});
    return !opened.has_value();
  }
};

TEST_F(DropTableTest, HandlesAndIteratorsFindOut) {
  Table table = Open("t", {.kind = TableKind::kOrderedBytes});
  EXPECT_OK(table.Put("a", "1"));
  Iterator iterator = table.Scan().value();
  EXPECT_OK(store_->DropTable("t"));
  EXPECT_ERROR(table.Put("a", "2"), StatusCode::kNotFound, "table-dropped");
  EXPECT_ERROR(table.Get("a").error(), StatusCode::kNotFound, "table-dropped");
  EXPECT_ERROR(table.Scan().error(), StatusCode::kNotFound, "table-dropped");
  EXPECT_ERROR(table.ForEach([](auto, auto) { return true; }), StatusCode::kNotFound,
               "table-dropped");
  EXPECT_ERROR(iterator.Next().error(), StatusCode::kNotFound, "table-dropped");
  EXPECT_ERROR(store_->DropTable("t"), StatusCode::kNotFound, "table-not-found");
  Table other = Open("t");  // of another kind
  EXPECT_EQ(Read(other), Content());
  EXPECT_ERROR(table.Put("a", "2"), StatusCode::kNotFound, "table-dropped");
}

TEST_F(DropTableTest, RollbackBringsItBack) {
  Table table = Open("t");
  EXPECT_OK(table.Put("a", "1"));
  EXPECT_OK(Save(1));
  EXPECT_OK(table.Put("a", "2"));
  EXPECT_OK(store_->DropTable("t"));
  Table usurper = Open("t", {.value_codec = "other"});
  EXPECT_OK(usurper.Put("b", "3"));
  EXPECT_OK(store_->Rollback());
  EXPECT_EQ(Read(table), (Content{{"a", "1"}}));
  EXPECT_ERROR(usurper.Put("b", "3"), StatusCode::kNotFound, "table-dropped");
  EXPECT_OK(table.Put("b", "4"));
  EXPECT_OK(Save(2));
  Reopen();
  table = Open("t");
  EXPECT_EQ(Read(table), (Content{{"a", "1"}, {"b", "4"}}));
}

TEST_F(DropTableTest, Invariant02EachCheckpointHasTheTablesOfItsBarrier) {
  options_.keep_last = 5;
  Table table = Open("t");
  Table stays = Open("stays");
  EXPECT_OK(table.Put("a", "1"));
  EXPECT_OK(stays.Put("s", "1"));
  EXPECT_OK(Save(1));
  EXPECT_OK(table.Put("a", "2"));
  EXPECT_OK(Save(2));
  EXPECT_OK(table.Put("a", "3"));
  EXPECT_OK(store_->DropTable("t"));
  EXPECT_OK(Save(3));
  Table again = Open("t");
  EXPECT_OK(again.Put("b", "4"));
  EXPECT_OK(Save(4));
  for (const bool applied : {false, true}) {
    if (applied) {
      EXPECT_OK(store_->Drain());
    }
    Reopen(2);
    EXPECT_EQ(Read(table = Open("t")), (Content{{"a", "2"}}));
    Reopen(4);
    EXPECT_EQ(Read(table = Open("t")), (Content{{"b", "4"}}));
    EXPECT_EQ(Read(stays = Open("stays")), (Content{{"s", "1"}}));
    Reopen(3);
    EXPECT_FALSE(Exists("t"));
    Reopen(4);
  }
}

TEST_F(DropTableTest, ItsMemoryComesBackOnceItsEpochsAreReleased) {
  EXPECT_OK(Save(1));
  EXPECT_OK(store_->Drain());
  const uint64_t before = options_.runtime->memory_used_bytes();
  {
    Table table = Open("t");
    for (int i = 0; i < 10'000; ++i)
      EXPECT_OK(table.Put("key" + std::to_string(i), std::string(1'000, 'v')));
    EXPECT_OK(Save(2));
    for (int i = 0; i < 5'000; ++i)
      EXPECT_OK(table.Put("key" + std::to_string(i), std::string(1'000, 'w')));
    EXPECT_OK(store_->DropTable("t"));
  }
  EXPECT_OK(Save(3));
  EXPECT_OK(store_->Drain());
  EXPECT_LT(options_.runtime->memory_used_bytes(), before + 2 * kMiB);
}

// Once a checkpoint failed, its tables are named by the next; those dropped before that, by none.
TEST_F(DropTableTest, Invariant05DropsSurviveACheckpointThatFailed) {
  EXPECT_OK(Open("first").Put("a", "1"));
  storage_->plan().Inject({.call = 1, .operations = kStorageWrites});
  EXPECT_FALSE(Save(1).ok());
  storage_->plan().Clear();
  EXPECT_OK(store_->DropTable("first"));
  EXPECT_OK(Open("second").Put("b", "1"));
  EXPECT_OK(Save(2));
  Reopen();
  EXPECT_FALSE(Exists("first"));
  Table second = Open("second");
  EXPECT_EQ(Read(second), (Content{{"b", "1"}}));
}

// Once: a table that was dropped between a checkpoint that failed and the next one left its records
// in a segment, while its id was given to the next table after a restart, which then had them.
TEST_F(DropTableTest, Invariant02AnIdOfWhichThereAreRecordsIsNotGivenOutAgain) {
  options_.keep_last = 5;
  EXPECT_OK(Open("stays").Put("a", "1"));
  EXPECT_OK(Open("dropped").Put("b", "1"));
  storage_->plan().Inject({.call = 1, .operations = kStorageWrites});
  EXPECT_FALSE(Save(1).ok());
  storage_->plan().Clear();
  EXPECT_OK(store_->DropTable("dropped"));
  EXPECT_OK(Save(2));
  Reopen();
  EXPECT_OK(Open("new").Put("c", "1"));
  EXPECT_OK(Save(3));
  Reopen();
  Table table = Open("new");
  EXPECT_EQ(Read(table), (Content{{"c", "1"}}));
}

TEST_F(DropTableTest, WhatIsReleasedMeanwhileIsNotCountedForEver) {
  Table table = Open("t");
  Table other = Open("other");
  const auto round = [&](uint64_t id) {
    for (int i = 0; i < 10'000; ++i) EXPECT_OK(table.Put("key" + std::to_string(i), "1"));
    EXPECT_OK(Save(id));
    EXPECT_OK(store_->DropTable("t"));
    EXPECT_OK(store_->Drain());
    EXPECT_OK(store_->Rollback());
    return store_->Metrics().list_bytes;
  };
  const uint64_t first = round(1);
  for (uint64_t id = 2; id < 6; ++id) EXPECT_LE(round(id), 2 * first);
}

// Once: what RocksDB holds of a dropped table was out of the eviction's sight until the next
// barrier.
TEST_F(DropTableTest, Invariant10ItsCleanEntriesMakeRoom) {
  EXPECT_OK(store_->Close());
  store_.reset();
  SetBudget(16 * kMiB);
  Open();
  Table table = Open("t");
  uint64_t id = 0;
  for (int i = 0; i < 1'000; ++i) {
    ASSERT_OK(table.Put("key" + std::to_string(i), std::string(10'000, 'v')));
    if (i % 250 == 249) {
      EXPECT_OK(Save(++id));
    }
  }
  EXPECT_OK(store_->Drain());
  EXPECT_OK(store_->DropTable("t"));
  Table again = Open("t");
  for (int i = 0; i < 700; ++i)
    ASSERT_OK(again.Put("key" + std::to_string(i), std::string(10'000, 'w')));
  EXPECT_OK(store_->Rollback());
  for (int i = 0; i < 1'000; ++i)
    ASSERT_EQ(Read(table, "key" + std::to_string(i)), std::string(10'000, 'v')) << i;
}

TEST_F(DropTableTest, ThousandsInsideOneEpoch) {
  Table stays = Open("stays");
  EXPECT_OK(stays.Put("a", "1"));
  for (int i = 0; i < 3'000; ++i) {
    const std::string name = "t" + std::to_string(i);
    EXPECT_OK(Open(name).Put("a", "1"));
    EXPECT_OK(store_->DropTable(name));
  }
  EXPECT_OK(Save(1));
  for (int i = 0; i < 50; ++i) EXPECT_OK(Open("u" + std::to_string(i)).Put("a", "1"));
  EXPECT_OK(Save(2));
  EXPECT_OK(store_->Drain());
  for (int i = 0; i < 50; i += 2) EXPECT_OK(store_->DropTable("u" + std::to_string(i)));
  EXPECT_OK(stays.Put("a", "2"));
  EXPECT_OK(Save(3));
  EXPECT_OK(store_->Drain());
  Reopen();
  for (int i = 0; i < 50; ++i) EXPECT_EQ(Exists("u" + std::to_string(i)), i % 2 == 1) << i;
  EXPECT_EQ(Read(stays = Open("stays")), (Content{{"a", "2"}}));
}

}  // namespace
}  // namespace tidemark::test
