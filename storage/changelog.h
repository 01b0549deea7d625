// Changelog: the RocksDB `side` of a live database. Its column family `changelog` holds the
// segments after the applied mark, each as the SST that it is in the repository.
//
// Invariants:
//   - a segment is one file; all files lie in the last level, which ingestion is told to insist on.
//   So no
//     two segments overlap, and DeleteFilesInRange, which passes over level 0, removes whole
//     segments
//   - nothing is ever compacted, flushed or written to its WAL
#pragma once

#include "storage/database.h"
#include "storage/live_database.h"
#include "storage/rocksdb_options.h"
#include "storage/scratch_files.h"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace tidemark::storage {

// Thread safety: OpenSegment and the streams from any thread, everything else from one thread at a
// time.
class Changelog {
 public:
  static Result<std::unique_ptr<Changelog>> Open(const LiveDatabaseOptions& options,
                                                 std::shared_ptr<rocksdb::Env> env,
                                                 std::shared_ptr<ScratchFiles> scratch,
                                                 const std::string& path, bool links_work);

  Result<std::vector<format::SegmentHeader>> Segments() const;
  // The files are consumed, whatever the outcome; after an error none of them is in.
  Status Add(std::span<const SstFile> files);
  Status Drop(uint64_t first, uint64_t last);
  std::unique_ptr<format::RecordStream> OpenSegment(uint64_t last_epoch, uint32_t table_id) const;

  const std::shared_ptr<Database>& database() const { return database_; }

 private:
  Changelog(std::shared_ptr<ScratchFiles> scratch, bool links_work)
      : scratch_(std::move(scratch)), links_work_(links_work) {}

  Status TryAdd(std::span<const SstFile> files);
  Status TakeOver(Database::Opened opened, const rocksdb::ColumnFamilyOptions& options);
  Status CheckDropped(const std::string& from, uint64_t last) const;

  // Constant after Open.
  const std::shared_ptr<ScratchFiles> scratch_;
  const bool links_work_;
  std::shared_ptr<Database> database_;
  ColumnFamily family_;
};

}  // namespace tidemark::storage
