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

// A segment as a local file, verified; an inlined one is written to it.
struct FetchedSegment {
  SstFile file;
  TransferKind transfer{};
};
// Errors as FetchFile, CheckDigest and ReadInlined.
Result<FetchedSegment> FetchSegment(const Repository& repository, const FileSystemPtr& fs,
                                    const format::FileMeta& segment, const std::string& path);

}  // namespace tidemark::storage
