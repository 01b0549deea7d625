#include "bench/rocksdb_rows.h"

#include "bench/row_key.h"

#include <rocksdb/slice.h>

#include <string>

namespace tidemark::bench {
namespace {

rocksdb::Slice SliceOf(std::string_view bytes) { return {bytes.data(), bytes.size()}; }

class RocksDbRows final : public ByteRows {
 public:
  RocksDbRows(RocksDbTable& table, uint8_t number)
      : table_(table), key_(Prefix(number)), end_(Prefix(number)) {}

  Status Put(uint64_t key, std::string_view entry, std::string_view row) override {
    return Translate(table_.Put(SliceOf(key_.Set(key, entry)), SliceOf(row)));
  }
  Result<std::optional<std::string_view>> Get(uint64_t key, std::string_view entry) override {
    return Find(SliceOf(key_.Set(key, entry)));
  }
  Status Update(uint64_t key, std::string_view entry, const Change& change) override {
    const rocksdb::Slice stored = SliceOf(key_.Set(key, entry));
    TIDEMARK_ASSIGN_OR_RETURN(const auto row, Find(stored));
    return Translate(table_.Put(stored, SliceOf(change(row))));
  }
  Status Delete(uint64_t key, std::string_view entry) override {
    return Translate(table_.Delete(SliceOf(key_.Set(key, entry))));
  }
  Status Scan(uint64_t key, const Visitor& visit) override {
    const std::string_view first = key_.Set(key, {});
    return Visit(first, end_.Set(key + 1, {}), first.size(), /*fill_cache=*/true, visit);
  }
  Status ForEach(const Visitor& visit) override {
    const std::string first(key_.prefix());
    std::string end = first;
    ++end.back();
    return Visit(first, end, first.size(), /*fill_cache=*/false, visit);
  }

 private:
  static std::string Prefix(uint8_t number) { return std::string(1, static_cast<char>(number)); }

  Result<std::optional<std::string_view>> Find(const rocksdb::Slice& key) {
    pinned_.Reset();
    const rocksdb::Status status = table_.Get(key, pinned_);
    if (status.IsNotFound()) return std::optional<std::string_view>();
    TIDEMARK_RETURN_IF_ERROR(Translate(status));
    return std::optional<std::string_view>(pinned_.ToStringView());
  }
  // Keys are shown without their first `skipped` bytes. The bound keeps the iterator from stepping
  // over what lies behind: tombstones above all.
  Status Visit(std::string_view first, std::string_view end, size_t skipped, bool fill_cache,
               const Visitor& visit) {
    const rocksdb::Slice bound = SliceOf(end);
    rocksdb::ReadOptions options;
    options.iterate_upper_bound = &bound;
    options.fill_cache = fill_cache;
    const auto rows = table_.Iterate(options);
    for (rows->Seek(SliceOf(first)); rows->Valid(); rows->Next()) {
      visit(rows->key().ToStringView().substr(skipped), rows->value().ToStringView());
    }
    return Translate(rows->status());
  }

  RocksDbTable& table_;
  rocksdb::PinnableSlice pinned_;
  RowKey key_;
  RowKey end_;
};

}  // namespace

std::unique_ptr<ByteRows> MakeRocksDbRows(RocksDbTable& table, uint8_t number) {
  return std::make_unique<RocksDbRows>(table, number);
}

}  // namespace tidemark::bench
