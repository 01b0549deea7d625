#include "bench/tidemark_states.h"

#include <utility>

namespace tidemark::bench {
namespace {

class TidemarkValues final : public Values {
 public:
  explicit TidemarkValues(ValueState<Key, Value> values) : values_(std::move(values)) {}

  Status Put(const Key& key, const Value& value) override { return values_.Put(key, value); }
  Result<bool> Get(const Key& key, Value& value) override {
    TIDEMARK_ASSIGN_OR_RETURN(const auto found, values_.Get(key));
    if (found) value = *found;
    return found.has_value();
  }
  Status Update(const Key& key, const Change& change) override;
  Status ForEach(const Visitor& visit) override {
    return values_.ForEach([&](const Key& key, const Value& value) {
      visit(key, value);
      return true;
    });
  }

 private:
  ValueState<Key, Value> values_;
};

Status TidemarkValues::Update(const Key& key, const Change& change) {
  bool found = true;
  TIDEMARK_RETURN_IF_ERROR(values_.Update(key, [&](Value& value) {
    // No value that this benchmark stores is all zero.
    found = value.counter != 0 || value.random[0] != 0;
    change.ApplyTo(value);
  }));
  if (found) [[likely]]
    return {};
  return NoValueToUpdate();
}

class TidemarkMaps final : public Maps {
 public:
  explicit TidemarkMaps(MapState<uint64_t, uint64_t, double> maps) : maps_(std::move(maps)) {}

  Status Put(uint64_t key, uint64_t entry, double value) override {
    return maps_.Put(key, entry, value);
  }
  Status PutAll(uint64_t key, std::span<const MapEntry> entries) override {
    return maps_.PutAll(key, entries);
  }
  Result<bool> Get(uint64_t key, uint64_t entry, double& value) override {
    TIDEMARK_ASSIGN_OR_RETURN(const auto found, maps_.Get(key, entry));
    if (found) value = *found;
    return found.has_value();
  }
  Result<bool> Contains(uint64_t key, uint64_t entry) override {
    return maps_.Contains(key, entry);
  }
  Status Remove(uint64_t key, uint64_t entry) override { return maps_.Delete(key, entry); }
  Status Entries(uint64_t key, std::vector<MapEntry>& entries) override;

 private:
  MapState<uint64_t, uint64_t, double> maps_;
};

Status TidemarkMaps::Entries(uint64_t key, std::vector<MapEntry>& entries) {
  entries.clear();
  TIDEMARK_ASSIGN_OR_RETURN(auto iterator, maps_.Entries(key));
  while (true) {
    TIDEMARK_ASSIGN_OR_RETURN(const bool more, iterator.Next());
    if (!more) return {};
    entries.push_back({iterator.key(), iterator.value()});
  }
}

class TidemarkLists final : public Lists {
 public:
  explicit TidemarkLists(ListState<uint64_t, uint64_t> lists) : lists_(std::move(lists)) {}

  Status Append(uint64_t key, uint64_t element) override { return lists_.Append(key, element); }
  Status AppendAll(uint64_t key, std::span<const uint64_t> elements) override {
    return lists_.AppendAll(key, elements);
  }
  Status Get(uint64_t key, std::vector<uint64_t>& elements) override;

 private:
  ListState<uint64_t, uint64_t> lists_;
};

Status TidemarkLists::Get(uint64_t key, std::vector<uint64_t>& elements) {
  elements.clear();
  TIDEMARK_ASSIGN_OR_RETURN(auto list, lists_.Get(key));
  while (true) {
    TIDEMARK_ASSIGN_OR_RETURN(const bool more, list.Next());
    if (!more) return {};
    elements.push_back(list.value());
  }
}

}  // namespace

Result<std::unique_ptr<Values>> OpenTidemarkValues(StateStore& store) {
  TIDEMARK_ASSIGN_OR_RETURN(auto values, (store.Value<Key, Value>("values")));
  return std::unique_ptr<Values>(std::make_unique<TidemarkValues>(std::move(values)));
}

Result<std::unique_ptr<Maps>> OpenTidemarkMaps(StateStore& store) {
  TIDEMARK_ASSIGN_OR_RETURN(auto maps, (store.Map<uint64_t, uint64_t, double>("maps")));
  return std::unique_ptr<Maps>(std::make_unique<TidemarkMaps>(std::move(maps)));
}

Result<std::unique_ptr<Lists>> OpenTidemarkLists(StateStore& store) {
  TIDEMARK_ASSIGN_OR_RETURN(auto lists, (store.List<uint64_t, uint64_t>("lists")));
  return std::unique_ptr<Lists>(std::make_unique<TidemarkLists>(std::move(lists)));
}

}  // namespace tidemark::bench
