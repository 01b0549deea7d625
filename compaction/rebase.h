// Rebase: publishing the files of the state database as a new base, directly after a write-back.
#pragma once

#include "format/manifest.h"
#include "storage/live_database.h"
#include "storage/repository.h"
#include "storage/state_shape.h"

#include <tidemark/status.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace tidemark::compaction {

// A base whose files are all in the repository, but which no manifest names yet.
struct UploadedBase {
  format::Base base;  // without ids
  // For each of base.files: the id of a file that the list has, or 0 and the file in `fresh`.
  std::map<std::string, format::FileMeta> fresh;  // by live name
  uint64_t live_bytes = 0;                        // of all its SSTs
};

// What the SSTs of a base of the list have, as storage::StateShape counts them.
uint64_t SstBytesOf(const format::Manifest& manifest, const format::Base& base);

// Uploads that no manifest names yet, SSTs by RocksDB's unique id and the others by their content:
// kept when a rebase fails half-way, so that the next one does not put them again. A full disk must
// not become fuller with every try.
using UploadCache = std::map<std::string, format::FileMeta>;

// Bytes of the SSTs that UploadBase would put now: what the newest checkpoint's base and `uploads`
// lack. RocksDB may replace some before it does.
uint64_t BytesToPut(const storage::StateShape& state, const format::Manifest& manifest,
                    const UploadCache& uploads);

// Puts the files that the newest checkpoint's base lacks, and returns the base. Blocks. Nothing is
// named by a manifest yet; on error what was put stays in `uploads` or is a leftover that the next
// attempt deletes. What RocksDB has replaced since it was put leaves `uploads`, and its name is
// added to `obsolete`. Before each SST `may_put` is called with its size; when it says no this ends
// with Unavailable (`rebase-interrupted`). Null: it may be put.
Result<UploadedBase> UploadBase(storage::LiveDatabase& live, const storage::Repository& repository,
                                uint64_t attempt, UploadCache* uploads,
                                std::vector<std::string>* obsolete,
                                const std::function<bool(uint64_t bytes)>& may_put = nullptr);

// Whether the list can take a base of this epoch: not while checkpoints after it stand on a newer
// one, as those do that the first commit of a branch is going to abandon.
bool CanRebaseTo(const format::Manifest& manifest, uint64_t epoch);

// Adds the base to the edit with ids from the list's counters, and moves the checkpoints at or
// after it there. False, with the edit unchanged, if the list has meanwhile dropped a file that the
// base shares (upload again), or cannot take it.
bool AddBase(const UploadedBase& uploaded, const format::Manifest& manifest,
             format::ManifestEdit* edit);

}  // namespace tidemark::compaction
