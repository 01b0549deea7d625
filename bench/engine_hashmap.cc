// Hash maps in memory and nothing else: what is to be had without durability. A checkpoint does
// nothing, and what is restored is what is in memory.
#include "bench/engine.h"

#include <absl/container/btree_map.h>
#include <absl/container/flat_hash_map.h>
#include <absl/hash/hash.h>

#include <filesystem>
#include <utility>
#include <vector>

namespace tidemark::bench {
namespace {

struct HashOfKey {
  size_t operator()(const Key& key) const { return absl::HashOf(key.words[0], key.words[1]); }
};
struct SameKey {
  bool operator()(const Key& a, const Key& b) const {
    return a.words[0] == b.words[0] && a.words[1] == b.words[1];
  }
};
using ValueTable = absl::flat_hash_map<Key, Value, HashOfKey, SameKey>;
using MapTable = absl::flat_hash_map<uint64_t, absl::btree_map<uint64_t, double>>;
using ListTable = absl::flat_hash_map<uint64_t, std::vector<uint64_t>>;

class HashMapValues final : public Values {
 public:
  explicit HashMapValues(ValueTable& table) : table_(table) {}

  Status Put(const Key& key, const Value& value) override {
    table_.insert_or_assign(key, value);
    return {};
  }
  Result<bool> Get(const Key& key, Value& value) override {
    const auto found = table_.find(key);
    if (found == table_.end()) return false;
    value = found->second;
    return true;
  }
  Status Update(const Key& key, const Change& change) override {
    const auto found = table_.find(key);
    if (found == table_.end()) return NoValueToUpdate();
    change.ApplyTo(found->second);
    return {};
  }
  Status ForEach(const Visitor& visit) override {
    for (const auto& [key, value] : table_) visit(key, value);
    return {};
  }

 private:
  ValueTable& table_;
};

class HashMapMaps final : public Maps {
 public:
  explicit HashMapMaps(MapTable& table) : table_(table) {}

  Status Put(uint64_t key, uint64_t entry, double value) override {
    table_[key][entry] = value;
    return {};
  }
  Status PutAll(uint64_t key, std::span<const MapEntry> entries) override {
    auto& map = table_[key];
    for (const auto& [entry, value] : entries) map[entry] = value;
    return {};
  }
  Result<bool> Get(uint64_t key, uint64_t entry, double& value) override {
    const auto map = table_.find(key);
    if (map == table_.end()) return false;
    const auto found = map->second.find(entry);
    if (found == map->second.end()) return false;
    value = found->second;
    return true;
  }
  Result<bool> Contains(uint64_t key, uint64_t entry) override {
    const auto map = table_.find(key);
    return map != table_.end() && map->second.contains(entry);
  }
  Status Remove(uint64_t key, uint64_t entry) override {
    const auto map = table_.find(key);
    if (map != table_.end()) map->second.erase(entry);
    return {};
  }
  Status Entries(uint64_t key, std::vector<MapEntry>& entries) override {
    entries.clear();
    const auto map = table_.find(key);
    if (map == table_.end()) return {};
    for (const auto& [entry, value] : map->second) entries.push_back({entry, value});
    return {};
  }

 private:
  MapTable& table_;
};

class HashMapLists final : public Lists {
 public:
  explicit HashMapLists(ListTable& table) : table_(table) {}

  Status Append(uint64_t key, uint64_t element) override {
    table_[key].push_back(element);
    return {};
  }
  Status AppendAll(uint64_t key, std::span<const uint64_t> elements) override {
    std::vector<uint64_t>& list = table_[key];
    list.insert(list.end(), elements.begin(), elements.end());
    return {};
  }
  Status Get(uint64_t key, std::vector<uint64_t>& elements) override {
    elements.clear();
    const auto list = table_.find(key);
    if (list != table_.end()) elements = list->second;
    return {};
  }

 private:
  ListTable& table_;
};

class HashMapEngine final : public Engine {
 public:
  explicit HashMapEngine(std::string repository) : repository_(std::move(repository)) {}

  Result<std::unique_ptr<Values>> OpenValues() override {
    return std::unique_ptr<Values>(std::make_unique<HashMapValues>(values_));
  }
  Result<std::unique_ptr<Maps>> OpenMaps() override {
    return std::unique_ptr<Maps>(std::make_unique<HashMapMaps>(maps_));
  }
  Result<std::unique_ptr<Lists>> OpenLists() override {
    return std::unique_ptr<Lists>(std::make_unique<HashMapLists>(lists_));
  }
  Status Checkpoint(uint64_t /*id*/) override { return {}; }
  Status Drain() override { return {}; }
  Status Restore() override { return {}; }
  void ResetFigures() override {}
  EngineFigures Figures() override { return {}; }
  std::string repository() const override { return repository_; }

 private:
  const std::string repository_;  // stays empty
  ValueTable values_;
  MapTable maps_;
  ListTable lists_;
};

}  // namespace

Result<std::unique_ptr<Engine>> OpenHashMap(const EngineOptions& options) {
  const std::string repository = options.directory + "/repository";
  std::filesystem::create_directories(repository);
  return std::unique_ptr<Engine>(std::make_unique<HashMapEngine>(repository));
}

}  // namespace tidemark::bench
