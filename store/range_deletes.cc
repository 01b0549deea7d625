#include "store/range_deletes.h"

#include <algorithm>
#include <utility>

namespace tidemark::store {

namespace {

// A node of the map, and what the allocator adds.
constexpr uint64_t kOverheadBytes = 128;

uint64_t BytesOf(const RangeSet::value_type& range) {
  return kOverheadBytes + range.first.size() + range.second.size();
}

uint64_t BytesOf(const RangeSet& ranges) {
  uint64_t bytes = 0;
  for (const auto& range : ranges) bytes += BytesOf(range);
  return bytes;
}

}  // namespace

const RangeSet::value_type* FindRange(const RangeSet& ranges, std::string_view stored_key) {
  auto after = ranges.upper_bound(stored_key);
  if (after == ranges.begin()) return nullptr;
  --after;
  return stored_key < after->second ? &*after : nullptr;
}

const RangeSet::value_type* FindRange(const std::vector<std::shared_ptr<const RangeSet>>& sets,
                                      std::string_view stored_key) {
  for (const auto& ranges : sets) {
    if (const auto* range = FindRange(*ranges, stored_key)) return range;
  }
  return nullptr;
}

void RangeDeletes::Add(std::string from, std::string to) {
  if (current_ == nullptr) current_ = std::make_shared<RangeSet>();
  // One range takes in what it overlaps, but not what it touches only: that may be another
  // partition's, and replay looks at one of them.
  auto next = current_->upper_bound(from);
  if (next != current_->begin() && std::prev(next)->second > from) --next;
  while (next != current_->end() && next->first < to) {
    from = std::min(from, next->first);
    to = std::max(to, next->second);
    current_bytes_ -= BytesOf(*next);
    next = current_->erase(next);
  }
  const auto added = current_->emplace(std::move(from), std::move(to)).first;
  current_bytes_ += BytesOf(*added);
}

std::shared_ptr<const RangeSet> RangeDeletes::Seal(uint64_t epoch) {
  std::shared_ptr<const RangeSet> sealed = Rollback();
  if (sealed != nullptr) AddSealed(epoch, sealed);
  return sealed;
}

void RangeDeletes::AddSealed(uint64_t epoch, std::shared_ptr<const RangeSet> ranges) {
  const uint64_t bytes = BytesOf(*ranges);
  sealed_.push_back({epoch, std::move(ranges), bytes});
  sealed_bytes_ += bytes;
}

std::shared_ptr<const RangeSet> RangeDeletes::Rollback() {
  current_bytes_ = 0;
  return std::exchange(current_, nullptr);
}

void RangeDeletes::Forget(uint64_t epoch) {
  while (!sealed_.empty() && sealed_.front().epoch <= epoch) {
    sealed_bytes_ -= sealed_.front().bytes;
    sealed_.pop_front();
  }
}

const RangeSet::value_type* RangeDeletes::Find(std::string_view stored_key,
                                               uint64_t view_epoch) const {
  if (current_ != nullptr) {
    if (const auto* range = FindRange(*current_, stored_key)) return range;
  }
  for (const Sealed& sealed : sealed_) {
    if (sealed.epoch <= view_epoch) continue;
    if (const auto* range = FindRange(*sealed.ranges, stored_key)) return range;
  }
  return nullptr;
}

}  // namespace tidemark::store
