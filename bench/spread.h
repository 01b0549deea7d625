// What a counter was in all runs of a row, and how two rows compare in it.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace tidemark::bench {

enum class Better { kHigher, kLower };

struct Spread {
  double median = 0;
  double smallest = 0;
  double largest = 0;
  size_t runs = 0;
};

// `samples` are not empty.
Spread SpreadOf(const std::vector<double>& samples);

// The ratio of the medians; and the least and the most that one run each of the two could give.
Spread RatioOf(const Spread& ours, const Spread& theirs);

// `better` and `WORSE` where no run of ours reaches any of theirs, the only winners, with `(one
// run)` where one of the two ran once, which tells little; otherwise `equal` or `ranges overlap`.
std::string Verdict(const Spread& ours, const Spread& theirs, Better better);

// `2.51 M`, `17.2`, `5`: three digits, a decimal prefix, whole numbers below 1000 as they are.
std::string ShortNumber(double value);

// `2.51 M (2.40 M to 2.58 M)`, without a range that rounding hides.
std::string Text(const Spread& spread);

// `26.1x (24.0x to 28.3x)`, and for small ones `1/20.8 k`, because nobody counts zeros.
std::string RatioText(const Spread& ratio);

}  // namespace tidemark::bench
