#include "storage/table_entries.h"

#include <algorithm>

namespace tidemark::storage {

void TableEntries::Add(const rocksdb::LiveFileMetaData& file) {
  bytes_ += file.size;
  if (file.num_entries > 0) counted_bytes_ += file.size;
  counted_ += file.num_entries;
  deletes_ += file.num_deletions;
  delete_bytes_ += file.num_deletions * file.smallestkey.size();
  run_bytes_[{file.level, file.level == 0 ? file.largest_seqno : 0}] += file.size;
}

// Each delete hides an entry of middling size. Where a small run overlaps a large one on level 0
// RocksDB's estimate has the small one only. But a run has each key once, and no key goes but by a
// delete: so all of the largest run lives that the deletes leave.
uint64_t TableEntries::LiveBytes(uint64_t estimate, uint64_t hidden) const {
  const uint64_t gone = PutBytes() * deletes_ + hidden;
  const uint64_t most = std::max(estimate, RunBytesMax());
  return most - std::min(most, gone);
}

// Of an entry that is no delete.
uint64_t TableEntries::PutBytes() const {
  const uint64_t puts = counted_ - std::min(counted_, deletes_);
  return puts == 0 ? 0 : (counted_bytes_ - std::min(counted_bytes_, delete_bytes_)) / puts;
}

uint64_t TableEntries::RunBytesMax() const {
  uint64_t most = 0;
  for (const auto& [run, bytes] : run_bytes_) most = std::max(most, bytes);
  return most;
}

}  // namespace tidemark::storage
