#include "compaction/merge.h"

#include "format/key.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>

namespace tidemark::compaction {

namespace {

using format::Op;
using format::Record;
using format::RecordStream;

// The first eight bytes as a number that sorts as the bytes do; it decides nearly every comparison.
uint64_t PrefixOf(std::string_view key) {
  uint64_t prefix = 0;
  std::memcpy(&prefix, key.data(), std::min(key.size(), sizeof(prefix)));
  return __builtin_bswap64(prefix);
}

struct Head {
  uint64_t prefix;
  RecordStream* stream;
  size_t input;
};

// Whether `a` comes out of the heap after `b`: larger keys later; of one key, points after ranges;
// of these, older epochs later; of one epoch, later inputs later.
bool Later(const Head& a, const Head& b) {
  if (a.prefix != b.prefix) return a.prefix > b.prefix;
  const Record& left = a.stream->record();
  const Record& right = b.stream->record();
  const int order = left.key.compare(right.key);
  if (order != 0) return order > 0;
  const bool left_is_range = left.op == Op::kRangeDelete;
  if (left_is_range != (right.op == Op::kRangeDelete)) return !left_is_range;
  return left.epoch != right.epoch ? left.epoch < right.epoch : a.input > b.input;
}

class NewestMerge final : public RecordStream {
 public:
  NewestMerge(std::vector<std::unique_ptr<RecordStream>> inputs, uint64_t after_epoch)
      : inputs_(std::move(inputs)), after_epoch_(after_epoch) {}

  Result<bool> Next() override {
    if (!started_) TIDEMARK_RETURN_IF_ERROR(Start());
    while (true) {
      if (NextRange()) return true;
      if (winner_) TIDEMARK_RETURN_IF_ERROR(Push(*std::exchange(winner_, std::nullopt)));
      if (heap_.empty()) return false;
      const Head head = Pop();
      winner_ = head.input;
      record_ = head.stream->record();
      if (record_.op == Op::kRangeDelete) {
        Add(record_);
      } else if (!IsCovered(record_)) {
        TIDEMARK_ASSIGN_OR_RETURN(const bool remains, TakeOlder());
        if (remains) return true;
      }
    }
  }

 private:
  struct Range {
    std::string from;
    std::string to;
    uint64_t epoch;
  };

  Status Start() {
    started_ = true;
    for (size_t input = 0; input < inputs_.size(); ++input) TIDEMARK_RETURN_IF_ERROR(Push(input));
    return {};
  }

  // Takes the older records of record_'s key away, and makes of all of them the one that they come
  // to. False if that is nothing. All range deletes that begin at the key came before.
  Result<bool> TakeOlder() {
    pieces_.clear();
    Op oldest = record_.op;
    while (!heap_.empty() && heap_.front().stream->record().key == record_.key) {
      const Head head = Pop();
      const Record& older = head.stream->record();
      if (IsCovered(older)) {
        if (record_.op == Op::kMerge) record_.op = Op::kPut;
      } else {
        oldest = older.op;
        if (record_.op == Op::kMerge) FoldOnto(older);
      }
      TIDEMARK_RETURN_IF_ERROR(Push(head.input));
    }
    if (!pieces_.empty()) JoinPieces();
    if (record_.op == Op::kMerge) return true;
    const bool absent_before = oldest == Op::kInsert;
    // A delete is of no use if nothing is below.
    if (!format::SetsValue(record_.op)) return !absent_before;
    record_.op = absent_before ? Op::kInsert : Op::kPut;
    return true;
  }

  // The operands so far, in record_ and pieces_, meet an older record of their key. On a value or
  // an absent key the fold is a put, and what is older does not matter.
  void FoldOnto(const Record& older) {
    if (older.op != Op::kMerge) record_.op = Op::kPut;
    pieces_.emplace_back(older.value);
  }

  // Appending is the only merge there is; pieces_ are newest first and older than record_.
  void JoinPieces() {
    folded_.clear();
    for (auto piece = pieces_.rbegin(); piece != pieces_.rend(); ++piece)
      format::AppendToList(*piece, &folded_);
    format::AppendToList(record_.value, &folded_);
    record_.value = folded_;
  }

  // ---- Range deletes ----

  void Add(const Record& range) {
    Forget(range.key);
    ranges_.push_back({std::string(range.key), std::string(range.value), range.epoch});
    ++ranges_to_show_;
  }

  // Shows those that were met since the last record, in the order of the inputs.
  bool NextRange() {
    if (ranges_to_show_ == 0) return false;
    const Range& range = ranges_[ranges_.size() - ranges_to_show_--];
    record_ = {range.from, range.to, range.epoch, 0, Op::kRangeDelete};
    return true;
  }

  // Forgets those that were shown and end before `key`.
  void Forget(std::string_view key) {
    const auto shown_end = ranges_.end() - static_cast<ptrdiff_t>(ranges_to_show_);
    ranges_.erase(std::remove_if(ranges_.begin(), shown_end,
                                 [&](const Range& range) { return range.to <= key; }),
                  shown_end);
  }

  // Whether a newer range delete covers the record. All that were met begin at or before its key.
  bool IsCovered(const Record& record) {
    if (ranges_.empty()) [[likely]]
      return false;
    Forget(record.key);
    return std::any_of(ranges_.begin(), ranges_.end(), [&](const Range& range) {
      return range.epoch > record.epoch && record.key < range.to;
    });
  }

  // ---- Inputs ----

  // Moves the stream to its next record that counts and puts it back into the heap.
  Status Push(size_t input) {
    RecordStream* stream = inputs_[input].get();
    while (true) {
      TIDEMARK_ASSIGN_OR_RETURN(const bool more, stream->Next());
      if (!more) return {};
      const Record& record = stream->record();
      if (record.epoch <= after_epoch_) continue;
      if (record.expiry_ms != 0) {
        return Status(StatusCode::kIncompatibleFormat, "record-expiry",
                      "a record of epoch " + std::to_string(record.epoch) +
                          " has an expiry, which this version of Tidemark does not apply; use the "
                          "one that wrote it");
      }
      heap_.push_back({PrefixOf(record.key), stream, input});
      std::push_heap(heap_.begin(), heap_.end(), Later);
      return {};
    }
  }

  Head Pop() {
    std::pop_heap(heap_.begin(), heap_.end(), Later);
    const Head head = heap_.back();
    heap_.pop_back();
    return head;
  }

  std::vector<std::unique_ptr<RecordStream>> inputs_;
  const uint64_t after_epoch_;
  bool started_ = false;
  std::vector<Head> heap_;
  std::optional<size_t> winner_;  // the input that record_ views; advanced by the next call
  std::vector<std::string> pieces_;
  std::string folded_;
  std::vector<Range> ranges_;  // that may cover what comes, the last ranges_to_show_ not shown yet
  size_t ranges_to_show_ = 0;
};

}  // namespace

std::unique_ptr<RecordStream> MergeNewest(std::vector<std::unique_ptr<RecordStream>> inputs,
                                          uint64_t after_epoch) {
  return std::make_unique<NewestMerge>(std::move(inputs), after_epoch);
}

}  // namespace tidemark::compaction
