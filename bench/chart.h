// Chart: ratios as a picture, in SVG, that follows the reader's choice of light or dark.
#pragma once

#include "bench/spread.h"

#include <string>
#include <vector>

namespace tidemark::bench {

struct RatioLine {
  std::string row;     // workload and variant
  std::string engine;  // the other one
  Spread ratio;
  std::string verdict;
};

// A line each, those of one row below one another: a dot for the median and a bar for the range, on
// a logarithmic axis. `captions` stand above.
std::string DrawRatios(const std::vector<RatioLine>& lines,
                       const std::vector<std::string>& captions);

}  // namespace tidemark::bench
