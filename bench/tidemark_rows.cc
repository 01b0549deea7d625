// ValueState and MapState have typed values; what changes here are bytes of any length. So these
// are the tables below them, with the keys that those two would make.
#include "bench/tidemark_rows.h"

#include "bench/row_key.h"

#include <cstring>
#include <string>
#include <utility>

namespace tidemark::bench {
namespace {

class TidemarkValueRows final : public ByteRows {
 public:
  explicit TidemarkValueRows(Table table) : table_(std::move(table)) {}

  Status Put(uint64_t key, std::string_view entry, std::string_view row) override {
    return table_.Put(key_.Set(key, entry), row);
  }
  Result<std::optional<std::string_view>> Get(uint64_t key, std::string_view entry) override {
    return table_.Get(key_.Set(key, entry));
  }
  Status Update(uint64_t key, std::string_view entry, const Change& change) override {
    return table_.Update(
        key_.Set(key, entry),
        [&](const std::optional<std::string_view>& row) -> Result<std::string_view> {
          return change(row);
        });
  }
  Status Delete(uint64_t key, std::string_view entry) override {
    return table_.Delete(key_.Set(key, entry));
  }
  Status Scan(uint64_t /*key*/, const Visitor& /*visit*/) override {
    return Status(StatusCode::kUnsupported, "rows-kind", "these rows are not maps");
  }
  Status ForEach(const Visitor& visit) override {
    return table_.ForEach([&](std::string_view key, std::string_view row) {
      visit(key, row);
      return true;
    });
  }

 private:
  Table table_;
  RowKey key_;
};

class TidemarkMapRows final : public ByteRows {
 public:
  using Map = MapState<uint64_t, std::string, std::string>;
  explicit TidemarkMapRows(Map map) : map_(std::move(map)) {}

  Status Put(uint64_t key, std::string_view entry, std::string_view row) override {
    return map_.Put(key, entry, row);
  }
  Result<std::optional<std::string_view>> Get(uint64_t key, std::string_view entry) override {
    return map_.Get(key, entry);
  }
  Status Update(uint64_t key, std::string_view entry, const Change& change) override {
    return map_.table().Update(
        encoder_.Encode(key, entry),
        [&](const std::optional<std::string_view>& row) -> Result<std::string_view> {
          return change(row);
        });
  }
  Status Delete(uint64_t key, std::string_view entry) override { return map_.Delete(key, entry); }
  Status Scan(uint64_t key, const Visitor& visit) override {
    TIDEMARK_ASSIGN_OR_RETURN(auto entries, map_.Entries(key));
    while (true) {
      TIDEMARK_ASSIGN_OR_RETURN(const bool more, entries.Next());
      if (!more) return {};
      visit(entries.key(), entries.value());
    }
  }
  Status ForEach(const Visitor& visit) override {
    return map_.table().ForEach([&](std::string_view key, std::string_view row) {
      visit(key.substr(kLengthBytes), row);
      return true;
    });
  }

 private:
  // What MapState puts in front of the partition.
  static constexpr size_t kLengthBytes = 2;

  Map map_;
  MapKeyEncoder<uint64_t, std::string> encoder_;
};

}  // namespace

Result<std::unique_ptr<ByteRows>> OpenTidemarkRows(StateStore& store, uint8_t number,
                                                   ByteRowsKind kind) {
  const std::string name = "rows-" + std::to_string(number);
  if (kind == ByteRowsKind::kMap) {
    TIDEMARK_ASSIGN_OR_RETURN(auto map, (store.Map<uint64_t, std::string, std::string>(name)));
    return std::unique_ptr<ByteRows>(std::make_unique<TidemarkMapRows>(std::move(map)));
  }
  TIDEMARK_ASSIGN_OR_RETURN(auto table, store.OpenTable(name, {.kind = TableKind::kValue}));
  return std::unique_ptr<ByteRows>(std::make_unique<TidemarkValueRows>(std::move(table)));
}

}  // namespace tidemark::bench
