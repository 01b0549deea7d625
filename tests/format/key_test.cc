#include "format/key.h"

#include <gtest/gtest.h>

#include <sys/mman.h>

#include <set>

namespace tidemark::format {
namespace {

TEST(KeyTest, StoredKeysSortByGroupFirst) {
  std::string low;
  std::string high;
  AppendStoredKey(255, "z", &low);
  AppendStoredKey(256, "a", &high);
  EXPECT_EQ(low, std::string("\x00\xffz", 3));
  EXPECT_EQ(high, std::string("\x01\x00"
                              "a",
                              3));
  EXPECT_LT(low, high);
  EXPECT_EQ(GroupOfStoredKey(high), 256);
  EXPECT_EQ(UserKey(high), "a");
}

TEST(KeyTest, EmptyUserKeysAreKeys) {
  std::string key;
  AppendStoredKey(0x1234, "", &key);
  EXPECT_EQ(key.size(), kKeyGroupBytes);
  EXPECT_EQ(GroupOfStoredKey(key), 0x1234);
  EXPECT_EQ(UserKey(key), "");
}

// The hash decides where a key's state is found again: it never changes.
TEST(KeyTest, HashNeverChanges) {
  EXPECT_EQ(HashKey(""), 0x2d06800538d394c2u);
  EXPECT_EQ(HashKey("word"), 0xe3ce369cf66c5c55u);
  EXPECT_EQ(KeyGroupOf(HashKey("word"), 128), 85);
}

TEST(KeyTest, SubtasksShareTheGroupsOut) {
  for (const uint32_t max : {1u, 7u, 128u, kMaxParallelismMax}) {
    for (uint32_t parallelism = 1; parallelism <= std::min(max, 130u); ++parallelism) {
      uint32_t next = 0;
      for (uint32_t subtask = 0; subtask < parallelism; ++subtask) {
        const KeyGroupRange range = KeyGroupsOf(subtask, parallelism, max);
        ASSERT_EQ(range.first, next);
        ASSERT_GE(range.last, range.first);
        ASSERT_TRUE(range.Contains(range.last));
        ASSERT_FALSE(range.Contains(static_cast<uint16_t>(range.last + 1)));
        next = range.last + 1u;
      }
      ASSERT_EQ(next, max);
    }
  }
}

TEST(ValueHeaderTest, RoundTrips) {
  for (const uint64_t expiry : {uint64_t{0}, uint64_t{1}, UINT64_MAX}) {
    for (const std::string& value : {std::string(), std::string("v"), std::string(300, 'x')}) {
      std::string stored;
      AppendValueHeader(expiry, &stored);
      EXPECT_EQ(stored.size(), expiry == 0 ? 1u : 9u);
      stored += value;
      const StoredValue parsed = ParseStoredValue(stored).value();
      EXPECT_EQ(parsed.value, value);
      EXPECT_EQ(parsed.expiry_ms, expiry);
    }
  }
}

TEST(ValueHeaderTest, RejectsDamage) {
  std::string expiring;
  AppendValueHeader(1'700'000'000'000, &expiring);
  const std::set<std::string> damaged = {"", std::string("\x02value"), std::string("\x81value"),
                                         expiring.substr(0, 8), expiring.substr(0, 1)};
  for (const std::string& stored : damaged) {
    const auto parsed = ParseStoredValue(stored);
    ASSERT_FALSE(parsed.has_value()) << stored;
    EXPECT_EQ(parsed.error().code(), StatusCode::kCorruption);
    EXPECT_EQ(parsed.error().name(), "value-header");
  }
}

// Zeros that nobody has written take no memory.
TEST(ValueHeaderTest, AListThatHasOutgrownItsLimitIsTooLong) {
  constexpr size_t kBytes = 1 + kAppendedBytesMax + 1;
  void* const zeros =
      mmap(nullptr, kBytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  ASSERT_NE(zeros, MAP_FAILED);
  const std::string_view stored(static_cast<const char*>(zeros), kBytes);
  EXPECT_EQ(ParseStoredValue(stored).error().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(ParseStoredValue(stored).error().name(), kValueTooLong);
  EXPECT_EQ(ParseStoredValue(stored.substr(1)).value().value.size(), kAppendedBytesMax);
  munmap(zeros, kBytes);
}

}  // namespace
}  // namespace tidemark::format
