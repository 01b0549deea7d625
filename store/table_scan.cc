// TableCore's part in scans: ranges, the ordered index, and pre-images.
#include "format/key.h"
#include "store/store_core.h"
#include "store/table_core.h"

#include <algorithm>

namespace tidemark::store {

namespace {

// What an ordered index takes at least.
constexpr size_t kOrderedBytesMin = 2 * Arena::kSmallChunkBytes;

KeyOrder OrderOf(TableKind kind) {
  return kind == TableKind::kMap ? KeyOrder::kByPartition : KeyOrder::kByKey;
}

}  // namespace

uint16_t TableCore::GroupOf(uint64_t hash, std::string_view key) const {
  return store::GroupOf(meta_.kind, store_.groups(), hash, key);
}

Result<ScanCore::Range> TableCore::RangeOf(const ScanOptions& options) const {
  return store::RangeOf(meta_, store_.groups(), options);
}

Result<std::unique_ptr<ScanCore>> TableCore::Scan(const std::shared_ptr<TableCore>& self,
                                                  const ScanOptions& options) {
  TIDEMARK_RETURN_IF_ERROR(self->CheckUsable());
  TIDEMARK_ASSIGN_OR_RETURN(ScanCore::Range range, self->RangeOf(options));
  if (self->ordered_ == nullptr) TIDEMARK_RETURN_IF_ERROR(self->BuildOrderedIndex());
  const bool is_whole = options.from <= options.prefix && !options.to &&
                        format::PartitionPrefix(options.prefix) == options.prefix;
  if (is_whole) TIDEMARK_RETURN_IF_ERROR(self->Complete(range));
  return std::make_unique<ScanCore>(self, std::move(range), options.reverse);
}

// At the first scan; tables that are never scanned do not pay for it. How much partitions take is
// known when they are ordered: where that is more than there is room for, it is done again with as
// much as the first of them took, which are a fair sample.
Status TableCore::BuildOrderedIndex() {
  size_t each = OrderedIndex::FillBytes(OrderOf(meta_.kind));
  size_t bytes = index_.size() * each + kOrderedBytesMin;
  while (store_.MakeRoomForClean(0, bytes)) {
    const auto has_room = [this](size_t more) {
      Account();
      return store_.HasRoomFor(0, more + kOrderedBytesMin);
    };
    if (FillOrderedIndex(has_room)) return {};
    each += ordered_->memory_bytes() / std::max<size_t>(1, ordered_->size());
    ordered_.reset();
    Account();
    bytes = std::max(bytes + bytes / 4, index_.size() * each + kOrderedBytesMin);
  }
  return Status(StatusCode::kResourceExhausted, "memory-budget",
                "no room for the " + std::to_string(bytes) +
                    " bytes that ordering the cached entries of table `" + meta_.name +
                    "` takes; checkpoint more often or raise RuntimeOptions::memory_budget_bytes");
}

bool TableCore::FillOrderedIndex(const RoomCheck& has_room) {
  ordered_ = std::make_unique<OrderedIndex>(OrderOf(meta_.kind));
  const auto each = [this](const auto& visit) { index_.ForEach(visit); };
  const bool filled = ordered_->Fill(index_.size(), each, has_room);
  Account();
  return filled;
}

// ---- The two indexes hold the same versions ----

void TableCore::IndexInsert(uint64_t hash, Version* version) {
  index_.Insert(hash, version);
  if (ordered_ == nullptr) return;
  ordered_->Insert(version);
  Account();
}

void TableCore::IndexReplace(uint64_t hash, const Version* from, Version* to) {
  index_.Replace(hash, from, to);
  if (ordered_ != nullptr) ordered_->Replace(from, to);
}

void TableCore::IndexErase(uint64_t hash, const Version* version) {
  index_.Erase(hash, version);
  if (ordered_ != nullptr) ordered_->Erase(version);
}

// ---- Open scans ----

void TableCore::RemoveScan(ScanCore* scan) {
  std::erase(scans_, scan);
  Account();
}

void TableCore::FailScans(const Status& why) {
  for (ScanCore* scan : std::exchange(scans_, {})) scan->Fail(why);
  Account();
}

bool TableCore::EndScansForMemory() {
  const auto ended = std::erase_if(scans_, [](ScanCore* scan) {
    if (scan->memory_bytes() == 0) return false;
    scan->Fail(ScanCore::Outgrown());
    return true;
  });
  if (ended > 0) Account();
  return ended > 0;
}

void TableCore::RememberForScans(uint64_t hash, std::string_view* key, std::string_view* value) {
  scan_stored_key_.clear();
  format::AppendStoredKey(GroupOf(hash, *key), *key, &scan_stored_key_);
  for (size_t i = 0; i < scans_.size();) {
    if (!scans_[i]->Wants(scan_stored_key_)) {
      ++i;
      continue;
    }
    const Version* newest = index_.Find(hash, *key);
    const size_t bytes = ScanCore::PreImageBytes(scan_stored_key_, newest);
    if (!store_.HasRoomFor(bytes, ScanCore::kPlaceBytes)) {
      *key = scan_key_.assign(*key);
      if (value != nullptr) *value = scan_value_.assign(*value);
      (void)store_.MakeRoomForClean(bytes, ScanCore::kPlaceBytes, StoreCore::Effort::kWhatItTakes);
      newest = index_.Find(hash, *key);
    }
    if (scans_[i]->Remember(scan_stored_key_, newest)) ++i;
  }
}

void TableCore::Remember(const Version& newest) {
  for (size_t i = 0; i < scans_.size();)
    if (!scans_[i]->Wants(newest.key()) || scans_[i]->Remember(newest.key(), &newest)) ++i;
}

// ---- Memory ----

uint64_t TableCore::memory_bytes() const {
  uint64_t bytes =
      (dirty_.capacity() + spare_list_.capacity()) * kListEntryBytes + sealed_list_bytes_;
  if (ordered_ != nullptr) bytes += ordered_->memory_bytes();
  bytes += ranges_.memory_bytes() + lacking_.size() * 2 * sizeof(uint64_t);
  for (const ScanCore* scan : scans_) bytes += scan->memory_bytes();
  return bytes;
}

void TableCore::Account() {
  const uint64_t now = memory_bytes();
  if (now == accounted_bytes_) return;
  store_.AddTableBytes(static_cast<int64_t>(now - accounted_bytes_));
  accounted_bytes_ = now;
}

}  // namespace tidemark::store
