// ListState<K, V>: a list a key, a thin typed view over a Table of kind kList.
//
// An element is stored as [size u32 LE][encoded V], one behind the other, so that appending one is
// appending bytes.
#pragma once

#include <tidemark/codec.h>
#include <tidemark/table.h>

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace tidemark {

// The elements of one list, the oldest first. It views the cache: valid until the next non-const
// call on the store.
template <class V>
class ListElements {
 public:
  using View = typename Codec<V>::View;

  ListElements() = default;
  ListElements(std::string_view bytes, std::string table, std::string key)
      : rest_(bytes), table_(std::move(table)), key_(std::move(key)) {}
  ListElements(ListElements&&) noexcept = default;
  ListElements& operator=(ListElements&&) noexcept = default;

  // Moves to the next element, at first to the first one. False at the end. Corruption, naming
  // table and key, if the bytes are no list of such elements; there is no next element then.
  Result<bool> Next() {
    if (rest_.empty()) return false;
    uint32_t size = 0;
    const std::string_view all = std::exchange(rest_, {});
    if (all.size() >= sizeof(size)) std::memcpy(&size, all.data(), sizeof(size));
    if (all.size() < sizeof(size) || all.size() - sizeof(size) < size) {
      return table_internal::AtKey(
          Status(StatusCode::kCorruption, "list-element",
                 "the list ends inside of an element: expected " + std::to_string(size) +
                     " bytes, got " + std::to_string(all.size())),
          table_, key_);
    }
    std::string_view element = all.substr(sizeof(size), size);
    if constexpr (std::is_pointer_v<View>) {  // read in place, so it must be aligned
      aligned_.assign(element.begin(), element.end());
      element = {aligned_.data(), aligned_.size()};
    }
    auto value = Codec<V>::Decode(element);
    if (!value) return table_internal::AtKey(std::move(value).error(), table_, key_);
    value_.emplace(*std::move(value));
    rest_ = all.substr(sizeof(size) + size);
    return true;
  }
  // The element that Next has moved to; what it points to is valid until the next call of Next.
  const View& value() const { return *value_; }

 private:
  std::string_view rest_;
  std::string table_;
  std::string key_;
  std::vector<char> aligned_;  // its bytes stay where they are when this is moved
  std::optional<View> value_;
};

// Limits, errors, blocking and lifetimes are those of Table.
//
// Thread safety: as Table.
template <class K, class V>
class ListState {
 public:
  using KeyArgument = typename Codec<K>::Argument;
  using ValueArgument = typename Codec<V>::Argument;

  // What StateStore::List passes to OpenTable.
  static TableOptions Options() {
    TableOptions options{.kind = TableKind::kList, .key_codec = std::string(Codec<K>::kName)};
    codec_internal::DescribeValues<V>(options);
    return options;
  }
  explicit ListState(Table table) : table_(std::move(table)) {}

  // Adds an element at the end. Reads nothing.
  Status Append(KeyArgument key, ValueArgument value) {
    Elements elements(*this);
    TIDEMARK_RETURN_IF_ERROR(elements.Add(value));
    typename Codec<K>::Buffer buffer;
    return table_.Append(Codec<K>::Encode(key, buffer), elements.bytes());
  }

  // Adds the elements of a range at the end, all of them or, after an error, none. Reads nothing.
  template <class Range>
  Status AppendAll(KeyArgument key, const Range& values) {
    Elements elements(*this);
    TIDEMARK_RETURN_IF_ERROR(elements.AddAll(values));
    if (elements.bytes().empty()) return {};
    typename Codec<K>::Buffer buffer;
    return table_.Append(Codec<K>::Encode(key, buffer), elements.bytes());
  }

  // The elements of `key`, none if there is no such list.
  Result<ListElements<V>> Get(KeyArgument key) {
    typename Codec<K>::Buffer buffer;
    const std::string_view encoded = Codec<K>::Encode(key, buffer);
    std::string key_bytes(encoded);
    TIDEMARK_ASSIGN_OR_RETURN(const auto bytes, table_.Get(encoded));
    return ListElements<V>(bytes.value_or(std::string_view()), table_.name(), std::move(key_bytes));
  }

  // The list becomes the elements of a range; of an empty one, no list. Reads nothing.
  template <class Range>
  Status Replace(KeyArgument key, const Range& values) {
    Elements elements(*this);
    TIDEMARK_RETURN_IF_ERROR(elements.AddAll(values));
    if (elements.bytes().empty()) return Clear(key);
    typename Codec<K>::Buffer buffer;
    return table_.Put(Codec<K>::Encode(key, buffer), elements.bytes());
  }

  // Removes the list. Reads nothing.
  Status Clear(KeyArgument key) {
    typename Codec<K>::Buffer buffer;
    return table_.Delete(Codec<K>::Encode(key, buffer));
  }

  Table& table() & noexcept { return table_; }
  Table table() && noexcept { return std::move(table_); }

 private:
  // Encoded elements, in the buffer of the state, which is lent to this for so long: a range may
  // use the state while it is iterated, and so may an event listener while a write waits.
  class Elements {
   public:
    explicit Elements(ListState& state) : state_(state), bytes_(std::exchange(state.spare_, {})) {
      bytes_.clear();
    }
    ~Elements() { state_.spare_ = std::move(bytes_); }
    Elements(const Elements&) = delete;
    Elements& operator=(const Elements&) = delete;

    Status Add(ValueArgument value) {
      TIDEMARK_RETURN_IF_ERROR(codec_internal::CheckValue<V>(value));
      typename Codec<V>::Buffer buffer;
      const std::string_view encoded = Codec<V>::Encode(value, buffer);
      // An element whose size does not fit is longer than any value may be, so the table refuses
      // it.
      const auto size = static_cast<uint32_t>(encoded.size());
      bytes_.append(reinterpret_cast<const char*>(&size), sizeof(size));
      bytes_.append(encoded);
      return {};
    }
    template <class Range>
    Status AddAll(const Range& values) {
      for (const auto& value : values) TIDEMARK_RETURN_IF_ERROR(Add(value));
      return {};
    }
    std::string_view bytes() const { return bytes_; }

   private:
    ListState& state_;
    std::string bytes_;
  };

  Table table_;
  std::string spare_;
};

}  // namespace tidemark
