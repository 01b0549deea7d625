#include "bench/model_rows.h"

#include "bench/row_key.h"

namespace tidemark::bench {
namespace {

class ModelRows final : public ByteRows {
 public:
  explicit ModelRows(RowTable& table) : table_(table) {}

  Status Put(uint64_t key, std::string_view entry, std::string_view row) override {
    table_.rows[key].insert_or_assign(std::string(entry), std::string(row));
    Count(key, entry, row.size());
    return {};
  }
  Result<std::optional<std::string_view>> Get(uint64_t key, std::string_view entry) override {
    const auto map = table_.rows.find(key);
    if (map == table_.rows.end()) return std::optional<std::string_view>();
    const auto found = map->second.find(entry);
    if (found == map->second.end()) return std::optional<std::string_view>();
    return std::optional<std::string_view>(found->second);
  }
  Status Update(uint64_t key, std::string_view entry, const Change& change) override {
    TIDEMARK_ASSIGN_OR_RETURN(const auto row, Get(key, entry));
    return Put(key, entry, change(row));
  }
  Status Delete(uint64_t key, std::string_view entry) override {
    const auto map = table_.rows.find(key);
    if (map == table_.rows.end()) return {};
    const auto found = map->second.find(entry);
    if (found == map->second.end()) return {};
    Count(key, entry, 0);
    map->second.erase(found);
    if (map->second.empty()) table_.rows.erase(map);
    return {};
  }
  Status Scan(uint64_t key, const Visitor& visit) override {
    const auto map = table_.rows.find(key);
    if (map == table_.rows.end()) return {};
    for (const auto& [entry, row] : map->second) visit(entry, row);
    return {};
  }
  Status ForEach(const Visitor& visit) override {
    for (const auto& [key, map] : table_.rows) {
      for (const auto& [entry, row] : map) visit(key_.Set(key, entry), row);
    }
    return {};
  }

 private:
  void Count(uint64_t key, std::string_view entry, size_t row_bytes) {
    const std::string_view stored = key_.Set(key, entry);
    table_.changes.insert_or_assign(std::string(stored), stored.size() + row_bytes);
  }

  RowTable& table_;
  RowKey key_;
};

}  // namespace

uint64_t RowTable::EndEpoch() {
  uint64_t bytes = 0;
  for (const auto& [key, of_change] : changes) bytes += of_change;
  changes.clear();
  return bytes;
}

std::unique_ptr<ByteRows> MakeModelRows(RowTable& table) {
  return std::make_unique<ModelRows>(table);
}

}  // namespace tidemark::bench
