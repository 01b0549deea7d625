// TableCore's part in range deletes.
#include "format/key.h"
#include "store/store_core.h"
#include "store/table_core.h"

#include <algorithm>

namespace tidemark::store {

namespace {

using format::Op;

// Fewer entries than this are deleted one by one: every range delete that RocksDB holds slows its
// reads down, until compaction has carried it to the bottom.
constexpr size_t kOneByOneMax = 256;

bool IsIn(const OrderedIndex::Cursor& cursor, std::string_view to) {
  const Version* here = cursor.here();
  return here != nullptr && here->key() < to;
}

// Ranges of neighbouring partitions that touched were one record once. What follows the last key
// of a partition is its name, a byte larger, so a range to there is of it alone.
bool IsInOnePartition(std::string_view from, std::string_view to) {
  const std::string_view name =
      from.substr(0, format::kKeyGroupBytes + format::PartitionOf(format::UserKey(from)).size());
  return to.starts_with(name) || to == AfterPrefix(std::string(name));
}

}  // namespace

Status TableCore::DeleteRange(const std::shared_ptr<TableCore>& self, const ScanOptions& options) {
  TIDEMARK_RETURN_IF_ERROR(self->CheckUsable());
  TIDEMARK_ASSIGN_OR_RETURN(ScanCore::Range range, self->RangeOf(options));
  if (range.from >= range.to) return {};
  std::vector<std::string> keys;
  {
    TIDEMARK_ASSIGN_OR_RETURN(const auto scan, Scan(self, options));
    while (keys.size() < kOneByOneMax) {
      TIDEMARK_ASSIGN_OR_RETURN(const bool more, scan->Next());
      if (!more) break;
      keys.emplace_back(scan->key());
    }
  }
  if (keys.size() == kOneByOneMax) {
    // An open iterator remembers entries one at a time, so it must be told of each; and a count
    // would not know how many there were.
    if (self->keeps_count() || self->IsAhead(range)) return DeleteOneByOne(self, options);
    TIDEMARK_RETURN_IF_ERROR(self->store_.MakeRoom(0, self->BytesToHide(range)));
    // In an epoch that has spilled some, by now at the latest, a range delete would come before
    // them.
    if (self->store_.HasSpilled(self->meta_.id)) return DeleteOneByOne(self, options);
    self->DeleteAsRange(std::move(range));
    return {};
  }
  size_t bytes = Arena::kSmallChunkBytes;
  for (const std::string& key : keys)
    bytes += Version::BytesFor(key.size() + format::kKeyGroupBytes, 0) + kListEntryBytes;
  TIDEMARK_RETURN_IF_ERROR(self->store_.MakeRoom(0, bytes));
  for (const std::string& key : keys) TIDEMARK_RETURN_IF_ERROR(self->Delete(key));
  return {};
}

Status TableCore::DeleteOneByOne(const std::shared_ptr<TableCore>& self,
                                 const ScanOptions& options) {
  TIDEMARK_ASSIGN_OR_RETURN(const auto scan, Scan(self, options));
  while (true) {
    TIDEMARK_ASSIGN_OR_RETURN(const bool more, scan->Next());
    if (!more) return {};
    TIDEMARK_RETURN_IF_ERROR(self->Delete(scan->key()));
  }
}

// There is room for it, and nothing can fail.
void TableCore::DeleteAsRange(ScanCore::Range range) {
  HideCached(range);
  store_.AddEpochBytes(range.from.size() + range.to.size());
  ranges_.Add(std::move(range.from), std::move(range.to));
  store_.RangesChanged();
  Account();
}

bool TableCore::IsAhead(const ScanCore::Range& range) const {
  return std::any_of(scans_.begin(), scans_.end(),
                     [&](const ScanCore* scan) { return scan->IsAhead(range); });
}

// About what HideCached takes.
size_t TableCore::BytesToHide(const ScanCore::Range& range) const {
  size_t bytes = Arena::kSmallChunkBytes + range.from.size() + range.to.size();
  size_t listed = dirty_.size();
  OrderedIndex::Cursor cursor(*ordered_, range.from);
  for (cursor.SeekAtOrAfter(range.from); IsIn(cursor, range.to); cursor.Next()) {
    const Version& version = *cursor.here();
    if (version.epoch == store_.epoch() ? version.Fits(0) : store_.IsClean(version)) continue;
    bytes += Version::BytesFor(version.key_size(), 0);
    ++listed;
  }
  return bytes + (listed > dirty_.capacity() ? 2 * listed * kListEntryBytes : 0);
}

// What the current epoch has changed becomes a delete that needs no record, as the range covers it.
// What RocksDB has too is forgotten. What sealed epochs hold gets such a delete on top.
void TableCore::HideCached(const ScanCore::Range& range) {
  OrderedIndex::Cursor cursor(*ordered_, range.from);
  cursor.SeekAtOrAfter(range.from);
  while (IsIn(cursor, range.to)) {
    auto* version = const_cast<Version*>(cursor.here());
    if (version->epoch == store_.epoch()) {
      Empty(version);
    } else if (version->present() && !version->is_copy() && !store_.IsClean(*version)) {
      MarkDirty(Hide(version, store_.epoch()));
    } else if (version->present()) {
      const std::string stored_key(version->key());
      IndexErase(format::HashKey(format::UserKey(stored_key)), version);
      Free(version);
      cursor.SeekAtOrAfter(stored_key);
      continue;
    }
    cursor.Next();
  }
}

// Of a large block only the size of what it holds tells how large it is, so that must stay.
void TableCore::Empty(Version* version) {
  if (!version->Fits(0)) {
    const std::string key(format::UserKey(version->key()));
    const uint64_t hash = format::HashKey(key);
    Version* small = NewVersion(hash, key, "", Op::kDelete, version->epoch);
    TakePlace(hash, version, small);
    version = small;
  }
  version->op = Op::kDelete;
  version->value_size = 0;
  version->absent_before = true;
}

Version* TableCore::Hide(Version* version, uint64_t epoch) {
  const std::string_view key = format::UserKey(version->key());
  const uint64_t hash = format::HashKey(key);
  Version* hidden = NewVersion(hash, key, "", Op::kDelete, epoch);
  hidden->absent_before = true;
  PutOver(hash, version, hidden);
  return hidden;
}

// ---- Replay ----

size_t TableCore::ReplayRange(const format::Record& record, SealedPart* part) {
  size_t bytes = record.key.size() + record.value.size();
  std::vector<Version*> hidden;
  const auto hide = [&](Version* version) {
    if (version->epoch < record.epoch && version->present()) hidden.push_back(version);
  };
  if (meta_.kind == TableKind::kMap && !IsInOnePartition(record.key, record.value)) {
    index_.ForEach([&](Version* version) {
      if (version->key() >= record.key && version->key() < record.value) hide(version);
    });
  } else {
    if (ordered_ == nullptr) FillOrderedIndex([](size_t) { return true; });
    OrderedIndex::Cursor cursor(*ordered_, record.key);
    for (cursor.SeekAtOrAfter(record.key); IsIn(cursor, record.value); cursor.Next())
      hide(const_cast<Version*>(cursor.here()));
  }
  for (Version* version : hidden) {
    part->versions.push_back(Hide(version, record.epoch));
    bytes += part->versions.back()->bytes();
  }
  return bytes;
}

void TableCore::AddSealedRanges(uint64_t epoch, std::shared_ptr<const RangeSet> ranges) {
  ranges_.AddSealed(epoch, std::move(ranges));
  Account();
}

void TableCore::ForgetRanges(uint64_t view_epoch) {
  if (ranges_.empty()) return;
  ranges_.Forget(view_epoch);
  Account();
}

}  // namespace tidemark::store
