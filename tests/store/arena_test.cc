#include "store/arena.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <random>
#include <set>
#include <unordered_map>
#include <vector>

namespace tidemark::store {
namespace {

// A block that the test owns, filled with a byte of its own.
struct Block {
  char* bytes = nullptr;
  size_t size = 0;
  uint8_t size_class = 0;
  char fill = 0;
};

class ArenaTest : public ::testing::TestWithParam<size_t> {
 protected:
  Block Allocate(size_t size) {
    Block block{static_cast<char*>(arena_.Allocate(size)), size, arena_.SizeClass(size),
                static_cast<char>(next_fill_)};
    next_fill_ = next_fill_ == 254 ? 1 : next_fill_ + 1;  // 255 all over is what free blocks have
    std::memset(block.bytes, block.fill, Arena::Capacity(block.size_class, size));
    return block;
  }
  void Free(const Block& block) {
    const size_t capacity = Arena::Capacity(block.size_class, block.size);
    EXPECT_EQ(std::count(block.bytes, block.bytes + capacity, block.fill),
              static_cast<ptrdiff_t>(capacity))
        << "a block of " << block.size << " bytes was written to by others";
    arena_.Free(block.bytes, block.size_class);
  }

  Arena arena_{GetParam()};
  uint8_t next_fill_ = 1;
};

INSTANTIATE_TEST_SUITE_P(ChunkBytes, ArenaTest,
                         ::testing::Values(Arena::kSmallChunkBytes, Arena::kHugeChunkBytes));

// The ring is gone over piece by piece, and each entry is met once in a round, whatever comes and
// goes in between; tables never.
TEST_P(ArenaTest, VisitMeetsEveryEntryOnceARound) {
  std::mt19937 random(5);
  std::vector<Block> blocks;
  std::vector<void*> tables;
  for (int i = 0; i < 20'000; ++i) {
    blocks.push_back(Allocate(random() % 500 == 0 ? 50'000 : 40 + random() % 400));
    if (i % 100 == 0) tables.push_back(arena_.Allocate(128, Arena::Use::kTable));
  }
  for (int round = 0; round < 5; ++round) {
    std::shuffle(blocks.begin(), blocks.end(), random);
    for (size_t i = blocks.size() / 3; i > 0; --i) Free(blocks.back()), blocks.pop_back();
    while (!arena_.IsAtBegin())
      (void)arena_.Visit(SIZE_MAX, std::nullopt, [](void*) { return true; });
    std::multiset<void*> seen;
    do {
      (void)arena_.Visit(1 + random() % 5'000, std::nullopt, [&](void* block) {
        seen.insert(block);
        return random() % 100 != 0;
      });
    } while (!arena_.IsAtBegin());
    ASSERT_EQ(seen.size(), blocks.size());
    for (const Block& block : blocks) ASSERT_EQ(seen.count(block.bytes), 1u);
    for (size_t i = 0; i < 3'000; ++i) blocks.push_back(Allocate(40 + random() % 400));
  }
  for (const Block& block : blocks) Free(block);
  EXPECT_EQ(arena_.ring_size(), 0u);
  EXPECT_EQ(arena_.Visit(1'000, std::nullopt, [](void*) { return true; }), 0u);
  for (void* table : tables) arena_.Free(table, arena_.SizeClass(128));
  EXPECT_EQ(arena_.allocated_bytes(), 0u);
}

TEST_P(ArenaTest, VisitOfOneSizeMeetsNoOther) {
  std::vector<Block> blocks;
  std::multiset<void*> wanted;
  const uint8_t size_class = arena_.SizeClass(300);
  for (int i = 0; i < 30'000; ++i) {
    blocks.push_back(Allocate(i % 3 == 0 ? 300 : 64));
    if (i % 3 == 0) wanted.insert(blocks.back().bytes);
  }
  std::multiset<void*> seen;
  do {
    (void)arena_.Visit(10'000, size_class, [&](void* block) {
      seen.insert(block);
      return true;
    });
  } while (!arena_.IsAtBegin());
  EXPECT_EQ(seen, wanted);
  for (const Block& block : blocks) Free(block);
}

// Of chunks that are full of blocks all over, some are emptied bit by bit and go; the rest is as it
// was. Nothing is allocated in one that is closed, unless it is opened again.
TEST_P(ArenaTest, AClosedChunkCanBeEmptied) {
  std::unordered_map<void*, Block> blocks;
  const auto allocate = [&] {
    const Block block = Allocate(100);
    blocks.emplace(block.bytes, block);
    return block.bytes;
  };
  const auto free = [&](void* bytes) { Free(blocks.at(bytes)), blocks.erase(bytes); };
  const auto always = [](void*) { return true; };
  while (arena_.reserved_bytes() < 16 * GetParam()) allocate();
  for (size_t left = 15; left > 8; --left) {
    std::set<void*> all;
    ASSERT_TRUE(arena_.CloseChunk([&](void* block) { return all.insert(block).second; }));
    ASSERT_FALSE(arena_.CloseChunk(always)) << "one at a time";
    std::set<void*> visited;
    while (arena_.has_closed_chunk()) {
      std::vector<void*> some;
      arena_.VisitClosed(100, [&](void* block) { return some.push_back(block), true; });
      ASSERT_FALSE(some.empty());
      for (void* block : some) free(block);
      visited.insert(some.begin(), some.end());
      if (arena_.has_closed_chunk()) {
        ASSERT_FALSE(all.contains(allocate()));
      }
    }
    EXPECT_TRUE(visited == all);
    EXPECT_LE(arena_.ring_size(), left + 1) << "with what was allocated meanwhile";
    arena_.DropSpare();
    EXPECT_EQ(arena_.reserved_bytes(), arena_.ring_size() * GetParam());
  }
  EXPECT_FALSE(arena_.CloseChunk([](void*) { return false; })) << "and goes to the next";
  void* first = nullptr;
  ASSERT_TRUE(arena_.CloseChunk(always));
  arena_.VisitClosed(1, [&](void* block) { return first = block, true; });
  free(first);
  arena_.ReopenChunk();
  EXPECT_FALSE(arena_.has_closed_chunk());
  EXPECT_EQ(allocate(), first) << "the last to have come free";
  for (const auto& [bytes, block] : blocks) Free(block);
  EXPECT_EQ(arena_.allocated_bytes(), 0u);
}

TEST_P(ArenaTest, ClassesFitTightlyAndAscend) {
  size_t previous_capacity = 0;
  uint8_t previous_class = 0;
  for (size_t size = 0; arena_.SizeClass(size) != Arena::kLarge; ++size) {
    const uint8_t size_class = arena_.SizeClass(size);
    const size_t capacity = Arena::Capacity(size_class, size);
    ASSERT_GE(capacity, size);
    ASSERT_GE(size_class, previous_class);
    ASSERT_GE(capacity, previous_capacity);
    // At most 16 bytes or a quarter is lost.
    ASSERT_LE(capacity, std::max(size + 16, size + size / 4)) << size;
    previous_class = size_class;
    previous_capacity = capacity;
  }
}

TEST_P(ArenaTest, BlocksAreAlignedAndApart) {
  std::vector<Block> blocks;
  for (size_t size = 0; size < 9000; size += 7) blocks.push_back(Allocate(size));
  for (const Block& block : blocks) {
    EXPECT_EQ(reinterpret_cast<uintptr_t>(block.bytes) % 16, 0u) << block.size;
  }
  for (const Block& block : blocks) Free(block);
}

TEST_P(ArenaTest, GivesBackWhatIsFree) {
  std::vector<Block> blocks;
  for (int i = 0; i < 20'000; ++i) blocks.push_back(Allocate(100));
  EXPECT_GE(arena_.reserved_bytes(), 20'000u * 100);
  EXPECT_LE(arena_.reserved_bytes(), 20'000u * 112 * 17 / 16 + GetParam());
  for (const Block& block : blocks) Free(block);
  EXPECT_LE(arena_.reserved_bytes(), 4 * GetParam());  // a few spare chunks
}

TEST_P(ArenaTest, ReusesFreedBlocksBeforeItGrows) {
  std::vector<Block> blocks;
  for (int i = 0; i < 5'000; ++i) blocks.push_back(Allocate(60));
  const uint64_t reserved = arena_.reserved_bytes();
  for (int round = 0; round < 10; ++round) {
    for (size_t i = 0; i < blocks.size(); i += 3) Free(blocks[i]);
    for (size_t i = 0; i < blocks.size(); i += 3) blocks[i] = Allocate(60);
    EXPECT_EQ(arena_.reserved_bytes(), reserved);
  }
  for (const Block& block : blocks) Free(block);
}

TEST_P(ArenaTest, LargeBlocksAreCountedInWholePages) {
  const uint64_t before = arena_.reserved_bytes();
  const Block block = Allocate(1'000'001);
  EXPECT_EQ(block.size_class, Arena::kLarge);
  EXPECT_EQ(arena_.reserved_bytes(), before + size_t{16} * 65'536 + 64)
      << "eight sizes a doubling, and a header";
  EXPECT_EQ(arena_.GrowthFor(1'000'001), 16 * 65'536u + 64);
  EXPECT_EQ(arena_.GrowthFor(33'000), 9 * 4'096u + 64);
  Free(block);
  EXPECT_EQ(arena_.reserved_bytes(), before);
}

TEST_P(ArenaTest, SaysBeforehandWhatItWillTake) {
  std::mt19937 random(3);
  std::vector<Block> blocks;
  for (int i = 0; i < 20'000; ++i) {
    if (!blocks.empty() && random() % 5 < 2) {
      std::swap(blocks[random() % blocks.size()], blocks.back());
      Free(blocks.back());
      blocks.pop_back();
      continue;
    }
    const size_t size = random() % 50 == 0 ? random() % 100'000 : random() % 600;
    const bool has_room = arena_.HasRoomFor(size);
    const size_t growth = arena_.GrowthFor(size);
    const uint64_t before = arena_.reserved_bytes();
    blocks.push_back(Allocate(size));
    ASSERT_EQ(arena_.reserved_bytes() - before, has_room ? 0 : growth) << size;
  }
  for (const Block& block : blocks) Free(block);
  EXPECT_LE(arena_.reserved_bytes(), 4 * GetParam());
}

}  // namespace
}  // namespace tidemark::store
