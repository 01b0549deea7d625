#include "bench/numbered_table.h"

#include "bench/live_dump.h"
#include "bench/records.h"
#include "bench/table_hash.h"
#include "format/key.h"
#include "store/table_keys.h"

#include <algorithm>
#include <array>
#include <bit>
#include <stdexcept>

namespace tidemark::bench {
namespace {

TableKind KindOf(KeyOrder order) {
  return order == KeyOrder::kNumbers ? TableKind::kOrderedBytes : TableKind::kBytes;
}

Key KeyOf(KeyOrder order, uint64_t number) {
  if (order == KeyOrder::kHashed) return Key::At(number);
  // Whose bytes sort as numbers do.
  Codec<uint64_t>::Buffer bytes;
  Codec<uint64_t>::Encode(number, bytes);
  return {{std::bit_cast<uint64_t>(bytes), Mix(number + 1)}};
}

using StoredKey = std::array<char, format::kKeyGroupBytes + sizeof(Key)>;

template <class Object>
std::string_view Bytes(const Object& object) {
  return {reinterpret_cast<const char*>(&object), sizeof(object)};
}

// As the only subtask of a job stores it.
StoredKey StoredKeyOf(KeyOrder order, const Key& key) {
  const store::GroupLayout layout{.first = 0, .max_parallelism = StoreOptions().max_parallelism};
  std::string bytes;
  format::AppendStoredKey(
      store::GroupOf(KindOf(order), layout, format::HashKey(Bytes(key)), Bytes(key)), Bytes(key),
      &bytes);
  StoredKey stored;
  std::copy(bytes.begin(), bytes.end(), stored.begin());
  return stored;
}

}  // namespace

void NumberedTable::Open(StateStore& store) {
  table_ = store.OpenTable("numbered", {.kind = KindOf(order_)}).value();
}

void NumberedTable::Reserve(uint64_t keys) {
  if (keys > versions_.size()) versions_.resize(keys, kAbsent);
}

void NumberedTable::Put(uint64_t number) {
  if (number >= versions_.size()) versions_.resize(number + 1, kAbsent);
  ++versions_[number];
  ++operations_;
  table_->Put(Bytes(KeyOf(order_, number)), ValueOf(number)).Check();
}

void NumberedTable::Delete(uint64_t number) {
  versions_.at(number) = kAbsent;
  ++operations_;
  table_->Delete(Bytes(KeyOf(order_, number))).Check();
}

void NumberedTable::Check(uint64_t number) {
  const auto found = table_->Get(Bytes(KeyOf(order_, number))).value();
  const bool is_there = number < versions_.size() && versions_[number] != kAbsent;
  if (found.has_value() == is_there && (!is_there || *found == ValueOf(number))) return;
  throw std::runtime_error("the value of key number " + std::to_string(number) +
                           " is not the last one that was put");
}

uint64_t NumberedTable::CheckAll(const char* what) {
  const uint64_t hash = HashOf(*table_);
  CheckHash(what, ExpectedHash(), hash);
  return hash;
}

uint64_t NumberedTable::ExpectedHash() const {
  ContentHash hash;
  ForEachLive([&](uint64_t number) { hash.Add(Bytes(KeyOf(order_, number)), ValueOf(number)); });
  return hash.value();
}

uint64_t NumberedTable::LiveBytes(const std::string& directory) const {
  struct Entry {
    StoredKey key;
    uint64_t number;
  };
  std::vector<Entry> entries;
  ForEachLive([&](uint64_t number) {
    entries.push_back({StoredKeyOf(order_, KeyOf(order_, number)), number});
  });
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return Bytes(a.key) < Bytes(b.key); });
  LiveDump dump(directory);
  for (const Entry& entry : entries) dump.Add(Bytes(entry.key), ValueOf(entry.number));
  return dump.Finish();
}

template <class Visitor>
void NumberedTable::ForEachLive(const Visitor& visit) const {
  for (uint64_t number = 0; number < versions_.size(); ++number) {
    if (versions_[number] != kAbsent) visit(number);
  }
}

std::string_view NumberedTable::ValueOf(uint64_t number) const {
  if (made_of_ == ValueBytes::kFloats) {
    FillFloats(number, versions_[number], value_);
  } else {
    FillValue(number, versions_[number], value_);
  }
  return value_;
}

}  // namespace tidemark::bench
