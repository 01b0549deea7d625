#include "storage/export.h"

#include "format/names.h"
#include "storage/manifest_chain.h"
#include "storage/repository.h"
#include "storage/rocksdb_status.h"
#include "storage/segment_file.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <utility>

namespace tidemark::storage {

namespace {

using format::FileKind;
using format::FileMeta;
using format::Manifest;

std::string HexOf(uint64_t number) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex(16, '0');
  for (size_t i = 16; i-- > 0; number >>= 4) hex[i] = kDigits[number & 15];
  return hex;
}

std::string ParentOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

class Exporting {
 public:
  Exporting(const CheckpointStorage& from, const ExportOptions& options, std::string root)
      : from_(from), options_(options), root_(std::move(root)) {
    report_.repository_id = format::WriterId::Random();
  }

  Result<ExportReport> Write(const std::vector<Manifest>& lists) {
    if (!options_.may_link) Hold(lists);
    TIDEMARK_RETURN_IF_ERROR(MakeFolder(root_));
    std::vector<Manifest> written = lists;
    // What is inlined before anything that takes long: nothing holds a manifest version.
    for (Manifest& list : written) {
      TIDEMARK_RETURN_IF_ERROR(MakeFolders(list));
      TIDEMARK_RETURN_IF_ERROR(WriteAllInlined(&list));
    }
    for (const Manifest& list : lists) TIDEMARK_RETURN_IF_ERROR(CarryAll(list));
    for (Manifest& list : written) TIDEMARK_RETURN_IF_ERROR(WriteList(&list));
    format::RepositoryInfo info{report_.repository_id, lists.front().max_parallelism, NowMs()};
    TIDEMARK_ASSIGN_OR_RETURN(const std::string format, format::EncodeRepositoryInfo(info));
    TIDEMARK_RETURN_IF_ERROR(
        WriteFileDurably(fs(), root_ + "/" + std::string(format::kFormatName), format));
    for (auto folder = folders_.rbegin(); folder != folders_.rend(); ++folder)
      TIDEMARK_RETURN_IF_ERROR(SyncDirectory(fs(), *folder));
    return report_;
  }

 private:
  static constexpr size_t kHeldMax = 256;

  rocksdb::FileSystem& fs() const { return *options_.fs; }

  // A live writer deletes what it has merged or rewritten; what is open by then is still copied.
  // The log first: it goes sooner than bases do. What cannot be opened is reported by Carry.
  void Hold(const std::vector<Manifest>& lists) {
    const size_t held_max = std::min<size_t>(kHeldMax, OpenFilesMax() / 4);
    for (const FileKind kind : {FileKind::kSegment, FileKind::kBaseMeta, FileKind::kBaseSst}) {
      for (const Manifest& list : lists) {
        for (const auto& [id, file] : list.files) {
          if (file.kind != kind || held_.size() >= held_max) continue;
          const std::string name = format::SubtaskPrefix(list.subtask) + file.name;
          const std::string path = from_.LocalPath(name);
          auto reader = std::make_unique<PieceReader>(fs(), path);
          if (!path.empty() && reader->Open().ok()) held_.emplace(name, std::move(reader));
        }
      }
    }
  }

  Status MakeFolder(const std::string& path) {
    folders_.insert(path);
    return MakeDirectories(fs(), path);
  }

  std::string FolderOf(const Manifest& list) const {
    return root_ + "/" + format::SubtaskPrefix(list.subtask);
  }

  Status MakeFolders(const Manifest& list) {
    const std::string folder = FolderOf(list);
    TIDEMARK_RETURN_IF_ERROR(MakeFolder(root_ + "/subtasks"));
    TIDEMARK_RETURN_IF_ERROR(MakeFolder(folder.substr(0, folder.size() - 1)));
    for (const std::string_view sub : {format::kManifestPrefix, format::kSnapshotPrefix,
                                       format::kLogPrefix, format::kBasePrefix})
      TIDEMARK_RETURN_IF_ERROR(MakeFolder(folder + std::string(sub.substr(0, sub.size() - 1))));
    return {};
  }

  // They are files of the list from then on.
  Status WriteAllInlined(Manifest* list) {
    for (auto& [id, file] : list->files) {
      if (file.kind != FileKind::kInlined) continue;
      TIDEMARK_RETURN_IF_ERROR(WriteInlined(*list, FolderOf(*list), &file));
      Count(file);
    }
    return {};
  }

  Status CarryAll(const Manifest& list) {
    for (const auto& [id, file] : list.files) {
      if (file.kind == FileKind::kInlined) continue;
      TIDEMARK_RETURN_IF_ERROR(
          Carry(format::SubtaskPrefix(list.subtask) + file.name, FolderOf(list) + file.name, file));
      Count(file);
    }
    return {};
  }

  Status WriteList(Manifest* list) {
    list->repository_id = report_.repository_id;
    list->writer_open = false;
    list->references = format::ReferencesOf(*list);
    TIDEMARK_RETURN_IF_ERROR(format::CheckManifest(*list));
    return WriteManifest(*list, FolderOf(*list));
  }

  void Count(const FileMeta& file) {
    ++report_.files;
    report_.bytes += file.size;
    if (options_.progress) options_.progress(report_.bytes);
  }

  // It was in a manifest version, of which there is none here: it becomes a file.
  Status WriteInlined(const Manifest& list, const std::string& folder, FileMeta* file) {
    TIDEMARK_ASSIGN_OR_RETURN(const std::vector<format::SegmentEntry> entries,
                              ReadInlined(from_, list.subtask, *file));
    file->kind = FileKind::kSegment;
    file->name =
        format::SegmentName(file->attempt, file->first_epoch, file->last_epoch, file->unique);
    TIDEMARK_ASSIGN_OR_RETURN(const SstFile written,
                              WriteSegmentFile(options_.fs, folder + file->name, entries));
    file->size = written.size;
    file->checksum = written.checksum;
    file->sst_unique_id = written.unique_id;
    return {};
  }

  Status Carry(const std::string& name, const std::string& path, const FileMeta& file) {
    const std::string local = from_.LocalPath(name);
    FileDigest digest;
    if (!local.empty() && !options_.may_link) {
      format::Hasher128 hasher;
      const auto held = held_.extract(name);
      TIDEMARK_RETURN_IF_ERROR(held ? CopyFile(fs(), held.mapped().get(), path, &hasher)
                                    : AsMissing(name, CopyFile(fs(), local, path, &hasher)));
      TIDEMARK_ASSIGN_OR_RETURN(digest.size, SizeOf(path));
      digest.checksum = hasher.Digest();
    } else {
      const auto kind = from_.Fetch(name, path, options_.may_link);
      TIDEMARK_RETURN_IF_ERROR(AsMissing(name, kind.error()));
      TIDEMARK_ASSIGN_OR_RETURN(digest, DigestFile(fs(), path));
      if (*kind == TransferKind::kLinked) report_.linked_bytes += file.size;
      if (*kind == TransferKind::kCopied) TIDEMARK_RETURN_IF_ERROR(SyncFile(path));
    }
    if (digest.size == file.size && digest.checksum == file.checksum) return {};
    return Status(StatusCode::kCorruption, "file-checksum",
                  from_.Uri() + "/" + name + ": expected " + std::to_string(file.size) +
                      " bytes with XXH3-128 " + file.checksum.Hex() + ", got " +
                      std::to_string(digest.size) + " bytes with " + digest.checksum.Hex());
  }

  Status AsMissing(const std::string& name, const Status& status) const {
    if (status.ok() || from_.Size(name).error().code() != StatusCode::kNotFound) return status;
    return Status(StatusCode::kCorruption, "file-missing",
                  from_.Uri() + "/" + name + ": expected a file, got none");
  }

  Result<uint64_t> SizeOf(const std::string& path) const {
    uint64_t size = 0;
    TIDEMARK_RETURN_IF_ERROR(FromRocksDb(
        fs().GetFileSize(path, rocksdb::IOOptions(), &size, nullptr), "find the size of " + path));
    return size;
  }

  Status SyncFile(const std::string& path) const {
    std::unique_ptr<rocksdb::FSWritableFile> file;
    TIDEMARK_RETURN_IF_ERROR(FromRocksDb(
        fs().ReopenWritableFile(path, rocksdb::FileOptions(), &file, nullptr), "open " + path));
    return FromRocksDb(file->Fsync(rocksdb::IOOptions(), nullptr), "sync " + path);
  }

  // The list as a snapshot, and a version behind it whose attempt has opened and closed: whoever
  // opens it finds what a job leaves that has ended.
  Status WriteManifest(const Manifest& list, const std::string& folder) {
    format::ManifestVersion version;
    version.repository_id = list.repository_id;
    version.version = list.version + 1;
    version.attempt = list.attempt + 1;
    version.writer = format::WriterId::Random();
    version.snapshot_version = list.version;
    version.snapshot_name = format::SnapshotName(list.version, format::RandomUnique());
    version.time_ms = NowMs();
    version.edit.opens_attempt = true;
    version.edit.closes_writer = true;
    TIDEMARK_RETURN_IF_ERROR(format::CheckEdit(version, list));
    TIDEMARK_ASSIGN_OR_RETURN(const std::string snapshot, format::EncodeManifestSnapshot(list));
    TIDEMARK_RETURN_IF_ERROR(WriteFileDurably(fs(), folder + version.snapshot_name, snapshot));
    TIDEMARK_ASSIGN_OR_RETURN(const std::string bytes, format::EncodeManifestVersion(version));
    return WriteFileDurably(fs(), folder + format::ManifestName(version.version), bytes);
  }

  const CheckpointStorage& from_;
  const ExportOptions& options_;
  const std::string root_;
  std::set<std::string> folders_;
  std::map<std::string, std::unique_ptr<PieceReader>> held_;  // by the object's name
  ExportReport report_;
};

Status CheckDestination(rocksdb::FileSystem& fs, const std::string& directory) {
  if (!Exists(fs, directory) || ListDirectory(fs, directory).empty()) return {};
  return Status(StatusCode::kAlreadyExists, "export-destination",
                directory + " is not empty; expected a directory that is, or a new one");
}

}  // namespace

Result<ExportReport> ExportCheckpoint(const CheckpointStorage& from,
                                      const std::vector<Manifest>& lists,
                                      const std::string& directory, const ExportOptions& options) {
  std::string target = directory;
  while (target.size() > 1 && target.ends_with('/')) target.pop_back();
  rocksdb::FileSystem& fs = *options.fs;
  TIDEMARK_RETURN_IF_ERROR(CheckDestination(fs, target));
  TIDEMARK_RETURN_IF_ERROR(CreateDirectories(fs, ParentOf(target)));
  const std::string incomplete = target + ".incomplete-" + HexOf(format::RandomUnique());
  auto report = Exporting(from, options, incomplete).Write(lists);
  Status status = report.error();
  if (status.ok())
    status = FromRocksDb(fs.RenameFile(incomplete, target, rocksdb::IOOptions(), nullptr),
                         "rename " + incomplete + " to " + target);
  if (!status.ok()) {
    (void)RemoveAll(fs, incomplete);
    return status;
  }
  TIDEMARK_RETURN_IF_ERROR(SyncDirectory(fs, ParentOf(target)));
  return report;
}

}  // namespace tidemark::storage
