// Partitions of a map that are wholly in the cache: what they save, and what ends it. The model
// test scans them too, at random.
#include "tests/store/partitions_fixture.h"

#include <string>

namespace tidemark::store {
namespace {

using PartitionsTest = PartitionsFixture;

TEST_F(PartitionsTest, WhatWasScannedAsAWholeIsInTheCache) {
  for (int i = 0; i < 10; ++i) Put("a", i), Put("b", i);
  Reopen();
  EXPECT_FALSE(IsComplete("a"));
  const Content content = Scan("a");
  EXPECT_EQ(content.size(), 10u);
  EXPECT_TRUE(IsComplete("a"));
  EXPECT_FALSE(IsComplete("b"));
  const uint64_t before = misses();
  EXPECT_EQ(Scan("a"), content);
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(Read(*maps_, MapKey("a", KeyOf(i))).has_value(), i < 10) << i;
  EXPECT_EQ(misses(), before) << "what it has not is known to be absent";
  EXPECT_EQ(Read(*maps_, MapKey("b", KeyOf(1))), "v");
  EXPECT_EQ(misses(), before + 1);
}

TEST_F(PartitionsTest, AnEmptyOneIsCompleteAndStaysSoAsItGrows) {
  EXPECT_TRUE(Scan("a").empty());
  EXPECT_TRUE(IsComplete("a"));
  for (int i = 0; i < 5; ++i) Put("a", i);
  Delete("a", 3);
  ASSERT_EQ(Save(++id_).ToString(), "OK");
  ASSERT_EQ(store_->Drain().ToString(), "OK");
  EXPECT_TRUE(IsComplete("a"));
  EXPECT_EQ(Scan("a").size(), 4u);
}

TEST_F(PartitionsTest, APartOfAScanMarksNothing) {
  for (int i = 0; i < 10; ++i) Put("a", i);
  Reopen();
  const auto from =
      TableCore::Scan(maps_, {.prefix = MapKey("a", ""), .from = MapKey("a", KeyOf(5))});
  EXPECT_TRUE(from.value()->Next().value());
  const auto prefix = TableCore::Scan(maps_, {.prefix = MapKey("a", KeyOf(5))});
  EXPECT_TRUE(prefix.value()->Next().value());
  EXPECT_FALSE(IsComplete("a"));
}

TEST_F(PartitionsTest, ALargeOneIsLeftWhereItIs) {
  for (int i = 0; i < 2'000; ++i) Put("a", i);
  Reopen();
  ExpectALargeOneIsLeftWhereItIs("a");
}

// Asking for an entry of a complete one brings nothing in, so one that is missed was evicted.
TEST_F(PartitionsTest, Invariant07ACompleteOneIsSoNoMoreWhenAnEntryIsEvicted) {
  constexpr int kPartitions = 300;
  for (int p = 0; p < kPartitions; ++p)
    for (int i = 0; i < 4; ++i) Put(KeyOf(p), i, std::string(1'000, 'v'));
  Reopen();
  // The entries come before their marks in memory, and so to CLOCK.
  for (int p = 0; p < kPartitions; ++p)
    for (int i = 0; i < 4; ++i) ASSERT_TRUE(Read(*maps_, MapKey(KeyOf(p), KeyOf(i))));
  for (int p = 0; p < kPartitions; ++p) ASSERT_EQ(Scan(KeyOf(p)).size(), 4u);
  int complete = kPartitions;
  for (int i = 0; complete > 0; ++i) {
    ASSERT_LT(i, 20'000) << "nothing is evicted";
    Put("other", i, std::string(kValueBytes, 'o'));
    if (i % 50 != 49) continue;
    ASSERT_EQ(Save(++id_).ToString(), "OK");
    complete = 0;
    for (int p = 0; p < kPartitions; ++p) {
      if (!IsComplete(KeyOf(p))) continue;
      ++complete;
      if (p % 100 != i / 50 % 100) continue;  // what is read more often than evicted stays for good
      for (int entry = 0; entry < 4; ++entry)
        ASSERT_TRUE(Read(*maps_, MapKey(KeyOf(p), KeyOf(entry)))) << p << " after " << i;
    }
  }
  for (int p = 0; p < kPartitions; ++p) ASSERT_EQ(Scan(KeyOf(p)).size(), 4u) << p;
}

// A clean entry that was changed in place is in RocksDB only, once that is rolled back.
TEST_F(PartitionsTest, ARollbackEndsIt) {
  for (int i = 0; i < 5; ++i) Put("a", i), Put("b", i);
  Reopen();
  const Content content = Scan("a");
  ASSERT_EQ(Scan("b"), content);
  Put("a", 2, "w");
  Delete("a", 3);
  Put("a", 9);
  EXPECT_TRUE(IsComplete("a"));
  ASSERT_EQ(store_->Rollback().ToString(), "OK");
  EXPECT_FALSE(IsComplete("a"));
  EXPECT_TRUE(IsComplete("b"));
  EXPECT_EQ(Read(*maps_, MapKey("a", KeyOf(2))), "v");
  EXPECT_EQ(Scan("a"), content);
}

TEST_F(PartitionsTest, ARangeDeleteDoesNotEndItButItsRollbackDoes) {
  for (int i = 0; i < 500; ++i) Put("a", i);
  Reopen();
  ASSERT_EQ(Scan("a").size(), 500u);
  ASSERT_TRUE(IsComplete("a"));
  ASSERT_EQ(TableCore::DeleteRange(maps_, {.prefix = MapKey("a", "")}).ToString(), "OK");
  EXPECT_TRUE(IsComplete("a"));
  EXPECT_TRUE(Scan("a").empty());
  EXPECT_EQ(Read(*maps_, MapKey("a", KeyOf(7))), std::nullopt);
  ASSERT_EQ(store_->Rollback().ToString(), "OK");
  EXPECT_FALSE(IsComplete("a"));
  EXPECT_EQ(Read(*maps_, MapKey("a", KeyOf(7))), "v");
  EXPECT_EQ(Scan("a").size(), 500u);
}

// What has been spilled lies below the cache again.
TEST_F(PartitionsTest, ASpillEndsIt) {
  for (int i = 0; i < 5; ++i) Put("a", i);
  Reopen();
  ASSERT_EQ(Scan("a").size(), 5u);
  Put("a", 7);
  for (int i = 0; store_->Metrics().spills == 0; ++i) Put("b", i, std::string(kValueBytes, 'b'));
  EXPECT_FALSE(IsComplete("a"));
  EXPECT_EQ(Read(*maps_, MapKey("a", KeyOf(7))), "v");
  EXPECT_EQ(Scan("a").size(), 6u);
}

// An iterator that reads memory alone goes on below when the mark goes under it.
TEST_F(PartitionsTest, AnIteratorOutlivesTheMark) {
  for (int i = 0; i < 9; ++i) Put("a", i);
  Reopen();
  ASSERT_EQ(Scan("a").size(), 9u);
  ExpectAnIteratorOutlives("a");
}

}  // namespace
}  // namespace tidemark::store
