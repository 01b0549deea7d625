// SegmentOutput: where an encoded segment goes: it stays in memory as long as it is small enough to
// travel inside the manifest version, and goes to a file from there on.
#pragma once

#include "format/segment.h"
#include "storage/file_system.h"
#include "storage/segment_file.h"

#include <tidemark/status.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tidemark::store {

// Thread safety: one thread at a time.
class SegmentOutput {
 public:
  // `path` of the file, should there be one; 0 for `inline_bytes_max`: there always is.
  SegmentOutput(storage::FileSystemPtr fs, std::string path, uint64_t inline_bytes_max)
      : fs_(std::move(fs)), path_(std::move(path)), inline_bytes_max_(inline_bytes_max) {}

  // Entries as of a segment, the header first. Without Finish, or after an error, no file is left.
  Status Add(format::SegmentEntry entry);
  // The file, its content synced; unset if the segment is small: then it is in `entries`.
  Result<std::optional<storage::SstFile>> Finish();

  std::vector<format::SegmentEntry>& entries() noexcept { return entries_; }

 private:
  Status MoveToFile();

  const storage::FileSystemPtr fs_;
  const std::string path_;
  const uint64_t inline_bytes_max_;
  std::vector<format::SegmentEntry> entries_;
  std::unique_ptr<storage::SegmentFileWriter> file_;
};

}  // namespace tidemark::store
