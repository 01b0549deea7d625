// CommitParts: the parts of a large commit, each by itself: sorting the changed keys, encoding
// them, and bringing as many bytes to the disk. It uses the library's own sort and encoder
// (store/sealed_epoch.h, store/segment_encoder.h), because the store tells only their sum with what
// it writes meanwhile.
#pragma once

#include "bench/sync_floor.h"
#include "store/arena.h"
#include "store/sealed_epoch.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace tidemark::bench {

// Members throw BadStatus or std::system_error when something fails.
//
// Thread safety: one thread at a time.
class CommitParts {
 public:
  // Of an epoch that changes `keys` keys of 16 bytes, spread by a hash, whose values have
  // `value_bytes` bytes, in versions that lie in memory in the order of the changes, as a cache has
  // them after a load.
  CommitParts(uint64_t keys, size_t value_bytes);
  ~CommitParts();
  CommitParts(const CommitParts&) = delete;
  CommitParts& operator=(const CommitParts&) = delete;

  struct Times {
    std::chrono::nanoseconds sort;
    std::chrono::nanoseconds encode;  // what it gives is dropped
    std::chrono::nanoseconds write;
    uint64_t encoded_bytes;
  };
  // Does all three, one after the other, in the epoch's initial order.
  Times Measure(SyncFloor& floor);

 private:
  store::Version* Make(uint64_t number, size_t value_bytes);

  // Huge chunks, as a store of this budget has.
  store::Arena arena_{store::Arena::kHugeChunkBytes};
  std::vector<store::Version*> versions_;
};

}  // namespace tidemark::bench
