#include "bench/delta_changes.h"

#include "bench/stored_key.h"
#include "format/segment_builder.h"

#include <tidemark/codec.h>

#include <algorithm>

namespace tidemark::bench {
namespace {

// A prime above all counts, so that different ranks are different numbers.
constexpr uint64_t kStride = 982'451'653;

class Records final : public format::RecordStream {
 public:
  explicit Records(const std::vector<DeltaChanges::Record>& records) : records_(records) {
    record_.epoch = 1;
  }

  Result<bool> Next() override {
    if (next_ == records_.size()) return false;
    record_.key = records_[next_].first;
    record_.value = records_[next_].second;
    ++next_;
    return true;
  }

 private:
  const std::vector<DeltaChanges::Record>& records_;
  size_t next_ = 0;
};

}  // namespace

std::string DeltaChanges::KeyOf(uint64_t number) const {
  const uint64_t key = keys_ == DeltaKeys::kSpread ? Mix(number + 1) : number;
  Codec<uint64_t>::Buffer buffer;
  return std::string(Codec<uint64_t>::Encode(key, buffer));
}

std::vector<uint64_t> DeltaChanges::DrawEpoch(uint64_t changes) {
  std::vector<uint64_t> numbers(changes);
  // Popular values are not neighbours.
  for (uint64_t& number : numbers) number = ranks_.Next(random_) * kStride % count();
  return numbers;
}

std::vector<DeltaChanges::Record> DeltaChanges::RecordsOf(std::vector<uint64_t> numbers) {
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  std::vector<Record> records;
  records.reserve(numbers.size());
  for (const uint64_t number : numbers) {
    records.emplace_back(StoredKeyOf(KeyOf(number)), ValueOf(number));
  }
  std::sort(records.begin(), records.end());
  return records;
}

std::vector<std::string> EncodeFrames(const std::vector<DeltaChanges::Record>& records,
                                      Compression codec, int level) {
  std::vector<std::string> frames;
  format::BatchEncoder encoder(codec, level);
  Records stream(records);
  format::EncodeTable(/*last_epoch=*/1, /*table_id=*/1, stream, encoder,
                      [&](format::SegmentEntry entry) {
                        frames.push_back(std::move(entry.frame));
                        return Status();
                      })
      .value();
  return frames;
}

}  // namespace tidemark::bench
