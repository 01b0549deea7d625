#include "bench/rocksdb_states.h"

#include "bench/record_bytes.h"

#include <algorithm>
#include <string>

namespace tidemark::bench {
namespace {

// What the states share: point operations.
class RocksDbState {
 public:
  explicit RocksDbState(RocksDbTable& table) : table_(table) {}

 protected:
  Status Write(const rocksdb::Slice& key, const rocksdb::Slice& value) {
    return Translate(table_.Put(key, value));
  }
  // False if there is none; `pinned_` has the value otherwise.
  Result<bool> Find(const rocksdb::Slice& key) {
    pinned_.Reset();
    const rocksdb::Status status = table_.Get(key, pinned_);
    if (status.IsNotFound()) return false;
    TIDEMARK_RETURN_IF_ERROR(Translate(status));
    return true;
  }
  template <class T>
  Result<bool> Read(const rocksdb::Slice& key, T& record) {
    TIDEMARK_ASSIGN_OR_RETURN(const bool found, Find(key));
    if (found) TIDEMARK_RETURN_IF_ERROR(ReadRecord(pinned_.ToStringView(), record));
    return found;
  }

  RocksDbTable& table_;
  rocksdb::PinnableSlice pinned_;
};

class RocksDbValues : public Values, protected RocksDbState {
 public:
  using RocksDbState::RocksDbState;

  Status Put(const Key& key, const Value& value) override {
    return Write(BytesOf(key), BytesOf(value));
  }
  Result<bool> Get(const Key& key, Value& value) override { return Read(BytesOf(key), value); }
  Status Update(const Key& key, const Change& change) override {
    Value value;
    TIDEMARK_ASSIGN_OR_RETURN(const bool found, Get(key, value));
    if (!found) return NoValueToUpdate();
    change.ApplyTo(value);
    return Put(key, value);
  }
  Status ForEach(const Visitor& visit) override {
    rocksdb::ReadOptions options;
    options.fill_cache = false;
    const auto entries = table_.Iterate(options);
    Key key;
    Value value;
    for (entries->SeekToFirst(); entries->Valid(); entries->Next()) {
      TIDEMARK_RETURN_IF_ERROR(ReadRecord(entries->key().ToStringView(), key));
      TIDEMARK_RETURN_IF_ERROR(ReadRecord(entries->value().ToStringView(), value));
      visit(key, value);
    }
    return Translate(entries->status());
  }
};

class RocksDbMergedValues final : public RocksDbValues {
 public:
  using RocksDbValues::RocksDbValues;

  Status Update(const Key& key, const Change& change) override {
    return Translate(table_.Merge(BytesOf(key), BytesOf(change)));
  }
};

class RocksDbMaps final : public Maps, private RocksDbState {
 public:
  using RocksDbState::RocksDbState;

  Status Put(uint64_t key, uint64_t entry, double value) override {
    return Write(BytesOf(KeyOf(key, entry)), BytesOf(value));
  }
  Status PutAll(uint64_t key, std::span<const MapEntry> entries) override {
    return Translate(table_.WriteTogether([&](rocksdb::WriteBatchBase& batch) {
      for (const auto& [entry, value] : entries) {
        const rocksdb::Status status = batch.Put(BytesOf(KeyOf(key, entry)), BytesOf(value));
        if (!status.ok()) return status;
      }
      return rocksdb::Status::OK();
    }));
  }
  Result<bool> Get(uint64_t key, uint64_t entry, double& value) override {
    return Read(BytesOf(KeyOf(key, entry)), value);
  }
  Result<bool> Contains(uint64_t key, uint64_t entry) override {
    return Find(BytesOf(KeyOf(key, entry)));
  }
  Status Remove(uint64_t key, uint64_t entry) override {
    return Translate(table_.Delete(BytesOf(KeyOf(key, entry))));
  }
  Status Entries(uint64_t key, std::vector<MapEntry>& entries) override;
};

// The bound keeps the iterator from stepping over what lies behind the map: its neighbours, and
// tombstones above all.
Status RocksDbMaps::Entries(uint64_t key, std::vector<MapEntry>& entries) {
  const auto first = KeyOf(key);
  const auto end = KeyOf(key + 1);
  const rocksdb::Slice bound = BytesOf(end);
  rocksdb::ReadOptions options;
  if (key + 1 != 0) options.iterate_upper_bound = &bound;
  const auto iterator = table_.Iterate(options);
  entries.clear();
  for (iterator->Seek(BytesOf(first)); iterator->Valid(); iterator->Next()) {
    rocksdb::Slice entry = iterator->key();
    entry.remove_prefix(first.size());
    MapEntry& read = entries.emplace_back();
    TIDEMARK_ASSIGN_OR_RETURN(read.entry, Codec<uint64_t>::Decode(entry.ToStringView()));
    TIDEMARK_RETURN_IF_ERROR(ReadRecord(iterator->value().ToStringView(), read.value));
  }
  return Translate(iterator->status());
}

class RocksDbLists final : public Lists, private RocksDbState {
 public:
  using RocksDbState::RocksDbState;

  Status Append(uint64_t key, uint64_t element) override {
    return AppendAll(key, std::span(&element, 1));
  }
  Status AppendAll(uint64_t key, std::span<const uint64_t> elements) override {
    operand_.clear();
    for (const uint64_t element : elements) {
      const Stored stored{sizeof(element), element};
      operand_.append(reinterpret_cast<const char*>(&stored), sizeof(stored));
    }
    return Translate(table_.Merge(BytesOf(KeyOf(key)), operand_));
  }
  Status Get(uint64_t key, std::vector<uint64_t>& elements) override;

 private:
  struct [[gnu::packed]] Stored {
    uint32_t size;
    uint64_t element;
  };

  std::string operand_;
};

Status RocksDbLists::Get(uint64_t key, std::vector<uint64_t>& elements) {
  elements.clear();
  TIDEMARK_ASSIGN_OR_RETURN(const bool found, Find(BytesOf(KeyOf(key))));
  if (!found) return {};
  Stored stored{};
  for (rocksdb::Slice rest = pinned_; !rest.empty(); rest.remove_prefix(sizeof(stored))) {
    const std::string_view bytes(rest.data(), std::min(rest.size(), sizeof(stored)));
    TIDEMARK_RETURN_IF_ERROR(ReadRecord(bytes, stored));
    elements.push_back(stored.element);
  }
  return {};
}

}  // namespace

std::unique_ptr<Values> MakeRocksDbValues(RocksDbTable& table) {
  return std::make_unique<RocksDbValues>(table);
}

std::unique_ptr<Values> MakeRocksDbMergedValues(RocksDbTable& table) {
  return std::make_unique<RocksDbMergedValues>(table);
}

std::unique_ptr<Maps> MakeRocksDbMaps(RocksDbTable& table) {
  return std::make_unique<RocksDbMaps>(table);
}

std::unique_ptr<Lists> MakeRocksDbLists(RocksDbTable& table) {
  return std::make_unique<RocksDbLists>(table);
}

}  // namespace tidemark::bench
