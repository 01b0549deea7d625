#include "store/sealed_epoch.h"

#include "compaction/merge.h"

#include <algorithm>
#include <cstring>

namespace tidemark::store {

namespace {

constexpr size_t kPrefetchDistance = 8;
constexpr size_t kCacheLineBytes = 64;

uint64_t PrefixOf(const Version& version) {
  uint64_t prefix = 0;
  std::memcpy(&prefix, version.key_data(), std::min<size_t>(version.key_size, sizeof(prefix)));
  return __builtin_bswap64(prefix);
}

void SortVersions(SealedPart& part) {
  part.sorted.clear();
  part.sorted.reserve(part.versions.size());
  for (size_t i = 0; i < part.versions.size(); ++i) {
    if (i + kPrefetchDistance < part.versions.size())
      __builtin_prefetch(part.versions[i + kPrefetchDistance]);
    const Version* version = part.versions[i];
    if (!version->vanished()) part.sorted.push_back({PrefixOf(*version), version});
  }
  std::sort(
      part.sorted.begin(), part.sorted.end(), [](const SortedVersion& a, const SortedVersion& b) {
        return a.prefix != b.prefix ? a.prefix < b.prefix : a.version->key() < b.version->key();
      });
}

class PartStream final : public format::RecordStream {
 public:
  explicit PartStream(const SealedPart& part)
      : next_(part.sorted.data()), end_(next_ + part.sorted.size()) {
    if (part.ranges == nullptr) return;
    next_range_ = part.ranges->begin();
    ranges_left_ = part.ranges->size();
    epoch_ = part.epoch;
  }

  Result<bool> Next() override {
    if (ranges_left_ > 0 && (next_ == end_ || next_range_->first <= next_->version->key()))
        [[unlikely]]
      return NextRange();
    if (next_ == end_) return false;
    // The array is sorted, the versions lie anywhere in memory: fetch key and value of one further
    // on.
    if (next_ + kPrefetchDistance < end_) {
      const char* ahead = reinterpret_cast<const char*>(next_[kPrefetchDistance].version);
      __builtin_prefetch(ahead);
      __builtin_prefetch(ahead + kCacheLineBytes);
    }
    const Version& version = *next_++->version;
    record_.key = version.key();
    record_.value = version.present() ? version.value() : std::string_view();
    record_.epoch = version.epoch;
    record_.op = version.log_op();
    return true;
  }

 private:
  bool NextRange() {
    record_ = {next_range_->first, next_range_->second, epoch_, 0, format::Op::kRangeDelete};
    ++next_range_;
    --ranges_left_;
    return true;
  }

  const SortedVersion* next_;
  const SortedVersion* const end_;
  RangeSet::const_iterator next_range_;
  size_t ranges_left_ = 0;
  uint64_t epoch_ = 0;
};

Status CountRecords(const SealedPart& part, SealedEpoch* epoch) {
  const auto records = StreamOf(part);
  while (true) {
    TIDEMARK_ASSIGN_OR_RETURN(const bool more, records->Next());
    if (!more) return {};
    ++epoch->records;
    const format::Record& record = records->record();
    epoch->net_change_bytes += record.key.size() + record.value.size();
    epoch->largest_value_bytes =
        std::max<uint64_t>(epoch->largest_value_bytes, record.value.size());
  }
}

Status Count(const SealedPart& part, SealedEpoch* epoch) {
  if (part.spilled != nullptr) return CountRecords(part, epoch);
  epoch->records += part.sorted.size();
  for (const SortedVersion& entry : part.sorted) {
    const uint64_t value_bytes = entry.version->present() ? entry.version->value_size : 0;
    epoch->net_change_bytes += entry.version->key_size + value_bytes;
    epoch->largest_value_bytes = std::max(epoch->largest_value_bytes, value_bytes);
  }
  if (part.ranges == nullptr) return {};
  epoch->records += part.ranges->size();
  for (const auto& [from, to] : *part.ranges) epoch->net_change_bytes += from.size() + to.size();
  return {};
}

}  // namespace

Status Sort(SealedEpoch& epoch) {
  if (epoch.is_sorted) return {};
  epoch.records = epoch.net_change_bytes = 0;
  for (SealedPart& part : epoch.parts) {
    SortVersions(part);
    TIDEMARK_RETURN_IF_ERROR(Count(part, &epoch));
  }
  epoch.is_sorted = true;
  return {};
}

std::unique_ptr<format::RecordStream> StreamOf(const SealedPart& part) {
  auto in_memory = std::make_unique<PartStream>(part);
  if (part.spilled == nullptr) return in_memory;
  std::vector<std::unique_ptr<format::RecordStream>> newest_first;
  newest_first.push_back(std::move(in_memory));
  newest_first.push_back(part.spilled->NewStream(part.table_id));
  return compaction::MergeNewest(std::move(newest_first), 0);
}

}  // namespace tidemark::store
