#include "bench/model_rows.h"

#include "bench/row_key.h"

#include <utility>

namespace tidemark::bench {
namespace {

class ModelRows final : public Rows {
 public:
  ModelRows(RowTable& table, CountChange count) : table_(table), count_(std::move(count)) {}

  Status Put(uint64_t key, std::string_view entry, std::string_view row) override {
    Store(key, *Find(key, entry, /*create=*/true), row);
    return {};
  }
  Result<std::optional<std::string_view>> Get(uint64_t key, std::string_view entry) override {
    const auto* const found = Find(key, entry, /*create=*/false);
    if (!found) return std::optional<std::string_view>();
    return std::optional<std::string_view>(found->second.row);
  }
  Status Update(uint64_t key, std::string_view entry, const Change& change) override {
    auto* found = Find(key, entry, /*create=*/false);
    std::optional<std::string_view> row;
    if (found) row = found->second.row;
    const std::string_view changed = change(row);
    if (!found) found = Find(key, entry, /*create=*/true);
    Store(key, *found, changed);
    return {};
  }
  Status Delete(uint64_t key, std::string_view entry) override {
    const auto map = table_.find(key);
    if (map == table_.end()) return {};
    const auto found = map->second.find(entry);
    if (found == map->second.end()) return {};
    count_(nullptr, sizeof(key) + entry.size());
    map->second.erase(found);
    if (map->second.empty()) table_.erase(map);
    return {};
  }
  Status Scan(uint64_t key, const Visitor& visit) override {
    const auto map = table_.find(key);
    if (map == table_.end()) return {};
    for (const auto& [entry, row] : map->second) visit(entry, row.row);
    return {};
  }
  Status ForEach(const Visitor& visit) override {
    RowKey stored;
    for (const auto& [key, map] : table_) {
      for (const auto& [entry, row] : map) visit(stored.Set(key, entry), row.row);
    }
    return {};
  }

 private:
  using Entry = RowTable::mapped_type::value_type;

  Entry* Find(uint64_t key, std::string_view entry, bool create) {
    const auto map = create ? table_.try_emplace(key).first : table_.find(key);
    if (map == table_.end()) return nullptr;
    auto found = map->second.find(entry);
    if (found == map->second.end()) {
      if (!create) return nullptr;
      found = map->second.emplace(entry, ModelRow()).first;
    }
    return &*found;
  }
  void Store(uint64_t key, Entry& entry, std::string_view row) {
    entry.second.row = row;
    count_(&entry.second.last_epoch, sizeof(key) + entry.first.size() + row.size());
  }

  RowTable& table_;
  const CountChange count_;
};

}  // namespace

std::unique_ptr<Rows> MakeModelRows(RowTable& table, CountChange count) {
  return std::make_unique<ModelRows>(table, std::move(count));
}

}  // namespace tidemark::bench
