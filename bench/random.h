// Random numbers that are the same on every machine, so that every engine gets the same operations.
#pragma once

#include <cstdint>

namespace tidemark::bench {

// The finaliser of SplitMix64: a bijection that spreads any 64-bit number evenly.
// Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014.
constexpr uint64_t Mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

// SplitMix64.
class Random {
 public:
  explicit constexpr Random(uint64_t seed) : state_(seed) {}

  constexpr uint64_t Next() { return Mix(state_ += 0x9e3779b97f4a7c15); }
  // In [0, bound), evenly but for a part in 2^32 / bound. `bound` <= 2^32.
  constexpr uint64_t Below(uint64_t bound) { return ((Next() >> 32) * bound) >> 32; }
  // In [0, 1).
  constexpr double Unit() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }

 private:
  uint64_t state_;
};

}  // namespace tidemark::bench
