// Dynamic programming over the checkpoints that stay. Between two of them that follow each other
// all go, which frees the files whose span lies in the gap, and no gap knows of another. So of all
// ways to drop k of the checkpoints before one that stays the best is enough to know.
#include "compaction/smallest_prune.h"

#include <algorithm>

namespace tidemark::compaction {
namespace {

// So that the bound on steps is one on memory as well.
constexpr uint64_t kStepsPerCell = 200;

class Search {
 public:
  Search(std::span<const FileSpan> files, const std::vector<bool>& may_go)
      : count_(may_go.size()), by_first_(count_), run_(count_ + 1) {
    for (const FileSpan& file : files) by_first_[file.first].push_back(file);
    for (size_t i = 0; i < count_; ++i) run_[i + 1] = may_go[i] ? run_[i] + 1 : 0;
  }

  std::optional<std::vector<size_t>> Run(uint64_t free_bytes, uint64_t steps_max) {
    const size_t most = static_cast<size_t>(
        std::count_if(run_.begin() + 1, run_.end(), [](size_t length) { return length > 0; }));
    for (size_t dropped = 0; dropped <= most; ++dropped) {
      if (steps_ > steps_max) return std::nullopt;
      AddRow(dropped);
      if (rows_[dropped][count_].freed >= static_cast<int64_t>(free_bytes)) return Chosen(dropped);
    }
    return std::nullopt;
  }

 private:
  struct Cell {
    int64_t freed = -1;  // -1: impossible
    uint32_t gap = 0;    // as many before this one go
  };

  // rows_[dropped][i]: `i` stays (one behind the last always does), `dropped` before it go.
  void AddRow(size_t dropped) {
    rows_.emplace_back(count_ + 1);
    steps_ += kStepsPerCell * count_;
    for (size_t i = 0; i <= count_; ++i) Fill(dropped, i);
  }

  void Fill(size_t dropped, size_t i) {
    Cell& cell = rows_[dropped][i];
    int64_t in_gap = 0;
    for (size_t gap = 0; gap <= std::min(dropped, run_[i]); ++gap) {
      if (gap > 0) in_gap += BytesFrom(i - gap, i);
      ++steps_;
      const int64_t before = Before(dropped - gap, i - gap);
      if (before >= 0 && before + in_gap > cell.freed)
        cell = {before + in_gap, static_cast<uint32_t>(gap)};
    }
  }

  // What is freed before a gap that begins at `i`: the one before it stays, or there is none.
  int64_t Before(size_t dropped, size_t i) const {
    if (i == 0) return dropped == 0 ? 0 : -1;
    return rows_[dropped][i - 1].freed;
  }

  // Of the files whose span begins at `first` and ends before `end`.
  int64_t BytesFrom(size_t first, size_t end) {
    int64_t bytes = 0;
    steps_ += by_first_[first].size();
    for (const FileSpan& file : by_first_[first])
      if (file.last < end) bytes += static_cast<int64_t>(file.bytes);
    return bytes;
  }

  std::vector<size_t> Chosen(size_t dropped) const {
    std::vector<size_t> chosen;
    for (size_t i = count_;;) {
      const size_t gap = rows_[dropped][i].gap;
      for (size_t k = 1; k <= gap; ++k) chosen.push_back(i - k);
      dropped -= gap;
      if (i == gap) break;
      i -= gap + 1;
    }
    std::reverse(chosen.begin(), chosen.end());
    return chosen;
  }

  const size_t count_;
  std::vector<std::vector<FileSpan>> by_first_;
  std::vector<size_t> run_;  // how many before it, without a gap, may go
  std::vector<std::vector<Cell>> rows_;
  uint64_t steps_ = 0;
};

}  // namespace

std::optional<std::vector<size_t>> SmallestPrune(std::span<const FileSpan> files,
                                                 const std::vector<bool>& may_go,
                                                 uint64_t free_bytes, uint64_t steps_max) {
  return Search(files, may_go).Run(free_bytes, steps_max);
}

}  // namespace tidemark::compaction
