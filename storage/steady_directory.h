// SteadyDirectory: a file system on which one directory, once opened, is always there to be opened.
//
// RocksDB opens its directory anew for every column family that it makes, after the MANIFEST has
// it. If that fails (no file descriptor is left, or the medium says no) the family is there, nobody
// gets a handle to it, and it is in the way of the next try: 7.8 says that it exists already. So
// the directory is opened once, before RocksDB.
#pragma once

#include "storage/file_system.h"

#include <tidemark/status.h>

#include <string>

namespace tidemark::storage {

// `directory` is created if absent and opened. Everything else goes to `fs`.
// Thread safety: as `fs`.
Result<FileSystemPtr> OpenSteadyDirectory(const FileSystemPtr& fs, const std::string& directory);

}  // namespace tidemark::storage
