// FlinkList: lists of u64 that have ten elements at first, each of which came alone.
#include "bench/flink_job.h"

#include <array>

namespace tidemark::bench {
namespace {

class FlinkLists {
 public:
  static constexpr uint64_t kElementsALoad = 1;
  static constexpr Abilities kAsked = kHasLists;

  explicit FlinkLists(Engine& engine) : lists_(engine.OpenLists().value()) {}

  // One element for each list, then the next.
  void Load(uint64_t keys, uint64_t i) { lists_->Append(FlinkKey(i % keys), Mix(i)).Check(); }
  void HashOf(uint64_t key, ReadHash& hash) {
    lists_->Get(key, elements_).Check();
    for (const uint64_t element : elements_) hash.Add(element);
    hash.Add(elements_.size());
  }

  void Append(uint64_t key, uint64_t i, ReadHash& /*reads*/) {
    lists_->Append(key, Mix(~i)).Check();
  }
  void Append100(uint64_t key, uint64_t i, ReadHash& /*reads*/) {
    std::array<uint64_t, kElementsAppended> elements;
    Random random(i);
    for (uint64_t& element : elements) element = random.Next();
    lists_->AppendAll(key, elements).Check();
  }
  void Get(uint64_t key, uint64_t /*i*/, ReadHash& reads) { HashOf(key, reads); }

 private:
  static constexpr uint64_t kElementsAppended = 100;

  std::unique_ptr<Lists> lists_;
  std::vector<uint64_t> elements_;
};

constexpr FlinkVariant<FlinkLists> kVariants[] = {
    {"append", 1, &FlinkLists::Append},
    {"append_100", 20, &FlinkLists::Append100},
    {"get", 1, &FlinkLists::Get},
};

}  // namespace

std::vector<Row> FlinkListRows() { return FlinkRows<FlinkLists>("FlinkList", kVariants); }

}  // namespace tidemark::bench
