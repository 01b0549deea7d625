#include "bench/spread.h"

#include "bench/measure.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

namespace tidemark::bench {
namespace {

std::string WithRange(const std::string& median, const std::string& smallest,
                      const std::string& largest) {
  return smallest == largest ? median : median + " (" + smallest + " to " + largest + ")";
}

std::string OneRatio(double ratio) {
  if (!std::isfinite(ratio) || ratio <= 0) return "-";
  if (ratio < 0.1) return "1/" + ShortNumber(1 / ratio);
  return ShortNumber(ratio) + "x";
}

}  // namespace

Spread SpreadOf(const std::vector<double>& samples) {
  return {Median(samples), *std::min_element(samples.begin(), samples.end()),
          *std::max_element(samples.begin(), samples.end()), samples.size()};
}

Spread RatioOf(const Spread& ours, const Spread& theirs) {
  return {ours.median / theirs.median, ours.smallest / theirs.largest,
          ours.largest / theirs.smallest, std::min(ours.runs, theirs.runs)};
}

std::string Verdict(const Spread& ours, const Spread& theirs, Better better) {
  if (ours.smallest == theirs.smallest && ours.largest == theirs.largest) return "equal";
  const bool above = ours.smallest > theirs.largest;
  const bool below = ours.largest < theirs.smallest;
  if (!above && !below) return "ranges overlap";
  const std::string winner = above == (better == Better::kHigher) ? "better" : "WORSE";
  return std::min(ours.runs, theirs.runs) > 1 ? winner : winner + " (one run)";
}

std::string ShortNumber(double value) {
  constexpr std::pair<double, const char*> kPrefixes[] = {
      {1e12, " T"}, {1e9, " G"}, {1e6, " M"}, {1e3, " k"}};
  const char* prefix = "";
  bool is_whole = value == std::floor(value);
  for (const auto& [scale, name] : kPrefixes) {
    if (std::abs(value) < scale) continue;
    value /= scale;
    prefix = name;
    is_whole = false;
    break;
  }
  const double size = std::abs(value);
  const int decimals = is_whole || size >= 100 ? 0 : size >= 10 ? 1 : size >= 0.1 ? 2 : 4;
  char text[32];
  std::snprintf(text, sizeof(text), "%.*f%s", decimals, value, prefix);
  return text;
}

std::string Text(const Spread& spread) {
  return WithRange(ShortNumber(spread.median), ShortNumber(spread.smallest),
                   ShortNumber(spread.largest));
}

std::string RatioText(const Spread& ratio) {
  return WithRange(OneRatio(ratio.median), OneRatio(ratio.smallest), OneRatio(ratio.largest));
}

}  // namespace tidemark::bench
