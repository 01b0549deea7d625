// DamageOracle: what a repository can still be restored to without some of its files, worked out
// from the lists as they were before the damage, and not in the way in which a store finds out.
#pragma once

#include "format/manifest.h"

#include <tidemark/storage.h>

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace tidemark::test {

class DamageOracle {
 public:
  // Of a repository that is intact, with one subtask. Throws if it cannot be read.
  explicit DamageOracle(const CheckpointStorage& intact);

  struct Answer {
    uint64_t id = 0;  // the newest checkpoint that is whole; 0: none is
    // Something newer was seen to be damaged, so whoever restores has to say so. What nobody can
    // see is that the newest versions are gone: nothing tells them from versions that were never
    // made.
    bool must_tell = false;
  };
  // Names as the storage knows them. `missing`: those of `damaged` that are not there at all.
  Answer Without(const std::set<std::string>& damaged, const std::set<std::string>& missing) const;

 private:
  // How many of the versions after the snapshot can be replayed.
  size_t VersionsBeforeDamage(const std::set<std::string>& damaged) const;
  bool IsWhole(const format::Manifest& list, const format::Checkpoint& checkpoint,
               const std::set<std::string>& damaged) const;

  std::string snapshot_;
  std::vector<std::string> versions_;    // after the snapshot, ascending
  std::vector<format::Manifest> lists_;  // the snapshot's, and one after each of the versions
};

}  // namespace tidemark::test
