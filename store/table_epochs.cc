// TableCore's part in the life of an epoch: sealed by the barrier, undone by a rollback, replayed
// at restore.
#include "format/key.h"
#include "store/store_core.h"
#include "store/table_core.h"

#include <utility>

namespace tidemark::store {

using format::Op;

// The next epoch's list is one that was released, if there is one, so the barrier asks the system
// for no memory that grows with the epoch.
SealedPart TableCore::Seal() {
  SealedPart part;
  part.table_id = meta_.id;
  part.versions = std::exchange(spare_list_, {});
  part.versions.swap(dirty_);
  part.ranges = ranges_.Seal(store_.epoch());
  part.epoch = store_.epoch();
  keys_at_barrier_ = keys_;
  CountSealedList(part.versions);
  return part;
}

void TableCore::CountSealedList(const std::vector<Version*>& list) {
  sealed_list_bytes_ += list.capacity() * sizeof(void*);
  Account();
}

void TableCore::KeepList(std::vector<Version*> list) {
  sealed_list_bytes_ -= list.capacity() * sizeof(void*);
  if (list.capacity() > spare_list_.capacity()) {
    list.clear();
    spare_list_ = std::move(list);
    store_.SetHasSpareLists();
  }
  Account();
}

void TableCore::DropSpareList() {
  spare_list_ = std::vector<Version*>();  // `= {}` would keep the memory
  Account();
}

// Older versions that write-back has not merged take their places again; what RocksDB has is read
// from there.
void TableCore::Rollback() {
  for (Version* version : dirty_) {
    const uint64_t hash = format::HashKey(format::UserKey(version->key()));
    if (!scans_.empty()) Remember(*version);
    const bool lies_below = !version->absent_before && version->older == nullptr;
    if (lies_below) VoidMark(format::UserKey(version->key()));
    if (version->newer != nullptr) TakeOff(hash, version->newer);
    TakeOff(hash, version);
  }
  dirty_.clear();
  keys_ = keys_at_barrier_;
  // What was deleted when a scan was made stays so to it.
  if (const auto ranges = ranges_.Rollback(); ranges != nullptr) {
    for (ScanCore* scan : scans_) scan->Hide(ranges);
    VoidMarks();
    store_.RangesChanged();
  }
  Account();
}

size_t TableCore::Replay(const format::Record& record, SealedPart* part) {
  if (record.op == Op::kRangeDelete) return ReplayRange(record, part);
  const std::string_view key = format::UserKey(record.key);
  const uint64_t hash = format::HashKey(key);
  Version* newest = index_.Find(hash, key);
  const Op op = record.op == Op::kInsert ? Op::kPut : record.op;
  Version* version = NewVersion(hash, key, record.value, op, record.epoch);
  version->absent_before = record.op == Op::kInsert;
  PutOver(hash, newest, version);
  part->versions.push_back(version);
  return version->bytes();
}

}  // namespace tidemark::store
