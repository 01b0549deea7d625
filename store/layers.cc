#include "store/layers.h"

#include "format/key.h"
#include "store/layered_cursor.h"

#include <algorithm>
#include <utility>

namespace tidemark::store {

namespace {

using format::Op;

}  // namespace

const RangeSet::value_type* VisibleRanges::Find(std::string_view stored_key, uint64_t epoch) const {
  if (const auto* range = own->Find(stored_key, epoch)) return range;
  return rolled_back != nullptr ? FindRange(*rolled_back, stored_key) : nullptr;
}

void Layers::SetView(std::shared_ptr<const storage::StateView> view) {
  view_ = std::move(view);
  std::erase_if(spilled_,
                [this](const auto& spilled) { return spilled->epoch() <= view_->epoch(); });
  Touch();
}

std::shared_ptr<storage::SpilledEpoch> Layers::FindSpilled(uint64_t epoch) const {
  const auto found = std::find_if(spilled_.begin(), spilled_.end(),
                                  [&](const auto& spilled) { return spilled->epoch() == epoch; });
  return found == spilled_.end() ? nullptr : *found;
}

void Layers::AddSpilled(std::shared_ptr<storage::SpilledEpoch> spilled) {
  if (FindSpilled(spilled->epoch()) == nullptr)
    spilled_.insert(spilled_.begin(), std::move(spilled));
  Touch();
}

void Layers::DropSpilled(uint64_t epoch) {
  std::erase_if(spilled_, [&](const auto& spilled) { return spilled->epoch() == epoch; });
  Touch();
}

void Layers::Clear() {
  spilled_.clear();
  view_.reset();
  Touch();
}

Result<Below> Layers::Read(uint32_t table_id, std::string_view stored_key,
                           const RangeDeletes& ranges, uint64_t current,
                           std::string* buffer) const {
  if (!spilled_.empty()) [[unlikely]]
    return ReadSpilled(table_id, stored_key, ranges, current, buffer);
  if (!ranges.empty() && ranges.Find(stored_key, view_->epoch()) != nullptr)
    return Below{std::nullopt, 0, true};
  TIDEMARK_ASSIGN_OR_RETURN(const bool found, view_->Get(table_id, stored_key, buffer));
  if (!found) return Below{};
  TIDEMARK_RETURN_IF_ERROR(format::StripValueHeader(buffer));
  return Below{*buffer, 0, false};
}

// From the newest record down, until one says what the value is; operands on the way are put at its
// end.
Result<Below> Layers::ReadSpilled(uint32_t table_id, std::string_view stored_key,
                                  const RangeDeletes& ranges, uint64_t current,
                                  std::string* buffer) const {
  Below below;
  std::vector<std::string> operands;  // newest first
  bool decided = false;
  bool present = false;
  for (const auto& spilled : spilled_) {
    if (spilled->epoch() != current && ranges.Find(stored_key, spilled->epoch()) != nullptr) {
      decided = below.range_deleted = true;
      break;
    }
    std::string record;
    TIDEMARK_ASSIGN_OR_RETURN(const bool found, spilled->Get(table_id, stored_key, &record));
    if (!found) continue;
    below.spilled_epoch = std::max(below.spilled_epoch, spilled->epoch());
    TIDEMARK_ASSIGN_OR_RETURN(const auto parsed, storage::ParseSpilledRecord(record));
    buffer->assign(parsed.stored_value);
    present = parsed.op != Op::kDelete;
    if (present) TIDEMARK_RETURN_IF_ERROR(format::StripValueHeader(buffer));
    decided = parsed.op != Op::kMerge;
    if (decided) break;
    operands.push_back(*buffer);
  }
  if (!decided) {
    below.range_deleted = ranges.Find(stored_key, view_->epoch()) != nullptr;
    present = false;
    if (!below.range_deleted) {
      TIDEMARK_ASSIGN_OR_RETURN(present, view_->Get(table_id, stored_key, buffer));
      if (present) TIDEMARK_RETURN_IF_ERROR(format::StripValueHeader(buffer));
    }
  } else if (below.range_deleted) {
    present = false;
  }
  if (!present) buffer->clear();
  for (auto operand = operands.rbegin(); operand != operands.rend(); ++operand) *buffer += *operand;
  if (present || !operands.empty()) below.value = *buffer;
  below.range_deleted = below.range_deleted && below.spilled_epoch == 0;
  return below;
}

std::unique_ptr<storage::StateCursor> Layers::NewCursor(uint32_t table_id, std::string_view from,
                                                        std::string_view to,
                                                        const VisibleRanges& ranges,
                                                        uint64_t current) const {
  auto state = view_->NewCursor(table_id, from, to);
  if (spilled_.empty() && ranges.empty()) return state;
  std::vector<LayeredCursor::Source> sources;
  for (const auto& spilled : spilled_) {
    if (!spilled->HasTable(table_id)) continue;
    // In its epoch a range delete comes before the records.
    sources.push_back({spilled->NewCursor(table_id, from, to), spilled->epoch(), true,
                       spilled->epoch() != current});
  }
  sources.push_back({std::move(state), view_->epoch(), false, true});
  return std::make_unique<LayeredCursor>(std::move(sources), ranges);
}

}  // namespace tidemark::store
