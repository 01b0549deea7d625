// MapState<K, M, V>: for each partition key K a map from M to V, a thin typed view over a Table.
#pragma once

#include <tidemark/codec.h>
#include <tidemark/scan.h>
#include <tidemark/table.h>

#include <cstring>
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
    // A length that does not fit belongs to a key that the table refuses as too long.
    const char length[] = {static_cast<char>(partition.size() >> 8),
                           static_cast<char>(partition.size() & 0xff)};
    size_ = 0;
    Append({length, sizeof(length)});
    partition_bytes_ = sizeof(length) + partition.size();
    return Append(partition);
  }
  // An entry of that map.
  std::string_view WithEntry(typename Codec<M>::Argument entry) {
    typename Codec<M>::Buffer buffer;
    size_ = partition_bytes_;
    return Append(Codec<M>::Encode(entry, buffer));
  }
  std::string_view Encode(typename Codec<K>::Argument key, typename Codec<M>::Argument entry) {
    EncodePartition(key);
    return WithEntry(entry);
  }

 private:
  // Returns all that there is.
  std::string_view Append(std::string_view bytes) {
    const size_t size = size_ + bytes.size();
    if (size <= sizeof(short_)) {
      if (!bytes.empty()) std::memcpy(short_ + size_, bytes.data(), bytes.size());
      size_ = size;
      return {short_, size_};
    }
    if (size_ <= sizeof(short_)) long_.assign(short_, size_);
    long_.resize(size_);
    long_.append(bytes);
    size_ = size;
    return long_;
  }

  char short_[64];  // nearly all keys; what does not fit is in `long_`, all of it
  std::string long_;
  size_t size_ = 0;
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
    TableOptions options{
        .kind = TableKind::kMap,
        .key_codec = std::string(Codec<K>::kName) + "+" + std::string(Codec<M>::kName)};
    codec_internal::DescribeValues<V>(options);
    return options;
  }
  explicit MapState(Table table) : table_(std::move(table)) {}

  // The value of `entry` in the map of `key`, nullopt if there is none.
  Result<std::optional<View>> Get(KeyArgument key, EntryKeyArgument entry) {
    MapKeyEncoder<K, M> encoder;
    const std::string_view encoded = encoder.Encode(key, entry);
    TIDEMARK_ASSIGN_OR_RETURN(const auto bytes, table_.Get(encoded));
    if (!bytes) return std::optional<View>();
    Result<View> view = Codec<V>::Decode(*bytes);
    if (!view) return table_internal::AtKey(view.error(), table_.name(), encoded);
    return std::optional<View>(*std::move(view));
  }

  Result<bool> Contains(KeyArgument key, EntryKeyArgument entry) {
    MapKeyEncoder<K, M> encoder;
    TIDEMARK_ASSIGN_OR_RETURN(const auto bytes, table_.Get(encoder.Encode(key, entry)));
    return bytes.has_value();
  }

  // Sets the value of an entry. Reads nothing.
  Status Put(KeyArgument key, EntryKeyArgument entry, ValueArgument value) {
    TIDEMARK_RETURN_IF_ERROR(codec_internal::CheckValue<V>(value));
    MapKeyEncoder<K, M> encoder;
    typename Codec<V>::Buffer buffer;
    return table_.Put(encoder.Encode(key, entry), Codec<V>::Encode(value, buffer));
  }

  // Puts every pair {entry, value} of a range. At the first error it stops: entries before it are
  // set.
  template <class Range>
  Status PutAll(KeyArgument key, const Range& entries) {
    MapKeyEncoder<K, M> encoder;
    encoder.EncodePartition(key);
    for (const auto& [entry, value] : entries) {
      TIDEMARK_RETURN_IF_ERROR(codec_internal::CheckValue<V>(value));
      typename Codec<V>::Buffer buffer;
      TIDEMARK_RETURN_IF_ERROR(
          table_.Put(encoder.WithEntry(entry), Codec<V>::Encode(value, buffer)));
    }
    return {};
  }

  // Removes an entry, present or not. Reads nothing.
  Status Delete(KeyArgument key, EntryKeyArgument entry) {
    MapKeyEncoder<K, M> encoder;
    return table_.Delete(encoder.Encode(key, entry));
  }

  // Reads, changes and writes an entry in one look-up: `change(V&)` gets its value, or V{} if there
  // is none. When it throws, nothing has changed. It must not call the store.
  template <class F>
  Status Update(KeyArgument key, EntryKeyArgument entry, F&& change) {
    static_assert(!std::is_convertible_v<std::invoke_result_t<F&, V&>, Status>,
                  "the Status of `change` would be lost: use table().Update");
    MapKeyEncoder<K, M> encoder;
    typename Codec<V>::Buffer buffer;
    const std::string_view encoded = encoder.Encode(key, entry);
    V value{};
    return table_.Update(
        encoded, [&](const std::optional<std::string_view>& current) -> Result<std::string_view> {
          if (current) {
            auto decoded = Codec<V>::Decode(*current);
            if (!decoded) return table_internal::AtKey(decoded.error(), table_.name(), encoded);
            value = *std::move(decoded);
          }
          change(value);
          TIDEMARK_RETURN_IF_ERROR(codec_internal::CheckValue<V>(value));
          return Codec<V>::Encode(value, buffer);
        });
  }

  // The entries of the map of `key`, in order.
  Result<MapEntries<M, V>> Entries(KeyArgument key, bool reverse = false) {
    MapKeyEncoder<K, M> encoder;
    ScanOptions options;
    options.prefix = encoder.EncodePartition(key);
    options.reverse = reverse;
    const size_t prefix_bytes = options.prefix.size();
    TIDEMARK_ASSIGN_OR_RETURN(Iterator iterator, table_.Scan(options));
    return MapEntries<M, V>(std::move(iterator), prefix_bytes, table_.name());
  }

  // Removes all entries of the map of `key`; see Table::DeleteRange.
  Status Clear(KeyArgument key) {
    MapKeyEncoder<K, M> encoder;
    ScanOptions options;
    options.prefix = encoder.EncodePartition(key);
    return table_.DeleteRange(options);
  }

  Table& table() & noexcept { return table_; }
  Table table() && noexcept { return std::move(table_); }

 private:
  Table table_;
};

}  // namespace tidemark
