#include "tests/store/model_shrink.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

namespace tidemark::store {
namespace {

using Steps = std::vector<size_t>;

constexpr auto kAlways = [] { return true; };

Steps UpTo(size_t count) {
  Steps steps(count);
  std::iota(steps.begin(), steps.end(), 0);
  return steps;
}

// Fails with all of these, in whatever company.
auto Needs(std::set<size_t> needed) {
  return [needed = std::move(needed)](const Steps& steps) {
    return std::includes(steps.begin(), steps.end(), needed.begin(), needed.end());
  };
}

TEST(ModelShrinkTest, FindsTheStepsThatItTakes) {
  EXPECT_EQ(Shrink(UpTo(100), Needs({41}), kAlways), Steps({41}));
  EXPECT_EQ(Shrink(UpTo(100), Needs({0, 50, 99}), kAlways), Steps({0, 50, 99}));
  EXPECT_EQ(Shrink(UpTo(1), Needs({0}), kAlways), Steps({0}));
  EXPECT_EQ(Shrink(UpTo(7), Needs({0, 1, 2, 3, 4, 5, 6}), kAlways), UpTo(7));
}

TEST(ModelShrinkTest, WhatFailsWithoutAnyStepShrinksToNone) {
  EXPECT_EQ(Shrink(UpTo(100), Needs({}), kAlways), Steps());
  EXPECT_EQ(Shrink({}, Needs({}), kAlways), Steps());
}

// A step that another one needs can be left out only once that one is gone, and rounds go from the
// end.
TEST(ModelShrinkTest, GoesOnUntilNoStepCanBeLeftOut) {
  const auto fails = [](const Steps& steps) {
    const auto has = [&](size_t step) { return std::ranges::find(steps, step) != steps.end(); };
    return has(3) && (has(2) || !has(1)) && (has(1) || !has(0));
  };
  EXPECT_EQ(Shrink(UpTo(4), fails, kAlways), Steps({3}));
}

TEST(ModelShrinkTest, AcceptsNothingThatHasNotFailed) {
  size_t tries = 0;
  const auto never = [&](const Steps&) {
    ++tries;
    return false;
  };
  EXPECT_EQ(Shrink(UpTo(8), never, kAlways), UpTo(8));
  EXPECT_EQ(tries, 2U + 4U + 8U);
}

TEST(ModelShrinkTest, StopsInTimeWithWhatItHas) {
  int left = 3;
  const Steps steps = Shrink(UpTo(64), Needs({1}), [&] { return left-- > 0; });
  EXPECT_TRUE(Needs({1})(steps));
  EXPECT_EQ(steps.size(), 16U);
}

}  // namespace
}  // namespace tidemark::store
