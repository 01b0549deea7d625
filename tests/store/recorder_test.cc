#include "store/recorder.h"

#include "tests/store/core_fixture.h"

#include <cstdint>

namespace tidemark::store {
namespace {

using std::chrono::nanoseconds;
using test::FileOperation;

Histogram Of(std::initializer_list<int64_t> durations) {
  HistogramRecorder recorder;
  for (const int64_t ns : durations) recorder.Record(nanoseconds(ns));
  return recorder.Get();
}

TEST(HistogramTest, BucketsArePowersOfTwo) {
  EXPECT_EQ(Histogram::BucketOf(nanoseconds(-5)), 0u);
  EXPECT_EQ(Histogram::BucketOf(nanoseconds(0)), 0u);
  for (size_t bucket = 1; bucket < Histogram::kBuckets; ++bucket) {
    const nanoseconds begin = Histogram::UpperBound(bucket - 1);
    const nanoseconds end = Histogram::UpperBound(bucket);
    EXPECT_EQ(Histogram::BucketOf(begin), bucket);
    EXPECT_EQ(Histogram::BucketOf(end - nanoseconds(1)), bucket);
  }
  EXPECT_EQ(Histogram::BucketOf(nanoseconds::max()), Histogram::kBuckets - 1);
}

TEST(HistogramTest, CountsSumsAndKeepsTheLongest) {
  const Histogram histogram = Of({3, 1'000, 0, 3, -7});
  EXPECT_EQ(histogram.count, 5u);
  EXPECT_EQ(histogram.sum, nanoseconds(1'006));
  EXPECT_EQ(histogram.max, nanoseconds(1'000));
  EXPECT_EQ(histogram.buckets[0], 2u);
  EXPECT_EQ(histogram.buckets[2], 2u);
  EXPECT_EQ(histogram.buckets[10], 1u);
}

TEST(HistogramTest, QuantilesAreUpperBounds) {
  EXPECT_EQ(Histogram().QuantileBound(0.5), nanoseconds(0));
  const Histogram histogram = Of({0, 3, 5, 5, 5, 5, 5, 5, 100, 1'000});
  EXPECT_EQ(histogram.QuantileBound(-1), nanoseconds(1));
  EXPECT_EQ(histogram.QuantileBound(0), nanoseconds(1));
  EXPECT_EQ(histogram.QuantileBound(0.2), nanoseconds(4));
  EXPECT_EQ(histogram.QuantileBound(0.21), nanoseconds(8));
  EXPECT_EQ(histogram.QuantileBound(0.5), nanoseconds(8));
  EXPECT_EQ(histogram.QuantileBound(0.9), nanoseconds(128));
  EXPECT_EQ(histogram.QuantileBound(0.91), nanoseconds(1'000)) << "never above the longest";
  EXPECT_EQ(histogram.QuantileBound(7), nanoseconds(1'000));
  EXPECT_EQ(Of({nanoseconds::max().count()}).QuantileBound(0.5), nanoseconds::max());
}

class RecorderTest : public CoreFixture {};

TEST_F(RecorderTest, WriteBacksThatFail) {
  Open();
  Put("a", "1");
  ASSERT_EQ(Save(1).ToString(), "OK");  // inside the manifest version: no other files
  fs_->plan().Inject(
      {.sticky = true, .contains = "/live/", .operations = {FileOperation::kCreate}});
  EXPECT_FALSE(store_->Drain().ok());
  StoreMetrics now = store_->Metrics();
  EXPECT_EQ(now.write_backs, 0u);
  EXPECT_GE(now.write_back_failures, 1u);
  EXPECT_GT(now.write_back_time, nanoseconds(0));
  EXPECT_GT(now.unapplied_bytes, 0u);
  const uint64_t failures = now.write_back_failures;
  fs_->plan().Clear();
  EXPECT_EQ(store_->Drain().ToString(), "OK");
  now = store_->Metrics();
  EXPECT_EQ(now.write_backs, 1u);
  EXPECT_EQ(now.write_back_records, 1u);
  EXPECT_EQ(now.write_back_failures, failures);
  EXPECT_EQ(now.unapplied_bytes, 0u);
}

}  // namespace
}  // namespace tidemark::store
