// WithoutUnreadFiles: what RocksDB could not read it does not take in.
//
// An ingestion reads the first and the last key of a file, and RocksDB 7.8 does not ask whether
// that has worked: after an error of the first read it takes the file in as one without keys, for
// good, so that scans find what is in it and gets do not. The link, or the copy, into the database
// comes after those reads, and is refused here. That fails the ingestion; another try makes new
// files.
#pragma once

#include "storage/file_system.h"

namespace tidemark::storage {

// Passes everything on. Reads of a file in a folder `tmp`, where all lie that are ingested, are
// tried a second time if they fail; if that fails too, links and copies of the file are refused
// from then on. No two files in there have the same name in the life of a process.
//
// Thread safety: all members may be called concurrently.
FileSystemPtr WithoutUnreadFiles(const FileSystemPtr& fs);

}  // namespace tidemark::storage
