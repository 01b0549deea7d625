// What takes memory from what: entries and blocks of RocksDB, entries of one size and of another.
#include "store/shared_block_cache.h"
#include "tests/store/budget_fixture.h"

#include <algorithm>
#include <random>
#include <string>

namespace tidemark::store {
namespace {

class MemoryBalanceTest : public BudgetFixture {
 protected:
  uint64_t block_cache_bytes() const {
    return SharedBlockCache::Of(options_.runtime)->cache()->capacity_bytes();
  }
};

// Once a quarter of the budget was RocksDB's, used or not: a state that would have fit was evicted.
TEST_F(MemoryBalanceTest, EntriesHaveWhatBlocksDoNotUse) {
  ASSERT_EQ(block_cache_bytes(), BlockCacheBytes(kBudget));
  FillAndDrain(2'750);
  EXPECT_EQ(store_->Metrics().evictions, 0u) << "more than eleven of sixteen megabytes";
  EXPECT_LT(block_cache_bytes(), BlockCacheBytes(kBudget) * 3 / 4);
  for (int i = 2'750; i < 6'000; ++i) ASSERT_EQ(TryPut(i).ToString(), "OK");
  EXPECT_GE(block_cache_bytes(), BlockCacheBytesMin(kBudget));
  ExpectBudgetHeld();
}

// Reads that miss fill the blocks, which then get back what they had, bit by bit.
TEST_F(MemoryBalanceTest, BlocksTakeItBackWhenReadsMiss) {
  FillAndDrain(8'000);
  ASSERT_LT(block_cache_bytes(), BlockCacheBytes(kBudget) * 3 / 4);
  std::mt19937 random(3);
  uint64_t most_evicted = 0;
  for (int reads = 0; block_cache_bytes() < BlockCacheBytes(kBudget); ++reads) {
    ASSERT_LT(reads, 100'000) << block_cache_bytes() << " bytes of blocks";
    const int i = static_cast<int>(random() % 8'000);
    const uint64_t before = store_->Metrics().evictions;
    ASSERT_EQ(Read(*table_, KeyOf(i)), ValueOf(i));
    most_evicted = std::max(most_evicted, store_->Metrics().evictions - before);
    ExpectBudgetHeld();
  }
  EXPECT_LT(most_evicted, 100u) << "no read pays for all";
}

// Views borrow of what the block cache has left, and an eighth of it stays.
TEST_F(MemoryBalanceTest, ViewsBorrowOfWhatIsLeft) {
  FillAndDrain(6'000);
  const auto cache = SharedBlockCache::Of(options_.runtime);
  const uint64_t counted = block_cache_bytes();
  ASSERT_LT(counted, BlockCacheBytes(kBudget));
  std::vector<std::unique_ptr<SharedBlockCache::ViewCache>> views;
  while (true) {
    auto view = cache->MakeViewCache(kMiB / 4);
    if (!view.has_value()) break;
    views.push_back(*std::move(view));
    ASSERT_LT(views.size(), 100u);
  }
  EXPECT_GE(views.size(), 2u);
  EXPECT_GE(block_cache_bytes(), BlockCacheBytes(kBudget) / 8);
  EXPECT_FALSE(cache->Yield(kMiB)) << "what is lent is in use";
  ExpectBudgetHeld();
  views.clear();
  EXPECT_LE(block_cache_bytes(), counted);
  ExpectBudgetHeld();
}

// Half of it lent, and then what yielding may leave of all of it: nearly nothing was left.
TEST_F(MemoryBalanceTest, WhatTheLoansLeaveIsNotYieldedToo) {
  constexpr uint64_t kOther = 256 * kMiB;
  const auto runtime = Runtime::Create({.memory_budget_bytes = kOther}).value();
  const auto cache = SharedBlockCache::Of(runtime);
  MemoryBudget& budget = runtime->impl().budget();
  const auto rest = static_cast<int64_t>(kOther - budget.used_bytes());
  budget.Add(rest);
  const auto view = cache->MakeViewCache(BlockCacheBytes(kOther) / 2);
  ASSERT_TRUE(view.has_value()) << view.error().ToString();
  while (cache->Yield(kMiB)) {
  }
  EXPECT_GE(cache->cache()->capacity_bytes(), BlockCacheBytes(kOther) / 8);
  budget.Add(-rest);
}

// Once a write of a size that few entries have waited until CLOCK came by one, or a whole chunk was
// empty, which takes long where every chunk has something dirty: single writes, of marks of
// partitions mostly, evicted a hundred thousand entries, for up to 105 ms.
TEST_F(MemoryBalanceTest, AWriteOfARareSizeEvictsLittle) {
  const auto put = [&](int i, size_t bytes) {
    ASSERT_EQ(table_->Put(KeyOf(i), std::string(bytes, 'v')).ToString(), "OK");
  };
  constexpr int kKeys = 150'000;
  constexpr int kRare = 10'000'000;
  uint64_t id = 0;
  for (int i = 0; i < kKeys; ++i) {
    put(i, 60);
    if (i % 10 == 0) put(kRare + i, 200);
    if (i % 20'000 != 19'999) continue;
    ASSERT_EQ(Save(++id).ToString(), "OK");
    ASSERT_EQ(store_->Drain().ToString(), "OK");
  }
  ASSERT_GT(store_->Metrics().evictions, 0u);
  for (int i = 0; i < kKeys; i += 150) put(i, 60), put(kRare + i, 200);  // some in every chunk
  uint64_t most_evicted = 0;
  for (int i = 0; i < 500; ++i) {
    const uint64_t before = store_->Metrics().evictions;
    put(2 * kRare + i, 200);
    most_evicted = std::max(most_evicted, store_->Metrics().evictions - before);
  }
  EXPECT_LT(most_evicted, 1'500u);
  ExpectBudgetHeld();
}

}  // namespace
}  // namespace tidemark::store
