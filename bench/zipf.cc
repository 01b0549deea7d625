#include "bench/zipf.h"

#include <algorithm>
#include <cmath>

namespace tidemark::bench {
namespace {

double Zeta(uint64_t count, double theta) {
  double sum = 0;
  for (uint64_t i = count; i > 0; --i) sum += std::pow(static_cast<double>(i), -theta);
  return sum;
}

}  // namespace

ZipfRanks::ZipfRanks(uint64_t count, double theta)
    : count_(count),
      alpha_(1 / (1 - theta)),
      zeta_count_(Zeta(count, theta)),
      second_below_(1 + std::pow(0.5, theta)),
      eta_((1 - std::pow(2.0 / static_cast<double>(count), 1 - theta)) /
           (1 - Zeta(2, theta) / zeta_count_)) {}

uint64_t ZipfRanks::Next(Random& random) const {
  const double unit = random.Unit();
  const double scaled = unit * zeta_count_;
  if (scaled < 1) return 0;
  if (scaled < second_below_) return 1;
  const double rank = static_cast<double>(count_) * std::pow(eta_ * unit - eta_ + 1, alpha_);
  return std::min(static_cast<uint64_t>(rank), count_ - 1);
}

}  // namespace tidemark::bench
