#include "storage/file_set.h"

#include "storage/file_checksum.h"
#include "storage/rocksdb_status.h"
#include "storage/sst_file.h"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

namespace tidemark::storage {
namespace {

using rocksdb::LiveFileStorageInfo;

// While it lives RocksDB deletes no file. Others may hold deletions up at the same time.
class DeletionsDisabled {
 public:
  explicit DeletionsDisabled(Database& database)
      : database_(database), status_(database->DisableFileDeletions()) {}
  DeletionsDisabled(const DeletionsDisabled&) = delete;
  DeletionsDisabled& operator=(const DeletionsDisabled&) = delete;
  ~DeletionsDisabled() {
    if (status_.ok()) database_.ResumeFileDeletions();
  }
  const rocksdb::Status& status() const { return status_; }

 private:
  Database& database_;
  const rocksdb::Status status_;
};

std::string PathOf(const LiveFileStorageInfo& file) {
  return file.directory + '/' + file.relative_filename;
}

Status Unexpected(const LiveFileStorageInfo& file) {
  return Status(StatusCode::kInternal, "file-set",
                PathOf(file) +
                    ": a live database has no such file, or an empty one, but this one has " +
                    std::to_string(file.size) + " bytes");
}

}  // namespace

FileSetExporter::FileSetExporter(std::shared_ptr<Database> database, FileSystemPtr fs,
                                 std::shared_ptr<ScratchFiles> scratch,
                                 rocksdb::Options sst_options,
                                 std::shared_ptr<const LateSyncs> late_syncs)
    : database_(std::move(database)),
      fs_(std::move(fs)),
      scratch_(std::move(scratch)),
      sst_options_(std::move(sst_options)),
      late_syncs_(std::move(late_syncs)) {}

Result<FileSet> FileSetExporter::Export(
    const format::AppliedMark& mark, const std::function<bool(std::string_view unique_id)>& have) {
  if (!database_->settled()) {
    return Status(StatusCode::kUnavailable, "file-set-unsettled",
                  database_->path() + ": after an I/O error (" +
                      database_->last_background_error() +
                      ") its MANIFEST is whole again with the next Apply; retry after that");
  }
  const DeletionsDisabled held(*database_);
  TIDEMARK_RETURN_IF_ERROR(FromDatabase(held.status(), "hold the files of " + database_->path()));
  TIDEMARK_ASSIGN_OR_RETURN(const LiveFiles files, ListFiles());
  ForgetAllBut(files);
  const std::string directory = scratch_->NewPath(".base");
  TIDEMARK_RETURN_IF_ERROR(
      FromRocksDb(fs_->CreateDirIfMissing(directory, rocksdb::IOOptions(), nullptr),
                  "create directory " + directory));
  Result<FileSet> set = Take(files, directory, have);
  if (!set.has_value()) {
    scratch_->Remove(directory);
    return set;
  }
  set->mark = mark;
  return set;
}

Result<FileSetExporter::LiveFiles> FileSetExporter::ListFiles() {
  rocksdb::LiveFilesStorageInfoOptions options;
  options.include_checksum_info = true;
  // Never flush: memtables are empty, and the list should be taken without writing.
  options.wal_size_for_flush = std::numeric_limits<uint64_t>::max();
  // A compaction may replace a file between this list and the look at the files' metadata; the next
  // list does not hold it any more.
  constexpr int kAttempts = 100;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    LiveFiles files;
    TIDEMARK_RETURN_IF_ERROR(FromDatabase((*database_)->GetLiveFilesStorageInfo(options, &files),
                                          "list the files of " + database_->path()));
    if (KnowsAll(files)) return files;
    TIDEMARK_RETURN_IF_ERROR(LearnLiveSsts());
    if (KnowsAll(files)) return files;
  }
  return Status(StatusCode::kUnavailable, "file-set-moving",
                database_->path() + ": compactions replace files faster than they can be listed");
}

bool FileSetExporter::KnowsAll(const LiveFiles& files) const {
  return std::all_of(files.begin(), files.end(), [this](const LiveFileStorageInfo& file) {
    return file.file_type != rocksdb::kTableFile || known_.contains(file.relative_filename);
  });
}

Status FileSetExporter::LearnLiveSsts() {
  std::vector<rocksdb::LiveFileMetaData> live;
  (*database_)->GetLiveFilesMetaData(&live);
  for (const rocksdb::LiveFileMetaData& file : live) {
    if (known_.contains(file.relative_filename)) continue;
    TIDEMARK_ASSIGN_OR_RETURN(
        SstProperties properties,
        ReadSstProperties(sst_options_, file.directory + '/' + file.relative_filename));
    KnownSst sst;
    sst.unique_id = std::move(properties.unique_id);
    sst.range_tombstones = properties.range_tombstones;
    // The mark's key is not a stored key.
    if (file.column_family_name != rocksdb::kDefaultColumnFamilyName) {
      sst.smallest = file.smallestkey;
      sst.largest = file.largestkey;
    }
    known_.emplace(file.relative_filename, std::move(sst));
  }
  return {};
}

void FileSetExporter::ForgetAllBut(const LiveFiles& files) {
  std::set<std::string_view> names;
  for (const LiveFileStorageInfo& file : files) names.insert(file.relative_filename);
  std::erase_if(known_, [&](const auto& known) { return !names.contains(known.first); });
}

Result<FileSet> FileSetExporter::Take(const LiveFiles& files, const std::string& directory,
                                      const std::function<bool(std::string_view unique_id)>& have) {
  FileSet set;
  for (const LiveFileStorageInfo& file : files) {
    switch (file.file_type) {
      case rocksdb::kTableFile: {
        TIDEMARK_ASSIGN_OR_RETURN(FileSetEntry entry, TakeSst(file, directory, have));
        set.live_bytes += entry.size;
        set.files.push_back(std::move(entry));
        break;
      }
      case rocksdb::kDescriptorFile:
      case rocksdb::kOptionsFile: {
        TIDEMARK_ASSIGN_OR_RETURN(FileSetEntry entry, TakeCopy(file, directory));
        set.files.push_back(std::move(entry));
        break;
      }
      case rocksdb::kCurrentFile:
        set.current = file.replacement_contents;
        break;
      default:  // the empty WAL
        if (file.size != 0) return Unexpected(file);
    }
  }
  return set;
}

Result<FileSetEntry> FileSetExporter::TakeSst(
    const LiveFileStorageInfo& file, const std::string& directory,
    const std::function<bool(std::string_view unique_id)>& have) {
  const KnownSst& known = known_.at(file.relative_filename);
  FileSetEntry entry;
  entry.live_name = file.relative_filename;
  entry.is_sst = true;
  entry.size = file.size;
  TIDEMARK_ASSIGN_OR_RETURN(
      entry.checksum,
      DecodeFileChecksum(file.file_checksum, file.file_checksum_func_name, PathOf(file)));
  entry.unique_id = known.unique_id;
  entry.range_tombstones = known.range_tombstones;
  entry.smallest = known.smallest;
  entry.largest = known.largest;
  if (have && have(known.unique_id)) return entry;
  entry.path = directory + '/' + entry.live_name;
  const std::string path = PathOf(file);
  const bool is_lost = late_syncs_ != nullptr && late_syncs_->IsLost(path);
  TIDEMARK_RETURN_IF_ERROR(is_lost ? CopyLost(path, entry) : LinkOrCopy(path, entry.path));
  return entry;
}

// Of a file whose sync has failed the medium may have anything.
Status FileSetExporter::CopyLost(const std::string& from, const FileSetEntry& entry) {
  format::Hasher128 hasher;
  TIDEMARK_RETURN_IF_ERROR(CopyFile(*fs_, from, entry.path, &hasher));
  const format::Checksum128 checksum = hasher.Digest();
  if (checksum == entry.checksum) return {};
  return Status(StatusCode::kCorruption, "live-file-checksum",
                from + ": expected checksum " + entry.checksum.Hex() + ", got " + checksum.Hex() +
                    "; a sync of it had failed");
}

Result<FileSetEntry> FileSetExporter::TakeCopy(const LiveFileStorageInfo& file,
                                               const std::string& directory) {
  FileSetEntry entry;
  entry.live_name = file.relative_filename;
  entry.path = directory + '/' + entry.live_name;
  entry.size = file.size;
  format::Hasher128 hasher;
  // MANIFEST goes on growing: what lies behind the listed size belongs to a later moment.
  TIDEMARK_RETURN_IF_ERROR(CopyFile(*fs_, PathOf(file), entry.path, &hasher, file.size));
  entry.checksum = hasher.Digest();
  uint64_t copied = 0;
  TIDEMARK_RETURN_IF_ERROR(
      FromRocksDb(fs_->GetFileSize(entry.path, rocksdb::IOOptions(), &copied, nullptr),
                  "look at " + entry.path));
  if (copied == file.size) return entry;
  return Status(StatusCode::kCorruption, "live-file-size",
                PathOf(file) + ": expected at least " + std::to_string(file.size) + " bytes, got " +
                    std::to_string(copied));
}

Status FileSetExporter::LinkOrCopy(const std::string& from, const std::string& to) {
  // No links here, too many of them, or not allowed: whatever is worse than that fails the copy
  // too.
  if (fs_->LinkFile(from, to, rocksdb::IOOptions(), nullptr).ok()) return {};
  return CopyFile(*fs_, from, to, nullptr);
}

}  // namespace tidemark::storage
