// UnsyncedFiles: a file system that syncs nothing, for files that are of no use after a crash. A
// sync of them would only hold up those of the files that matter, which share the medium and often
// the journal.
#pragma once

#include "storage/file_system.h"

namespace tidemark::storage {

// Passes everything on to `fs`, but for syncs of files and directories, which do nothing and
// succeed. Thread safety: as `fs`.
FileSystemPtr WithoutSyncs(const FileSystemPtr& fs);

}  // namespace tidemark::storage
