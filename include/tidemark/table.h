// Table: one named state by bytes, the lower of the two levels of the API.
#pragma once

#include <tidemark/scan.h>
#include <tidemark/status.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace tidemark {

// What a table is to its users. Persisted: do not renumber.
enum class TableKind : uint8_t {
  kBytes = 1,         // hashed table by bytes
  kOrderedBytes = 2,  // ordered as a whole, in one key group; does not rescale
  kValue = 3,         // ValueState
  kMap = 4,  // MapState: keys are [length u16 BE][partition][entry key], ordered within a partition
  kList = 5,        // ListState: hashed, its values grow by Append
  kAggregate = 6,   // reserved
  kTimerQueue = 7,  // reserved
};

// What is fixed when a table is created and checked whenever it is opened again.
struct TableOptions {
  TableKind kind = TableKind::kBytes;
  std::string key_codec = "bytes";
  std::string value_codec = "bytes";
  // Binary schema of the values (FlatBuffers .bfbs), kept in the repository so that tools can
  // decode them. Not compared at reopening. At most 1 MiB.
  std::string schema{};
  // Keep an exact count of the keys, see Table::Count. Every write then looks its key up first, and
  // DeleteRange deletes one by one. It stays as it was when the table was created: opening a table
  // with it that was made without is refused, the other way round it is ignored.
  bool exact_count = false;
};

// How many keys a table has.
struct KeyCount {
  uint64_t keys = 0;
  bool exact = false;  // else an estimate
};

constexpr size_t kKeyBytesMax = 65'535;

namespace store {
class TableCore;
}

// A handle to a table of an open StateStore; cheap to copy, usable as long as the store is open,
// and every member returns `Closed` after that, or NotFound (`table-dropped`) after DropTable.
//
// Keys are 0 to 65,535 bytes, values 0 bytes to StoreOptions::value_bytes_max; others are
// InvalidArgument (`key-too-long`, `value-too-long`) and change nothing.
//
// Views returned here stay valid until the next non-const call on the store or any of its tables.
// Writes may block for memory up to StoreOptions::stall_timeout, then return ResourceExhausted
// (`memory-budget`) and have changed nothing; at once where waiting is in vain, as the epochs of
// failed checkpoints fill the memory and no checkpoint is under way that would take them along. If
// the current epoch is larger than memory they write what it has changed to the local disk:
// Unavailable, ResourceExhausted (`disk-full`). Reads may read RocksDB, and so do writes of a table
// that keeps count: Corruption or Unavailable.
//
// Thread safety: one thread at a time over a store and all its tables.
class Table {
 public:
  // The value of `key`, nullopt if there is none. 8-byte aligned.
  Result<std::optional<std::string_view>> Get(std::string_view key);

  // Calls `visit(index, value)` for each of `keys` once, value as Get would return it and valid
  // during the call: of each few dozen those that are cached first, then the others, which RocksDB
  // reads together. It must not call the store. After an error some were not visited.
  // `visit`: (size_t, const std::optional<std::string_view>&) -> void
  template <class F>
  Status MultiGet(std::span<const std::string_view> keys, F&& visit) {
    using Visit = std::remove_reference_t<F>;
    return MultiGetWith(
        keys,
        [](void* context, size_t index, const std::optional<std::string_view>& value) {
          (*static_cast<Visit*>(context))(index, value);
        },
        const_cast<void*>(static_cast<const void*>(std::addressof(visit))));
  }

  // Sets the value of `key`. Reads nothing.
  Status Put(std::string_view key, std::string_view value);

  // Removes `key`, present or not. Reads nothing.
  Status Delete(std::string_view key);

  // Reads, changes and writes in one look-up: `change` gets the current value (nullopt if there is
  // none; valid during the call) and returns the new one, whose bytes must live until Update
  // returns. When it returns an error, or throws, nothing has changed. It must not call the store:
  // such calls fail with InvalidArgument (`reentrant-call`). `change`:
  // (std::optional<std::string_view>) -> Result<std::string_view>
  template <class F>
  Status Update(std::string_view key, F&& change) {
    return UpdateAt(&key, std::forward<F>(change));
  }

  // The bytes of `key`'s value in the cache, to be changed in place without changing their number;
  // an empty-pointer span if there is none. What is written there until the next non-const call is
  // part of the current epoch. 8-byte aligned. InvalidArgument (`value-too-long`), and nothing has
  // changed, for a list that has grown beyond StoreOptions::value_bytes_max: a whole value must fit
  // into one record of the change log.
  Result<std::span<char>> Mutable(std::string_view key);

  // Adds `bytes` at the end of the value of `key`, or makes them its value. Reads nothing, and the
  // change log gets these bytes only. For tables of kind kList, Unsupported (`table-not-list`)
  // otherwise. What one epoch adds to a key is limited as a value is; a value that has grown beyond
  // 2 GiB over several cannot be read any more (`value-too-long`), only deleted and replaced.
  Status Append(std::string_view key, std::string_view bytes);

  // Calls `visit(key, value)` for every entry, in no order, until it returns false. Reads all of
  // the table; caches nothing. `visit` must not call the store.
  template <class F>
  Status ForEach(F&& visit) {
    using Visit = std::remove_reference_t<F>;
    return ForEachWith(
        [](void* context, std::string_view key, std::string_view value) -> bool {
          return (*static_cast<Visit*>(context))(key, value);
        },
        const_cast<void*>(static_cast<const void*>(std::addressof(visit))));
  }

  // How many keys the table has: exact if it was created with TableOptions::exact_count. Otherwise
  // an estimate that costs next to nothing: what RocksDB estimates for its part, or the number of
  // cached entries if that is more; keys that were added or removed since the last write-back are
  // not all in it.
  Result<KeyCount> Count() const;

  // Removes the entries that Scan(range) would show. However many of them lie in RocksDB, it takes
  // the memory and the log of one, and RocksDB deletes them in one go. Where they are few (it looks
  // at the first few hundred) they are deleted one by one, because RocksDB's reads slow down with
  // every range that it has deleted. So are they in a table that keeps count, in an epoch that was
  // larger than memory, and while an iterator of the table has still to show some of them. An error
  // on the way from one to the next has deleted those that come first, and the same call again goes
  // on from there; any other error has changed nothing. Errors: those of Scan, and of writes.
  Status DeleteRange(const ScanOptions& range);

  // The entries of a range in key order, as they are now. Reads nothing yet, but for a whole
  // partition that the cache lacks, which it brings in if it is small (512 entries and 128 KiB at
  // most). The first scan of a table puts what the cache has of it in order, which takes a while
  // and some memory. Unsupported (`table-unordered`) for hashed tables without partitions,
  // InvalidArgument (`scan-partition`), ResourceExhausted (`memory-budget`); where it reads,
  // Unavailable and Corruption.
  Result<Iterator> Scan(const ScanOptions& options = {});

  const std::string& name() const noexcept;
  const TableOptions& options() const noexcept;

 private:
  friend class StateStore;
  explicit Table(std::shared_ptr<store::TableCore> core) : core_(std::move(core)) {}

  using ChangeFunction = Result<std::string_view> (*)(void*,
                                                      const std::optional<std::string_view>&);
  using VisitFunction = bool (*)(void*, std::string_view, std::string_view);
  using FoundFunction = void (*)(void*, size_t, const std::optional<std::string_view>&);
  Status MultiGetWith(std::span<const std::string_view> keys, FoundFunction visit, void* context);
  Status UpdateWith(std::string_view* key, ChangeFunction change, void* context);
  Status ForEachWith(VisitFunction visit, void* context);

  // Reading may evict the entry that a caller's key is a view of. For the typed states, which name
  // the key of a value that they refuse: as the public ones, and `*key` then views the same bytes
  // where reading has left them alone, when `change` is called too.
  template <class K, class V>
  friend class ValueState;
  Result<std::optional<std::string_view>> GetAt(std::string_view* key);
  Result<std::span<char>> MutableAt(std::string_view* key);
  template <class F>
  Status UpdateAt(std::string_view* key, F&& change) {
    using Change = std::remove_reference_t<F>;
    return UpdateWith(
        key,
        [](void* context, const std::optional<std::string_view>& current)
            -> Result<std::string_view> { return (*static_cast<Change*>(context))(current); },
        const_cast<void*>(static_cast<const void*>(std::addressof(change))));
  }

  std::shared_ptr<store::TableCore> core_;
};

namespace table_internal {

// The error of a codec, with the table and the key of the value that it refused.
Status AtKey(const Status& refused, std::string_view table, std::string_view key);

}  // namespace table_internal

}  // namespace tidemark
