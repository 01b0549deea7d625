#include "bench/rocksdb_states.h"

#include <rocksdb/slice.h>
#include <rocksdb/write_batch.h>
#include <tidemark/codec.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <optional>
#include <string>
#include <utility>

namespace tidemark::bench {
namespace {

template <class T>
rocksdb::Slice SliceOf(const T& record) {
  return {reinterpret_cast<const char*>(&record), sizeof(record)};
}

template <class T>
Status ReadRecord(const rocksdb::Slice& slice, T& record) {
  if (slice.size() != sizeof(T)) {
    return Status(
        StatusCode::kCorruption, "record-size",
        "expected " + std::to_string(sizeof(T)) + " bytes, got " + std::to_string(slice.size()));
  }
  std::memcpy(&record, slice.data(), sizeof(T));
  return {};
}

// Numbers big-endian, one behind the other.
template <class... Numbers>
std::array<char, 8 * sizeof...(Numbers)> KeyOf(Numbers... numbers) {
  std::array<char, 8 * sizeof...(Numbers)> key;
  char* end = key.data();
  Codec<uint64_t>::Buffer buffer;
  ((end = std::copy_n(Codec<uint64_t>::Encode(numbers, buffer).data(), 8, end)), ...);
  return key;
}

class AppendOperator final : public rocksdb::MergeOperator {
 public:
  const char* Name() const override { return "tidemark_bench.append"; }

  bool FullMergeV2(const MergeOperationInput& in, MergeOperationOutput* out) const override {
    out->new_value.clear();
    Join(in.existing_value, in.operand_list, out->new_value);
    return true;
  }
  bool PartialMergeMulti(const rocksdb::Slice& /*key*/, const std::deque<rocksdb::Slice>& operands,
                         std::string* joined, rocksdb::Logger* /*log*/) const override {
    Join(nullptr, operands, *joined);
    return true;
  }

 private:
  template <class Slices>
  static void Join(const rocksdb::Slice* first, const Slices& rest, std::string& joined) {
    size_t bytes = joined.size() + (first ? first->size() : 0);
    for (const rocksdb::Slice& slice : rest) bytes += slice.size();
    joined.reserve(bytes);
    if (first) joined.append(first->data(), first->size());
    for (const rocksdb::Slice& slice : rest) joined.append(slice.data(), slice.size());
  }
};

// What the states share: point operations on the default column family.
class RocksDbState {
 public:
  RocksDbState(rocksdb::DB& db, const rocksdb::WriteOptions& options)
      : db_(db), write_options_(options) {}

 protected:
  Status Write(const rocksdb::Slice& key, const rocksdb::Slice& value) {
    return Translate(db_.Put(write_options_, key, value));
  }
  // False if there is none; `pinned_` has the value otherwise.
  Result<bool> Find(const rocksdb::Slice& key) {
    pinned_.Reset();
    const rocksdb::Status status = db_.Get(read_options_, db_.DefaultColumnFamily(), key, &pinned_);
    if (status.IsNotFound()) return false;
    TIDEMARK_RETURN_IF_ERROR(Translate(status));
    return true;
  }
  template <class T>
  Result<bool> Read(const rocksdb::Slice& key, T& record) {
    TIDEMARK_ASSIGN_OR_RETURN(const bool found, Find(key));
    if (found) TIDEMARK_RETURN_IF_ERROR(ReadRecord(pinned_, record));
    return found;
  }

  rocksdb::DB& db_;
  const rocksdb::WriteOptions write_options_;
  const rocksdb::ReadOptions read_options_;
  rocksdb::PinnableSlice pinned_;
};

class RocksDbValues final : public Values, private RocksDbState {
 public:
  using RocksDbState::RocksDbState;

  Status Put(const Key& key, const Value& value) override {
    return Write(SliceOf(key), SliceOf(value));
  }
  Result<bool> Get(const Key& key, Value& value) override { return Read(SliceOf(key), value); }
  Status Update(const Key& key, const Change& change) override {
    Value value;
    TIDEMARK_ASSIGN_OR_RETURN(const bool found, Get(key, value));
    if (!found) {
      return Status(StatusCode::kNotFound, "key-not-found",
                    "an update met a key that was not loaded");
    }
    change.ApplyTo(value);
    return Put(key, value);
  }
  Status ForEach(const Visitor& visit) override {
    rocksdb::ReadOptions options;
    options.fill_cache = false;
    const std::unique_ptr<rocksdb::Iterator> entries(db_.NewIterator(options));
    Key key;
    Value value;
    for (entries->SeekToFirst(); entries->Valid(); entries->Next()) {
      TIDEMARK_RETURN_IF_ERROR(ReadRecord(entries->key(), key));
      TIDEMARK_RETURN_IF_ERROR(ReadRecord(entries->value(), value));
      visit(key, value);
    }
    return Translate(entries->status());
  }
};

class RocksDbMaps final : public Maps, private RocksDbState {
 public:
  using RocksDbState::RocksDbState;

  Status Put(uint64_t key, uint64_t entry, double value) override {
    return Write(SliceOf(KeyOf(key, entry)), SliceOf(value));
  }
  Status PutAll(uint64_t key, std::span<const MapEntry> entries) override {
    batch_.Clear();
    for (const auto& [entry, value] : entries) {
      TIDEMARK_RETURN_IF_ERROR(Translate(batch_.Put(SliceOf(KeyOf(key, entry)), SliceOf(value))));
    }
    return Translate(db_.Write(write_options_, &batch_));
  }
  Result<bool> Get(uint64_t key, uint64_t entry, double& value) override {
    return Read(SliceOf(KeyOf(key, entry)), value);
  }
  Result<bool> Contains(uint64_t key, uint64_t entry) override {
    return Find(SliceOf(KeyOf(key, entry)));
  }
  Status Remove(uint64_t key, uint64_t entry) override {
    return Translate(db_.Delete(write_options_, SliceOf(KeyOf(key, entry))));
  }
  Status Entries(uint64_t key, std::vector<MapEntry>& entries) override;

 private:
  rocksdb::WriteBatch batch_;
};

// The bound keeps the iterator from stepping over what lies behind the map: its neighbours, and
// tombstones above all.
Status RocksDbMaps::Entries(uint64_t key, std::vector<MapEntry>& entries) {
  const auto first = KeyOf(key);
  const auto end = KeyOf(key + 1);
  const rocksdb::Slice bound = SliceOf(end);
  rocksdb::ReadOptions options;
  if (key + 1 != 0) options.iterate_upper_bound = &bound;
  const std::unique_ptr<rocksdb::Iterator> iterator(db_.NewIterator(options));
  entries.clear();
  for (iterator->Seek(SliceOf(first)); iterator->Valid(); iterator->Next()) {
    rocksdb::Slice entry = iterator->key();
    entry.remove_prefix(first.size());
    MapEntry& read = entries.emplace_back();
    TIDEMARK_ASSIGN_OR_RETURN(read.entry, Codec<uint64_t>::Decode(entry.ToStringView()));
    TIDEMARK_RETURN_IF_ERROR(ReadRecord(iterator->value(), read.value));
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
    return Translate(db_.Merge(write_options_, SliceOf(KeyOf(key)), operand_));
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
  TIDEMARK_ASSIGN_OR_RETURN(const bool found, Find(SliceOf(KeyOf(key))));
  if (!found) return {};
  Stored stored{};
  for (rocksdb::Slice rest = pinned_; !rest.empty(); rest.remove_prefix(sizeof(stored))) {
    const rocksdb::Slice bytes(rest.data(), std::min(rest.size(), sizeof(stored)));
    TIDEMARK_RETURN_IF_ERROR(ReadRecord(bytes, stored));
    elements.push_back(stored.element);
  }
  return {};
}

}  // namespace

Status Translate(const rocksdb::Status& status) {
  if (status.ok()) return {};
  return Status(StatusCode::kInternal, "rocksdb", status.ToString());
}

std::shared_ptr<rocksdb::MergeOperator> MakeAppendOperator() {
  return std::make_shared<AppendOperator>();
}

std::unique_ptr<Values> MakeRocksDbValues(rocksdb::DB& db, const rocksdb::WriteOptions& options) {
  return std::make_unique<RocksDbValues>(db, options);
}

std::unique_ptr<Maps> MakeRocksDbMaps(rocksdb::DB& db, const rocksdb::WriteOptions& options) {
  return std::make_unique<RocksDbMaps>(db, options);
}

std::unique_ptr<Lists> MakeRocksDbLists(rocksdb::DB& db, const rocksdb::WriteOptions& options) {
  return std::make_unique<RocksDbLists>(db, options);
}

}  // namespace tidemark::bench
