// TableEntries: what RocksDB's list of files says of one table, and how much of it must be alive.
#pragma once

#include <rocksdb/metadata.h>

#include <cstdint>
#include <map>
#include <utility>

namespace tidemark::storage {

class TableEntries {
 public:
  void Add(const rocksdb::LiveFileMetaData& file);
  uint64_t bytes() const noexcept { return bytes_; }
  // About what the table would take, compacted. `estimate` is RocksDB's: the files of the last
  // level, and those above it that overlap none of them. `hidden` bytes are known to be deleted.
  uint64_t LiveBytes(uint64_t estimate, uint64_t hidden) const;

 private:
  uint64_t PutBytes() const;
  uint64_t RunBytesMax() const;

  uint64_t bytes_ = 0;
  // Of those files of which RocksDB knows it: not of all, once there are many.
  uint64_t counted_bytes_ = 0;
  uint64_t counted_ = 0;
  uint64_t deletes_ = 0;
  uint64_t delete_bytes_ = 0;  // their keys, if all are as long as the first of their file
  // Of sorted runs: a level is one, and on level 0 what was ingested at once, which has one
  // sequence number.
  std::map<std::pair<int, uint64_t>, uint64_t> run_bytes_;
};

}  // namespace tidemark::storage
