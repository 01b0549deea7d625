#include "store/arena.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <random>
#include <set>
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
                static_cast<char>(next_fill_++)};
    std::memset(block.bytes, block.fill, Arena::Capacity(block.size_class, size));
    return block;
  }
  void Free(const Block& block) {
    const size_t capacity = Arena::Capacity(block.size_class, block.size);
    EXPECT_EQ(std::count(block.bytes, block.bytes + capacity, block.fill),
              static_cast<ptrdiff_t>(capacity))
        << "a block of " << block.size << " bytes was written to by others";
    arena_.Free(block.bytes, block.size_class, block.size);
  }

  Arena arena_{GetParam()};
  uint8_t next_fill_ = 1;
};

INSTANTIATE_TEST_SUITE_P(ChunkBytes, ArenaTest,
                         ::testing::Values(Arena::kSmallChunkBytes, Arena::kHugeChunkBytes));

// Of chunks that are full of blocks all over, a part is emptied and goes; the rest is as it was.
TEST_P(ArenaTest, HollowingGivesChunksBack) {
  std::vector<Block> blocks;
  while (arena_.reserved_bytes() < 64 * GetParam()) blocks.push_back(Allocate(100));
  const auto take_hollowed = [&] {
    const auto hollowed = std::partition(blocks.begin(), blocks.end(), [&](const Block& block) {
      return !arena_.IsHollowed(block.bytes, block.size_class);
    });
    std::vector<Block> taken(hollowed, blocks.end());
    blocks.erase(hollowed, blocks.end());
    return taken;
  };
  EXPECT_TRUE(take_hollowed().empty());
  for (const double part : {0.25, 0.25, 0.5}) {
    const uint64_t before = arena_.reserved_bytes();
    (void)arena_.StartHollowing(part);
    std::vector<Block> taken = take_hollowed();
    EXPECT_FALSE(taken.empty());
    Free(taken.back());
    taken.pop_back();
    for (int i = 0; i < 10; ++i) {
      blocks.push_back(Allocate(100));
      EXPECT_FALSE(arena_.IsHollowed(blocks.back().bytes, blocks.back().size_class));
    }
    for (const Block& block : taken) Free(block);
    EXPECT_LE(static_cast<double>(arena_.reserved_bytes()),
              static_cast<double>(before) * (1 - part) + 2.0 * GetParam());
    EXPECT_GE(static_cast<double>(arena_.reserved_bytes()),
              static_cast<double>(before) * (1 - part) - 8.0 * GetParam());
    arena_.StopHollowing();
  }
  EXPECT_GT(arena_.StartHollowing(1), 0.9);
  std::vector<Block> left = take_hollowed();
  EXPECT_LE(blocks.size() * 100, 4 * GetParam()) << "a portion is left for new ones";
  left.insert(left.end(), blocks.begin(), blocks.end());
  Free(left.back());
  left.pop_back();
  arena_.StopHollowing();
  const uint64_t before = arena_.reserved_bytes();
  left.push_back(Allocate(100));
  EXPECT_EQ(arena_.reserved_bytes(), before) << "the hole is filled again";
  for (const Block& block : left) Free(block);
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
  EXPECT_EQ(arena_.reserved_bytes(), before + size_t{16} * 65'536) << "eight sizes a doubling";
  EXPECT_EQ(arena_.GrowthFor(1'000'001), 16 * 65'536u);
  EXPECT_EQ(arena_.GrowthFor(33'000), 9 * 4'096u);
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
