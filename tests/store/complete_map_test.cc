// A map that was made in the life of the store is wholly in the cache, but for the partitions that
// lack something. Of restored maps see partitions_test.cc.
#include "tests/store/partitions_fixture.h"

#include <string>

namespace tidemark::store {
namespace {

class CompleteMapTest : public PartitionsFixture {
 protected:
  // What was changed in place is in RocksDB alone after that.
  void MakeLacking(const std::string& partition) {
    Settle();
    Put(partition, 0, "w");
    ASSERT_EQ(store_->Rollback().ToString(), "OK");
    ASSERT_FALSE(IsComplete(partition));
  }
};

TEST_F(CompleteMapTest, APartitionThatLacksSomethingEndsItForItselfAlone) {
  for (int i = 0; i < 5; ++i) Put("a", i), Put("b", i);
  MakeLacking("a");
  EXPECT_TRUE(IsComplete("b"));
  EXPECT_TRUE(IsComplete("of none"));
  const uint64_t before = misses();
  EXPECT_EQ(Read(*maps_, MapKey("b", "none")), std::nullopt);
  EXPECT_EQ(misses(), before);
  EXPECT_EQ(Read(*maps_, MapKey("a", KeyOf(0))), "v");
  EXPECT_EQ(misses(), before + 1);
  EXPECT_EQ(Read(*maps_).size(), 10u);
}

TEST_F(CompleteMapTest, ReadAsAWholeItIsCompleteAgain) {
  for (int i = 0; i < 5; ++i) Put("a", i);
  MakeLacking("a");
  EXPECT_EQ(Scan("a").size(), 5u);
  EXPECT_TRUE(IsComplete("a"));
  const uint64_t before = misses();
  EXPECT_EQ(Read(*maps_, MapKey("a", KeyOf(0))), "v");
  EXPECT_EQ(Read(*maps_, MapKey("a", "none")), std::nullopt);
  EXPECT_EQ(misses(), before);
}

// A delete and an append of what is not in the cache must not take it for absent.
TEST_F(CompleteMapTest, WhatItLacksIsDeletedToo) {
  for (int i = 0; i < 5; ++i) Put("a", i);
  MakeLacking("a");
  Delete("a", 0);
  Settle();
  EXPECT_EQ(Read(*maps_, MapKey("a", KeyOf(0))), std::nullopt);
  Reopen();
  EXPECT_EQ(Scan("a").size(), 4u);
}

// A put over what the cache lacks and a delete of it do not cancel each other out.
TEST_F(CompleteMapTest, WhatItLacksIsNoInsert) {
  for (int i = 0; i < 5; ++i) Put("a", i);
  MakeLacking("a");
  Put("a", 0, "x");
  Delete("a", 0);
  Reopen();
  EXPECT_EQ(Scan("a").size(), 4u);
}

TEST_F(CompleteMapTest, ALargePartitionIsLeftWhereItIs) {
  for (int i = 0; i < 2'000; ++i) Put("a", i);
  Settle();
  for (int i = 0; i < 2'000; ++i) Put("a", i, "w");
  ASSERT_EQ(store_->Rollback().ToString(), "OK");
  ExpectALargeOneIsLeftWhereItIs("a");
  EXPECT_TRUE(IsComplete("b"));
}

TEST_F(CompleteMapTest, Invariant07EvictionEndsItWhereItTakesSomething) {
  constexpr int kPartitions = 300;
  for (int p = 0; p < kPartitions; ++p)
    for (int i = 0; i < 4; ++i) Put(KeyOf(p), i, std::string(1'000, 'v'));
  Settle();
  const auto other = store_->OpenTable("other", {}).value();
  int complete = kPartitions;
  for (int i = 0; complete > kPartitions / 2; ++i) {
    ASSERT_LT(i, 20'000) << "nothing is evicted";
    ASSERT_TRUE(other->Put(KeyOf(i), std::string(kValueBytes, 'o')).ok());
    if (i % 50 != 49) continue;
    ASSERT_EQ(Save(++id_).ToString(), "OK");
    complete = 0;
    for (int p = 0; p < kPartitions; ++p) complete += IsComplete(KeyOf(p)) ? 1 : 0;
  }
  ASSERT_GT(complete, 0);
  for (int p = 0; p < kPartitions; ++p) {
    for (int i = 0; i < 4; i += 3)
      ASSERT_TRUE(Read(*maps_, MapKey(KeyOf(p), KeyOf(i)))) << p << ", " << i;
    ASSERT_EQ(Scan(KeyOf(p)).size(), 4u) << p;
  }
  EXPECT_EQ(Read(*maps_).size(), 4u * kPartitions);
}

// A list of them all would be as long as the map.
TEST_F(CompleteMapTest, WhereManyLackSomethingItEndsForAll) {
  constexpr int kPartitions = 300'000;
  for (int p = 0; p < kPartitions; ++p) {
    Put(KeyOf(p), 1);
    if (p % 20'000 == 19'999) Settle();
  }
  EXPECT_FALSE(IsComplete("of none"));
  for (int p = 0; p < kPartitions; p += 997) {
    ASSERT_EQ(Read(*maps_, MapKey(KeyOf(p), KeyOf(1))), "v") << p;
    ASSERT_EQ(Read(*maps_, MapKey(KeyOf(p), KeyOf(2))), std::nullopt) << p;
    ASSERT_EQ(Scan(KeyOf(p)).size(), 1u) << p;
  }
}

// An iterator that reads memory alone goes on below when something of its partition is evicted.
TEST_F(CompleteMapTest, AnIteratorOutlivesIt) {
  for (int i = 0; i < 9; ++i) Put("a", i);
  Settle();
  ExpectAnIteratorOutlives("a");
}

}  // namespace
}  // namespace tidemark::store
