#include "bench/rocksdb_merge.h"

#include "bench/records.h"

#include <rocksdb/slice.h>

#include <cstring>
#include <deque>
#include <string>

namespace tidemark::bench {
namespace {

template <class Slices>
void Join(const rocksdb::Slice* first, const Slices& rest, std::string& joined) {
  size_t bytes = joined.size() + (first ? first->size() : 0);
  for (const rocksdb::Slice& slice : rest) bytes += slice.size();
  joined.reserve(bytes);
  if (first) joined.append(first->data(), first->size());
  for (const rocksdb::Slice& slice : rest) joined.append(slice.data(), slice.size());
}

class AppendOperator final : public rocksdb::MergeOperator {
 public:
  const char* Name() const override { return "tidemark_bench.append"; }

  bool FullMergeV2(const MergeOperationInput& in, MergeOperationOutput* out) const override {
    out->new_value.clear();
    Join(in.existing_value, in.operand_list, out->new_value);
    return true;
  }
  bool PartialMergeMulti(const rocksdb::Slice& /*key*/, const std::deque<rocksdb::Slice>& operands,
                         std::string* joined, rocksdb::Logger* /*log*/) const override {
    Join(nullptr, operands, *joined);
    return true;
  }
};

// An operand is one Change or, after a partial merge, several.
class ChangeOperator final : public rocksdb::MergeOperator {
 public:
  const char* Name() const override { return "tidemark_bench.change"; }

  bool FullMergeV2(const MergeOperationInput& in, MergeOperationOutput* out) const override {
    Value value;
    if (!in.existing_value || in.existing_value->size() != sizeof(value)) return false;
    std::memcpy(&value, in.existing_value->data(), sizeof(value));
    for (const rocksdb::Slice& operand : in.operand_list) {
      if (!Apply(operand, value)) return false;
    }
    out->new_value.assign(reinterpret_cast<const char*>(&value), sizeof(value));
    return true;
  }
  bool PartialMergeMulti(const rocksdb::Slice& /*key*/, const std::deque<rocksdb::Slice>& operands,
                         std::string* joined, rocksdb::Logger* /*log*/) const override {
    Join(nullptr, operands, *joined);
    return true;
  }

 private:
  static bool Apply(rocksdb::Slice changes, Value& value) {
    if (changes.size() % sizeof(Change) != 0) return false;
    for (Change change; !changes.empty(); changes.remove_prefix(sizeof(change))) {
      std::memcpy(&change, changes.data(), sizeof(change));
      change.ApplyTo(value);
    }
    return true;
  }
};

}  // namespace

std::shared_ptr<rocksdb::MergeOperator> MakeAppendOperator() {
  return std::make_shared<AppendOperator>();
}

std::shared_ptr<rocksdb::MergeOperator> MakeChangeOperator() {
  return std::make_shared<ChangeOperator>();
}

}  // namespace tidemark::bench
