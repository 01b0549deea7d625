#include "store/ordered_index.h"

#include "format/key.h"
#include "tests/store/version_maker.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tidemark::store {
namespace {

constexpr char kGroup[] = "\0\7";

std::string Stored(std::string_view user_key) {
  return std::string(kGroup, 2) + std::string(user_key);
}
std::string Partition(const std::string& name) {
  return std::string{'\0', static_cast<char>(name.size())} + name;
}

// Two partitions that the index cannot tell apart by the bits of their hash which its slots have.
std::pair<std::string, std::string> CollidingPartitions() {
  std::unordered_map<uint64_t, std::string> seen;
  for (int i = 0;; ++i) {
    const std::string partition = Partition(std::to_string(i));
    const auto [other, is_new] =
        seen.emplace(format::HashKey(partition) >> 16 & 0xfffff, partition);
    if (!is_new) return {other->second, partition};
  }
}

// Against a map of the stored keys, of which a cursor shows those from `from` up to `to`.
class OrderedIndexTest : public ::testing::Test {
 protected:
  void Insert(const std::string& stored) {
    model_[stored] = versions_.MakeStored(stored);
    index().Insert(model_[stored]);
  }
  // Of those that are there, one of `erased` goes.
  void Change(const std::string& stored, uint32_t erased = 2) {
    if (!model_.contains(stored)) return Insert(stored);
    Version* old = model_[stored];
    if (random_() % erased == 0) {
      index().Erase(old);
      model_.erase(stored);
    } else {
      index().Replace(old, model_[stored] = versions_.MakeStored(stored));
    }
  }
  // `count`: as if there were so many.
  void Refill(size_t count) {
    index_ = std::make_unique<OrderedIndex>(order_);
    const auto each = [&](const auto& visit) {
      for (const auto& [stored, version] : model_) visit(version);
    };
    EXPECT_TRUE(index().Fill(count, each, [](size_t) { return true; }));
  }
  std::vector<const Version*> Model(const std::string& from, const std::string& to) const {
    std::vector<const Version*> versions;
    for (auto at = model_.lower_bound(from); at != model_.end() && at->first < to; ++at)
      versions.push_back(at->second);
    return versions;
  }
  void ExpectModel(const std::string& from, const std::string& to) {
    ASSERT_EQ(index().size(), model_.size());
    const std::vector<const Version*> expected = Model(from, to);
    OrderedIndex::Cursor cursor(index(), from);
    // At either end of the index, or outside of the range.
    const auto ends = [&] {
      const Version* here = cursor.here();
      return here == nullptr || here->key() < from || here->key() >= to;
    };
    cursor.SeekAtOrAfter(from);
    for (const Version* version : expected) {
      ASSERT_FALSE(ends());
      ASSERT_EQ(cursor.here(), version);
      cursor.Next();
    }
    EXPECT_TRUE(ends());
    cursor.SeekBefore(to);
    for (auto version = expected.rbegin(); version != expected.rend(); ++version) {
      ASSERT_EQ(cursor.here(), *version);
      cursor.Previous();
    }
    EXPECT_TRUE(ends());
  }

  OrderedIndex& index() { return *index_; }

  KeyOrder order_ = KeyOrder::kByPartition;
  VersionMaker versions_;
  std::mt19937 random_{7};
  std::map<std::string, Version*> model_;
  std::unique_ptr<OrderedIndex> index_ = std::make_unique<OrderedIndex>(order_);
};

TEST_F(OrderedIndexTest, PartitionsOfOneHashStayApart) {
  const auto [a, b] = CollidingPartitions();
  const std::vector<std::string> partitions = {a, b, Partition("another"), Partition("")};
  for (int round = 0; round < 40; ++round) {
    for (int i = 0; i < 100; ++i)
      Change(Stored(partitions[random_() % 4] + std::to_string(random_() % 200)));
    if (round % 10 == 9) Refill(round % 20 == 9 ? 0 : 1'000'000);
    for (const std::string& partition : partitions) {
      std::string behind = partition;
      ++behind.back();
      ExpectModel(Stored(partition), Stored(behind));
      ExpectModel(Stored(partition + "1"), Stored(partition + "7"));
    }
  }
}

TEST_F(OrderedIndexTest, KeysWithACommonPrefixAreInOrder) {
  order_ = KeyOrder::kByKey;
  Refill(0);
  for (int round = 0; round < 40; ++round) {
    for (int i = 0; i < 100; ++i)
      Change(Stored(std::string(random_() % 12, 'a') + std::to_string(random_() % 20)));
    if (round % 10 == 9) Refill(round % 20 == 9 ? 0 : 1'000'000);
    ExpectModel(Stored(""), std::string("\0\10", 2));
    ExpectModel(Stored("a"), Stored("aaaaaaaaa1"));
  }
}

// From one entry to more than a run holds and back, with look-ups on the way that sort what came
// since: few entries and many.
TEST_F(OrderedIndexTest, PartitionsBecomeRunsAndTreesAndOneEntryAgain) {
  const std::string long_name = Partition(std::string(200, 'n'));
  const std::string too_long = std::string{'\5', '\0'} + std::string(1'280, 'n');
  ASSERT_GT(too_long.size(), PartitionIndex::kNameMax);
  for (const std::string& partition : {Partition("p"), Partition(""), long_name, too_long}) {
    std::string behind = partition;
    ++behind.back();
    const auto expect = [&] {
      ExpectModel(Stored(partition), Stored(behind));
      ExpectModel(Stored(partition + "3"), Stored(partition + "7"));
    };
    Insert(Stored(Partition("a neighbour")));
    while (model_.size() < 2 * PartitionIndex::kRunMax) {
      Change(Stored(partition + std::to_string(random_() % 5'000)), 4);
      if (model_.size() < 20 || random_() % 8 == 0) expect();
    }
    expect();
    while (model_.size() > 1) {
      const auto at = std::next(model_.begin(), static_cast<long>(random_() % model_.size()));
      if (model_.size() < 20 || random_() % 8 == 0) expect();
      index().Erase(at->second);
      model_.erase(at);
    }
    expect();
    index().Erase(model_.begin()->second);
    model_.clear();
    expect();
  }
}

TEST_F(OrderedIndexTest, FillStopsWhereThereIsNoRoom) {
  for (int i = 0; i < 1'000; ++i) {
    const std::string stored = Stored(Partition(std::to_string(i % 300)) + std::to_string(i));
    model_[stored] = versions_.MakeStored(stored);
  }
  const auto each = [&](const auto& visit) {
    for (const auto& [stored, version] : model_) visit(version);
  };
  int asked = 0;
  EXPECT_FALSE(index().Fill(model_.size(), each, [&](size_t) { return ++asked < 3; }));
  EXPECT_EQ(asked, 3);
  EXPECT_LT(index().size(), model_.size());
}

TEST_F(OrderedIndexTest, CountsWhatATreeTakes) {
  order_ = KeyOrder::kByKey;
  Refill(0);
  EXPECT_EQ(index().memory_bytes(), 0u);
  for (int i = 0; i < 10'000; ++i) Insert(Stored(std::to_string(i)));
  const uint64_t grown = index().memory_bytes();
  EXPECT_GE(grown, 140'000u);
  Refill(0);
  EXPECT_LT(index().memory_bytes(), grown) << "in order the nodes are full";
  EXPECT_LE(index().memory_bytes(), 10'000 * OrderedIndex::FillBytes(order_));
  for (const auto& [stored, version] : model_) index().Erase(version);
  EXPECT_EQ(index().size(), 0u);
  EXPECT_EQ(index().memory_bytes(), 0u);
}

TEST_F(OrderedIndexTest, CountsWhatPartitionsTake) {
  const uint64_t empty = index().memory_bytes();
  for (int i = 0; i < 10'000; ++i)
    Insert(Stored(Partition(std::to_string(i % 1'000)) + std::to_string(i)));
  EXPECT_GE(index().memory_bytes(), 10'000 * sizeof(VersionLink));
  constexpr uint64_t kChunks = 5 * Arena::kSmallChunkBytes;
  EXPECT_LE(index().memory_bytes(), empty + 10'000 * OrderedIndex::FillBytes(order_) + kChunks);
  for (int i = 0; i < 1'000; ++i) Insert(Stored(Partition("all") + std::to_string(i)));
  EXPECT_GE(index().memory_bytes(), 10'000 * sizeof(VersionLink) + 1'000 * sizeof(KeyTree::Entry));
  for (const auto& [stored, version] : model_) index().Erase(version);
  EXPECT_EQ(index().size(), 0u);
  EXPECT_LE(index().memory_bytes(), empty + kChunks);
}

}  // namespace
}  // namespace tidemark::store
