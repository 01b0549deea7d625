// Database: an open RocksDB and what must outlive it. `state` and `side` are one each.
#pragma once

#include "storage/background_errors.h"
#include "storage/compactions.h"
#include "storage/file_system.h"

#include <tidemark/status.h>

#include <rocksdb/db.h>
#include <rocksdb/env.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidemark::storage {

// Keeps its database open.
using ColumnFamily = std::shared_ptr<rocksdb::ColumnFamilyHandle>;

// Closed by its last owner: views and streams share it, so that none of them can outlive it.
//
// Thread safety: as rocksdb::DB.
class Database : public std::enable_shared_from_this<Database> {
 public:
  struct Opened {
    std::shared_ptr<Database> database;
    std::map<std::string, ColumnFamily> column_families;  // by name, the default one included
  };
  using OptionsOf = std::function<rocksdb::ColumnFamilyOptions(const std::string& name)>;

  // Opens `path` with all column families that it has, creating it if nothing is there.
  // Corruption (`live-current-missing`: files but no CURRENT; `live-file-missing`;
  // `rocksdb-corruption`), Unavailable, ResourceExhausted.
  static Result<Opened> Open(const FileSystemPtr& fs, rocksdb::DBOptions options,
                             std::shared_ptr<rocksdb::Env> env, const std::string& path,
                             const OptionsOf& options_of);

  // The same for what is there, which is only read: creates and changes nothing, and takes no lock.
  static Result<Opened> OpenForReading(const FileSystemPtr& fs, const rocksdb::DBOptions& options,
                                       std::shared_ptr<rocksdb::Env> env, const std::string& path,
                                       const OptionsOf& options_of);

  rocksdb::DB* operator->() const { return db_.get(); }
  rocksdb::DB* get() const { return db_.get(); }
  const std::string& path() const { return path_; }
  rocksdb::Env* env() const { return env_.get(); }

  // Wraps a handle that the database has handed out.
  ColumnFamily Own(rocksdb::ColumnFamilyHandle* handle);

  // Ingests into one or several column families; on error none of the files is in. This heals what
  // an earlier error has left (storage/background_errors.h).
  rocksdb::Status Ingest(const std::vector<rocksdb::IngestExternalFileArg>& args);
  // Notes the outcome of another change of the database.
  rocksdb::Status Changed(rocksdb::Status status);
  // The MANIFEST may be among files whose late sync has failed (storage/late_syncs.h).
  void NoteLostManifest() noexcept;
  // Before a change: if that was noted, lets RocksDB begin another MANIFEST. It does so after a
  // change that has failed, as any of a lost one does; here that of making a column family of this
  // name, which otherwise is dropped again.
  void ReplaceLostManifest(const std::string& name, const rocksdb::ColumnFamilyOptions& options);
  // False between an error and the next ingestion that succeeds: what is in memory is right, but
  // the MANIFEST on the disk need not be whole.
  bool settled() const noexcept { return errors_->count() == settled_errors_; }
  std::string last_background_error() const { return errors_->last(); }

  Compactions& compactions() const noexcept { return *compactions_; }

  // RocksDB deletes files again, unless others still hold it up.
  void ResumeFileDeletions();

 private:
  // Of all column families of `names`.
  using OpenFunction = std::function<rocksdb::Status(
      const std::vector<rocksdb::ColumnFamilyDescriptor>& families,
      std::vector<rocksdb::ColumnFamilyHandle*>* handles, rocksdb::DB** db)>;
  static Result<Opened> OpenFamilies(const std::shared_ptr<Database>& database,
                                     const std::vector<std::string>& names,
                                     const OptionsOf& options_of, const OpenFunction& open);

  Database(std::shared_ptr<rocksdb::Env> env, std::string path)
      : env_(std::move(env)), path_(std::move(path)) {}

  // Constant after Open.
  const std::shared_ptr<rocksdb::Env> env_;
  const std::string path_;
  const std::shared_ptr<BackgroundErrors> errors_ = std::make_shared<BackgroundErrors>();
  const std::shared_ptr<Compactions> compactions_ = std::make_shared<Compactions>();
  std::unique_ptr<rocksdb::DB> db_;

  std::atomic<uint64_t> settled_errors_{0};
  std::atomic<bool> manifest_is_lost_{false};
};

// As FromRocksDb, but a file that an open database misses is damage, not an answer:
// Corruption (`live-file-missing`).
Status FromDatabase(const rocksdb::Status& status, std::string_view doing);

}  // namespace tidemark::storage
