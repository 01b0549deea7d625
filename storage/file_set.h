// FileSetExporter: takes the files of `state` as of one moment, for a new base.
#pragma once

#include "storage/database.h"
#include "storage/live_database.h"
#include "storage/scratch_files.h"

#include <rocksdb/metadata.h>
#include <rocksdb/options.h>

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark::storage {

// Thread safety: one thread at a time. Compactions may run meanwhile: they change files, not
// content.
class FileSetExporter {
 public:
  // `sst_options` open an SST of the database. `late_syncs` knows what is not to be linked; may be
  // null.
  FileSetExporter(std::shared_ptr<Database> database, FileSystemPtr fs,
                  std::shared_ptr<ScratchFiles> scratch, rocksdb::Options sst_options,
                  std::shared_ptr<const LateSyncs> late_syncs);

  // Links and copies go to a directory of scratch files; on error it is removed. `mark` is what the
  // database holds.
  Result<FileSet> Export(const format::AppliedMark& mark,
                         const std::function<bool(std::string_view unique_id)>& have);

 private:
  // What an SST's name stands for; RocksDB never uses a name again.
  struct KnownSst {
    std::string unique_id;
    uint64_t range_tombstones = 0;
    std::string smallest;
    std::string largest;
  };
  using LiveFiles = std::vector<rocksdb::LiveFileStorageInfo>;

  Result<LiveFiles> ListFiles();
  bool KnowsAll(const LiveFiles& files) const;
  Status LearnLiveSsts();
  void ForgetAllBut(const LiveFiles& files);
  Result<FileSet> Take(const LiveFiles& files, const std::string& directory,
                       const std::function<bool(std::string_view unique_id)>& have);
  Result<FileSetEntry> TakeSst(const rocksdb::LiveFileStorageInfo& file,
                               const std::string& directory,
                               const std::function<bool(std::string_view unique_id)>& have);
  Result<FileSetEntry> TakeCopy(const rocksdb::LiveFileStorageInfo& file,
                                const std::string& directory);
  Status LinkOrCopy(const std::string& from, const std::string& to);
  Status CopyLost(const std::string& from, const FileSetEntry& entry);

  // Constant after construction.
  const std::shared_ptr<Database> database_;
  const FileSystemPtr fs_;
  const std::shared_ptr<ScratchFiles> scratch_;
  const rocksdb::Options sst_options_;
  const std::shared_ptr<const LateSyncs> late_syncs_;

  std::map<std::string, KnownSst> known_;  // by file name
};

}  // namespace tidemark::storage
