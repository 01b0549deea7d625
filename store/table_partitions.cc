// TableCore's part in what is wholly in the cache: it has nothing that the cache lacks, so going
// through it, or asking for an entry that is not there, needs nothing of what lies below.
//
// A table that was made in the life of this store is so from its beginning on. Of one that was
// restored partitions may be: what is read of one as a whole enters the cache, if it is not much,
// and the partition is marked. A mark is a block of its own in the arena, which CLOCK may take.
//
// That ends once an entry that lies below, too, leaves the cache: by eviction, by rollback, by
// a spill, or as an operand that RocksDB has merged. Deletes do not matter: what is deleted is
// absent, whether the cache says so or nothing. A mark is void then. A map that is complete from
// its beginning on goes on to be, but for the partition, which is listed as lacking something until
// it is read as a whole; only where these are many it ends for all of the table.
#include "format/key.h"
#include "store/store_core.h"
#include "store/table_core.h"

#include <utility>

namespace tidemark::store {

namespace {

// What one scan may bring in, in a fraction of a millisecond.
constexpr size_t kEntriesMax = 512;
constexpr size_t kBytesMax = size_t{128} << 10;
// Partitions that lack something, at 16 bytes each at the most.
constexpr size_t kLackingMax = size_t{1} << 17;

}  // namespace

Version* TableCore::FindMark(std::string_view key) const {
  if (marks_ == nullptr || marks_->size() == 0) return nullptr;
  const std::string_view partition = format::PartitionOf(key);
  return marks_->Find(format::HashKey(partition), partition);
}

bool TableCore::IsMarked(std::string_view key) const {
  Version* mark = FindMark(key);
  if (mark == nullptr || mark->epoch != ValidMark()) return false;
  mark->referenced = 1;
  return true;
}

bool TableCore::IsLacking(std::string_view key) const {
  return lacking_.contains(format::HashKey(format::PartitionOf(key)));
}

void TableCore::VoidMark(std::string_view key) {
  if (holds_all_) {
    if (marks_ == nullptr || lacking_.size() >= kLackingMax) return VoidMarks();
    if (!lacking_.insert(format::HashKey(format::PartitionOf(key))).second) return;
    ++marks_voided_;
    return Account();
  }
  Version* mark = FindMark(key);
  if (mark == nullptr || mark->epoch != ValidMark()) return;
  mark->epoch = Version::kMark;
  ++marks_voided_;
}

void TableCore::VoidMarks() {
  holds_all_ = false;
  lacking_ = {};
  ++marks_generation_;
  ++marks_voided_;
}

// Null if there is no room for it.
Version* TableCore::AddMark(std::string_view partition) {
  const uint64_t hash = format::HashKey(partition);
  const size_t bytes = Version::BytesFor(partition.size() + format::kKeyGroupBytes, 0);
  if (!store_.Admits(meta_.id, hash) || !store_.MakeRoomForClean(bytes, marks_->GrowthFor(hash)))
    return nullptr;
  Version* mark = NewVersion(hash, partition, "", format::Op::kDelete, Version::kMark);
  marks_->Insert(hash, mark);
  store_.SetMayEvict();
  return mark;
}

// False if nothing is to be brought in: it is marked, or is known to be too large, or there is no
// room for the mark.
bool TableCore::SetMark(std::string_view partition) {
  if (HoldsAllOf(partition)) return false;
  Version* mark = FindMark(partition);
  if (mark == nullptr && !holds_all_) mark = AddMark(partition);
  if (mark != nullptr) mark->referenced = 1;
  if (mark != nullptr && mark->epoch == Version::kLargeMark) return false;
  if (holds_all_) return lacking_.erase(format::HashKey(partition)) > 0;
  return mark != nullptr && std::exchange(mark->epoch, ValidMark()) != ValidMark();
}

void TableCore::SetTooLarge(std::string_view partition) {
  VoidMark(partition);
  Version* mark = FindMark(partition);
  if (mark == nullptr) mark = AddMark(partition);
  if (mark != nullptr) mark->epoch = Version::kLargeMark;
}

// The mark comes first: it is void in the end if anything was evicted again meanwhile. What memory
// has of the partition counts for nothing here, only what is to be brought in.
Status TableCore::Complete(const ScanCore::Range& range) {
  const Layers& layers = store_.layers();
  const std::string_view partition = format::UserKey(range.from);
  if (marks_ == nullptr || layers.has_spilled() || !SetMark(partition)) return {};
  const uint64_t generation = layers.generation();
  const auto cursor = layers.NewCursor(meta_.id, range.from, range.to,
                                       {.own = &ranges_, .rolled_back = nullptr}, store_.epoch());
  size_t entries = 0;
  size_t bytes = 0;
  for (cursor->SeekAtOrAfter(range.from); cursor->valid(); cursor->Next()) {
    bytes += cursor->key().size() + cursor->value().size();
    if (++entries > kEntriesMax || bytes > kBytesMax) return SetTooLarge(partition), Status();
    const bool came_in = BringIn(format::UserKey(cursor->key()), cursor->value(), generation);
    if (!came_in) return VoidMark(partition), Status();
  }
  if (!cursor->status().ok()) VoidMark(partition);
  return store_.NoteReadError(cursor->status());
}

// False if there is no room, if there is something newer to be read, or if the value is damaged,
// which the scan will find too.
bool TableCore::BringIn(std::string_view key, std::string_view stored_value, uint64_t generation) {
  const uint64_t hash = format::HashKey(key);
  if (index_.Find(hash, key) != nullptr) return true;
  const auto parsed = format::ParseStoredValue(stored_value);
  if (!parsed.has_value()) return false;
  const size_t bytes = Version::BytesFor(key.size() + format::kKeyGroupBytes, parsed->value.size());
  if (!store_.MakeRoomForClean(bytes, GrowthFor(hash, key, true, false))) return false;
  // Making room may have taken a newer view, and what was newer than this one out of the cache.
  if (store_.layers().generation() != generation) return false;
  IndexInsert(hash, NewVersion(hash, key, parsed->value, format::Op::kPut, 0));
  store_.SetMayEvict();
  return true;
}

}  // namespace tidemark::store
