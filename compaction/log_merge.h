// Log merge: neighbouring segments of the repository become one that says the same.
//
// Of each key the newest record stays, with its own epoch; what was created and deleted within the
// merged epochs leaves no trace. So a merged segment is replayed whole or not at all: never on a
// state that stands between its ends.
#pragma once

#include "format/manifest.h"
#include "format/segment_builder.h"
#include "storage/repository.h"
#include "storage/segment_file.h"
#include "storage/segment_reader.h"

#include <tidemark/options.h>
#include <tidemark/status.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace tidemark::compaction {

struct MergedFile {
  storage::SstFile file;
  format::RecordTotals totals;
};

struct SegmentMergeOptions {
  Compression codec = Compression::kZstd;
  int codec_level = 1;
  // Records of tables for which this is false are left out.
  std::function<bool(uint32_t table_id)> keeps;
  // The first segment begins at epoch 1: deletes have nothing to delete.
  bool nothing_below = false;
  // Asked after every frame; when it says no the merge ends with Unavailable
  // (`merge-interrupted`). Null: never.
  std::function<bool()> goes_on{};
  // What is written passes it. Null: nothing waits.
  const storage::WriteGate* gate = nullptr;
  // Called before the merged file is put with its size, as goes_on is. Null: it may be put.
  std::function<bool(uint64_t bytes)> may_put{};
};

// Writes the merged segment to `path`. `inputs` are neighbours, ascending. `header` has attempt,
// writer and unique. Its counts of records are those of the inputs together, an upper bound: the
// exact ones are known at the end of the file only. Blocks. Memory: one frame an input and the one
// being written. On error no file is left. Corruption, Unavailable, ResourceExhausted.
Result<MergedFile> MergeSegments(
    const storage::FileSystemPtr& fs, const std::string& path,
    const std::vector<std::shared_ptr<const storage::SegmentReader>>& inputs,
    format::SegmentHeader header, const SegmentMergeOptions& options);

// A merged segment in the repository that no manifest names yet.
struct UploadedMerge {
  std::vector<uint64_t> segments;  // FileMeta::id of what it replaces
  format::FileMeta file;           // without id
};

// Where a merge finds room for its files on the local disk.
struct ScratchSpace {
  storage::FileSystemPtr fs;
  std::function<std::string(std::string_view suffix)> new_path;
  std::function<void(const std::string& path)> remove;
};

// Merges segments of the list, neighbours in a chain, and puts the result. Blocks. On error nothing
// is named by a manifest; what was put is a leftover. Errors as MergeSegments,
// storage::FetchSegment and PutFile; NotFound (`segment-gone`) if the list does not have them any
// more.
// What `options` say of tables and of what is below is found out here.
Result<UploadedMerge> MergeLog(const storage::Repository& repository, const ScratchSpace& scratch,
                               const std::vector<uint64_t>& segments, SegmentMergeOptions options);

// Adds the merge to the edit. False, with the edit unchanged, if no checkpoint has these segments
// any more, or the edit has other plans with bases: then the file is not needed.
bool AddMerge(const UploadedMerge& merge, const format::Manifest& manifest,
              format::ManifestEdit* edit);

}  // namespace tidemark::compaction
