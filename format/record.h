// Record: one change of one key, the unit of the change log and of every merge.
#pragma once

#include <tidemark/status.h>

#include <cstdint>
#include <string_view>

namespace tidemark::format {

// Persisted in every change batch: do not renumber.
enum class Op : uint8_t {
  kPut = 1,
  kInsert = 2,  // a put of a key known to be absent before
  kDelete = 3,
  kMerge = 4,        // an operand
  kRangeDelete = 5,  // [key, value): the value is the end key
};

constexpr bool IsOp(uint8_t op) { return op >= 1 && op <= 5; }
// Whether records of this kind leave a value behind.
constexpr bool SetsValue(Op op) { return op == Op::kPut || op == Op::kInsert; }

// Views only: they live as long as whatever handed the record out says.
struct Record {
  std::string_view key;    // the stored key: [key group u16 BE][key]
  std::string_view value;  // without value header; empty for deletes; the end key of a range delete
  uint64_t epoch = 0;
  uint64_t expiry_ms = 0;  // Unix milliseconds; 0: never
  Op op = Op::kPut;
};

// Whether the value is one that the op can have: none for a delete, for a range delete an end above
// its key.
constexpr bool HasFittingValue(const Record& record) {
  if (record.op == Op::kDelete) return record.value.empty();
  return record.op != Op::kRangeDelete || (record.value.size() >= 2 && record.value > record.key);
}

// Of two records of one key: whether the second may follow the first. Range deletes that begin
// there come first, so that who meets the key's value knows all that covers it; newest epochs come
// first.
constexpr bool MayFollow(Op before, uint64_t epoch_before, Op op, uint64_t epoch) {
  const bool after_range = before == Op::kRangeDelete;
  if (op == Op::kRangeDelete) return after_range && epoch <= epoch_before;
  return after_range || epoch < epoch_before;
}

// Records of one table in ascending key order, those of one key as MayFollow says; at most one
// point record a key and epoch.
//
// Thread safety: one thread at a time.
class RecordStream {
 public:
  virtual ~RecordStream() = default;
  // Moves to the next (at first: the first) record. False at the end. After an error the stream is
  // over.
  virtual Result<bool> Next() = 0;
  // The current record; its views are valid until the next call of Next.
  const Record& record() const noexcept { return record_; }

 protected:
  Record record_;
};

// One that can pass over records without looking at all of them.
class SkippingStream : public RecordStream {
 public:
  // The next call of Next moves to the first record at or after `key` that has not been passed yet,
  // range deletes that begin before it left out. Keys ascend from call to call. After an error the
  // stream is over.
  virtual Status SkipTo(std::string_view key) = 0;
};

}  // namespace tidemark::format
