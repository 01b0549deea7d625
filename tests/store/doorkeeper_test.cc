#include "store/doorkeeper.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace tidemark::store {
namespace {

constexpr size_t kBytes = 8'192;

TEST(DoorkeeperTest, KnowsWhatItSawOfLate) {
  std::mt19937_64 random(1);
  Doorkeeper doorkeeper(kBytes);
  std::vector<uint64_t> hashes(kBytes / 2);
  for (uint64_t& hash : hashes) hash = random();
  size_t strangers = 0;
  for (const uint64_t hash : hashes) strangers += doorkeeper.SeenBefore(hash) ? 0 : 1;
  EXPECT_GT(strangers, hashes.size() * 9 / 10) << "few share a bit";
  size_t known = 0;
  for (const uint64_t hash : hashes) known += doorkeeper.SeenBefore(hash) ? 1 : 0;
  EXPECT_EQ(known, hashes.size());

  // It forgets, all at once.
  for (size_t i = 0; i < 10 * kBytes; ++i) (void)doorkeeper.SeenBefore(random());
  known = 0;
  for (const uint64_t hash : hashes) known += doorkeeper.SeenBefore(hash) ? 1 : 0;
  EXPECT_LT(known, hashes.size() / 4);
}

// The keys of one key group out of 128: their hashes have seven bits in common.
TEST(DoorkeeperTest, HashesOfOneKeyGroupAreAsGood) {
  std::mt19937_64 random(2);
  Doorkeeper doorkeeper(kBytes);
  size_t strangers = 0;
  for (size_t i = 0; i < 100 * kBytes; ++i)
    strangers += doorkeeper.SeenBefore(random() / 128 * 128 + 5) ? 0 : 1;
  EXPECT_GT(strangers, 90 * kBytes);
}

}  // namespace
}  // namespace tidemark::store
