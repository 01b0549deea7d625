// What differs between two checkpoints of one subtask. What both are made of is not read where that
// can be avoided: the keys of segments and of a base's files that one of them lacks are looked up
// in both. If there are many of those, or a file deletes something, all records are compared.
#pragma once

#include "compaction/checkpoint_reader.h"

#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

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

  // Calls `visit` with all keys whose values differ, ascending, until it returns false. `before`,
  // `after`: the table in these checkpoints, which has another id if it was dropped and made again
  // between them; null if it is not there, and has nothing. One that was made again as another
  // kind is compared as two tables: all of the one are gone, all of the other have come. Blocks for
  // reading; errors as CheckpointReader::Scan.
  Status Compare(const format::TableMeta* before, const format::TableMeta* after,
                 const Visit& visit) const;

 private:
  Status CompareAll(const format::TableMeta* before, const format::TableMeta* after,
                    const Visit& visit) const;
  Status CompareKinds(const format::TableMeta& before, const format::TableMeta& after,
                      const Visit& visit) const;
  Status CompareShared(const format::TableMeta& table, const Visit& visit) const;
  using Streams = std::vector<std::unique_ptr<format::RecordStream>>;
  struct Candidates {
    Streams before;
    Streams after;
  };
  // The keys of the base's files that one of them lacks; unset if all has to be compared.
  Result<std::optional<Candidates>> KeysOfBases(const format::TableMeta& table) const;
  Status CompareChanged(const format::TableMeta& table, Candidates bases, const Visit& visit) const;

  const CheckpointReader& before_;
  const CheckpointReader& after_;
};

}  // namespace tidemark::compaction
