// ForEachEqual: versions in the order of a prefix of theirs, for indexes that are built in order.
#pragma once

#include "store/version.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <deque>
#include <functional>
#include <type_traits>
#include <vector>

namespace tidemark::store {

// Calls its argument for versions, in any order.
using EachVersion = std::function<void(const std::function<void(Version*)>&)>;

namespace fill {

constexpr size_t kPrefetchBatch = 16;
constexpr size_t kBucketsEntriesMin = size_t{1} << 16;

// Calls visit for what `each` gives it, with what lies at the versions fetched a few ahead.
template <class F>
void Prefetched(const EachVersion& each, const F& visit) {
  constexpr size_t kCacheLineBytes = 64;
  std::array<Version*, kPrefetchBatch> ahead{};
  size_t count = 0;
  each([&](Version* version) {
    __builtin_prefetch(reinterpret_cast<const char*>(version));
    __builtin_prefetch(reinterpret_cast<const char*>(version) + kCacheLineBytes);
    Version*& place = ahead[count++ % kPrefetchBatch];
    if (place != nullptr) visit(place);
    place = version;
  });
  for (Version* version : ahead)
    if (version != nullptr) visit(version);
}

}  // namespace fill

// Makes an Item of each version, which has prefix() and version(), and calls visit(begin, end) for
// those of one prefix at a time, in ascending order of the prefixes, until that returns false.
// Returns whether it was to the end. The items take memory meanwhile, which goes as they are
// visited.
//
// About `count` of them: many are sorted by the first byte first, so that the rest fits the
// processor's cache where first bytes differ. The versions of what is visited are fetched ahead.
template <class Item, class Make, class Visit>
bool ForEachEqual(size_t count, const EachVersion& each, const Make& make, const Visit& visit) {
  using Prefix = std::invoke_result_t<decltype(&Item::prefix), const Item&>;
  const bool has_buckets = count >= fill::kBucketsEntriesMin;
  std::vector<std::deque<Item>> buckets(has_buckets ? 256 : 1);
  fill::Prefetched(each, [&](Version* version) {
    const Item item = make(version);
    constexpr size_t kTopByte = 8 * (sizeof(Prefix) - 1);
    buckets[has_buckets ? item.prefix() >> kTopByte : 0].push_back(item);
  });
  for (std::deque<Item>& bucket : buckets) {
    std::sort(bucket.begin(), bucket.end(),
              [](const Item& a, const Item& b) { return a.prefix() < b.prefix(); });
    while (!bucket.empty()) {
      auto end = bucket.begin();
      do {
        if (bucket.end() - end > ptrdiff_t{fill::kPrefetchBatch})
          __builtin_prefetch(end[fill::kPrefetchBatch].version());
        ++end;
      } while (end != bucket.end() && end->prefix() == bucket.front().prefix());
      if (!visit(bucket.begin(), end)) return false;
      bucket.erase(bucket.begin(), end);
    }
    bucket = {};
  }
  return true;
}

}  // namespace tidemark::store
