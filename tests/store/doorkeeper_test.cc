#include "store/doorkeeper.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace tidemark::store {
namespace {

TEST(DoorkeeperTest, KnowsWhatItSawOfLate) {
  constexpr size_t kWindow = 10'000;
  std::mt19937_64 random(1);
  Doorkeeper doorkeeper;
  std::vector<uint64_t> hashes(kWindow / 2);
  for (uint64_t& hash : hashes) hash = random();
  size_t strangers = 0;
  for (const uint64_t hash : hashes) strangers += doorkeeper.SeenBefore(hash, kWindow) ? 0 : 1;
  EXPECT_GT(strangers, hashes.size() * 9 / 10) << "few share a bit";
  size_t known = 0;
  for (const uint64_t hash : hashes) known += doorkeeper.SeenBefore(hash, kWindow) ? 1 : 0;
  EXPECT_EQ(known, hashes.size());

  // It forgets, all at once.
  for (size_t i = 0; i < 10 * kWindow; ++i) (void)doorkeeper.SeenBefore(random(), kWindow);
  known = 0;
  for (const uint64_t hash : hashes) known += doorkeeper.SeenBefore(hash, kWindow) ? 1 : 0;
  EXPECT_LT(known, hashes.size() / 4);
}

TEST(DoorkeeperTest, SaysWhatItWillTake) {
  Doorkeeper doorkeeper;
  std::mt19937_64 random(2);
  size_t taken = 0;
  for (size_t window : {size_t{0}, size_t{100}, size_t{100'000}, size_t{1'000}}) {
    for (int i = 0; i < 300'000; ++i) {
      taken += doorkeeper.GrowthFor(window);
      (void)doorkeeper.SeenBefore(random(), window);
    }
    EXPECT_EQ(doorkeeper.GrowthFor(window), 0u) << window;
  }
  EXPECT_EQ(taken, size_t{16'384} * sizeof(uint64_t));
}

}  // namespace
}  // namespace tidemark::store
