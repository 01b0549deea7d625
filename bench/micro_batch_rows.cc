#include "bench/micro_batch_rows.h"

#include <numeric>
#include <utility>

namespace tidemark::bench {
namespace {

constexpr uint64_t kSeed = 20'240'229;

// Moves `count` of `numbers`, drawn evenly, to the front, in no order.
void Shuffle(std::span<uint32_t> numbers, uint64_t count, Random& random) {
  for (uint64_t i = 0; i < count; ++i) {
    std::swap(numbers[i], numbers[i + random.Below(numbers.size() - i)]);
  }
}

uint64_t RowsGone(BatchOperation operation, BatchEnd end, uint64_t rows) {
  return operation != BatchOperation::kPut && end == BatchEnd::kCommit ? rows : 0;
}

}  // namespace

// There are as many rows as a batch has, and those that batches will take away for good.
BatchPlan::BatchPlan(const BatchVariant& variant, BatchEnd end, const BatchSize& size)
    : batches_(size.batches),
      rows_(size.rows),
      rows_a_batch_gone_(RowsGone(variant.operation, end, size.rows)),
      loaded_(rows_ + rows_a_batch_gone_ * batches_) {
  if (variant.operation == BatchOperation::kPut) DrawPuts(rows_ * variant.overwrite_percent / 100);
  if (variant.operation == BatchOperation::kDelete) DrawDeletes();
}

// Overwrites rows that were loaded; the others have not been in any batch before.
void BatchPlan::DrawPuts(uint64_t overwritten_a_batch) {
  Random random(kSeed);
  std::vector<uint32_t> old(loaded_);
  std::iota(old.begin(), old.end(), 0);
  numbers_.reserve(batches_ * rows_);
  for (uint64_t next = loaded_; numbers_.size() < batches_ * rows_;) {
    const uint64_t begin = numbers_.size();
    Shuffle(old, overwritten_a_batch, random);
    numbers_.insert(numbers_.end(), old.begin(),
                    old.begin() + static_cast<ptrdiff_t>(overwritten_a_batch));
    while (numbers_.size() < begin + rows_) numbers_.push_back(static_cast<uint32_t>(next++));
    Shuffle(std::span(numbers_).subspan(begin), rows_, random);
  }
}

void BatchPlan::DrawDeletes() {
  Random random(kSeed);
  numbers_.resize(batches_ * rows_);
  for (uint64_t batch = 0; batch < batches_; ++batch) {
    const std::span<uint32_t> numbers = std::span(numbers_).subspan(batch * rows_, rows_);
    std::iota(numbers.begin(), numbers.end(), static_cast<uint32_t>(Oldest(batch)));
    Shuffle(numbers, rows_, random);
  }
}

}  // namespace tidemark::bench
