// WideRecords: what a table of records of 96 + 128 bytes must hold. Keys are numbered, and each
// value follows from the number of its key and from how often it was written.
#pragma once

#include "bench/random.h"
#include "bench/records.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark::bench {

// Thread safety: one thread at a time.
class WideRecords {
 public:
  static constexpr size_t kKeyBytes = 96;
  static constexpr size_t kValueBytes = 128;
  static constexpr size_t kBytes = kKeyBytes + kValueBytes;

  explicit WideRecords(uint64_t keys) : versions_(keys, 1) {}

  uint64_t keys() const { return versions_.size(); }
  // The next value of that key is another one.
  void Change(uint64_t number) { ++versions_[number]; }

  // Both valid until the next call of the same. Half random like all values of this suite, keys
  // too, whose first bytes are: neighbouring numbers are anywhere.
  std::string_view KeyOf(uint64_t number) {
    FillValue(number, /*version=*/0, key_);
    return {key_.data(), key_.size()};
  }
  std::string_view ValueOf(uint64_t number) {
    FillValue(number, versions_[number], value_);
    return {value_.data(), value_.size()};
  }

  // Of all records.
  uint64_t Hash() {
    ContentHash hash;
    for (uint64_t number = 0; number < keys(); ++number) hash.Add(KeyOf(number), ValueOf(number));
    return hash.value();
  }
  // Throws std::runtime_error unless `found` is the value of that key.
  void Check(uint64_t number, std::string_view found) {
    if (found == ValueOf(number)) return;
    throw std::runtime_error("the value of key number " + std::to_string(number) +
                             " is not the last one that was put");
  }

 private:
  std::vector<uint32_t> versions_;
  std::array<char, kKeyBytes> key_{};
  std::array<char, kValueBytes> value_{};
};

}  // namespace tidemark::bench
