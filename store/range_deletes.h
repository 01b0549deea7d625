// RangeDeletes: the range deletes of one table that RocksDB has not applied yet.
//
// Within its epoch a range delete comes before all point changes, so that it says nothing about
// what the cache holds: whoever makes one gives the cached entries their deletes at once. It says
// what is below: a key that the cache does not know is absent if a range delete covers it that is
// newer than what RocksDB shows.
//
// Thread safety: the store's writer thread; sealed sets are constant and free.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark::store {

// Stored keys, [from, to), disjoint.
using RangeSet = std::map<std::string, std::string, std::less<>>;

// The range that covers the key, or null.
const RangeSet::value_type* FindRange(const RangeSet& ranges, std::string_view stored_key);
const RangeSet::value_type* FindRange(const std::vector<std::shared_ptr<const RangeSet>>& sets,
                                      std::string_view stored_key);

class RangeDeletes {
 public:
  // Adds [from, to) to the current epoch; it is not empty.
  void Add(std::string from, std::string to);
  bool has_current() const noexcept { return current_ != nullptr; }
  // Closes the epoch. Null if it has none.
  std::shared_ptr<const RangeSet> Seal(uint64_t epoch);
  // Adds those of a replayed epoch, the newest so far.
  void AddSealed(uint64_t epoch, std::shared_ptr<const RangeSet> ranges);
  // Takes those of the current epoch back. Null if there are none.
  std::shared_ptr<const RangeSet> Rollback();
  // RocksDB has those up to `epoch`.
  void Forget(uint64_t epoch);

  bool empty() const noexcept { return current_ == nullptr && sealed_.empty(); }
  // A range that covers the key and is newer than `view_epoch`, or null.
  const RangeSet::value_type* Find(std::string_view stored_key, uint64_t view_epoch) const;
  uint64_t memory_bytes() const noexcept { return current_bytes_ + sealed_bytes_; }

 private:
  struct Sealed {
    uint64_t epoch;
    std::shared_ptr<const RangeSet> ranges;
    uint64_t bytes;
  };

  std::shared_ptr<RangeSet> current_;
  uint64_t current_bytes_ = 0;
  std::deque<Sealed> sealed_;  // ascending
  uint64_t sealed_bytes_ = 0;
};

}  // namespace tidemark::store
