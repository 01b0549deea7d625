// ValueState<K, V>: one value a key, a thin typed view over a Table.
#pragma once

#include <tidemark/codec.h>
#include <tidemark/table.h>

#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace tidemark {

// The kinds, limits, errors, blocking and lifetimes are those of Table; a value that its codec
// cannot decode is Corruption and leaves the entry as it is.
//
// Thread safety: as Table.
template <class K, class V>
class ValueState {
 public:
  using KeyArgument = typename Codec<K>::Argument;
  using ValueArgument = typename Codec<V>::Argument;
  using View = typename Codec<V>::View;

  // What StateStore::Value passes to OpenTable.
  static TableOptions Options() {
    TableOptions options{.kind = TableKind::kValue, .key_codec = std::string(Codec<K>::kName)};
    codec_internal::DescribeValues<V>(options);
    return options;
  }
  explicit ValueState(Table table) : table_(std::move(table)) {}

  // The value of `key`, nullopt if there is none. Strings are views into the cache.
  Result<std::optional<View>> Get(KeyArgument key) {
    typename Codec<K>::Buffer key_buffer;
    std::string_view encoded = Codec<K>::Encode(key, key_buffer);
    TIDEMARK_ASSIGN_OR_RETURN(const auto bytes, table_.GetAt(&encoded));
    if (!bytes) return std::optional<View>();
    Result<View> view = Codec<V>::Decode(*bytes);
    if (!view) return table_internal::AtKey(view.error(), table_.name(), encoded);
    return std::optional<View>(*std::move(view));
  }

  // Sets the value of `key`. Reads nothing.
  Status Put(KeyArgument key, ValueArgument value) {
    TIDEMARK_RETURN_IF_ERROR(codec_internal::CheckValue<V>(value));
    typename Codec<K>::Buffer key_buffer;
    typename Codec<V>::Buffer value_buffer;
    return table_.Put(Codec<K>::Encode(key, key_buffer), Codec<V>::Encode(value, value_buffer));
  }

  // Removes `key`, present or not. Reads nothing.
  Status Delete(KeyArgument key) {
    typename Codec<K>::Buffer key_buffer;
    return table_.Delete(Codec<K>::Encode(key, key_buffer));
  }

  // Reads, changes and writes in one look-up: `change(V&)` gets the current value, or V{} if there
  // is none. When it throws, nothing has changed. It must not call the store. A change that can
  // fail is one for Table::Update, which returns its error.
  template <class F>
  Status Update(KeyArgument key, F&& change) {
    static_assert(!std::is_convertible_v<std::invoke_result_t<F&, V&>, Status>,
                  "the Status of `change` would be lost: use table().Update");
    typename Codec<K>::Buffer key_buffer;
    typename Codec<V>::Buffer value_buffer;
    std::string_view encoded = Codec<K>::Encode(key, key_buffer);
    V value{};
    return table_.UpdateAt(
        &encoded, [&](const std::optional<std::string_view>& current) -> Result<std::string_view> {
          if (current) {
            auto decoded = Codec<V>::Decode(*current);
            if (!decoded) return table_internal::AtKey(decoded.error(), table_.name(), encoded);
            value = *std::move(decoded);
          }
          change(value);
          TIDEMARK_RETURN_IF_ERROR(codec_internal::CheckValue<V>(value));
          return Codec<V>::Encode(value, value_buffer);
        });
  }

  // Calls `visit(key view, value view)` for every entry, in no order, until it returns false. Reads
  // all of the table; caches nothing. `visit` must not call the store.
  template <class F>
  Status ForEach(F&& visit) {
    Status decoded;
    TIDEMARK_RETURN_IF_ERROR(
        table_.ForEach([&](std::string_view key, std::string_view value) -> bool {
          auto k = Codec<K>::Decode(key);
          auto v = Codec<V>::Decode(value);
          if (!k || !v) {
            decoded = table_internal::AtKey(k ? v.error() : k.error(), table_.name(), key);
            return false;
          }
          return visit(*k, *v);
        }));
    return decoded;
  }

  Table& table() & noexcept { return table_; }
  Table table() && noexcept { return std::move(table_); }

 private:
  Table table_;
};

}  // namespace tidemark
