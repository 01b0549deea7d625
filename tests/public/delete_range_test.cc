#include "tests/crash/process_memory.h"
#include "tests/public/state_history.h"
#include "tests/public/store_fixture.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidemark::test {
namespace {

std::string Key(int number) {
  std::string digits = std::to_string(number);
  return "key" + std::string(5 - digits.size(), '0') + digits;
}

class DeleteRangeTest : public StoreFixture {
 protected:
  void SetUp() override {
    options_.write_back_segments = 4'096;
    options_.keep_last = 100;
    Open();
  }
  Table OpenOrdered() { return Open("t", {.kind = TableKind::kOrderedBytes}); }
  void Fill(Table& table, int from, int to, const std::string& value) {
    for (int i = from; i < to; ++i) EXPECT_OK(table.Put(Key(i), value));
  }
  static size_t CountOf(Table& table) { return Read(table).size(); }
};

TEST_F(DeleteRangeTest, RemovesWhatScanShows) {
  Table table = OpenOrdered();
  Fill(table, 0, 100, "v");
  EXPECT_OK(table.Put("other", "v"));
  EXPECT_OK(table.DeleteRange({.from = Key(10), .to = Key(20)}));
  EXPECT_EQ(CountOf(table), 91);
  EXPECT_EQ(Read(table, Key(10)), std::nullopt);
  EXPECT_EQ(Read(table, Key(20)), "v");
  EXPECT_OK(table.DeleteRange({.prefix = "key", .from = Key(50)}));
  EXPECT_EQ(CountOf(table), 41);
  EXPECT_OK(table.DeleteRange({.from = "b", .to = "a"})) << "an empty range";
  EXPECT_EQ(CountOf(table), 41);
  EXPECT_OK(table.DeleteRange({}));
  EXPECT_EQ(CountOf(table), 0);
}

// Once: a bound that was longer than any key went into the log as it was, where there is no room
// for it: the commit thread aborted.
TEST_F(DeleteRangeTest, BoundsMayBeLongerThanKeys) {
  Table table = OpenOrdered();
  const std::string longest(65'535, 'k');
  const auto fill = [&] {
    Fill(table, 0, 600, "v");  // "key..." comes before the longest
    EXPECT_OK(table.Put(longest, "v"));
    EXPECT_OK(table.Put("l", "v"));
  };
  const auto shown = [&](const ScanOptions& range) {
    auto scan = table.Scan(range).value();
    size_t entries = 0;
    while (scan.Next().value()) ++entries;
    return entries;
  };
  uint64_t id = 0;
  const auto expect_left = [&](const ScanOptions& range, size_t left) {
    fill();
    EXPECT_EQ(shown(range), 602 - left);
    EXPECT_OK(table.DeleteRange(range));
    EXPECT_EQ(CountOf(table), left);
    EXPECT_OK(Save(++id));
    Reopen();
    table = OpenOrdered();
    EXPECT_EQ(CountOf(table), left);
  };
  expect_left({.from = std::string(70'000, 'a')}, 0);
  expect_left({.from = longest + "k"}, 601);  // "l" alone comes after it
  expect_left({.from = std::string(70'000, '\xff')}, 602);
  expect_left({.to = std::string(70'000, 'k')}, 1);  // the longest key is less
  expect_left({.to = std::string(70'000, '\xff')}, 0);
  expect_left({.from = std::string(70'000, 'a'), .to = std::string(70'000, 'a') + "a"}, 602);
}

// Once: an open iterator kept the ranges of every epoch that was rolled back, whether it had still
// to show something of them or not, and nobody counted them.
TEST_F(DeleteRangeTest, AnOpenScanKeepsNothingOfRollbacksBehindIt) {
  if (TIDEMARK_SANITIZED != 0) GTEST_SKIP() << "a sanitizer keeps what is freed";
  Table table = OpenOrdered();
  for (int i = 0; i < 300; ++i) EXPECT_OK(table.Put(std::string(60'000, 'a') + Key(i), "v"));
  EXPECT_OK(Save(1));
  EXPECT_OK(store_->Drain());
  auto scan = table.Scan().value();
  while (scan.Next().value()) {
  }
  const auto clear = [&] {
    for (int i = 0; i < 500; ++i) {
      EXPECT_OK(table.DeleteRange({.prefix = std::string(60'000, 'a')}));
      EXPECT_OK(store_->Rollback());
    }
  };
  clear();
  const uint64_t before = ResidentBytes("VmRSS");
  clear();
  EXPECT_LT(ResidentBytes("VmRSS"), before + 16 * kMiB);
}

TEST_F(DeleteRangeTest, NeedsAnOrder) {
  Table hashed = Open("hashed");
  EXPECT_ERROR(hashed.DeleteRange({}), StatusCode::kUnsupported, "table-unordered");
  Table map = Open("map", {.kind = TableKind::kMap});
  EXPECT_ERROR(map.DeleteRange({}), StatusCode::kInvalidArgument, "scan-partition");
  Table ordered = OpenOrdered();
  const ScanOptions too_long{.prefix = std::string(65'536, 'k')};
  EXPECT_ERROR(ordered.DeleteRange(too_long), StatusCode::kInvalidArgument, "key-too-long");
  EXPECT_OK(store_->DropTable("t"));
  EXPECT_ERROR(ordered.DeleteRange({}), StatusCode::kNotFound, "table-dropped");
}

// One record for a hundred thousand entries, wherever they are: in RocksDB, in the cache unapplied,
// changed in this epoch.
TEST_F(DeleteRangeTest, ALongRangeIsOneRecord) {
  Table table = OpenOrdered();
  Fill(table, 0, 40'000, "in RocksDB");
  EXPECT_OK(Save(1));
  EXPECT_OK(store_->Drain());
  Fill(table, 30'000, 60'000, "sealed");
  EXPECT_OK(Save(2));
  Fill(table, 50'000, 80'000, "current");
  EXPECT_OK(table.DeleteRange({.from = Key(100)}));
  Fill(table, 70'000, 70'010, "after");
  const auto check = [&] {
    EXPECT_EQ(CountOf(table), 110);
    EXPECT_EQ(Read(table, Key(35'000)), std::nullopt);
    EXPECT_EQ(Read(table, Key(55'000)), std::nullopt);
    EXPECT_EQ(Read(table, Key(70'000)), "after");
    EXPECT_EQ(Read(table, Key(99)), "in RocksDB");
  };
  check();
  const auto pending = store_->Checkpoint(3).value();
  EXPECT_OK(pending.Wait());
  EXPECT_EQ(pending.statistics().records, 11);
  check();
  EXPECT_OK(store_->Drain());
  check();
  Reopen();
  table = OpenOrdered();
  check();
  Reopen(2);
  table = OpenOrdered();
  EXPECT_EQ(CountOf(table), 60'000);
}

TEST_F(DeleteRangeTest, RollbackBringsThemBackAndOpenScansDoNotNotice) {
  Table table = OpenOrdered();
  Fill(table, 0, 1'000, "v");
  EXPECT_OK(Save(1));
  EXPECT_OK(store_->Drain());
  const auto count = [](Iterator iterator) {
    int entries = 0;
    while (iterator.Next().value()) ++entries;
    return entries;
  };
  EXPECT_OK(table.DeleteRange({.to = Key(900)}));
  Iterator after = table.Scan().value();
  EXPECT_TRUE(after.Next().value());
  EXPECT_EQ(after.key(), Key(900));
  Iterator other = table.Scan({.reverse = true}).value();
  EXPECT_OK(store_->Rollback());
  EXPECT_EQ(CountOf(table), 1'000);
  EXPECT_OK(table.Put(Key(5), "changed"));
  EXPECT_OK(table.Delete(Key(950)));
  EXPECT_EQ(count(std::move(after)), 99);
  EXPECT_EQ(count(std::move(other)), 100);
  EXPECT_EQ(count(table.Scan().value()), 999);
}

// A range delete that is rolled back goes on for scans that were made after it. Once it did not for
// entries that were read into the cache after the rollback, nor for those changed then.
TEST_F(DeleteRangeTest, WhatAScanDoesNotShowStaysSoWhenItIsCachedAfterRollback) {
  Table table = OpenOrdered();
  Fill(table, 0, 1'000, "v");
  EXPECT_OK(Save(1));
  EXPECT_OK(store_->Drain());
  EXPECT_OK(table.DeleteRange({}));
  EXPECT_OK(table.Put(Key(800), "again"));
  Iterator iterator = table.Scan().value();
  EXPECT_OK(store_->Rollback());
  EXPECT_EQ(Read(table, Key(500)), "v");
  EXPECT_EQ(Read(table, Key(600)), "v");
  EXPECT_OK(table.Put(Key(600), "changed"));
  EXPECT_OK(table.Delete(Key(700)));
  ASSERT_TRUE(iterator.Next().value());
  EXPECT_EQ(iterator.key(), Key(800));
  EXPECT_EQ(iterator.value(), "again");
  EXPECT_FALSE(iterator.Next().value()) << iterator.key();
}

TEST_F(DeleteRangeTest, AnOpenScanStillShowsWhatIsDeletedUnderIt) {
  Table table = OpenOrdered();
  Fill(table, 0, 1'000, "v");
  EXPECT_OK(Save(1));
  EXPECT_OK(store_->Drain());
  Iterator iterator = table.Scan().value();
  EXPECT_OK(table.DeleteRange({}));
  EXPECT_EQ(CountOf(table), 0);
  EXPECT_OK(Save(2));
  EXPECT_OK(store_->Drain());
  int entries = 0;
  while (iterator.Next().value()) ++entries;
  EXPECT_EQ(entries, 1'000);
}

TEST_F(DeleteRangeTest, ReplayedInTheOrderOfTheirEpochs) {
  Table table = OpenOrdered();
  Fill(table, 0, 600, "1");
  EXPECT_OK(Save(1));
  EXPECT_OK(table.DeleteRange({.from = Key(100)}));
  Fill(table, 300, 310, "2");
  EXPECT_OK(Save(2));
  Fill(table, 305, 800, "3");
  EXPECT_OK(Save(3));
  EXPECT_OK(table.DeleteRange({.from = Key(400), .to = Key(700)}));
  EXPECT_OK(Save(4));
  const auto check = [&](std::optional<uint64_t> id, size_t entries) {
    Reopen(id);
    table = OpenOrdered();
    EXPECT_EQ(CountOf(table), entries);
    EXPECT_EQ(Read(table, Key(302)), id == 1 ? "1" : "2");
  };
  check(1, 600);
  check(2, 110);
  check(3, 600);
  check(4, 300);
  check(std::nullopt, 300);
}

// Partitions lie side by side in the order of a hash, so the one behind a partition may have lesser
// keys. Once a long range delete went on into it: clearing one map removed entries of others.
TEST_F(DeleteRangeTest, ClearingAMapLeavesTheOthersAlone) {
  const TableOptions options{.kind = TableKind::kMap};
  std::optional<Table> map = Open("map", options);
  const auto partition = [](int i) {
    const std::string name = std::to_string(100 + i);
    return std::string{'\0', static_cast<char>(name.size())} + name;
  };
  constexpr int kPartitions = 12;
  const auto fill = [&](const std::string& value) {
    for (int p = 0; p < kPartitions; ++p) {
      for (int i = 0; i < 300; ++i) EXPECT_OK(map->Put(partition(p) + Key(i), value));
    }
  };
  fill("1");
  EXPECT_OK(Save(1));
  fill("2");
  for (int p = 0; p < kPartitions; p += 2) {
    EXPECT_OK(map->DeleteRange({.prefix = partition(p)}));
    for (int q = 0; q < kPartitions; ++q) {
      const bool is_left = q > p || q % 2 == 1;
      EXPECT_EQ(Read(*map, partition(q) + Key(7)), is_left ? std::optional("2") : std::nullopt)
          << q << " after " << p;
    }
  }
  EXPECT_EQ(CountOf(*map), 300 * kPartitions / 2);
  EXPECT_OK(Save(2));
  Reopen();
  map = Open("map", options);
  EXPECT_EQ(CountOf(*map), 300 * kPartitions / 2);
}

// The story: two maps were cleared that lie side by side in the order of their keys. Their ranges
// touched, became one record, and replay looked for what that covers in the first of them only:
// after a restore the other one's entries were there again.
TEST_F(DeleteRangeTest, ClearingNeighboursClearsBothAfterARestoreToo) {
  store_.reset();
  options_.storage = OpenLocalDirectory(directory_ / "of_one_group").value();
  options_.directory = directory_ / "live_of_one_group";
  options_.max_parallelism = 1;
  Open();
  const TableOptions options{.kind = TableKind::kMap};
  std::optional<Table> map = Open("map", options);
  const auto partition = [](char name) { return std::string{'\0', '\1', name}; };
  for (const char name : {'a', 'b', 'c'}) {
    for (int i = 0; i < 300; ++i) EXPECT_OK(map->Put(partition(name) + Key(i), "1"));
  }
  EXPECT_OK(Save(1));
  EXPECT_OK(map->DeleteRange({.prefix = partition('a')}));
  EXPECT_OK(map->DeleteRange({.prefix = partition('b')}));
  EXPECT_EQ(CountOf(*map), 300);
  EXPECT_OK(Save(2));
  Reopen();
  map = Open("map", options);
  EXPECT_EQ(CountOf(*map), 300);
  EXPECT_EQ(Read(*map, partition('b') + Key(7)), std::nullopt);
  EXPECT_EQ(Read(*map, partition('c') + Key(7)), std::optional("1"));
}

// Many files of a write-back, a range across all of them, and entries of the same epoch in it.
TEST_F(DeleteRangeTest, RangesAreCutWhereFilesEnd) {
  store_.reset();
  SetBudget(256 * kMiB);
  Open();
  Table table = OpenOrdered();
  const std::string value(40'000, 'v');
  Fill(table, 0, 500, "old");
  EXPECT_OK(Save(1));
  EXPECT_OK(store_->Drain());
  EXPECT_OK(table.DeleteRange({}));
  std::mt19937_64 random(7);
  for (int i = 0; i < 2'000; ++i) {
    std::string noise = value;
    for (size_t at = 0; at + 8 <= noise.size(); at += 8) {
      const uint64_t bits = random();
      noise.replace(at, 8, reinterpret_cast<const char*>(&bits), 8);
    }
    EXPECT_OK(table.Put(Key(2 * i), noise));
  }
  EXPECT_OK(Save(2));
  EXPECT_OK(store_->Drain());
  EXPECT_EQ(CountOf(table), 2'000);
  Reopen();
  table = OpenOrdered();
  EXPECT_EQ(CountOf(table), 2'000);
  EXPECT_EQ(Read(table, Key(1)), std::nullopt);
}

// Random changes and range deletes with iterators held over them, against maps in memory.
class DeleteRangeModelTest : public DeleteRangeTest,
                             public ::testing::WithParamInterface<uint32_t> {
 protected:
  struct Held {
    Iterator iterator;
    Content expected;  // still to be shown
    bool reverse;
  };

  void Step() {
    switch (random_() % 24) {
      case 0:
      case 1:
        return DeleteRange();
      case 2:
        return Moment();
      case 3:
        if (held_.size() < 4) {
          const bool reverse = random_() % 2 == 0;
          const ScanOptions range = RandomRange();
          ScanOptions options = range;
          options.reverse = reverse;
          held_.push_back({table_->Scan(options).value(), In(range), reverse});
        }
        return;
      case 4:
      case 5:
      case 6:
        return Advance();
      case 7: {
        const std::string key = RandomKey();
        ASSERT_EQ(Read(*table_, key), Expected(key)) << key;
        return;
      }
      case 8: {
        const int from = static_cast<int>(random_() % 3'000);
        for (int i = from; i < from + 400; ++i) Put(Key(i));
        return;
      }
      case 9: {
        const std::string key = RandomKey();
        EXPECT_OK(table_->Delete(key));
        current_.erase(key);
        return;
      }
      default:
        Put(RandomKey());
    }
  }

  void Put(const std::string& key) {
    const std::string value = std::to_string(random_()) + std::string(random_() % 40, 'v');
    EXPECT_OK(table_->Put(key, value));
    current_[key] = value;
  }

  void DeleteRange() {
    const ScanOptions range = RandomRange();
    EXPECT_OK(table_->DeleteRange(range));
    current_.erase(current_.lower_bound(range.from),
                   range.to ? current_.lower_bound(*range.to) : current_.end());
  }

  void Advance() {
    for (size_t i = 0; i < held_.size(); ++i) {
      Held& held = held_[i];
      for (uint64_t steps = random_() % 200; steps > 0; --steps) {
        const auto more = held.iterator.Next();
        ASSERT_TRUE(more.has_value()) << more.error().ToString();
        ASSERT_EQ(*more, !held.expected.empty());
        if (!*more) {
          held_.erase(held_.begin() + static_cast<ptrdiff_t>(i));
          return;
        }
        const auto next = held.reverse ? std::prev(held.expected.end()) : held.expected.begin();
        ASSERT_EQ(held.iterator.key(), next->first);
        ASSERT_EQ(held.iterator.value(), next->second);
        held.expected.erase(next);
      }
    }
  }

  void Moment() {
    switch (random_() % 10) {
      case 0:
      case 1:
        EXPECT_OK(store_->Drain());
        break;
      case 2:
      case 3:
        EXPECT_OK(store_->Rollback());
        history_.RolledBack();
        break;
      case 4: {
        const auto checkpoint = history_.RandomCheckpoint(random_);
        if (!checkpoint) break;
        held_.clear();
        Reopen(checkpoint);
        table_.emplace(OpenOrdered());
        history_.Restored(*checkpoint);
        break;
      }
      default:
        EXPECT_OK(Save(history_.NextId()));
        history_.Saved();
    }
    ASSERT_EQ(Read(*table_), current_);
  }

  Content In(const ScanOptions& range) const {
    return {current_.lower_bound(range.from),
            range.to ? current_.lower_bound(*range.to) : current_.end()};
  }
  std::optional<std::string> Expected(const std::string& key) const {
    const auto found = current_.find(key);
    return found == current_.end() ? std::nullopt : std::optional(found->second);
  }
  std::string RandomKey() { return Key(static_cast<int>(random_() % 3'000)); }
  ScanOptions RandomRange() {
    std::string from = RandomKey();
    std::string to = RandomKey();
    if (from > to) std::swap(from, to);
    if (random_() % 4 == 0) return {.from = from};
    return {.from = from, .to = to};
  }

  std::mt19937 random_{GetParam()};
  std::optional<Table> table_;
  StateHistory<Content> history_;
  Content& current_ = history_.current();
  std::vector<Held> held_;
};

TEST_P(DeleteRangeModelTest, Invariant02RangeDeletesSurviveEverything) {
  store_.reset();
  options_.write_back_segments = 1 + GetParam() % 5;
  SetBudget(16 * kMiB);
  Open();
  table_.emplace(OpenOrdered());
  for (int i = 0; i < 2'000 && !HasFatalFailure(); ++i) Step();
  ASSERT_EQ(Read(*table_), current_);
  held_.clear();
}

INSTANTIATE_TEST_SUITE_P(Seeds, DeleteRangeModelTest, ::testing::Range(0U, 8U));

}  // namespace
}  // namespace tidemark::test
