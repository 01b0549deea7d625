// HeldCheckpoint: one checkpoint out of a repository's list, whose files stay for as long as this
// lives. For whoever reads them beside the writer: retention may drop the checkpoint meanwhile, and
// a new base may take the place of the files that it was made of, but collection passes over them.
//
// It holds in memory only, and only the files: the list goes on as if nobody read. What a hold has
// kept is deleted by the collection after it; after a crash, as a leftover.
#pragma once

#include "format/manifest.h"

#include <utility>

namespace tidemark::storage {

class Repository;

// Made by Repository::Hold. Thread safety: a value that is not changed; destroyed on any thread.
class HeldCheckpoint {
 public:
  ~HeldCheckpoint();
  HeldCheckpoint(const HeldCheckpoint&) = delete;
  HeldCheckpoint& operator=(const HeldCheckpoint&) = delete;

  // The list as it was then, with this checkpoint alone and what it is made of.
  const format::Manifest& list() const noexcept { return list_; }
  const format::Checkpoint& checkpoint() const noexcept { return list_.checkpoints.front(); }

 private:
  friend class Repository;
  HeldCheckpoint(const Repository& repository, format::Manifest list)
      : repository_(repository), list_(std::move(list)) {}

  const Repository& repository_;
  const format::Manifest list_;
};

}  // namespace tidemark::storage
