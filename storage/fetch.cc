#include "storage/fetch.h"

#include "storage/verify.h"

namespace tidemark::storage {

namespace {

std::string Where(const Repository& repository, const format::FileMeta& file) {
  return repository.storage().Uri() + "/" + repository.ObjectName(file.name) + ": expected " +
         std::to_string(file.size) + " bytes";
}

// What the manifest names and nobody has is damage.
Status AsMissing(const Repository& repository, const format::FileMeta& file, Status status) {
  if (status.code() != StatusCode::kNotFound) return status;
  return Status(StatusCode::kCorruption, "file-missing",
                Where(repository, file) + ", got no such file");
}

}  // namespace

Result<TransferKind> FetchFile(const Repository& repository, const format::FileMeta& file,
                               const std::string& path) {
  const std::string name = repository.ObjectName(file.name);
  const auto size = repository.storage().Size(name);
  if (!size.has_value()) return AsMissing(repository, file, size.error());
  if (*size != file.size) {
    return Status(StatusCode::kCorruption, "file-size",
                  Where(repository, file) + ", got " + std::to_string(*size));
  }
  // RocksDB appends to its MANIFEST: a link would let it change the repository's file.
  const bool may_link = file.kind != format::FileKind::kBaseMeta;
  auto kind = repository.storage().Fetch(name, path, may_link);
  if (!kind.has_value()) return AsMissing(repository, file, std::move(kind).error());
  return kind;
}

Status CheckDigest(const Repository& repository, const format::FileMeta& file,
                   const FileDigest& digest) {
  if (digest.size == file.size && digest.checksum == file.checksum) return {};
  return Status(StatusCode::kCorruption,
                file.kind == format::FileKind::kSegment ? "segment-checksum" : "file-checksum",
                Where(repository, file) + " with checksum " + file.checksum.Hex() + ", got " +
                    std::to_string(digest.size) + " bytes with " + digest.checksum.Hex());
}

Status CheckCopy(const Repository& repository, const format::FileMeta& file,
                 const FileDigest& digest, TransferKind kind) {
  Status copy = CheckDigest(repository, file, digest);
  if (copy.ok() || kind == TransferKind::kLinked) return copy;
  TIDEMARK_ASSIGN_OR_RETURN(const FileDigest object,
                            DigestObject(repository.storage(), repository.ObjectName(file.name)));
  if (!CheckDigest(repository, file, object).ok()) return copy;
  return Status(StatusCode::kUnavailable, "local-copy",
                std::string(copy.message()) +
                    " in the local copy, while the repository's file is right: check the disk of "
                    "the live directory, and try again");
}

Status VerifyLate(Repository& repository, rocksdb::FileSystem& fs, const UnverifiedFile& file) {
  const Status object =
      VerifyFile(repository.storage(), repository.subtask(), file.meta, VerifyLevel::kChecksum);
  if (object.code() == StatusCode::kCorruption)
    TIDEMARK_RETURN_IF_ERROR(repository.CheckNotFenced());
  if (!object.ok() || file.copy.empty()) return object;
  const auto digest = DigestFile(fs, file.copy);
  if (!digest) return digest.error().code() == StatusCode::kNotFound ? Status() : digest.error();
  if (CheckDigest(repository, file.meta, *digest).ok()) return {};
  return Status(StatusCode::kCorruption, "local-copy",
                file.copy + ": expected a copy of " + repository.ObjectName(file.meta.name) +
                    ", got other bytes; the repository's file is right");
}

Result<FetchedSegment> FetchSegment(const Repository& repository, const FileSystemPtr& fs,
                                    const format::FileMeta& segment, const std::string& path) {
  FetchedSegment fetched;
  if (segment.kind == format::FileKind::kInlined) {
    TIDEMARK_ASSIGN_OR_RETURN(const std::vector<format::SegmentEntry> entries,
                              ReadInlined(repository.storage(), repository.subtask(), segment));
    TIDEMARK_ASSIGN_OR_RETURN(fetched.file, WriteSegmentFile(fs, path, entries));
    fetched.transfer = TransferKind::kCopied;
    return fetched;
  }
  TIDEMARK_ASSIGN_OR_RETURN(fetched.transfer, FetchFile(repository, segment, path));
  TIDEMARK_ASSIGN_OR_RETURN(const FileDigest digest, DigestFile(*fs, path));
  TIDEMARK_RETURN_IF_ERROR(CheckCopy(repository, segment, digest, fetched.transfer));
  fetched.file.path = path;
  fetched.file.size = segment.size;
  fetched.file.checksum = segment.checksum;
  fetched.file.unique_id = segment.sst_unique_id;
  return fetched;
}

}  // namespace tidemark::storage
