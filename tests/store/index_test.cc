#include "store/index.h"

#include "format/key.h"
#include "tests/store/version_maker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tidemark::store {
namespace {

constexpr int kKeys = TIDEMARK_SANITIZED ? 40'000 : 200'000;

uint64_t HashOf(const Version* version) { return format::HashKey(format::UserKey(version->key())); }

class IndexTest : public ::testing::Test {
 protected:
  void Insert(const std::string& key) {
    Version* version = versions_.Make(key);
    index_.Insert(format::HashKey(key), version);
    model_[key] = version;
  }
  void Replace(const std::string& key) {
    Version* version = versions_.Make(key);
    index_.Replace(format::HashKey(key), model_.at(key), version);
    model_[key] = version;
  }
  void Erase(const std::string& key) {
    index_.Erase(format::HashKey(key), model_.at(key));
    model_.erase(key);
  }
  Version* Find(const std::string& key) const { return index_.Find(format::HashKey(key), key); }

  void ExpectModel() const {
    ASSERT_EQ(index_.size(), model_.size());
    for (const auto& [key, version] : model_) ASSERT_EQ(Find(key), version) << key;
    std::set<const Version*> seen;
    index_.ForEach([&](const Version* version) {
      const auto found = model_.find(std::string(format::UserKey(version->key())));
      ASSERT_NE(found, model_.end());
      ASSERT_EQ(found->second, version);
      ASSERT_TRUE(seen.insert(version).second) << "visited twice";
    });
    ASSERT_EQ(seen.size(), model_.size());
  }

  VersionMaker versions_;
  Arena arena_;
  Index index_{arena_};
  std::unordered_map<std::string, Version*> model_;
};

TEST_F(IndexTest, FindsNothingInAnEmptyOne) {
  EXPECT_EQ(Find("a"), nullptr);
  EXPECT_EQ(Find(""), nullptr);
  EXPECT_EQ(index_.size(), 0u);
}

TEST_F(IndexTest, TellsKeysApartByAllTheirBytes) {
  for (const std::string& key : {std::string(), std::string(1, '\0'), std::string(2, '\0'),
                                 std::string("a"), std::string("ab"), std::string(65'535, 'a')}) {
    EXPECT_EQ(Find(key), nullptr);
    Insert(key);
  }
  ExpectModel();
}

TEST_F(IndexTest, EqualsAMapUnderRandomChanges) {
  std::mt19937 random(11);
  const auto key = [&] { return "key" + std::to_string(random() % 20'000); };
  for (int i = 0; i < kKeys; ++i) {
    const std::string name = key();
    const bool is_there = model_.contains(name);
    ASSERT_EQ(Find(name) != nullptr, is_there);
    // Phases of growth and of shrinking.
    const bool growing = (i / 20'000) % 3 != 2;
    if (!is_there) {
      if (growing || random() % 8 == 0) Insert(name);
    } else if (random() % 4 == 0 || !growing) {
      Erase(name);
    } else {
      Replace(name);
    }
    if (i % 20'000 == 0) ExpectModel();
  }
  ExpectModel();
  while (!model_.empty()) Erase(model_.begin()->first);
  ExpectModel();
}

// Once: sub-tables never shrank, so a table whose entries had been evicted kept the memory of its
// index, which nobody could take back; after a dozen such tables nothing else was left.
TEST_F(IndexTest, GivesMemoryBackAsItEmpties) {
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < kKeys; ++i) Insert("key" + std::to_string(i));
    const uint64_t full = index_.memory_bytes();
    EXPECT_LT(full, arena_.reserved_bytes());
    while (model_.size() > kKeys / 20) Erase(model_.begin()->first);
    EXPECT_LT(index_.memory_bytes(), full) << "as far as smaller blocks are at hand";
    ExpectModel();
    while (!model_.empty()) Erase(model_.begin()->first);
    ExpectModel();
    // What knows where the sub-tables are, and a few chunks that are kept ready.
    EXPECT_LT(index_.memory_bytes(), full / 50);
    EXPECT_LT(arena_.reserved_bytes(), full / 50 + 8 * Arena::kSmallChunkBytes);
  }
}

TEST_F(IndexTest, NoInsertRehashesMoreThanOneSubTable) {
  // What one insertion takes from the arena at most: two new sub-tables of full size.
  constexpr uint64_t kGrowthMax = uint64_t{2} * Index::kSlotsMax * sizeof(uint64_t) + 256;
  for (int i = 0; i < kKeys; ++i) {
    const uint64_t before = index_.memory_bytes();
    Insert("key" + std::to_string(i));
    ASSERT_LE(index_.memory_bytes() - before, kGrowthMax) << "at " << i << " keys";
  }
  ExpectModel();
  // Not below two thirds full on the whole after many splits, as extendible hashing has it; ln 2 of
  // 7/8.
  EXPECT_LT(index_.memory_bytes(), model_.size() * sizeof(uint64_t) * 2);
}

TEST_F(IndexTest, SaysBeforehandWhetherItGrows) {
  for (int i = 0; i < 60'000; ++i) {
    const std::string key = "key" + std::to_string(i);
    const size_t growth = index_.GrowthFor(format::HashKey(key));
    const uint64_t memory = index_.memory_bytes();
    const uint64_t before = arena_.reserved_bytes();
    Insert(key);
    if (growth == 0 && index_.memory_bytes() == memory) continue;
    // What it takes for a moment, before the old sub-table is freed.
    ASSERT_LE(arena_.reserved_bytes(), before + growth) << "at " << i << " keys";
  }
}

// Keys of one tag, slot and sub-table for a long time: long runs, many comparisons by bytes.
TEST_F(IndexTest, KeysWithEqualHashBits) {
  std::map<uint64_t, std::vector<std::string>> by_bits;  // of the 20 bits of tag and slot
  std::vector<std::string> colliding;
  for (int i = 0; i < 40'000; ++i) {
    std::string key = "k" + std::to_string(i);
    const uint64_t bits = (format::HashKey(key) >> 16) & 0xfffff;
    by_bits[bits].push_back(std::move(key));
  }
  for (auto& [bits, keys] : by_bits) {
    if (keys.size() > 1) colliding.insert(colliding.end(), keys.begin(), keys.end());
  }
  ASSERT_GT(colliding.size(), 50u);
  for (const std::string& key : colliding) {
    ASSERT_EQ(Find(key), nullptr);
    Insert(key);
  }
  ExpectModel();
  for (size_t i = 0; i < colliding.size(); i += 2) Erase(colliding[i]);
  ExpectModel();
}

// All keys of one corner of the hash: the directory becomes deep, and stays small.
TEST_F(IndexTest, KeysOfOneCornerOfTheHash) {
  constexpr int kTopBits = 6;
  for (int i = 0; model_.size() < 9'000; ++i) {
    const std::string key = "corner" + std::to_string(i);
    if (format::HashKey(key) >> (64 - kTopBits) == 5) Insert(key);
  }
  ExpectModel();
  // Every split on the way into the corner leaves an empty sub-table beside it.
  EXPECT_LT(index_.memory_bytes(), 9'000u * 8 * 4 + kTopBits * Index::kSlotsMax * 8);
  std::vector<std::string> odd;
  for (const auto& [key, version] : model_)
    if (HashOf(version) % 2 != 0) odd.push_back(key);
  for (const std::string& key : odd) Erase(key);
  ExpectModel();
}

// A run of slots that wraps around the end of its sub-table, erased from every position.
TEST_F(IndexTest, ErasesFromRunsThatWrapAround) {
  std::vector<std::string> at_the_end;
  for (int i = 0; at_the_end.size() < 12; ++i) {
    std::string key = "w" + std::to_string(i);
    // The last two of the sixteen slots of the first sub-table.
    if (((format::HashKey(key) >> 16) & 15) >= 14) at_the_end.push_back(std::move(key));
  }
  for (size_t first = 0; first < at_the_end.size(); ++first) {
    for (const std::string& key : at_the_end) Insert(key);
    ExpectModel();
    for (size_t i = 0; i < at_the_end.size(); ++i) {
      Erase(at_the_end[(first + i * 5) % at_the_end.size()]);
      ExpectModel();
    }
  }
}

}  // namespace
}  // namespace tidemark::store
