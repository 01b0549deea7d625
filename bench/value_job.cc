#include "bench/value_job.h"

#include "bench/records.h"

#include <memory>
#include <stdexcept>
#include <utility>

namespace tidemark::bench {
namespace {

class ValueSession final : public Session {
 public:
  ValueSession(ValueOperation operation, const std::vector<uint32_t>& drawn,
               std::unique_ptr<Values> values)
      : operation_(operation), drawn_(drawn), values_(std::move(values)) {}

  void Load(uint64_t begin, uint64_t end) override {
    for (uint64_t i = begin; i < end; ++i) values_->Put(Key::At(i), Value::InitialOf(i)).Check();
  }
  void Run(uint64_t begin, uint64_t end) override {
    if (operation_ == ValueOperation::kGet) {
      for (uint64_t i = begin; i < end; ++i) Get(drawn_[i]);
    } else {
      for (uint64_t i = begin; i < end; ++i) {
        values_->Update(Key::At(drawn_[i]), Change{i}).Check();
      }
    }
  }
  uint64_t HashOfReads() const override { return reads_.value(); }
  uint64_t HashOfState() override {
    ContentHash hash;
    values_->ForEach([&](const Key& key, const Value& value) { hash.Add(key, value); }).Check();
    return hash.value();
  }

 private:
  void Get(uint32_t key) {
    Value value;
    if (!values_->Get(Key::At(key), value).value()) {
      throw std::runtime_error("a key that was loaded has no value");
    }
    reads_.Add(value);
  }

  const ValueOperation operation_;
  const std::vector<uint32_t>& drawn_;
  const std::unique_ptr<Values> values_;
  ReadHash reads_;
};

}  // namespace

Job MakeValueJob(ValueOperation operation, uint64_t keys, std::vector<uint32_t> drawn) {
  Job job;
  job.load_operations = keys;
  job.operations = drawn.size();
  // Shared, because a std::function can be copied.
  auto shared = std::make_shared<const std::vector<uint32_t>>(std::move(drawn));
  job.open = [operation, shared](Engine& engine) {
    return std::make_unique<ValueSession>(operation, *shared, engine.OpenValues().value());
  };
  return job;
}

Job MakeResidentJob(ValueOperation operation, Draw draw, const Size& size, uint64_t epoch,
                    const Scale& scale) {
  const auto [keys, operations] = size;
  Job job = MakeValueJob(operation, keys, draw(keys, operations));
  job.memory_budget_bytes = scale.memory_budget_bytes;
  job.load_epoch = keys;
  job.epoch = epoch / scale.epoch_divisor;
  return job;
}

}  // namespace tidemark::bench
