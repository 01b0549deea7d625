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

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tidemark::store {

class Doorkeeper {
 public:
  // Whether it has seen this hash since it last forgot; it has now. It forgets after `window`
  // hashes, about, as given at that time, or more if it has the memory.
  bool SeenBefore(uint64_t hash, size_t window) {
    if (IsFull()) {
      words_.assign(WordsFor(window), 0);
      set_ = 0;
    }
    // The high bits choose the index's slot: others here.
    uint64_t& word = words_[(hash >> 6) & (words_.size() - 1)];
    const uint64_t bit = uint64_t{1} << (hash & 63);
    if ((word & bit) != 0) return true;
    word |= bit;
    ++set_;
    return false;
  }
  // What that call takes from the system.
  size_t GrowthFor(size_t window) const {
    return IsFull() ? (WordsFor(window) - words_.size()) * sizeof(uint64_t) : 0;
  }

 private:
  static constexpr size_t kKeysPerWord = 8;

  bool IsFull() const noexcept { return set_ >= words_.size() * kKeysPerWord; }
  size_t WordsFor(size_t window) const {
    return std::max(words_.size(), std::bit_ceil(window / kKeysPerWord + 1));
  }

  std::vector<uint64_t> words_;
  size_t set_ = 0;
};

}  // namespace tidemark::store
