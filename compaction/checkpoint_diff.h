// What differs between two checkpoints of one subtask. What both are made of is not read where that
// can be avoided: if they share the base's files of a table, only the keys of segments that one of
// them lacks are looked at.
#pragma once

#include "compaction/checkpoint_reader.h"

#include <functional>
#include <optional>
#include <string_view>

namespace tidemark::compaction {

// At least one of the values is set. Views live as long as the call that they are given to.
struct DifferingRecord {
  std::string_view key;  // stored
  std::optional<std::string_view> before;
  std::optional<std::string_view> after;
};

// Thread safety: one thread at a time.
class CheckpointDiff {
 public:
  using Visit = std::function<bool(const DifferingRecord&)>;

  // Both outlive this.
  CheckpointDiff(const CheckpointReader& before, const CheckpointReader& after)
      : before_(before), after_(after) {}

  // Calls `visit` with all keys of a table whose values differ, ascending, until it returns false.
  // `in_before`, `in_after`: whether the table exists in these checkpoints; it has nothing in one
  // without it. Blocks for reading; errors as CheckpointReader::Scan.
  Status Compare(const format::TableMeta& table, bool in_before, bool in_after,
                 const Visit& visit) const;

 private:
  Status CompareAll(const format::TableMeta& table, bool in_before, bool in_after,
                    const Visit& visit) const;
  Status CompareChanged(const format::TableMeta& table, const Visit& visit) const;

  const CheckpointReader& before_;
  const CheckpointReader& after_;
};

}  // namespace tidemark::compaction
