#include "store/sealed_epoch.h"

#include "compaction/merge.h"

#include <algorithm>
#include <cstring>

namespace tidemark::store {

namespace {

constexpr size_t kPrefetchDistance = 8;
constexpr size_t kCacheLineBytes = 64;

// A version with the first eight bytes of its key, so that most comparisons stay inside the array.
struct SortEntry {
  uint64_t prefix;
  Version* version;
};
static_assert(sizeof(SortEntry) == kSortEntryBytes);

uint64_t PrefixOf(const Version& version) {
  uint64_t prefix = 0;
  std::memcpy(&prefix, version.key_data(), std::min<size_t>(version.key_size(), sizeof(prefix)));
  return __builtin_bswap64(prefix);
}

// An epoch waits in memory until RocksDB has it, so nothing but the pointers outlives this.
void SortVersions(SealedPart& part) {
  std::vector<Version*>& versions = part.versions;
  std::vector<SortEntry> entries;
  entries.reserve(versions.size());
  std::vector<Version*> vanished;
  for (size_t i = 0; i < versions.size(); ++i) {
    if (i + kPrefetchDistance < versions.size())
      __builtin_prefetch(versions[i + kPrefetchDistance]);
    Version* version = versions[i];
    if (version->vanished()) {
      vanished.push_back(version);
    } else {
      entries.push_back({PrefixOf(*version), version});
    }
  }
  std::sort(entries.begin(), entries.end(), [](const SortEntry& a, const SortEntry& b) {
    return a.prefix != b.prefix ? a.prefix < b.prefix : a.version->key() < b.version->key();
  });
  const auto next = std::copy(vanished.begin(), vanished.end(), versions.begin());
  std::transform(entries.begin(), entries.end(), next,
                 [](const SortEntry& entry) { return entry.version; });
  part.records = entries.size();
}

class PartStream final : public format::RecordStream {
 public:
  explicit PartStream(const SealedPart& part)
      : end_(part.versions.data() + part.versions.size()), next_(end_ - part.records) {
    if (part.ranges == nullptr) return;
    next_range_ = part.ranges->begin();
    ranges_left_ = part.ranges->size();
    epoch_ = part.epoch;
  }

  Result<bool> Next() override {
    if (ranges_left_ > 0 && (next_ == end_ || next_range_->first <= (*next_)->key())) [[unlikely]]
      return NextRange();
    if (next_ == end_) return false;
    // The array is sorted, the versions lie anywhere in memory: fetch key and value of one further
    // on.
    if (next_ + kPrefetchDistance < end_) {
      const char* ahead = reinterpret_cast<const char*>(next_[kPrefetchDistance]);
      __builtin_prefetch(ahead);
      __builtin_prefetch(ahead + kCacheLineBytes);
    }
    const Version& version = **next_++;
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

  const Version* const* const end_;
  const Version* const* next_;
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
  epoch->records += part.records;
  for (size_t i = part.versions.size() - part.records; i < part.versions.size(); ++i) {
    const Version& version = *part.versions[i];
    const uint64_t value_bytes = version.present() ? version.value_size : 0;
    epoch->net_change_bytes += version.key_size() + value_bytes;
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

uint64_t SortBytes(const SealedEpoch& epoch) {
  uint64_t bytes = 0;
  for (const SealedPart& part : epoch.parts) bytes += part.versions.size() * kSortEntryBytes;
  return bytes;
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
