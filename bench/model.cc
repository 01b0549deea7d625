#include "bench/model.h"

#include "bench/model_rows.h"

#include <map>
#include <string>
#include <unordered_map>
#include <utility>

namespace tidemark::bench {
namespace {

// Counts each entry once an epoch.
class ChangeCounter {
 public:
  // `last_epoch` is kept with the entry, 0 at first.
  void Count(uint64_t& last_epoch, uint64_t bytes) {
    if (std::exchange(last_epoch, epoch_) != epoch_) bytes_ += bytes;
  }
  void Count(uint64_t bytes) { bytes_ += bytes; }

  void EndEpoch() { ++epoch_; }
  void Reset() { bytes_ = 0; }
  uint64_t bytes() const { return bytes_; }

 private:
  uint64_t epoch_ = 1;
  uint64_t bytes_ = 0;
};

struct HashOfKey {
  size_t operator()(const Key& key) const { return key.words[0]; }
};
struct SameKey {
  bool operator()(const Key& a, const Key& b) const {
    return a.words[0] == b.words[0] && a.words[1] == b.words[1];
  }
};
struct StoredValue {
  Value value;
  uint64_t last_epoch = 0;
};
using ValueTable = std::unordered_map<Key, StoredValue, HashOfKey, SameKey>;

class ModelValues final : public Values {
 public:
  ModelValues(ValueTable& table, ChangeCounter& changes) : table_(table), changes_(changes) {}

  Status Put(const Key& key, const Value& value) override {
    StoredValue& stored = table_[key];
    stored.value = value;
    changes_.Count(stored.last_epoch, sizeof(Key) + sizeof(Value));
    return {};
  }
  Result<bool> Get(const Key& key, Value& value) override {
    const auto found = table_.find(key);
    if (found == table_.end()) return false;
    value = found->second.value;
    return true;
  }
  Status Update(const Key& key, const Change& change) override {
    StoredValue& stored = table_.at(key);
    change.ApplyTo(stored.value);
    changes_.Count(stored.last_epoch, sizeof(Key) + sizeof(Value));
    return {};
  }
  Status ForEach(const Visitor& visit) override {
    for (const auto& [key, stored] : table_) visit(key, stored.value);
    return {};
  }

 private:
  ValueTable& table_;
  ChangeCounter& changes_;
};

struct StoredEntry {
  double value = 0;
  uint64_t last_epoch = 0;
};
using MapTable = std::unordered_map<uint64_t, std::map<uint64_t, StoredEntry>>;

class ModelMaps final : public Maps {
 public:
  ModelMaps(MapTable& table, ChangeCounter& changes) : table_(table), changes_(changes) {}

  Status Put(uint64_t key, uint64_t entry, double value) override {
    StoredEntry& stored = table_[key][entry];
    stored.value = value;
    changes_.Count(stored.last_epoch, sizeof(key) + sizeof(entry) + sizeof(value));
    return {};
  }
  Status PutAll(uint64_t key, std::span<const MapEntry> entries) override {
    for (const auto& [entry, value] : entries) {
      TIDEMARK_RETURN_IF_ERROR(Put(key, entry, value));
    }
    return {};
  }
  Result<bool> Get(uint64_t key, uint64_t entry, double& value) override {
    const auto& map = table_[key];
    const auto found = map.find(entry);
    if (found == map.end()) return false;
    value = found->second.value;
    return true;
  }
  Result<bool> Contains(uint64_t key, uint64_t entry) override {
    return table_[key].contains(entry);
  }
  Status Remove(uint64_t key, uint64_t entry) override {
    if (table_[key].erase(entry) != 0) changes_.Count(sizeof(key) + sizeof(entry));
    return {};
  }
  Status Entries(uint64_t key, std::vector<MapEntry>& entries) override {
    entries.clear();
    for (const auto& [entry, stored] : table_[key]) entries.push_back({entry, stored.value});
    return {};
  }

 private:
  MapTable& table_;
  ChangeCounter& changes_;
};

struct StoredList {
  std::vector<uint64_t> elements;
  uint64_t last_epoch = 0;
};
using ListTable = std::unordered_map<uint64_t, StoredList>;

class ModelLists final : public Lists {
 public:
  ModelLists(ListTable& table, ChangeCounter& changes) : table_(table), changes_(changes) {}

  Status Append(uint64_t key, uint64_t element) override {
    return AppendAll(key, std::span(&element, 1));
  }
  Status AppendAll(uint64_t key, std::span<const uint64_t> elements) override {
    StoredList& list = table_[key];
    list.elements.insert(list.elements.end(), elements.begin(), elements.end());
    changes_.Count(list.last_epoch, sizeof(key));
    changes_.Count(elements.size_bytes());
    return {};
  }
  Status Get(uint64_t key, std::vector<uint64_t>& elements) override {
    elements = table_[key].elements;
    return {};
  }

 private:
  ListTable& table_;
  ChangeCounter& changes_;
};

class Model final : public Engine {
 public:
  Result<std::unique_ptr<Values>> OpenValues() override {
    return std::unique_ptr<Values>(std::make_unique<ModelValues>(values_, changes_));
  }
  Result<std::unique_ptr<Maps>> OpenMaps() override {
    return std::unique_ptr<Maps>(std::make_unique<ModelMaps>(maps_, changes_));
  }
  Result<std::unique_ptr<Lists>> OpenLists() override {
    return std::unique_ptr<Lists>(std::make_unique<ModelLists>(lists_, changes_));
  }
  Result<std::unique_ptr<ByteRows>> OpenByteRows(uint8_t number, ByteRowsKind /*kind*/) override {
    return MakeModelRows(rows_[number]);
  }

  Status Checkpoint(uint64_t /*id*/) override {
    for (auto& [number, table] : rows_) changes_.Count(table.EndEpoch());
    changes_.EndEpoch();
    return {};
  }
  Status Drain() override { return {}; }
  Status Restore() override { return {}; }
  void ResetFigures() override { changes_.Reset(); }
  EngineFigures Figures() override {
    EngineFigures figures;
    figures.net_change_bytes = changes_.bytes();
    return figures;
  }
  std::string repository() const override { return {}; }

 private:
  ChangeCounter changes_;
  ValueTable values_;
  MapTable maps_;
  ListTable lists_;
  std::map<uint8_t, RowTable> rows_;
};

}  // namespace

std::unique_ptr<Engine> MakeModel() { return std::make_unique<Model>(); }

}  // namespace tidemark::bench
