// ZipfRanks: ranks 0, 1, 2, ... of falling popularity: rank r is drawn about (r + 1)^-theta as
// often as rank 0.
#pragma once

#include "bench/random.h"

#include <cstdint>
#include <vector>

namespace tidemark::bench {

// The generator that YCSB made customary, from: Gray, Sundaresan, Englert, Baclawski, Weinberger,
// Quickly Generating Billion-Record Synthetic Databases, SIGMOD 1994, figure 1. Its ranks are those
// of a zipf distribution to within a few percent and cost one pow() each.
//
// Neighbouring ranks are not meant to be neighbouring keys: the caller scatters them.
class ZipfRanks {
 public:
  // `count` >= 2; 0 < `theta` < 1. Takes O(count).
  ZipfRanks(uint64_t count, double theta);

  uint64_t Next(Random& random) const;

 private:
  uint64_t count_;
  double alpha_;
  double zeta_count_;    // of all ranks
  double second_below_;  // below it rank 1, when it is not rank 0
  double eta_;
};

// As DrawUniform (job.h), of a zipf distribution with theta 0.99. Popular keys lie anywhere:
// neither their bytes nor the order of loading tells them from others.
std::vector<uint32_t> DrawZipf(uint64_t keys, uint64_t count);

}  // namespace tidemark::bench
