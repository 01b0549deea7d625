// Doorkeeper: which keys were asked for before, of late. When memory is full, a value that was read
// once takes no cached entry's place; one that was read again does. So reads that do not come back
// cost the cache nothing, and it keeps what does.
//
// A bit a key, found by its hash, and forgotten all at once when an eighth of them is set: that is
// the doorkeeper of TinyLFU (Einziger, Friedman, Manes, "TinyLFU: A Highly Efficient Cache
// Admission Policy"), without the counters behind it.
//
// Thread safety: one thread.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tidemark::store {

class Doorkeeper {
 public:
  // Remembers as many keys as it has bytes, a power of two of at least 8, which it takes from the
  // system when it is first asked.
  explicit Doorkeeper(size_t bytes) : words_max_(bytes / sizeof(uint64_t)) {}

  // Whether it has seen this hash since it last forgot; it has now.
  bool SeenBefore(uint64_t hash) {
    if (set_ >= words_.size() * kKeysPerWord) {
      words_.assign(words_max_, 0);
      set_ = 0;
    }
    // Keys of one subtask share some bits of their hashes, so all of them are mixed.
    const uint64_t mixed = hash * 0x9e3779b97f4a7c15;
    uint64_t& word = words_[(mixed >> 32) & (words_max_ - 1)];
    const uint64_t bit = uint64_t{1} << (mixed >> 26 & 63);
    if ((word & bit) != 0) return true;
    word |= bit;
    ++set_;
    return false;
  }

 private:
  static constexpr size_t kKeysPerWord = 8;

  const size_t words_max_;
  std::vector<uint64_t> words_;
  size_t set_ = 0;
};

}  // namespace tidemark::store
