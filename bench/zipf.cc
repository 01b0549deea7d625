#include "bench/zipf.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace tidemark::bench {
namespace {

double Zeta(uint64_t count, double theta) {
  double sum = 0;
  for (uint64_t i = count; i > 0; --i) sum += std::pow(static_cast<double>(i), -theta);
  return sum;
}

constexpr double kTheta = 0.99;

std::vector<uint32_t> ScatteredKeys(uint64_t keys, Random& random) {
  std::vector<uint32_t> scattered(keys);
  std::iota(scattered.begin(), scattered.end(), 0);
  for (uint64_t i = keys - 1; i > 0; --i) std::swap(scattered[i], scattered[random.Below(i + 1)]);
  return scattered;
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

std::vector<uint32_t> DrawZipf(uint64_t keys, uint64_t count) {
  Random random(20'240'229);
  const ZipfRanks ranks(keys, kTheta);
  const std::vector<uint32_t> scattered = ScatteredKeys(keys, random);
  std::vector<uint32_t> drawn(count);
  for (uint32_t& key : drawn) key = scattered[ranks.Next(random)];
  return drawn;
}

}  // namespace tidemark::bench
