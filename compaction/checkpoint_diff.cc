#include "compaction/checkpoint_diff.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <set>
#include <utility>
#include <vector>

namespace tidemark::compaction {

namespace {

// A look-up costs about as much as passing over so many records.
constexpr uint64_t kLookUpsToKeys = 16;

using Segments = std::vector<storage::CheckpointFiles::Segment>;

// Those of `all` that are not in `other`.
Segments Without(const Segments& all, const Segments& other) {
  Segments left;
  std::copy_if(all.begin(), all.end(), std::back_inserter(left), [&](const auto& segment) {
    return std::none_of(other.begin(), other.end(),
                        [&](const auto& shared) { return shared.file == segment.file; });
  });
  return left;
}

// A stream and whether it stands on a record; an unset one has none.
class Side {
 public:
  explicit Side(std::unique_ptr<format::RecordStream> records) : records_(std::move(records)) {}
  Status Next() {
    if (records_ == nullptr) return {};
    TIDEMARK_ASSIGN_OR_RETURN(valid_, records_->Next());
    return {};
  }
  bool valid() const noexcept { return valid_; }
  std::string_view key() const { return records_->record().key; }
  std::string_view value() const { return records_->record().value; }

 private:
  std::unique_ptr<format::RecordStream> records_;
  bool valid_ = false;
};

// Calls visit(a, b) with whether each of the sides stands at the smallest key that is left, until
// it returns false.
template <class F>
Status MergeSides(Side& a, Side& b, F&& visit) {
  TIDEMARK_RETURN_IF_ERROR(a.Next());
  TIDEMARK_RETURN_IF_ERROR(b.Next());
  while (a.valid() || b.valid()) {
    const bool in_a = a.valid() && (!b.valid() || a.key() <= b.key());
    const bool in_b = b.valid() && (!a.valid() || b.key() <= a.key());
    TIDEMARK_ASSIGN_OR_RETURN(const bool goes_on, visit(in_a, in_b));
    if (!goes_on) return {};
    if (in_a) TIDEMARK_RETURN_IF_ERROR(a.Next());
    if (in_b) TIDEMARK_RETURN_IF_ERROR(b.Next());
  }
  return {};
}

}  // namespace

Status CheckpointDiff::Compare(const format::TableMeta* before, const format::TableMeta* after,
                               const Visit& visit) const {
  const bool are_both = before != nullptr && after != nullptr;
  Status compared;
  if (are_both && before->id == after->id)
    compared = CompareShared(*after, visit);
  else if (are_both && before->kind != after->kind)
    compared = CompareKinds(*before, *after, visit);
  else
    compared = CompareAll(before, after, visit);
  return before_.files().InRepository(after_.files().InRepository(std::move(compared)));
}

// Keys of other kinds have other groups, and so another order.
Status CheckpointDiff::CompareKinds(const format::TableMeta& before, const format::TableMeta& after,
                                    const Visit& visit) const {
  bool goes_on = true;
  TIDEMARK_RETURN_IF_ERROR(CompareAll(
      &before, nullptr, [&](const DifferingRecord& record) { return goes_on = visit(record); }));
  return goes_on ? CompareAll(nullptr, &after, visit) : Status();
}

Status CheckpointDiff::CompareShared(const format::TableMeta& table, const Visit& visit) const {
  TIDEMARK_ASSIGN_OR_RETURN(auto bases, KeysOfBases(table));
  if (!bases) return CompareAll(&table, &table, visit);
  return CompareChanged(table, *std::move(bases), visit);
}

// A key that differs in the bases has its newest entry, in one of them, in a file that the other
// lacks.
Result<std::optional<CheckpointDiff::Candidates>> CheckpointDiff::KeysOfBases(
    const format::TableMeta& table) const {
  const std::set<uint64_t> before = before_.files().BaseFilesOf(table.id);
  const std::set<uint64_t> after = after_.files().BaseFilesOf(table.id);
  Candidates candidates;
  const auto add = [&](const CheckpointReader& reader, const std::set<uint64_t>& files,
                       const std::set<uint64_t>& others, Streams* streams) -> Result<bool> {
    for (const uint64_t file : files) {
      if (others.contains(file)) continue;
      const uint64_t keys = reader.files().EstimateBaseKeys(table.id);
      TIDEMARK_ASSIGN_OR_RETURN(auto stream,
                                reader.files().KeysOf(file, keys / kLookUpsToKeys + 1));
      if (stream == nullptr) return false;
      streams->push_back(std::move(stream));
    }
    return true;
  };
  TIDEMARK_ASSIGN_OR_RETURN(bool all, add(before_, before, after, &candidates.before));
  if (all) {
    TIDEMARK_ASSIGN_OR_RETURN(all, add(after_, after, before, &candidates.after));
  }
  if (!all) return std::optional<Candidates>();
  return std::optional(std::move(candidates));
}

Status CheckpointDiff::CompareAll(const format::TableMeta* before, const format::TableMeta* after,
                                  const Visit& visit) const {
  Side a(before != nullptr ? before_.Scan(*before) : nullptr);
  Side b(after != nullptr ? after_.Scan(*after) : nullptr);
  return MergeSides(a, b, [&](bool was, bool is) -> Result<bool> {
    if (was && is && a.value() == b.value()) return true;
    DifferingRecord record{was ? a.key() : b.key(), std::nullopt, std::nullopt};
    if (was) record.before = a.value();
    if (is) record.after = b.value();
    return visit(record);
  });
}

// Range deletes may remove any number of keys that no segment names.
Status CheckpointDiff::CompareChanged(const format::TableMeta& table, Candidates bases,
                                      const Visit& visit) const {
  const Segments gone = Without(before_.files().segments(), after_.files().segments());
  const Segments come = Without(after_.files().segments(), before_.files().segments());
  TIDEMARK_ASSIGN_OR_RETURN(const auto old_values, ForwardLookup::Open(before_, table));
  TIDEMARK_ASSIGN_OR_RETURN(const auto new_values, ForwardLookup::Open(after_, table));
  const auto deletes_range = [&](const auto& segment) {
    return old_values->HasRangeDeletes(segment.file) || new_values->HasRangeDeletes(segment.file);
  };
  if (std::any_of(gone.begin(), gone.end(), deletes_range) ||
      std::any_of(come.begin(), come.end(), deletes_range))
    return CompareAll(&table, &table, visit);
  Side a(ChangesOf(gone, table.id, before_.files().base_epoch(), std::move(bases.before)));
  Side b(ChangesOf(come, table.id, after_.files().base_epoch(), std::move(bases.after)));
  return MergeSides(a, b, [&](bool in_a, bool) -> Result<bool> {
    DifferingRecord record{in_a ? a.key() : b.key(), std::nullopt, std::nullopt};
    TIDEMARK_ASSIGN_OR_RETURN(record.before, old_values->Find(record.key));
    TIDEMARK_ASSIGN_OR_RETURN(record.after, new_values->Find(record.key));
    return record.before == record.after || visit(record);
  });
}

}  // namespace tidemark::compaction
