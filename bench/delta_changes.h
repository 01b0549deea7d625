// DeltaChanges: which values of DeltaSize change in each epoch, and the frames that they make in
// the change log.
#pragma once

#include "bench/delta_values.h"
#include "bench/random.h"
#include "bench/zipf.h"

#include <tidemark/options.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidemark::bench {

// What keys are made of, all of them u64.
enum class DeltaKeys : uint8_t {
  kSpread,   // by a hash: bytes at random, as the keys of the other workloads
  kNumbers,  // 0, 1, 2, ..., as what is numbered when it is made
};

// Thread safety: one thread at a time.
class DeltaChanges {
 public:
  // All values have version 1 at first.
  DeltaChanges(DeltaKeys keys, DeltaValues values, uint64_t count)
      : keys_(keys), values_(values), ranks_(count, /*theta=*/0.99), versions_(count, 1) {}

  // The numbers whose values change in an epoch, in order; popular ones several times.
  std::vector<uint64_t> DrawEpoch(uint64_t changes);
  void Change(uint64_t number) { ++versions_[number]; }

  uint64_t count() const { return versions_.size(); }
  std::string KeyOf(uint64_t number) const;
  // As it is now. Valid until the next call.
  std::string_view ValueOf(uint64_t number) { return values_.ValueOf(number, versions_[number]); }

  // Of each number once: the key as it is stored and its value now, in the order of the log.
  using Record = std::pair<std::string, std::string>;
  std::vector<Record> RecordsOf(std::vector<uint64_t> numbers);

 private:
  const DeltaKeys keys_;
  DeltaValueMaker values_;
  const ZipfRanks ranks_;
  std::vector<uint64_t> versions_;
  Random random_{20'240'229};
};

// The frames of an epoch with these records, as the store's encoder makes them.
std::vector<std::string> EncodeFrames(const std::vector<DeltaChanges::Record>& records,
                                      Compression codec, int level);

}  // namespace tidemark::bench
