// What the SSTs of a base hold, as RocksDB's MANIFEST and their own properties say; for whoever
// describes a base of which some files are damaged or gone.
#pragma once

#include "format/manifest.h"
#include "storage/checkpoint_files.h"

#include <tidemark/storage.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tidemark::storage {

struct BaseSst {
  uint64_t file = 0;  // FileMeta::id
  uint32_t table_id = 0;
  // Stored keys, both included.
  std::string first_key;
  std::string last_key;
  // Entries less what they delete; unset if the SSTs of this table cannot all be read here.
  std::optional<uint64_t> keys;
};

// Those of the tables of `list`. Only RocksDB's MANIFEST has to be there, and is hashed; SSTs are
// looked into where they are local files. Errors: as CheckpointFiles::Open has of that file, and
// RocksDB's.
Result<std::vector<BaseSst>> ReadBaseContents(const CheckpointStorage& storage,
                                              const format::Manifest& list,
                                              const format::Base& base,
                                              const CheckpointFilesOptions& options);

}  // namespace tidemark::storage
