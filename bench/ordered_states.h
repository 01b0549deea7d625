// The states of engines that are one ordered table of bytes (lmdb_table.h, wiredtiger_table.h):
//
//   Table::Put(key, value)              puts or replaces
//   Table::Find(key, value)             false if there is none; `value` until the next call
//   Table::PutFound(key, value)         replaces what the last call, Find, has found under `key`
//   Table::Remove(key)                  present or not
//   Table::Seek(key, entry)             the first entry at or after `key`; false if there is none
//   Table::Next(entry)                  the one after it
#pragma once

#include "bench/record_bytes.h"
#include "bench/states.h"

#include <memory>
#include <string>
#include <string_view>

namespace tidemark::bench {

// Valid until the table's next call.
struct TableEntry {
  std::string_view key;
  std::string_view value;
};

template <class Table>
class OrderedValues final : public Values {
 public:
  explicit OrderedValues(Table& table) : table_(table) {}

  Status Put(const Key& key, const Value& value) override {
    return table_.Put(BytesOf(key), BytesOf(value));
  }
  Result<bool> Get(const Key& key, Value& value) override {
    std::string_view bytes;
    TIDEMARK_ASSIGN_OR_RETURN(const bool found, table_.Find(BytesOf(key), bytes));
    if (found) TIDEMARK_RETURN_IF_ERROR(ReadRecord(bytes, value));
    return found;
  }
  Status Update(const Key& key, const Change& change) override {
    Value value;
    TIDEMARK_ASSIGN_OR_RETURN(const bool found, Get(key, value));
    if (!found) return NoValueToUpdate();
    change.ApplyTo(value);
    return table_.PutFound(BytesOf(key), BytesOf(value));
  }
  Status ForEach(const Visitor& visit) override;

 private:
  Table& table_;
};

template <class Table>
Status OrderedValues<Table>::ForEach(const Visitor& visit) {
  constexpr std::string_view kBeforeAllKeys("\0", 1);
  TableEntry entry;
  TIDEMARK_ASSIGN_OR_RETURN(bool more, table_.Seek(kBeforeAllKeys, entry));
  Key key;
  Value value;
  while (more) {
    TIDEMARK_RETURN_IF_ERROR(ReadRecord(entry.key, key));
    TIDEMARK_RETURN_IF_ERROR(ReadRecord(entry.value, value));
    visit(key, value);
    TIDEMARK_ASSIGN_OR_RETURN(more, table_.Next(entry));
  }
  return {};
}

// Keys are [key u64 BE][entry u64 BE], so that a map is a range.
template <class Table>
class OrderedMaps final : public Maps {
 public:
  explicit OrderedMaps(Table& table) : table_(table) {}

  Status Put(uint64_t key, uint64_t entry, double value) override {
    return table_.Put(BytesOf(KeyOf(key, entry)), BytesOf(value));
  }
  Status PutAll(uint64_t key, std::span<const MapEntry> entries) override {
    for (const auto& [entry, value] : entries) TIDEMARK_RETURN_IF_ERROR(Put(key, entry, value));
    return {};
  }
  Result<bool> Get(uint64_t key, uint64_t entry, double& value) override {
    std::string_view bytes;
    TIDEMARK_ASSIGN_OR_RETURN(const bool found, table_.Find(BytesOf(KeyOf(key, entry)), bytes));
    if (found) TIDEMARK_RETURN_IF_ERROR(ReadRecord(bytes, value));
    return found;
  }
  Result<bool> Contains(uint64_t key, uint64_t entry) override {
    std::string_view bytes;
    return table_.Find(BytesOf(KeyOf(key, entry)), bytes);
  }
  Status Remove(uint64_t key, uint64_t entry) override {
    return table_.Remove(BytesOf(KeyOf(key, entry)));
  }
  Status Entries(uint64_t key, std::vector<MapEntry>& entries) override;

 private:
  Table& table_;
};

template <class Table>
Status OrderedMaps<Table>::Entries(uint64_t key, std::vector<MapEntry>& entries) {
  entries.clear();
  const auto first = KeyOf(key);
  const std::string_view prefix(first.data(), first.size());
  TableEntry entry;
  TIDEMARK_ASSIGN_OR_RETURN(bool more, table_.Seek(prefix, entry));
  while (more && entry.key.starts_with(prefix)) {
    MapEntry& read = entries.emplace_back();
    TIDEMARK_ASSIGN_OR_RETURN(read.entry, Codec<uint64_t>::Decode(entry.key.substr(prefix.size())));
    TIDEMARK_RETURN_IF_ERROR(ReadRecord(entry.value, read.value));
    TIDEMARK_ASSIGN_OR_RETURN(more, table_.Next(entry));
  }
  return {};
}

// A list is one value, its elements one behind the other: adding to it reads and writes all of it.
template <class Table>
class OrderedLists final : public Lists {
 public:
  explicit OrderedLists(Table& table) : table_(table) {}

  Status Append(uint64_t key, uint64_t element) override {
    return AppendAll(key, std::span(&element, 1));
  }
  Status AppendAll(uint64_t key, std::span<const uint64_t> elements) override {
    const auto stored_key = KeyOf(key);
    std::string_view list;
    TIDEMARK_ASSIGN_OR_RETURN(const bool found, table_.Find(BytesOf(stored_key), list));
    joined_.assign(found ? list : std::string_view());
    joined_.append(reinterpret_cast<const char*>(elements.data()), elements.size_bytes());
    return found ? table_.PutFound(BytesOf(stored_key), joined_)
                 : table_.Put(BytesOf(stored_key), joined_);
  }
  Status Get(uint64_t key, std::vector<uint64_t>& elements) override {
    elements.clear();
    std::string_view list;
    TIDEMARK_ASSIGN_OR_RETURN(const bool found, table_.Find(BytesOf(KeyOf(key)), list));
    if (!found) return {};
    elements.resize(list.size() / sizeof(uint64_t));
    std::memcpy(elements.data(), list.data(), elements.size() * sizeof(uint64_t));
    return {};
  }

 private:
  Table& table_;
  std::string joined_;
};

}  // namespace tidemark::bench
