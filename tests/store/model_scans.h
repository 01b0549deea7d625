// ModelScans: the iterators that a sequence holds open, each compared step by step with what its
// table held when it was made, whatever has happened since.
#pragma once

#include "store/store_core.h"
#include "tests/store/model_oracle.h"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tidemark::store {

// Throws ModelFailure where an iterator does not do as it should.
class ModelScans {
 public:
  static constexpr size_t kOpenMax = 6;

  // Which keys a range has, and how to tell it.
  static bool IsIn(const ScanOptions& range, std::string_view key);
  static std::string Describe(const ScanOptions& range);

  size_t size() const { return open_.size(); }
  // Those that gave up for want of memory, so far.
  uint64_t outgrown() const { return outgrown_; }

  void Open(const std::shared_ptr<TableCore>& table, const ModelTable& content,
            const ScanOptions& options);
  // Moves one iterator on by up to `entries`. It is closed at its end; false if it was.
  bool Advance(size_t which, uint64_t entries);
  void Close(size_t which) { open_.erase(open_.begin() + static_cast<ptrdiff_t>(which)); }
  // Of the entry that it stands at, if it does: the key, a view as the iterator returns it. And the
  // incarnation of its table.
  std::optional<std::string_view> KeyOf(size_t which) const;
  uint64_t IncarnationOf(size_t which) const { return open_[which].incarnation; }

  // Tables that are not there any more, dropped or rolled back, end their iterators for good.
  void NoteTables(const ModelOracle& oracle);
  // All of them, where what happens to the memory for them is of no interest.
  void Clear() { open_.clear(); }
  // Their store was closed: so are they.
  void ExpectClosed();

 private:
  struct Held {
    std::unique_ptr<ScanCore> scan;
    std::string description;
    uint64_t incarnation = 0;
    std::vector<std::pair<std::string, ModelValue>> expected;
    size_t shown = 0;
    bool dropped = false;  // its table
  };
  void ExpectEnd(Held& held, const Status& status);
  static void Expect(bool condition, const Held& held, const std::string& otherwise);

  std::vector<Held> open_;
  uint64_t outgrown_ = 0;
};

}  // namespace tidemark::store
