// ModelRandom: the random numbers of the model test. Cheap to make, so that every step of a
// sequence has one of its own, and what a step does depends on no step before it.
#pragma once

#include <cstdint>
#include <initializer_list>

namespace tidemark::store {

class ModelRandom {
 public:
  explicit ModelRandom(uint64_t seed) : state_(seed) {}

  // SplitMix64: neighbouring seeds give sequences that have nothing in common.
  uint64_t operator()() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  uint64_t Below(uint64_t limit) { return (*this)() % limit; }
  bool Chance(uint64_t one_in) { return Below(one_in) == 0; }
  template <class T>
  T OneOf(std::initializer_list<T> choices) {
    return *(choices.begin() + Below(choices.size()));
  }

 private:
  uint64_t state_;
};

}  // namespace tidemark::store
