#include "store/chunk_source.h"

#include "store/arena.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>
#include <vector>

namespace tidemark::store {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint64_t kBudget = MemoryBudget::kHugeChunksBudgetMin;
constexpr size_t kBytes = ChunkSource::kChunkBytes;
constexpr uint64_t kAllReady = ChunkSource::kReadyMax * kBytes;

class ChunkSourceTest : public ::testing::Test {
 protected:
  // Chunks that are taken go when the test is over.
  ~ChunkSourceTest() override {
    for (void* chunk : taken_) UnmapChunk(chunk, kBytes);
  }
  char* Take(ChunkSource& source) {
    taken_.push_back(source.Take());
    return static_cast<char*>(taken_.back());
  }
  // False if it does not come to hold that much.
  static bool AwaitHeld(const ChunkSource& source, uint64_t bytes) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (source.held_bytes() != bytes) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
  }
  static void ExpectUsable(char* chunk) {
    EXPECT_EQ(reinterpret_cast<uintptr_t>(chunk) % kBytes, 0u);
    EXPECT_EQ(std::count(chunk, chunk + kBytes, '\0'), static_cast<ptrdiff_t>(kBytes));
    std::fill(chunk, chunk + kBytes, 'x');
  }

  MemoryBudget budget_{kBudget};
  std::vector<void*> taken_;
};

TEST_F(ChunkSourceTest, HasSomeReadyOnceOneWasTaken) {
  ChunkSource source(budget_, /*ahead=*/true);
  EXPECT_EQ(budget_.used_bytes(), 0u) << "who takes nothing pays nothing";
  ExpectUsable(Take(source));
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(AwaitHeld(source, kAllReady));
    EXPECT_EQ(budget_.used_bytes(), kAllReady) << "what was taken counts as the taker's";
    ExpectUsable(Take(source));
  }
}

TEST_F(ChunkSourceTest, WhatIsReadyWasTouched) {
  ChunkSource source(budget_, /*ahead=*/true);
  (void)Take(source);
  ASSERT_TRUE(AwaitHeld(source, kAllReady));
  char* chunk = Take(source);
  std::vector<unsigned char> is_resident(kBytes / 4096);
  ASSERT_EQ(mincore(chunk, kBytes, is_resident.data()), 0);
  EXPECT_TRUE(std::all_of(is_resident.begin(), is_resident.end(),
                          [](unsigned char page) { return (page & 1) != 0; }));
}

TEST_F(ChunkSourceTest, WithoutAThreadItMapsWhatIsTaken) {
  ChunkSource source(budget_, /*ahead=*/false);
  for (int i = 0; i < 3; ++i) ExpectUsable(Take(source));
  EXPECT_EQ(source.held_bytes(), 0u);
  EXPECT_EQ(budget_.used_bytes(), 0u);
  EXPECT_FALSE(source.GiveBack());
}

TEST_F(ChunkSourceTest, HoldsNothingWhenItEnds) {
  {
    ChunkSource source(budget_, /*ahead=*/true);
    (void)Take(source);
    ASSERT_TRUE(AwaitHeld(source, kAllReady));
  }
  EXPECT_EQ(budget_.used_bytes(), 0u);
  ChunkSource source(budget_, /*ahead=*/true);
  (void)Take(source);  // ends while one is made
}

TEST_F(ChunkSourceTest, TakesNothingOfTheLastEighth) {
  ChunkSource source(budget_, /*ahead=*/true);
  const auto others = static_cast<int64_t>(budget_.free_bytes() - kBudget / 8 - 3 * kMiB);
  budget_.Add(others);
  (void)Take(source);
  ASSERT_TRUE(AwaitHeld(source, kBytes));
  budget_.Add(2 * kMiB);
  // The one may still have been in the making.
  while (source.held_bytes() != 0) (void)Take(source);
  EXPECT_EQ(static_cast<int64_t>(budget_.used_bytes()), others + static_cast<int64_t>(2 * kMiB));
}

// Everybody who may find no room finds as much as if there were no source.
TEST_F(ChunkSourceTest, HoldsNobodyUp) {
  ChunkSource source(budget_, /*ahead=*/true);
  const auto hold_all = [&] {
    (void)Take(source);
    ASSERT_TRUE(AwaitHeld(source, kAllReady));
  };
  hold_all();
  const uint64_t free = budget_.free_bytes() + kAllReady;
  EXPECT_FALSE(budget_.TryAdd(free + 1));
  EXPECT_EQ(source.held_bytes(), 0u);
  hold_all();
  EXPECT_TRUE(budget_.TryAdd(free));
  EXPECT_EQ(budget_.free_bytes(), 0u);
  budget_.Add(-static_cast<int64_t>(free));

  hold_all();
  budget_.Add(static_cast<int64_t>(free));  // does not ask
  EXPECT_EQ(budget_.used_bytes(), free);
  budget_.Add(-static_cast<int64_t>(free));

  std::optional<MemoryBudget::Account> account(std::in_place, budget_);
  hold_all();
  const uint64_t room = account->free_bytes() + kAllReady;
  EXPECT_TRUE(account->HasRoomFor(room, false));
  hold_all();
  EXPECT_EQ(account->lacking_bytes(room), 0u);
  hold_all();
  EXPECT_EQ(account->lacking_bytes(room + 1), 1u);
  EXPECT_FALSE(account->HasRoomFor(room + 1, false));
  hold_all();
  account.reset();
  EXPECT_EQ(budget_.used_bytes(), 0u) << "no store is left to take any";
}

// The reserve of one that opens when others have all the rest must not be with the source.
TEST_F(ChunkSourceTest, GivesWayToAStoreThatOpens) {
  ChunkSource source(budget_, /*ahead=*/true);
  (void)Take(source);
  ASSERT_TRUE(AwaitHeld(source, kAllReady));
  budget_.Add(static_cast<int64_t>(budget_.free_bytes() - kMiB));
  ASSERT_EQ(source.held_bytes(), kAllReady);
  const MemoryBudget::Account account(budget_);
  EXPECT_EQ(source.held_bytes(), 0u);
}

TEST_F(ChunkSourceTest, ArenasTakeTheirChunksThere) {
  ChunkSource source(budget_, /*ahead=*/true);
  Arena arena(kBytes, &source);
  std::vector<void*> blocks;
  while (arena.reserved_bytes() < 5 * kBytes) {
    blocks.push_back(arena.Allocate(10'000));
    if (blocks.size() % 100 == 1) {
      ASSERT_TRUE(AwaitHeld(source, kAllReady));
    }
  }
  ASSERT_TRUE(AwaitHeld(source, kAllReady));
  EXPECT_EQ(budget_.used_bytes(), kAllReady) << "an arena's own are counted by its store";
  for (void* block : blocks) arena.Free(block, arena.SizeClass(10'000));
}

TEST_F(ChunkSourceTest, ManyTakeAndLackRoomAtOnce) {
  {
    ChunkSource source(budget_, /*ahead=*/true);
    const uint64_t most = budget_.free_bytes();
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 200; ++i) {
          auto* chunk = static_cast<char*>(source.Take());
          EXPECT_EQ(chunk[0], '\0');
          chunk[0] = 'x';
          UnmapChunk(chunk, kBytes);
          const MemoryBudget::Account account(budget_);
          EXPECT_FALSE(account.HasRoomFor(kBudget, false));
          if (budget_.TryAdd(most / 4)) budget_.Add(-static_cast<int64_t>(most / 4));
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  // Once it asked before the source had ended: the last Take may have woken its thread a moment
  // ago.
  EXPECT_EQ(budget_.used_bytes(), 0u);
}

}  // namespace
}  // namespace tidemark::store
