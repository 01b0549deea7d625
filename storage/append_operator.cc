#include "storage/append_operator.h"

#include "format/key.h"

#include <rocksdb/slice.h>

#include <deque>
#include <string>
#include <string_view>

namespace tidemark::storage {
namespace {

class Append final : public rocksdb::MergeOperator {
 public:
  const char* Name() const override { return "tidemark.append"; }

  bool FullMergeV2(const MergeOperationInput& in, MergeOperationOutput* out) const override {
    std::string& joined = out->new_value;
    joined.clear();
    if (in.existing_value != nullptr && !Add(*in.existing_value, &joined)) return false;
    return AddAll(in.operand_list, &joined);
  }

  bool PartialMergeMulti(const rocksdb::Slice&, const std::deque<rocksdb::Slice>& operands,
                         std::string* joined, rocksdb::Logger*) const override {
    joined->clear();
    return AddAll(operands, joined);
  }

 private:
  template <class Slices>
  static bool AddAll(const Slices& slices, std::string* joined) {
    for (const rocksdb::Slice& slice : slices) {
      if (!Add(slice, joined)) return false;
    }
    return true;
  }

  static bool Add(const rocksdb::Slice& stored, std::string* joined) {
    const auto parsed = format::ParseStoredValue(stored.ToStringView());
    if (!parsed && parsed.error().code() == StatusCode::kCorruption) return false;
    format::AppendToList(joined->empty() || !parsed ? stored.ToStringView() : parsed->value,
                         joined);
    return true;
  }
};

}  // namespace

const std::shared_ptr<rocksdb::MergeOperator>& AppendOperator() {
  static const std::shared_ptr<rocksdb::MergeOperator> append = std::make_shared<Append>();
  return append;
}

}  // namespace tidemark::storage
