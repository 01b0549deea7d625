// MapState<K, M, V>: for each partition key K a map from M to V, a thin typed view over a Table.
#pragma once

#include <tidemark/codec.h>
#include <tidemark/scan.h>
#include <tidemark/table.h>

#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace tidemark {

// Makes the table's key of an entry: [length u16 BE][encoded K][encoded M]. What it returns is
// valid until the next call.
template <class K, class M>
class MapKeyEncoder {
 public:
  // [length u16 BE][encoded K]: what the keys of one map begin with.
  std::string_view EncodePartition(typename Codec<K>::Argument key) {
    typename Codec<K>::Buffer buffer;
    const std::string_view partition = Codec<K>::Encode(key, buffer);
    buffer_.clear();
    // A length that does not fit belongs to a key that the table refuses as too long.
    buffer_.push_back(static_cast<char>(partition.size() >> 8));
    buffer_.push_back(static_cast<char>(partition.size() & 0xff));
    buffer_.append(partition);
    partition_bytes_ = buffer_.size();
    return buffer_;
  }
  // An entry of that map.
  std::string_view WithEntry(typename Codec<M>::Argument entry) {
    typename Codec<M>::Buffer buffer;
    buffer_.resize(partition_bytes_);
    buffer_.append(Codec<M>::Encode(entry, buffer));
    return buffer_;
  }
  std::string_view Encode(typename Codec<K>::Argument key, typename Codec<M>::Argument entry) {
    EncodePartition(key);
    return WithEntry(entry);
  }

 private:
  std::string buffer_;
  size_t partition_bytes_ = 0;
};

// The entries of one map in the order of their encoded keys (that of numbers for integers, that of
// bytes for strings), as they were when this was made. Lifetimes, blocking and errors are those of
// Iterator; bytes that a codec cannot decode are Corruption.
//
// Thread safety: as Iterator.
template <class M, class V>
class MapEntries {
 public:
  MapEntries(Iterator iterator, size_t prefix_bytes, std::string table)
      : iterator_(std::move(iterator)), prefix_bytes_(prefix_bytes), table_(std::move(table)) {}

  // Moves to the next entry, at first to the first one. False at the end.
  Result<bool> Next() {
    TIDEMARK_ASSIGN_OR_RETURN(const bool more, iterator_.Next());
    if (!more) return false;
    auto key = Codec<M>::Decode(iterator_.key().substr(prefix_bytes_));
    if (!key) return table_internal::AtKey(key.error(), table_, iterator_.key());
    auto value = Codec<V>::Decode(iterator_.value());
    if (!value) return table_internal::AtKey(value.error(), table_, iterator_.key());
    key_.emplace(*std::move(key));
    value_.emplace(*std::move(value));
    return true;
  }
  // The entry that Next has moved to.
  const typename Codec<M>::View& key() const { return *key_; }
  const typename Codec<V>::View& value() const { return *value_; }
  void Close() { iterator_.Close(); }

 private:
  Iterator iterator_;
  size_t prefix_bytes_;
  std::string table_;
  std::optional<typename Codec<M>::View> key_;
  std::optional<typename Codec<V>::View> value_;
};

// Limits, errors, blocking and lifetimes are those of Table. The encoded K and M together have at
// most 65,533 bytes; longer ones are InvalidArgument (`key-too-long`).
//
// Thread safety: as Table.
template <class K, class M, class V>
class MapState {
 public:
  using KeyArgument = typename Codec<K>::Argument;
  using EntryKeyArgument = typename Codec<M>::Argument;
  using ValueArgument = typename Codec<V>::Argument;
  using View = typename Codec<V>::View;

  // What StateStore::Map passes to OpenTable.
  static TableOptions Options() {
    return {.kind = TableKind::kMap,
            .key_codec = std::string(Codec<K>::kName) + "+" + std::string(Codec<M>::kName),
            .value_codec = std::string(Codec<V>::kName),
            .schema = {}};
  }
  explicit MapState(Table table) : table_(std::move(table)) {}

  // The value of `entry` in the map of `key`, nullopt if there is none.
  Result<std::optional<View>> Get(KeyArgument key, EntryKeyArgument entry) {
    const std::string_view encoded = encoder_.Encode(key, entry);
    TIDEMARK_ASSIGN_OR_RETURN(const auto bytes, table_.Get(encoded));
    if (!bytes) return std::optional<View>();
    Result<View> view = Codec<V>::Decode(*bytes);
    if (!view) return table_internal::AtKey(view.error(), table_.name(), encoded);
    return std::optional<View>(*std::move(view));
  }

  Result<bool> Contains(KeyArgument key, EntryKeyArgument entry) {
    TIDEMARK_ASSIGN_OR_RETURN(const auto bytes, table_.Get(encoder_.Encode(key, entry)));
    return bytes.has_value();
  }

  // Sets the value of an entry. Reads nothing.
  Status Put(KeyArgument key, EntryKeyArgument entry, ValueArgument value) {
    typename Codec<V>::Buffer buffer;
    return table_.Put(encoder_.Encode(key, entry), Codec<V>::Encode(value, buffer));
  }

  // Puts every pair {entry, value} of a range. At the first error it stops: entries before it are
  // set.
  template <class Range>
  Status PutAll(KeyArgument key, const Range& entries) {
    encoder_.EncodePartition(key);
    for (const auto& [entry, value] : entries) {
      typename Codec<V>::Buffer buffer;
      TIDEMARK_RETURN_IF_ERROR(
          table_.Put(encoder_.WithEntry(entry), Codec<V>::Encode(value, buffer)));
    }
    return {};
  }

  // Removes an entry, present or not. Reads nothing.
  Status Delete(KeyArgument key, EntryKeyArgument entry) {
    return table_.Delete(encoder_.Encode(key, entry));
  }

  // Reads, changes and writes an entry in one look-up: `change(V&)` gets its value, or V{} if there
  // is none. When it throws, nothing has changed. It must not call the store.
  template <class F>
  Status Update(KeyArgument key, EntryKeyArgument entry, F&& change) {
    typename Codec<V>::Buffer buffer;
    const std::string_view encoded = encoder_.Encode(key, entry);
    V value{};
    return table_.Update(
        encoded, [&](const std::optional<std::string_view>& current) -> Result<std::string_view> {
          if (current) {
            auto decoded = Codec<V>::Decode(*current);
            if (!decoded) return table_internal::AtKey(decoded.error(), table_.name(), encoded);
            value = *std::move(decoded);
          }
          change(value);
          return Codec<V>::Encode(value, buffer);
        });
  }

  // The entries of the map of `key`, in order.
  Result<MapEntries<M, V>> Entries(KeyArgument key, bool reverse = false) {
    ScanOptions options;
    options.prefix = encoder_.EncodePartition(key);
    options.reverse = reverse;
    const size_t prefix_bytes = options.prefix.size();
    TIDEMARK_ASSIGN_OR_RETURN(Iterator iterator, table_.Scan(options));
    return MapEntries<M, V>(std::move(iterator), prefix_bytes, table_.name());
  }

  // Removes all entries of the map of `key`; see Table::DeleteRange.
  Status Clear(KeyArgument key) {
    ScanOptions options;
    options.prefix = encoder_.EncodePartition(key);
    return table_.DeleteRange(options);
  }

  Table& table() noexcept { return table_; }

 private:
  Table table_;
  MapKeyEncoder<K, M> encoder_;
};

}  // namespace tidemark
