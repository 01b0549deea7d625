// Tables that are wholly in the cache, as those are that were made in the life of the store: what
// that saves, and what ends it. Of restored ones single partitions may be (partitions_test.cc).
#include "store/scan.h"
#include "tests/store/budget_fixture.h"

#include <array>
#include <string>

namespace tidemark::store {
namespace {

class CompleteTableTest : public BudgetFixture {
 protected:
  static constexpr int kKeys = 300;

  void PutAll(std::string_view value = "v") {
    for (int i = 0; i < kKeys; ++i) Put(KeyOf(i), value);
  }
  bool IsComplete() const { return table_->IsComplete(""); }
  uint64_t misses() const { return store_->Metrics().misses; }
  void OpenOrdered() {
    table_ = store_->OpenTable("ordered", {.kind = TableKind::kOrderedBytes}).value();
  }
  size_t Scanned() {
    size_t entries = 0;
    const auto scan = TableCore::Scan(table_, {}).value();
    while (scan->Next().value()) ++entries;
    return entries;
  }
};

TEST_F(CompleteTableTest, WhatItHasNotIsKnownToBeAbsent) {
  PutAll();
  Settle();
  ASSERT_TRUE(IsComplete());
  const uint64_t before = misses();
  const size_t cached = table_->index().size();
  EXPECT_EQ(Read(*table_, "none"), std::nullopt);
  const std::array<std::string_view, 3> keys = {"none", "key7", "nor this"};
  size_t found = 0;
  ASSERT_TRUE(table_
                  ->MultiGet(
                      keys,
                      [](void* count, size_t, const std::optional<std::string_view>& value) {
                        *static_cast<size_t*>(count) += value ? 1 : 0;
                      },
                      &found)
                  .ok());
  EXPECT_EQ(found, 1u);
  EXPECT_EQ(Read(*table_).size(), size_t{kKeys});
  EXPECT_EQ(misses(), before);
  EXPECT_EQ(table_->index().size(), cached) << "nothing is remembered of what is absent";
}

// A delete of what is not there changes nothing, and a key that came and went leaves no record.
TEST_F(CompleteTableTest, DeletesOfAbsentKeysCostNothing) {
  PutAll();
  Settle();
  const uint64_t bytes = store_->Metrics().log_bytes;
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(table_->Delete("none" + std::to_string(i)).ok());
    Put("short-lived" + std::to_string(i), "v");
    ASSERT_TRUE(table_->Delete("short-lived" + std::to_string(i)).ok());
  }
  ASSERT_EQ(Save(++id_).ToString(), "OK");
  EXPECT_LE(store_->Metrics().log_bytes - bytes, 1'000u);
  Close();
  LoseLiveDirectory();
  Open();
  EXPECT_EQ(Read(*table_).size(), size_t{kKeys});
}

TEST_F(CompleteTableTest, ScansReadMemoryAlone) {
  OpenOrdered();
  PutAll();
  Settle();
  EXPECT_EQ(Scanned(), size_t{kKeys});
  ASSERT_TRUE(table_->Delete(KeyOf(5)).ok());
  EXPECT_EQ(Scanned(), size_t{kKeys - 1});
  EXPECT_TRUE(IsComplete());
}

TEST_F(CompleteTableTest, ARestoredOneIsNotComplete) {
  PutAll();
  Settle();
  Close();
  Open();
  EXPECT_FALSE(IsComplete());
  EXPECT_EQ(Read(*table_, KeyOf(3)), "v");
  EXPECT_EQ(Read(*table_, "none"), std::nullopt);
  EXPECT_EQ(misses(), 2u);
}

TEST_F(CompleteTableTest, Invariant07EvictionEndsIt) {
  OpenOrdered();
  FillAndDrain(6'000);
  EXPECT_GT(store_->Metrics().evictions, 0u);
  EXPECT_FALSE(IsComplete());
  for (int i = 0; i < 6'000; i += 7) ASSERT_EQ(Read(*table_, KeyOf(i)), ValueOf(i)) << i;
  EXPECT_EQ(Scanned(), 6'000u);
  EXPECT_EQ(Read(*table_).size(), 6'000u);
}

// An iterator that reads memory alone goes on below when something is evicted under it.
TEST_F(CompleteTableTest, AnIteratorOutlivesIt) {
  OpenOrdered();
  FillAndDrain(500);
  ASSERT_TRUE(IsComplete());
  const auto scan = TableCore::Scan(table_, {.from = KeyOf(100), .to = KeyOf(101)}).value();
  const auto rest = TableCore::Scan(table_, {}).value();
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(rest->Next().value());
  const auto other = store_->OpenTable("other", {}).value();
  for (int i = 0; IsComplete(); ++i) {
    ASSERT_LT(i, 20'000) << "nothing is evicted";
    ASSERT_TRUE(other->Put(KeyOf(i), ValueOf(i)).ok());
    if (i % 500 != 499) continue;
    ASSERT_EQ(Save(static_cast<uint64_t>(1'000 + i)).ToString(), "OK");
  }
  ASSERT_TRUE(scan->Next().value());
  EXPECT_EQ(scan->value(), ValueOf(100));
  for (int i = 100; i < 500; ++i) ASSERT_TRUE(rest->Next().value()) << i;
  EXPECT_FALSE(rest->Next().value());
}

// A clean entry that was changed in place is in RocksDB only, once that is rolled back. New ones
// are nowhere.
TEST_F(CompleteTableTest, ARollbackEndsItWhereSomethingLiesBelow) {
  PutAll();
  Settle();
  Put("new", "w");
  ASSERT_EQ(store_->Rollback().ToString(), "OK");
  EXPECT_TRUE(IsComplete());
  EXPECT_EQ(Read(*table_, "new"), std::nullopt);
  Put(KeyOf(1), "w");
  ASSERT_EQ(store_->Rollback().ToString(), "OK");
  EXPECT_FALSE(IsComplete());
  EXPECT_EQ(Read(*table_, KeyOf(1)), "v");
}

// Not where what was changed is an epoch's that RocksDB lacks: that takes its place again.
TEST_F(CompleteTableTest, ARollbackToWhatIsInMemoryDoesNotEndIt) {
  const auto pause = storage_->PauseBefore(test::StorageOperation::kCreateIfAbsent, "manifest/");
  PutAll();
  const auto pending = Checkpoint(++id_);
  pause->WaitUntilReached();
  Put(KeyOf(1), "w");
  ASSERT_EQ(store_->Rollback().ToString(), "OK");
  EXPECT_TRUE(IsComplete());
  EXPECT_EQ(Read(*table_, KeyOf(1)), "v");
  pause->Release();
  EXPECT_EQ(Wait(*pending).ToString(), "OK");
}

TEST_F(CompleteTableTest, ARangeDeleteDoesNotEndItButItsRollbackDoes) {
  OpenOrdered();
  PutAll();
  Settle();
  ASSERT_EQ(TableCore::DeleteRange(table_, {}).ToString(), "OK");
  EXPECT_TRUE(IsComplete());
  EXPECT_EQ(Scanned(), 0u);
  ASSERT_EQ(store_->Rollback().ToString(), "OK");
  EXPECT_FALSE(IsComplete());
  EXPECT_EQ(Read(*table_, KeyOf(7)), "v");
  EXPECT_EQ(Scanned(), size_t{kKeys});
}

TEST_F(CompleteTableTest, ASpillEndsIt) {
  const auto other = store_->OpenTable("other", {}).value();
  PutAll();
  for (int i = 0; store_->Metrics().spills == 0; ++i)
    ASSERT_TRUE(other->Put(KeyOf(i), ValueOf(i)).ok());
  EXPECT_FALSE(IsComplete());
  EXPECT_EQ(Read(*table_, KeyOf(7)), "v");
  EXPECT_EQ(Read(*table_).size(), size_t{kKeys});
}

// What is appended in the epoch after is an operand. Once RocksDB had merged it the cache forgot
// the list, all of which it had had: nearly every list that had grown over some epochs had to be
// read back, which was five sixths of what a get cost.
TEST_F(CompleteTableTest, AnOperandThatIsMergedDoesNotEndIt) {
  const auto lists = store_->OpenTable("lists", {.kind = TableKind::kList}).value();
  for (const std::string_view key : {"k", "read", "grows"})
    ASSERT_TRUE(lists->Append(key, "a").ok());
  const auto first = Checkpoint(++id_);
  for (const std::string_view key : {"k", "read", "grows"})
    ASSERT_TRUE(lists->Append(key, "b").ok());
  EXPECT_EQ(Read(*lists, "read"), "ab");
  const auto second = Checkpoint(++id_);
  ASSERT_TRUE(lists->Append("grows", "c").ok());
  ASSERT_EQ(store_->Drain().ToString(), "OK");
  EXPECT_EQ(Wait(*first).ToString(), "OK");
  EXPECT_EQ(Wait(*second).ToString(), "OK");
  const uint64_t before = misses();
  EXPECT_TRUE(lists->IsComplete("k"));
  EXPECT_EQ(Read(*lists, "k"), "ab");
  EXPECT_EQ(Read(*lists, "read"), "ab");
  EXPECT_EQ(Read(*lists, "grows"), "abc");
  ASSERT_EQ(store_->Rollback().ToString(), "OK");
  EXPECT_EQ(Read(*lists, "k"), "ab");
  EXPECT_EQ(misses(), before);
  EXPECT_EQ(Read(*lists, "grows"), "ab");
}

// Lists whose first part is known to be the first are put, not merged, and stay in the cache.
TEST_F(CompleteTableTest, TheFirstAppendIsAPut) {
  const auto lists = store_->OpenTable("lists", {.kind = TableKind::kList}).value();
  ASSERT_TRUE(lists->Append("k", "a").ok());
  Settle();
  EXPECT_TRUE(lists->IsComplete("k"));
  EXPECT_EQ(lists->index().size(), 1u);
  ASSERT_TRUE(lists->Append("k", "b").ok());
  Settle();
  EXPECT_EQ(Read(*lists, "k"), "ab");
}

}  // namespace
}  // namespace tidemark::store
