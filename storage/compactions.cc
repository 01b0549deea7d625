#include "storage/compactions.h"

#include <utility>

namespace tidemark::storage {

void Compactions::OnCompactionBegin(rocksdb::DB*, const rocksdb::CompactionJobInfo&) {
  running_.fetch_add(1);
}

// RocksDB tells of the end of each one whose beginning it has told.
void Compactions::OnCompactionCompleted(rocksdb::DB*, const rocksdb::CompactionJobInfo&) {
  running_.fetch_sub(1);
  Ended();
}

void Compactions::Ended() {
  const std::lock_guard lock(mutex_);
  if (on_ended_) on_ended_();
}

void Compactions::SetOnEnded(std::function<void()> on_ended) {
  const std::lock_guard lock(mutex_);
  on_ended_ = std::move(on_ended);
}

}  // namespace tidemark::storage
