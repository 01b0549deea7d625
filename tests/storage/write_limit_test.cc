#include "storage/write_limit.h"

#include <rocksdb/rate_limiter.h>

#include <gtest/gtest.h>

#include <chrono>

namespace tidemark::test {
namespace {

using std::chrono::steady_clock;
using storage::WriteGate;
using storage::WriteLimit;

constexpr uint64_t kMiB = uint64_t{1} << 20;

int64_t Through(const WriteLimit& limit) { return limit.rocksdb()->GetTotalBytesThrough(); }

TEST(WriteGateTest, WhoPassesAnOpenOneIsNotLimited) {
  const WriteLimit limit(kMiB);
  WriteGate gate(limit);
  EXPECT_TRUE(gate.Wait(1'000 * kMiB)) << "open at first";
  EXPECT_EQ(Through(limit), 0);
  gate.SetOpen(false);
  EXPECT_TRUE(gate.Wait(1'000));
  EXPECT_EQ(Through(limit), 1'000);
  gate.SetOpen(true);
  EXPECT_TRUE(gate.Wait(1'000 * kMiB));
  EXPECT_EQ(Through(limit), 1'000);
}

TEST(WriteGateTest, AllGatesLeadToOneLimit) {
  const WriteLimit limit(4 * kMiB);
  WriteGate one(limit);
  WriteGate other(limit);
  one.SetOpen(false);
  other.SetOpen(false);
  const auto begin = steady_clock::now();
  for (int i = 0; i < 4; ++i) EXPECT_TRUE((i % 2 == 0 ? one : other).Wait(kMiB));
  // What is granted at the beginning is not waited for.
  EXPECT_GE(steady_clock::now() - begin, std::chrono::milliseconds(800));
  EXPECT_EQ(Through(limit), static_cast<int64_t>(4 * kMiB));
}

TEST(WriteGateTest, WaitingIsGivenUp) {
  const WriteLimit limit(kMiB);
  WriteGate gate(limit);
  gate.SetOpen(false);
  int asked = 0;
  EXPECT_FALSE(gate.Wait(1'000 * kMiB, [&] { return ++asked < 3; }));
  EXPECT_EQ(asked, 3);
  EXPECT_LT(Through(limit), static_cast<int64_t>(kMiB));
}

TEST(WriteGateTest, TheLargestLimitGrantsAnythingAtOnce) {
  const WriteLimit limit(uint64_t{1} << 40);
  WriteGate gate(limit);
  gate.SetOpen(false);
  EXPECT_TRUE(gate.Wait(kMiB));
  EXPECT_EQ(Through(limit), static_cast<int64_t>(kMiB));
}

}  // namespace
}  // namespace tidemark::test
