// Segment files: SSTs whose entries are change batches (format/segment.h), written by SstFileWriter
// with the whole-file XXH3-128 computed on the way, read by SstFileReader.
#pragma once

#include "format/checksum.h"
#include "format/record.h"
#include "format/segment.h"
#include "storage/file_system.h"
#include "storage/write_limit.h"

#include <tidemark/status.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace tidemark::storage {

struct SstFile {
  std::string path;
  uint64_t size = 0;
  format::Checksum128 checksum;
  std::string unique_id;  // RocksDB's SST unique id, 16 bytes
  std::string smallest;   // keys
  std::string largest;
};

// Writes one segment file entry by entry. Without Finish, or after an error, no file is left.
//
// Thread safety: one thread at a time.
class SegmentFileWriter {
 public:
  // `path` must not exist (`segment-exists`). What is written passes `gate`; null: nothing waits.
  static Result<std::unique_ptr<SegmentFileWriter>> Open(const FileSystemPtr& fs, std::string path,
                                                         const WriteGate* gate = nullptr);
  virtual ~SegmentFileWriter() = default;
  // Header first, keys ascending. Memory: what RocksDB buffers.
  virtual Status Add(const format::SegmentEntry& entry) = 0;
  // The content is synced on return, the name is not.
  virtual Result<SstFile> Finish() = 0;
};

// Writes `entries` (header first, ascending keys) to `path`, which must not exist; the content is
// synced on return, the name is not. On error the partial file is removed.
Result<SstFile> WriteSegmentFile(const FileSystemPtr& fs, const std::string& path,
                                 std::span<const format::SegmentEntry> entries);

// Reads all entries of a segment SST. The caller has verified the file's checksum.
Result<std::vector<format::SegmentEntry>> ReadSegmentFile(const FileSystemPtr& fs,
                                                          const std::string& path);

// XXH3-128 of a local file, read in pieces of 1 MiB; also its size.
struct FileDigest {
  uint64_t size = 0;
  format::Checksum128 checksum;
};
Result<FileDigest> DigestFile(rocksdb::FileSystem& fs, const std::string& path);
// The same of an object.
Result<FileDigest> DigestObject(const CheckpointStorage& storage, std::string_view name);

}  // namespace tidemark::storage
