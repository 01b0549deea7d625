// ReadView: the state as of a checkpoint, to be read beside a store that is at work.
#pragma once

#include <tidemark/codec.h>
#include <tidemark/list_state.h>
#include <tidemark/map_state.h>
#include <tidemark/options.h>
#include <tidemark/scan.h>
#include <tidemark/status.h>
#include <tidemark/table.h>
#include <tidemark/value_state.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace tidemark {

namespace store {
class ViewCore;
class ViewTable;
}  // namespace store

// What StateStore::OpenView needs to know.
struct ViewOptions {
  // A retained checkpoint; unset: the newest that is complete.
  std::optional<uint64_t> checkpoint{};
  // The checkpoint of this pin instead, whether it is still retained or not; empty: none.
  std::string pin{};
  // kFull hashes all of the checkpoint's files. With kFast base files are checked by size, and each
  // block of them by its own checksum when it is read.
  Verification verification = Verification::kFast;
  // Cache of the view, in bytes, counted in the runtime's budget while it is open; so is the block
  // cache that the stores share, even when all of them are closed. 0: the smaller of 8 MiB and a
  // 32nd of the budget. 64 KiB to 64 GiB otherwise.
  uint64_t block_cache_bytes = 0;
};

// One table of a ReadView; cheap to copy. It keeps the view open, and every member that reads
// returns Closed (`view-closed`) after ReadView::Close.
//
// Reads go to RocksDB, never to the store: Corruption (naming table and key where there is one),
// Unavailable. Such an error concerns this read alone.
//
// Thread safety: all members may be called concurrently.
class ReadTable {
 public:
  // A copy of the value of `key`, nullopt if there is none. InvalidArgument as for Table.
  Result<std::optional<std::string>> Get(std::string_view key) const;

  // How many keys the table has: exact if it was created with TableOptions::exact_count, otherwise
  // what RocksDB estimates. Costs next to nothing.
  Result<KeyCount> Count() const;

  // Calls `visit(key, value)` for every entry until it returns false: in key order if the table is
  // of kind kOrderedBytes, by partitions and then in key order if it is of kind kMap, else in no
  // order. What `visit` is given is valid during the call, the value 8-byte aligned. It may use the
  // view, and may close it.
  template <class F>
  Status ForEach(F&& visit) const {
    return ForEachWith(nullptr, Wrap(visit), Context(visit));
  }
  // The same for the entries of a range, in key order, under the rules of Table::Scan.
  template <class F>
  Status ForEach(const ScanOptions& options, F&& visit) const {
    return ForEachWith(&options, Wrap(visit), Context(visit));
  }

  const std::string& name() const noexcept TIDEMARK_LIFETIME_BOUND;
  const TableOptions& options() const noexcept TIDEMARK_LIFETIME_BOUND;

 private:
  friend class ReadView;
  explicit ReadTable(std::shared_ptr<const store::ViewTable> core) : core_(std::move(core)) {}

  using VisitFunction = bool (*)(void*, std::string_view, std::string_view);
  template <class F>
  static VisitFunction Wrap(F&) {
    return [](void* context, std::string_view key, std::string_view value) -> bool {
      return (*static_cast<F*>(context))(key, value);
    };
  }
  template <class F>
  static void* Context(F& visit) {
    return const_cast<void*>(static_cast<const void*>(std::addressof(visit)));
  }
  Status ForEachWith(const ScanOptions* options, VisitFunction visit, void* context) const;

  std::shared_ptr<const store::ViewTable> core_;
};

// A ValueState of a ReadView. Errors and lifetimes are those of ReadTable; a value that its codec
// cannot decode is Corruption.
//
// Thread safety: as ReadTable.
template <class K, class V>
class ReadValue {
 public:
  explicit ReadValue(ReadTable table) : table_(std::move(table)) {}

  // The value of `key`, nullopt if there is none: a V that owns what it holds, or what Owned<V>
  // says.
  Result<std::optional<typename Owned<V>::Type>> Get(typename Codec<K>::Argument key) const {
    typename Codec<K>::Buffer buffer;
    return DecodeOwned(table_, Codec<K>::Encode(key, buffer));
  }

  // Calls `visit(key view, value view)` for every entry, in no order, until it returns false. The
  // views are valid during the call.
  template <class F>
  Status ForEach(F&& visit) const {
    Status decoded;
    TIDEMARK_RETURN_IF_ERROR(
        table_.ForEach([&](std::string_view key, std::string_view value) -> bool {
          auto k = Codec<K>::Decode(key);
          auto v = Codec<V>::Decode(value);
          if (k && v) return visit(*k, *v);
          decoded = table_internal::AtKey(k ? v.error() : k.error(), table_.name(), key);
          return false;
        }));
    return decoded;
  }

  const ReadTable& table() const& noexcept { return table_; }
  ReadTable table() && noexcept { return std::move(table_); }

 private:
  template <class, class, class>
  friend class ReadMap;
  static Result<std::optional<typename Owned<V>::Type>> DecodeOwned(const ReadTable& table,
                                                                    std::string_view key) {
    TIDEMARK_ASSIGN_OR_RETURN(std::optional<std::string> bytes, table.Get(key));
    if (!bytes) return std::optional<typename Owned<V>::Type>();
    auto value = Owned<V>::Decode(*std::move(bytes));
    if (!value) return table_internal::AtKey(value.error(), table.name(), key);
    return std::optional<typename Owned<V>::Type>(*std::move(value));
  }

  ReadTable table_;
};

// A MapState of a ReadView. As ReadValue.
//
// Thread safety: as ReadTable.
template <class K, class M, class V>
class ReadMap {
 public:
  using KeyArgument = typename Codec<K>::Argument;
  using EntryKeyArgument = typename Codec<M>::Argument;

  explicit ReadMap(ReadTable table) : table_(std::move(table)) {}

  // The value of `entry` in the map of `key`, nullopt if there is none; as ReadValue::Get.
  Result<std::optional<typename Owned<V>::Type>> Get(KeyArgument key,
                                                     EntryKeyArgument entry) const {
    MapKeyEncoder<K, M> encoder;
    return ReadValue<K, V>::DecodeOwned(table_, encoder.Encode(key, entry));
  }

  Result<bool> Contains(KeyArgument key, EntryKeyArgument entry) const {
    MapKeyEncoder<K, M> encoder;
    TIDEMARK_ASSIGN_OR_RETURN(const auto bytes, table_.Get(encoder.Encode(key, entry)));
    return bytes.has_value();
  }

  // Calls `visit(entry key view, value view)` for the entries of the map of `key`, in order, or
  // from the last to the first, until it returns false. The views are valid during the call.
  template <class F>
  Status ForEach(KeyArgument key, F&& visit, bool reverse = false) const {
    MapKeyEncoder<K, M> encoder;
    ScanOptions options;
    options.prefix = encoder.EncodePartition(key);
    options.reverse = reverse;
    Status decoded;
    TIDEMARK_RETURN_IF_ERROR(
        table_.ForEach(options, [&](std::string_view bytes, std::string_view value) -> bool {
          auto entry = Codec<M>::Decode(bytes.substr(options.prefix.size()));
          auto v = Codec<V>::Decode(value);
          if (entry && v) return visit(*entry, *v);
          decoded = table_internal::AtKey(entry ? v.error() : entry.error(), table_.name(), bytes);
          return false;
        }));
    return decoded;
  }

  const ReadTable& table() const& noexcept { return table_; }
  ReadTable table() && noexcept { return std::move(table_); }

 private:
  ReadTable table_;
};

// A ListState of a ReadView. As ReadValue.
//
// Thread safety: as ReadTable.
template <class K, class V>
class ReadList {
 public:
  using KeyArgument = typename Codec<K>::Argument;

  explicit ReadList(ReadTable table) : table_(std::move(table)) {}

  // Calls `visit(element view)` for the elements of `key`, the oldest first, until it returns
  // false; for none if there is no such list. The view is valid during the call.
  template <class F>
  Status ForEach(KeyArgument key, F&& visit) const {
    typename Codec<K>::Buffer buffer;
    const std::string_view encoded = Codec<K>::Encode(key, buffer);
    TIDEMARK_ASSIGN_OR_RETURN(const auto bytes, table_.Get(encoded));
    if (!bytes) return {};
    ListElements<V> elements(*bytes, table_.name(), std::string(encoded));
    while (true) {
      TIDEMARK_ASSIGN_OR_RETURN(const bool more, elements.Next());
      if (!more || !visit(elements.value())) return {};
    }
  }

  // The elements of `key`, the oldest first. For a V that can be made of its codec's View.
  Result<std::vector<V>> Get(KeyArgument key) const {
    std::vector<V> elements;
    TIDEMARK_RETURN_IF_ERROR(ForEach(key, [&](const typename Codec<V>::View& element) {
      elements.emplace_back(element);
      return true;
    }));
    return elements;
  }

  const ReadTable& table() const& noexcept { return table_; }
  ReadTable table() && noexcept { return std::move(table_); }

 private:
  ReadTable table_;
};

// The state as of one checkpoint, whatever happens to the store: later changes, retention, a
// failure, Close, its destruction. Nothing that is done here, and nothing that fails here, has an
// effect on the store.
//
// A view has files in `views` below the store's directory, hard links where the repository allows
// them, else copies; that directory must stay until the view is released. Cheap to copy: copies,
// and the tables got from them, are handles to one view. It is released, which removes the files
// and gives back the memory, by Close or when the last handle goes. The Runtime lives until then.
//
// Thread safety: all members may be called concurrently.
class ReadView {
 public:
  // Which one it is.
  CheckpointInfo checkpoint() const;
  // The names of its tables, ascending.
  std::vector<std::string> Tables() const;

  // The SHA-256 of all that the checkpoint holds, as 64 lower-case hexadecimal digits: names, kinds
  // and codecs of its tables, keys, values. It does not depend on how that is stored, and so tells
  // whether two checkpoints, wherever they are, restore to the same state; docs/FORMAT.md defines
  // it. Blocks while it reads everything, past the view's cache. Corruption (naming the table),
  // Unavailable, Closed (`view-closed`), Internal (`digest-failed`: libcrypto has no SHA-256).
  Result<std::string> Digest() const;

  // The table `name`, whatever it is. NotFound (`table-not-found`), Closed (`view-closed`).
  Result<ReadTable> Table(std::string_view name) const;
  // The same, if it is what `options` say (kind and codecs): InvalidArgument (`table-mismatch`).
  Result<ReadTable> Table(std::string_view name, const TableOptions& options) const;

  // The same as a typed state.
  template <class K, class V>
  Result<ReadValue<K, V>> Value(std::string_view name) const {
    return OpenState<ReadValue<K, V>, ValueState<K, V>>(name);
  }

  template <class K, class M, class V>
  Result<ReadMap<K, M, V>> Map(std::string_view name) const {
    return OpenState<ReadMap<K, M, V>, MapState<K, M, V>>(name);
  }

  template <class K, class V>
  Result<ReadList<K, V>> List(std::string_view name) const {
    return OpenState<ReadList<K, V>, ListState<K, V>>(name);
  }

  // Refuses all reads from now on, through whichever handle; those under way go on to their end,
  // and the last of them releases the view. If there is none it is released on return.
  void Close();

 private:
  friend class StateStore;
  explicit ReadView(std::shared_ptr<store::ViewCore> core) : core_(std::move(core)) {}
  template <class Reader, class State>
  Result<Reader> OpenState(std::string_view name) const {
    TIDEMARK_ASSIGN_OR_RETURN(ReadTable table, Table(name, State::Options()));
    return Reader(std::move(table));
  }

  std::shared_ptr<store::ViewCore> core_;
};

}  // namespace tidemark
