#include "storage/held_checkpoint.h"

#include "storage/repository.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace tidemark::storage {
namespace {

// The part of a history that ends at `at`.
std::vector<format::LineageEntry> LineageTo(std::vector<format::LineageEntry> lineage,
                                            const format::EpochIdentity& at) {
  const auto last = std::find_if(lineage.begin(), lineage.end(),
                                 [&](const auto& entry) { return entry.last_epoch >= at.epoch; });
  if (last == lineage.end()) return lineage;
  last->last_epoch = at.epoch;
  lineage.erase(std::next(last), lineage.end());
  return lineage;
}

// What one checkpoint needs of a list: a list itself, by all rules.
format::Manifest ListOf(const format::Manifest& all, const format::Checkpoint& checkpoint) {
  format::Manifest list;
  list.repository_id = all.repository_id;
  list.subtask = all.subtask;
  list.parallelism = all.parallelism;
  list.max_parallelism = all.max_parallelism;
  list.version = all.version;
  list.attempt = all.attempt;
  list.writer = all.writer;
  list.writer_open = all.writer_open;
  list.next_table_id = all.next_table_id;
  list.next_file_id = all.next_file_id;
  list.next_base_id = all.next_base_id;
  list.lineage = LineageTo(all.lineage, checkpoint.at);
  list.checkpoints.push_back(checkpoint);
  for (const uint32_t table : *checkpoint.tables) list.tables.insert(*all.tables.find(table));
  for (const uint64_t file : checkpoint.segments) list.files.insert(*all.files.find(file));
  if (const auto base = all.bases.find(checkpoint.base); base != all.bases.end()) {
    list.bases.insert(*base);
    for (const format::BaseFile& file : base->second.files)
      list.files.insert(*all.files.find(file.file));
  }
  return list;
}

}  // namespace

// Under the lock that published edits take: what the list names now nobody has begun to delete.
std::unique_ptr<HeldCheckpoint> Repository::Hold(std::optional<uint64_t> id) const {
  std::lock_guard lock(mutex_);
  const format::Checkpoint* checkpoint = nullptr;
  if (id) {
    checkpoint = manifest_.FindCheckpoint(*id);
  } else if (!manifest_.checkpoints.empty()) {
    checkpoint = &manifest_.checkpoints.back();
  }
  if (checkpoint == nullptr) return nullptr;
  std::unique_ptr<HeldCheckpoint> held(new HeldCheckpoint(*this, ListOf(manifest_, *checkpoint)));
  for (const auto& [file, meta] : held->list_.files) ++held_[meta.name];
  return held;
}

void Repository::Release(const HeldCheckpoint& held) const {
  std::lock_guard lock(mutex_);
  for (const auto& [file, meta] : held.list_.files) {
    const auto count = held_.find(meta.name);
    if (--count->second == 0) held_.erase(count);
  }
}

HeldCheckpoint::~HeldCheckpoint() { repository_.Release(*this); }

}  // namespace tidemark::storage
