#include "store/sealed_epoch.h"

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

void Sort(SealedPart& part) {
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

}  // namespace

void Sort(SealedEpoch& epoch) {
  if (epoch.is_sorted) return;
  for (SealedPart& part : epoch.parts) {
    Sort(part);
    epoch.records += part.sorted.size();
    for (const SortedVersion& entry : part.sorted) {
      epoch.net_change_bytes +=
          entry.version->key_size + (entry.version->present() ? entry.version->value_size : 0);
    }
    if (part.ranges == nullptr) continue;
    epoch.records += part.ranges->size();
    for (const auto& [from, to] : *part.ranges) epoch.net_change_bytes += from.size() + to.size();
  }
  epoch.is_sorted = true;
}

std::unique_ptr<format::RecordStream> StreamOf(const SealedPart& part) {
  return std::make_unique<PartStream>(part);
}

}  // namespace tidemark::store
