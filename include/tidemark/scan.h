// Ordered reads: ScanOptions says what, Iterator goes through it.
#pragma once

#include <tidemark/status.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tidemark {

namespace store {
class ScanCore;
}

// Which entries a scan shows: those whose keys begin with `prefix` and lie in [from, to). Keys
// compare as unsigned bytes. A range that ends before it begins is empty. `from` and `to` may be
// longer than a key, `prefix` may not.
struct ScanOptions {
  // In a table of partitions (TableKind::kMap) it must contain a whole partition.
  std::string prefix{};
  std::string from{};
  // Unset: no upper limit.
  std::optional<std::string> to{};
  // From the last entry to the first.
  bool reverse = false;
};

// The entries of a range in key order, as they were when the iterator was made: later writes,
// rollbacks, barriers, write-backs and evictions do not show.
//
// While it is open, the table keeps what the iterator still has to show of each entry that changes;
// that counts in the memory budget. An iterator never makes a write fail: if there is no room for
// it, the iterator gives up (Next returns ResourceExhausted, `scan-outgrown`) and the write goes
// on. So do iterators when an epoch is rolled back that was larger than memory. So close it when
// you are through, by Close or by destroying it; it keeps the store's memory, though not its files,
// in being until then.
//
// Thread safety: one thread at a time over a store, its tables and their iterators.
class Iterator {
 public:
  explicit Iterator(std::unique_ptr<store::ScanCore> core);
  Iterator(Iterator&&) noexcept;
  Iterator& operator=(Iterator&&) noexcept;
  ~Iterator();

  // Moves to the next entry, at first to the first one. False at the end, and ever after. May read
  // RocksDB: Corruption, Unavailable. Closed after Close of the iterator or of its store; NotFound
  // (`table-dropped`).
  Result<bool> Next();

  // The entry that Next has moved to; undefined unless it returned true. The key stays valid until
  // the next call of Next, the value (8-byte aligned) until then or until the next non-const call
  // on the store or its tables, whichever comes first.
  std::string_view key() const;
  std::string_view value() const;

  // Gives back what the iterator holds. Next returns Closed (`iterator-closed`) afterwards.
  void Close();

 private:
  std::unique_ptr<store::ScanCore> core_;
};

}  // namespace tidemark
