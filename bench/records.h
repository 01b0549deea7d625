// The records of the value workloads: keys of 16 bytes spread by a hash, values of 64 bytes of
// which half is random and half is not, and the change that a read-modify-write makes. And the
// hashes by which what engines read and hold is compared.
#pragma once

#include "bench/random.h"

#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

namespace tidemark::bench {

struct Key {
  uint64_t words[2];

  // The key number `index`. Neighbouring numbers are far apart in byte order.
  static constexpr Key At(uint64_t index) {
    const uint64_t spread = Mix(index + 1);
    return {{spread, Mix(spread ^ 0xa0761d6478bd642f)}};
  }
};

struct Value {
  static constexpr int kRandomWords = 4;
  static constexpr int kRepeatedWords = 3;

  uint64_t counter;
  uint64_t random[kRandomWords];
  // What a compressor finds: one byte all over, as in padded or rarely used fields.
  uint64_t repeated[kRepeatedWords];

  static constexpr Value InitialOf(uint64_t index) {
    Value value{};
    Random random(index);
    for (uint64_t& word : value.random) word = random.Next();
    for (uint64_t& word : value.repeated) word = 0x0101010101010101 * (index & 0xff);
    return value;
  }
};
static_assert(sizeof(Key) == 16 && std::is_trivially_copyable_v<Key>);
static_assert(sizeof(Value) == 64 && std::is_trivially_copyable_v<Value>);

// What operation number `operation` does to the value that it reads: count, and rewrite 8 of the
// random bytes.
struct Change {
  uint64_t operation;

  constexpr void ApplyTo(Value& value) const {
    const uint64_t random = Mix(operation ^ 0x8ebc6af09c88c6e3);
    ++value.counter;
    value.random[random % Value::kRandomWords] = random;
  }
};

// Version `version` of the value number `number`, of any size: half random, half one byte all over.
inline void FillValue(uint64_t number, uint64_t version, std::span<char> value) {
  Random random(Mix(number + 1) ^ Mix(version));
  const size_t half = value.size() / 2;
  for (size_t at = 0; at < half; at += sizeof(uint64_t)) {
    const uint64_t word = random.Next();
    std::memcpy(value.data() + at, &word, std::min(sizeof(word), half - at));
  }
  std::memset(value.data() + half, static_cast<int>(number & 0xff), value.size() - half);
}

// The same of floats in [-1, 1), for sizes that are multiples of four.
inline void FillFloats(uint64_t number, uint64_t version, std::span<char> value) {
  Random random(Mix(number + 1) ^ Mix(version));
  for (size_t at = 0; at < value.size(); at += sizeof(float)) {
    const auto element = static_cast<float>(2 * random.Unit() - 1);
    std::memcpy(value.data() + at, &element, sizeof(element));
  }
}

// A hash of what was read, in the order in which it was.
class ReadHash {
 public:
  void Add(uint64_t word) { hash_ = Mix(hash_ ^ word) + 1; }
  void Add(double number) { Add(std::bit_cast<uint64_t>(number)); }
  void Add(const Value& value) { hash_ = XXH3_64bits_withSeed(&value, sizeof(value), hash_); }
  uint64_t value() const { return hash_; }

 private:
  uint64_t hash_ = 0;
};

// A hash of a set of entries in which their order does not count.
class ContentHash {
 public:
  void Add(const Key& key, const Value& value) {
    struct {
      Key key;
      Value value;
    } const entry{key, value};
    sum_ += XXH3_64bits(&entry, sizeof(entry));
    ++entries_;
  }
  void Add(std::string_view key, std::string_view value) {
    sum_ += XXH3_64bits_withSeed(value.data(), value.size(), XXH3_64bits(key.data(), key.size()));
    ++entries_;
  }
  uint64_t value() const { return Mix(sum_ ^ Mix(entries_)); }

 private:
  uint64_t sum_ = 0;
  uint64_t entries_ = 0;
};

// A hash as the counter `result_hash`. 52 bits: Google Benchmark's counters are doubles, which hold
// no more.
inline double ResultHash(uint64_t hash) { return static_cast<double>(Mix(hash) >> 12); }

// Throws std::runtime_error if they differ.
inline void CheckHash(const char* of_what, uint64_t expected, uint64_t got) {
  if (expected == got) return;
  throw std::runtime_error(std::string(of_what) + " differs from the model: hash expected " +
                           std::to_string(expected) + ", got " + std::to_string(got));
}

}  // namespace tidemark::bench
