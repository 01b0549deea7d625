#include "storage/held_checkpoint.h"

#include "storage/repository.h"

#include <utility>

namespace tidemark::storage {

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
  return HoldFilesOf(format::ListOf(manifest_, *checkpoint));
}

std::unique_ptr<HeldCheckpoint> Repository::HoldFilesOf(format::Manifest list) const {
  std::unique_ptr<HeldCheckpoint> held(new HeldCheckpoint(*this, std::move(list)));
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
