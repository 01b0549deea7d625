// Changelog: the RocksDB `side` of a live database. Its column family `changelog` holds the
// segments after the applied mark, each as the SST that it is in the repository.
//
// Invariants:
//   - a segment is one file; all files lie in the last level, which ingestion is told to insist on.
//   So no
//     two segments overlap, and DeleteFilesInRange, which passes over level 0, removes whole
//     segments
//   - nothing is ever compacted, flushed or written to its WAL
// The database is made when there is something to put into it.
#pragma once

#include "storage/database.h"
#include "storage/live_database.h"
#include "storage/rocksdb_options.h"
#include "storage/scratch_files.h"

#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

namespace tidemark::storage {

// Thread safety: OpenSegment, the streams and database() from any thread, everything else from one
// thread at a time.
class Changelog {
 public:
  // Opens what is in `path`, if anything is.
  static Result<std::unique_ptr<Changelog>> Open(const LiveDatabaseOptions& options,
                                                 std::shared_ptr<rocksdb::Env> env,
                                                 std::shared_ptr<ScratchFiles> scratch,
                                                 const std::string& path, bool links_work);

  Result<std::vector<format::SegmentHeader>> Segments() const;
  // The files are consumed, whatever the outcome; after an error none of them is in.
  Status Add(std::span<const SstFile> files);
  Status Drop(uint64_t first, uint64_t last);
  std::unique_ptr<format::RecordStream> OpenSegment(uint64_t last_epoch, uint32_t table_id) const;

  // The database, made if there is none yet.
  Result<std::shared_ptr<Database>> database();
  // As Database; of nothing if there is none.
  void NoteLostManifest();

 private:
  // Both null before there is a database.
  struct Opened {
    std::shared_ptr<Database> database;
    ColumnFamily family;  // goes first
  };

  Changelog(const LiveDatabaseOptions& options, std::shared_ptr<rocksdb::Env> env,
            std::shared_ptr<ScratchFiles> scratch, std::string path, bool links_work)
      : options_(options),
        env_(std::move(env)),
        scratch_(std::move(scratch)),
        path_(std::move(path)),
        links_work_(links_work) {}

  Opened opened() const {
    const std::lock_guard lock(mutex_);
    return opened_;
  }
  Result<Opened> OpenIfMissing();
  Result<Opened> OpenDatabase() const;
  static Result<Opened> TakeOver(Database::Opened opened,
                                 const rocksdb::ColumnFamilyOptions& options);
  Status TryAdd(std::span<const SstFile> files);
  static Status CheckDropped(const Opened& opened, const std::string& from, uint64_t last);

  // Constant after construction.
  const LiveDatabaseOptions options_;
  const std::shared_ptr<rocksdb::Env> env_;
  const std::shared_ptr<ScratchFiles> scratch_;
  const std::string path_;
  const bool links_work_;

  std::mutex opening_;  // held by who makes the database
  mutable std::mutex mutex_;
  Opened opened_;  // guarded by mutex_
};

}  // namespace tidemark::storage
