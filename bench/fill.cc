// Fill: values of 100 bytes for keys of 16 that there have not been, in a state that is empty at
// first. What is asked is how the state grows when nothing can be read from a cache or changed in
// place.
#include "bench/record_bytes.h"
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
  explicit FillSession(std::unique_ptr<ByteRows> values) : values_(std::move(values)) {}

  void Load(uint64_t /*begin*/, uint64_t /*end*/) override {}
  void Run(uint64_t begin, uint64_t end) override {
    std::array<char, kValueBytes> value;
    for (uint64_t i = begin; i < end; ++i) {
      const auto [first, second] = Key::At(i).words;
      FillValue(i, /*version=*/0, value);
      values_->Put(first, BytesOf(second), {value.data(), value.size()}).Check();
    }
  }
  uint64_t HashOfReads() const override { return 0; }
  uint64_t HashOfState() override { return HashOf(*values_); }

 private:
  const std::unique_ptr<ByteRows> values_;
};

Job MakeJob(const Scale& scale) {
  Job job;
  job.memory_budget_bytes = scale.memory_budget_bytes;
  job.operations = scale.fill_keys;
  job.epoch = scale.fill_keys / kEpochs;
  job.open = [](Engine& engine) {
    return std::make_unique<FillSession>(
        engine.OpenByteRows(/*number=*/0, ByteRowsKind::kValue).value());
  };
  return job;
}

}  // namespace

std::vector<Row> FillRows() {
  std::vector<Row> rows;
  AddRows("Fill", /*variant=*/"", MakeJob, rows, RowKind::kLong, kHasBytes | kExceedsMemory);
  return rows;
}

}  // namespace tidemark::bench
