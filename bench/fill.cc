// Fill: values of 100 bytes for keys of 16 that there have not been, in a state that is empty at
// first. What is asked is how the state grows when nothing can be read from a cache or changed in
// place.
#include "bench/records.h"
#include "bench/workloads.h"

#include <array>
#include <memory>

namespace tidemark::bench {
namespace {

constexpr size_t kValueBytes = 100;
constexpr uint64_t kEpochs = 10;

class FillSession final : public Session {
 public:
  explicit FillSession(std::unique_ptr<ByteValues> values) : values_(std::move(values)) {}

  void Load(uint64_t /*begin*/, uint64_t /*end*/) override {}
  void Run(uint64_t begin, uint64_t end) override {
    std::array<char, kValueBytes> value;
    for (uint64_t i = begin; i < end; ++i) {
      const Key key = Key::At(i);
      FillValue(i, /*version=*/0, value);
      values_->Put({reinterpret_cast<const char*>(&key), sizeof(key)}, {value.data(), value.size()})
          .Check();
    }
  }
  uint64_t HashOfReads() const override { return 0; }
  uint64_t HashOfState() override {
    ContentHash hash;
    values_->ForEach([&](std::string_view key, std::string_view value) { hash.Add(key, value); })
        .Check();
    return hash.value();
  }

 private:
  const std::unique_ptr<ByteValues> values_;
};

Job MakeJob(const Scale& scale) {
  Job job;
  job.memory_budget_bytes = scale.memory_budget_bytes;
  job.operations = scale.fill_keys;
  job.epoch = scale.fill_keys / kEpochs;
  job.open = [](Engine& engine) {
    return std::make_unique<FillSession>(engine.OpenByteValues().value());
  };
  return job;
}

}  // namespace

std::vector<Row> FillRows() {
  std::vector<Row> rows;
  AddRows("Fill", /*variant=*/"", MakeJob, rows, RowKind::kLong, kHasBytes);
  return rows;
}

}  // namespace tidemark::bench
