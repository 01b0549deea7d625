#include "bench/commit_parts.h"

#include "bench/measure.h"
#include "bench/record_bytes.h"
#include "bench/records.h"
#include "bench/stored_key.h"
#include "store/segment_encoder.h"

#include <tidemark/options.h>

#include <algorithm>
#include <new>

namespace tidemark::bench {
namespace {

constexpr uint64_t kEpoch = 1;
constexpr uint32_t kTable = 1;

}  // namespace

CommitParts::CommitParts(uint64_t keys, size_t value_bytes) {
  versions_.reserve(keys);
  for (uint64_t number = 0; number < keys; ++number) versions_.push_back(Make(number, value_bytes));
}

CommitParts::~CommitParts() {
  for (store::Version* version : versions_) {
    arena_.Free(version, version->size_class);
  }
}

store::Version* CommitParts::Make(uint64_t number, size_t value_bytes) {
  const std::string key = StoredKeyOf(BytesOf(Key::At(number)));
  const size_t bytes = store::Version::BytesFor(key.size(), value_bytes);
  auto* version = new (arena_.Allocate(bytes)) store::Version;
  version->epoch = kEpoch;
  version->set_key_size(key.size());
  version->value_size = static_cast<uint32_t>(value_bytes);
  version->size_class = arena_.SizeClass(bytes);
  std::copy(key.begin(), key.end(), version->key_data());
  FillValue(number, kEpoch, {version->value_data(), value_bytes});
  return version;
}

CommitParts::Times CommitParts::Measure(SyncFloor& floor) {
  store::SealedEpoch epoch;
  epoch.first_epoch = epoch.last_epoch = kEpoch;
  epoch.parts.emplace_back();
  epoch.parts.back().table_id = kTable;
  epoch.parts.back().versions = versions_;
  Times times{};
  times.sort = TimeOf([&] { store::Sort(epoch).Check(); });
  const StoreOptions defaults;
  times.encode = TimeOf([&] {
    store::EncodeSegment(epoch, format::SegmentHeader(), defaults.log_compression,
                         defaults.log_compression_level,
                         [&](const format::SegmentEntry& entry) {
                           times.encoded_bytes += entry.key.size() + entry.frame.size();
                           return Status();
                         })
        .Check();
  });
  times.write = floor.Segment(times.encoded_bytes);
  return times;
}

}  // namespace tidemark::bench
