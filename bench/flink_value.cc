// FlinkValue: one u64 a key.
#include "bench/flink_job.h"

#include <tidemark/codec.h>

#include <memory>
#include <stdexcept>
#include <string_view>

namespace tidemark::bench {
namespace {

enum class FlinkOperation : uint8_t {
  kUpdate,  // puts the value of a key that was loaded
  kGet,     // reads one
  kAdd,     // puts the value of a key that there has not been
};
// Of as many operations as others have, so many are one that adds: at `full` as many keys are added
// as were loaded.
constexpr uint64_t kOperationsAnAdd = 4;

class FlinkValues final : public Session {
 public:
  FlinkValues(FlinkOperation operation, uint64_t keys, const std::vector<uint32_t>& drawn,
              Engine& engine)
      : operation_(operation),
        keys_(keys),
        drawn_(drawn),
        values_(engine.OpenByteRows(/*number=*/0, ByteRowsKind::kValue).value()) {}

  void Load(uint64_t begin, uint64_t end) override {
    for (uint64_t i = begin; i < end; ++i) Put(i, i);
  }
  void Run(uint64_t begin, uint64_t end) override {
    switch (operation_) {
      case FlinkOperation::kUpdate:
        for (uint64_t i = begin; i < end; ++i) Put(drawn_[i], ~i);
        return;
      case FlinkOperation::kGet:
        for (uint64_t i = begin; i < end; ++i) reads_.Add(Get(drawn_[i]));
        return;
      case FlinkOperation::kAdd:
        for (uint64_t i = begin; i < end; ++i) Put(keys_ + i, ~i);
        return;
    }
  }
  uint64_t HashOfReads() const override { return reads_.value(); }
  uint64_t HashOfState() override { return HashOf(*values_); }

 private:
  using Number = Codec<uint64_t>;
  static constexpr std::string_view kNoEntry{};

  void Put(uint64_t index, uint64_t seed) {
    Number::Buffer value;
    values_->Put(FlinkKey(index), kNoEntry, Number::Encode(Mix(seed), value)).Check();
  }
  uint64_t Get(uint64_t index) {
    const auto value = values_->Get(FlinkKey(index), kNoEntry).value();
    if (!value) throw std::runtime_error("a key that was loaded has no value");
    return Number::Decode(*value).value();
  }

  const FlinkOperation operation_;
  const uint64_t keys_;
  const std::vector<uint32_t>& drawn_;
  const std::unique_ptr<ByteRows> values_;
  ReadHash reads_;
};

Job MakeJob(FlinkOperation operation, const Scale& scale) {
  const auto [keys, operations] = scale.flink;
  const bool adds = operation == FlinkOperation::kAdd;
  Job job;
  job.memory_budget_bytes = scale.memory_budget_bytes;
  job.epoch = kEpochOperations / scale.epoch_divisor;
  job.load_operations = keys;
  job.load_epoch = job.epoch;
  job.operations = adds ? operations / kOperationsAnAdd : operations;
  const auto drawn =
      std::make_shared<const std::vector<uint32_t>>(DrawUniform(keys, adds ? 0 : job.operations));
  job.open = [operation, keys = keys, drawn](Engine& engine) {
    return std::make_unique<FlinkValues>(operation, keys, *drawn, engine);
  };
  return job;
}

}  // namespace

std::vector<Row> FlinkValueRows() {
  std::vector<Row> rows;
  const auto add = [&](const char* variant, FlinkOperation operation) {
    AddRows(
        "FlinkValue", variant, [=](const Scale& scale) { return MakeJob(operation, scale); }, rows,
        RowKind::kShort, kHasBytes);
  };
  add("update", FlinkOperation::kUpdate);
  add("get", FlinkOperation::kGet);
  add("add", FlinkOperation::kAdd);
  return rows;
}

}  // namespace tidemark::bench
