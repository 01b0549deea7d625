// Which live directories there are, and whether what one holds lies on the way to a checkpoint.
#pragma once

#include "format/manifest.h"
#include "storage/file_system.h"

#include <cstdint>
#include <string>
#include <vector>

namespace tidemark::store {

// <directory>/live.<attempt>, with `-<n>` for the n-th of one opening (n > 0).
std::string LiveDirectoryPath(const std::string& directory, uint64_t attempt, int n);

// Whether it was made ready, so that an opening may use it again.
bool IsReady(rocksdb::FileSystem& fs, const std::string& live_directory);
// Those that are, and that nobody holds, the newest attempt first.
std::vector<std::string> ReusableLiveDirectories(rocksdb::FileSystem& fs,
                                                 const std::string& directory);

// Removes those that nobody holds, except `keep`. Best effort.
void RemoveOtherLiveDirectories(rocksdb::FileSystem& fs, const std::string& directory,
                                const std::string& keep);

// Whether `mark` is a moment of the history `lineage` in [base_epoch, target_epoch]: from there the
// segments after the base lead to the target. Never true at epoch 0, where there is nothing to
// reuse.
bool LiesInLineage(const format::EpochIdentity& mark,
                   const std::vector<format::LineageEntry>& lineage, uint64_t base_epoch,
                   uint64_t target_epoch);

// The identity of an epoch in the history; the oldest known attempt for those before it.
format::EpochIdentity IdentityAt(const std::vector<format::LineageEntry>& lineage, uint64_t epoch);

}  // namespace tidemark::store
