// The rows of MicroBatch, and which of them each batch touches.
#pragma once

#include "bench/random.h"
#include "bench/scale.h"

#include <tidemark/codec.h>

#include <bit>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace tidemark::bench {

// A row's number is its age as well: a greater one is newer.
struct BatchKey {
  uint64_t words[3];

  // Neighbouring numbers are far apart in byte order.
  static constexpr BatchKey Spread(uint64_t number) {
    const uint64_t spread = Mix(number + 1);
    return {{spread, Mix(spread ^ 0xa0761d6478bd642f), number}};
  }
  // In byte order they come one after the other.
  static BatchKey ByAge(uint64_t number) {
    Codec<uint64_t>::Buffer bytes;
    Codec<uint64_t>::Encode(number, bytes);
    const uint64_t spread = Mix(number + 1);
    return {{std::bit_cast<uint64_t>(bytes), spread, Mix(spread ^ 0xa0761d6478bd642f)}};
  }
  std::string_view bytes() const { return {reinterpret_cast<const char*>(words), sizeof(words)}; }
};

// Half random, half one byte all over.
struct BatchValue {
  uint64_t words[2];

  static constexpr BatchValue Of(uint64_t number, uint64_t version) {
    return {{Mix(Mix(number + 1) ^ version), 0x0101010101010101 * (number & 0xff)}};
  }
  std::string_view bytes() const { return {reinterpret_cast<const char*>(words), sizeof(words)}; }
};
static_assert(sizeof(BatchKey) == 24 && sizeof(BatchValue) == 16);

enum class BatchOperation : uint8_t { kPut, kDelete, kEvict };
enum class BatchEnd : uint8_t { kRollback, kCommit };

struct BatchVariant {
  const char* name;
  BatchOperation operation;
  uint64_t overwrite_percent;  // of the rows that are put
};

// What a run does, drawn before its clock starts.
class BatchPlan {
 public:
  BatchPlan(const BatchVariant& variant, BatchEnd end, const BatchSize& size);

  // Rows 0, 1, ... that there are before the first batch.
  uint64_t loaded() const { return loaded_; }
  uint64_t batches() const { return batches_; }
  uint64_t rows() const { return rows_; }
  // The numbers of the rows that a batch puts or deletes, all different and in no order. Empty for
  // kEvict.
  std::span<const uint32_t> Batch(uint64_t batch) const {
    return std::span(numbers_).subspan(batch * rows_, rows_);
  }
  // The oldest row that a batch of kEvict finds; the `rows` from there on are evicted.
  uint64_t Oldest(uint64_t batch) const { return batch * rows_a_batch_gone_; }

 private:
  void DrawPuts(uint64_t overwritten_a_batch);
  void DrawDeletes();

  const uint64_t batches_;
  const uint64_t rows_;
  // Rows that there are no more after a batch that deletes or evicts.
  const uint64_t rows_a_batch_gone_;
  const uint64_t loaded_;
  std::vector<uint32_t> numbers_;
};

}  // namespace tidemark::bench
