// NumberedTable: a table of Tidemark by bytes, and what it must hold. Keys are numbered, and each
// value follows from the number of its key and from how often it was written: so a few bytes a key
// are all that has to be remembered of tens of millions.
#pragma once

#include <tidemark/store.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark::bench {

// The order in which keys are stored, all of them 16 bytes.
enum class KeyOrder : uint8_t {
  kHashed,   // neighbouring numbers are anywhere, as the keys of a stream are
  kNumbers,  // an ordered table, in which they are neighbours
};

// What values are made of.
enum class ValueBytes : uint8_t {
  kHalfRandom,  // FillValue
  kFloats,      // random numbers of 32 bits in [-1, 1), which no codec makes much smaller
};

// Members throw BadStatus if the store fails. A copy goes its own way: opened over another store it
// knows what that one must have had when the copy was made.
//
// Thread safety: as Table.
class NumberedTable {
 public:
  // Knows of an empty table. Open comes before everything else.
  NumberedTable(KeyOrder order, size_t value_bytes, ValueBytes made_of = ValueBytes::kHalfRandom)
      : order_(order), made_of_(made_of), value_(value_bytes, '\0') {}

  // The table is that of `store` from now on.
  void Open(StateStore& store);

  // Takes the memory in which numbers below `keys` are remembered now, and not while they are put.
  void Reserve(uint64_t keys);

  // Writes the value of a key anew, or for the first time. Reads nothing.
  void Put(uint64_t number);
  void Delete(uint64_t number);
  // These two together, since ResetOperations.
  uint64_t operations() const { return operations_; }
  void ResetOperations() { operations_ = 0; }

  // Throws std::runtime_error if the table has anything else than the last value of `number`.
  void Check(uint64_t number);
  // ... or of any number. `what` is said of it. Returns the hash of all that there is.
  uint64_t CheckAll(const char* what);

  // What the table must hold, as LiveDump measures it in a new `directory`. Takes 32 bytes of
  // memory a key meanwhile.
  uint64_t LiveBytes(const std::string& directory) const;

 private:
  // Of a key that is not there.
  static constexpr uint32_t kAbsent = 0;

  // Valid until the next call.
  std::string_view ValueOf(uint64_t number) const;
  uint64_t ExpectedHash() const;
  template <class Visitor>
  void ForEachLive(const Visitor& visit) const;

  const KeyOrder order_;
  const ValueBytes made_of_;
  std::optional<Table> table_;
  std::vector<uint32_t> versions_;  // of each number, from 1
  uint64_t operations_ = 0;
  mutable std::string value_;  // the last one made
};

}  // namespace tidemark::bench
