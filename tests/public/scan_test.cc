#include <tidemark/scan.h>

#include "tests/public/store_fixture.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace tidemark::test {
namespace {

using Entries = std::vector<std::pair<std::string, std::string>>;

class ScanTest : public StoreFixture {
 protected:
  void SetUp() override {
    Open();
    table_.emplace(OpenOrdered());
  }
  Table OpenOrdered() { return Open("ordered", {.kind = TableKind::kOrderedBytes}); }
  void Put(std::string_view key, std::string_view value) { EXPECT_OK(table_->Put(key, value)); }
  Iterator Scan(const ScanOptions& options = {}) { return table_->Scan(options).value(); }

  static Entries Rest(Iterator& iterator) {
    Entries entries;
    while (iterator.Next().value()) entries.emplace_back(iterator.key(), iterator.value());
    return entries;
  }
  Entries All(const ScanOptions& options = {}) {
    Iterator iterator = Scan(options);
    return Rest(iterator);
  }

  std::optional<Table> table_;
};

TEST_F(ScanTest, GoesThroughCacheAndRocksDbInOrder) {
  Put("b", "1");
  Put("d", "1");
  EXPECT_OK(Save(1));
  EXPECT_OK(store_->Drain());
  Reopen();
  table_.emplace(OpenOrdered());
  Put("c", "2");
  Put("d", "2");
  Put("a", "2");
  EXPECT_OK(table_->Delete("b"));
  EXPECT_EQ(All(), (Entries{{"a", "2"}, {"c", "2"}, {"d", "2"}}));
  EXPECT_EQ(All({.reverse = true}), (Entries{{"d", "2"}, {"c", "2"}, {"a", "2"}}));
}

TEST_F(ScanTest, RangesAndPrefixes) {
  for (const char* key : {"", "a", "a\xff", "a\xff\xff", "b", "ba", "\xff", "\xff\xff"})
    Put(key, key);
  const auto keys = [this](const ScanOptions& options) {
    std::string joined;
    for (const auto& [key, value] : All(options)) joined += key + "|";
    return joined;
  };
  EXPECT_EQ(keys({}), "|a|a\xff|a\xff\xff|b|ba|\xff|\xff\xff|");
  EXPECT_EQ(keys({.prefix = "a"}), "a|a\xff|a\xff\xff|");
  EXPECT_EQ(keys({.prefix = "a\xff"}), "a\xff|a\xff\xff|");
  EXPECT_EQ(keys({.prefix = "\xff", .reverse = true}), "\xff\xff|\xff|");
  EXPECT_EQ(keys({.prefix = "a", .from = "a\xff"}), "a\xff|a\xff\xff|");
  EXPECT_EQ(keys({.prefix = "b", .from = "a", .to = "c"}), "b|ba|");
  EXPECT_EQ(keys({.from = "a\xff", .to = "ba"}), "a\xff|a\xff\xff|b|");
  EXPECT_EQ(keys({.from = "a\xff", .to = "ba", .reverse = true}), "b|a\xff\xff|a\xff|");
  EXPECT_EQ(keys({.from = "b", .to = "b"}), "");
  EXPECT_EQ(keys({.from = "c", .to = "b"}), "") << "a range that ends before it begins is empty";
  EXPECT_EQ(keys({.to = ""}), "");
  EXPECT_EQ(keys({.prefix = "zz"}), "");
}

TEST_F(ScanTest, ShowsTheMomentOfItsCreation) {
  for (const char* key : {"a", "b", "c", "d"}) Put(key, "before");
  EXPECT_OK(Save(1));
  EXPECT_OK(store_->Drain());
  Put("c", "open");
  Iterator iterator = Scan();
  ASSERT_TRUE(iterator.Next().value());
  EXPECT_OK(store_->Rollback());
  Put("b", "after");
  EXPECT_OK(table_->Delete("d"));
  Put("e", "after");
  EXPECT_OK(Save(2));
  EXPECT_OK(store_->Drain());
  EXPECT_EQ(Rest(iterator), (Entries{{"b", "before"}, {"c", "open"}, {"d", "before"}}));
  EXPECT_EQ(All(), (Entries{{"a", "before"}, {"b", "after"}, {"c", "before"}, {"e", "after"}}));
}

TEST_F(ScanTest, EntriesMayBeChangedWhileTheyAreGoneThrough) {
  for (int i = 0; i < 100; ++i) Put("key" + std::to_string(100 + i), "1");
  Iterator iterator = Scan();
  int seen = 0;
  while (iterator.Next().value()) {
    ++seen;
    EXPECT_OK(table_->Put(std::string(iterator.key()) + "x", "2"));
    EXPECT_OK(table_->Delete(iterator.key()));
  }
  EXPECT_EQ(seen, 100);
  EXPECT_EQ(All().size(), 100U);
}

TEST_F(ScanTest, ValuesAreAligned) {
  Put("a", "12345678");
  EXPECT_OK(Save(1));
  EXPECT_OK(store_->Drain());
  Reopen();
  table_.emplace(OpenOrdered());
  Put("b", "12345678");
  Iterator iterator = Scan();
  while (iterator.Next().value())
    EXPECT_EQ(reinterpret_cast<uintptr_t>(iterator.value().data()) % 8, 0U) << iterator.key();
}

TEST_F(ScanTest, EndsForGood) {
  Put("a", "1");
  Iterator iterator = Scan();
  EXPECT_TRUE(iterator.Next().value());
  EXPECT_FALSE(iterator.Next().value());
  Put("b", "1");
  EXPECT_FALSE(iterator.Next().value());
}

// ---- Misuse ----

TEST_F(ScanTest, AfterCloseOfTheIterator) {
  Put("a", "1");
  Iterator iterator = Scan();
  iterator.Close();
  EXPECT_ERROR(iterator.Next().error(), StatusCode::kClosed, "iterator-closed");
  iterator.Close();
}

TEST_F(ScanTest, AfterAMove) {
  Put("a", "1");
  Iterator from = Scan();
  Iterator to = std::move(from);
  EXPECT_TRUE(to.Next().value());
  // NOLINTBEGIN(bugprone-use-after-move): that is what is tested
  EXPECT_ERROR(from.Next().error(), StatusCode::kClosed, "iterator-closed");
  from.Close();
  // NOLINTEND(bugprone-use-after-move)
}

TEST_F(ScanTest, WhatWasShownIsNotKept) {
  for (int i = 0; i < 1'000; ++i) Put("key" + std::to_string(1'000 + i), std::string(1'000, 'a'));
  Iterator iterator = Scan();
  for (int i = 0; i < 1'000; ++i) Put("key" + std::to_string(1'000 + i), std::string(1'000, 'b'));
  const uint64_t before = store_->Metrics().cache_bytes;
  for (int i = 0; i < 1'000; ++i) ASSERT_TRUE(iterator.Next().value());
  EXPECT_LT(store_->Metrics().cache_bytes + kMiB - 100'000, before);
}

TEST_F(ScanTest, AfterCloseOfTheStore) {
  Put("a", "1");
  EXPECT_OK(Save(1));
  EXPECT_OK(store_->Drain());
  Iterator iterator = Scan();
  EXPECT_TRUE(iterator.Next().value());
  EXPECT_OK(store_->Close());
  EXPECT_ERROR(iterator.Next().error(), StatusCode::kClosed, "store-closed");
  store_.reset();
  table_.reset();
  EXPECT_ERROR(iterator.Next().error(), StatusCode::kClosed, "store-closed");
}

TEST_F(ScanTest, HashedTablesHaveNoOrder) {
  Table hashed = Open("hashed");
  EXPECT_ERROR(hashed.Scan().error(), StatusCode::kUnsupported, "table-unordered");
}

TEST_F(ScanTest, TablesOfPartitionsNeedAWholeOne) {
  Table map = Open("map", {.kind = TableKind::kMap});
  EXPECT_ERROR(map.Scan().error(), StatusCode::kInvalidArgument, "scan-partition");
  EXPECT_ERROR(map.Scan({.prefix = std::string("\0\2x", 3)}).error(), StatusCode::kInvalidArgument,
               "scan-partition");
  EXPECT_ERROR(map.Scan({.prefix = std::string(70'000, '\0')}).error(),
               StatusCode::kInvalidArgument, "key-too-long");
  EXPECT_ERROR(map.Put("", "1"), StatusCode::kInvalidArgument, "key-partition");
  EXPECT_ERROR(map.Get(std::string("\0\2x", 3)).error(), StatusCode::kInvalidArgument,
               "key-partition");
}

// What changed since it was made is more than the budget holds: the iterator gives up, writes do
// not.
TEST_F(ScanTest, Invariant10IteratorGivesUpWhenThereIsNoRoomForWhatItRemembers) {
  EXPECT_OK(store_->Close());
  store_.reset();
  SetBudget(16 * kMiB);
  Open();
  table_.emplace(OpenOrdered());
  const auto key = [](int i) { return "key" + std::to_string(1'000 + i); };
  constexpr int kKeys = 250;
  // One epoch, so nothing can be evicted.
  for (int i = 0; i < kKeys; ++i) Put(key(i), std::string(30'000, 'a'));
  // What this one remembers fits.
  Iterator beginning = Scan({.to = key(50)});
  Iterator all = Scan();
  EXPECT_TRUE(all.Next().value());
  for (int i = 0; i < kKeys; ++i) {
    ASSERT_OK(table_->Put(key(i), std::string(30'000, 'b')));
    ASSERT_LE(options_.runtime->memory_used_bytes(), 16 * kMiB);
  }
  EXPECT_ERROR(all.Next().error(), StatusCode::kResourceExhausted, "scan-outgrown");
  EXPECT_ERROR(all.Next().error(), StatusCode::kResourceExhausted, "scan-outgrown");
  const Entries shown = Rest(beginning);
  EXPECT_EQ(shown.size(), 50U);
  for (const auto& [k, value] : shown) EXPECT_EQ(value[0], 'a') << k;
  EXPECT_EQ(All().size(), size_t{kKeys});
}

// What an iterator remembers may fill the memory bit by bit, while there is room for it. Once the
// write that found none was then refused, although the iterator could have given up.
TEST_F(ScanTest, Invariant10NoWriteFailsForWhatAnIteratorRemembers) {
  EXPECT_OK(store_->Close());
  store_.reset();
  SetBudget(16 * kMiB);
  Open();
  table_.emplace(OpenOrdered());
  const auto key = [](int i) { return "key" + std::to_string(10'000 + i); };
  constexpr int kKeys = 4'000;
  uint64_t id = 0;
  const auto save = [&](int i) {
    if (i % 1'000 != 999) return;
    ASSERT_OK(Save(++id));
    ASSERT_OK(store_->Drain());
  };
  for (int i = 0; i < kKeys; ++i) {
    Put(key(i), std::string(6'000, 'a'));
    save(i);
  }
  Iterator iterator = Scan();
  for (int i = 0; i < kKeys; ++i) {
    // What is cached is remembered as a copy; it is when it is read again.
    for (int reads = 0; reads < 2; ++reads) EXPECT_OK(table_->Get(key(i)).error());
    ASSERT_OK(table_->Put(key(i), "small")) << i;
    save(i);
  }
  EXPECT_ERROR(iterator.Next().error(), StatusCode::kResourceExhausted, "scan-outgrown");
}

}  // namespace
}  // namespace tidemark::test
