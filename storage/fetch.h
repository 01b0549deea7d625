// Bringing files of a repository to the local disk, with proof that they are what its manifest
// says.
#pragma once

#include "format/manifest.h"
#include "storage/file_system.h"
#include "storage/repository.h"
#include "storage/segment_file.h"

#include <tidemark/status.h>
#include <tidemark/storage.h>

#include <string>

namespace tidemark::storage {

// Makes `path`, which must not exist, hold the file, after its size was checked; links where that
// is possible and nobody is going to change it. Corruption (`file-missing`, `file-size`),
// Unavailable, ResourceExhausted.
Result<TransferKind> FetchFile(const Repository& repository, const format::FileMeta& file,
                               const std::string& path);

// Corruption (`segment-checksum`, `file-checksum`) unless the digest is the file's.
Status CheckDigest(const Repository& repository, const format::FileMeta& file,
                   const FileDigest& digest);

// The same of a file that FetchFile has made, by linking or copying. Unavailable (`local-copy`) if
// it is the copy alone that is wrong: that is no damage of the repository.
Status CheckCopy(const Repository& repository, const format::FileMeta& file,
                 const FileDigest& digest, TransferKind kind);

// A file of a base that FetchFile has made and nobody has hashed.
struct UnverifiedFile {
  format::FileMeta meta;
  std::string copy;  // its path; empty if it is a link
};
// Hashes it, in the repository and, if that is another one, on the local disk, from which it may
// have gone meanwhile. Corruption (also `local-copy`), Fenced (it is missing, and another writer
// may have deleted it), Unavailable.
Status VerifyLate(Repository& repository, rocksdb::FileSystem& fs, const UnverifiedFile& file);

// A segment as a local file, verified; an inlined one is written to it.
struct FetchedSegment {
  SstFile file;
  TransferKind transfer{};
};
// Errors as FetchFile, CheckDigest and ReadInlined.
Result<FetchedSegment> FetchSegment(const Repository& repository, const FileSystemPtr& fs,
                                    const format::FileMeta& segment, const std::string& path);

}  // namespace tidemark::storage
