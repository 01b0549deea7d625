// Export: a checkpoint as a repository of its own, which needs nothing of the one that it was taken
// from. Every store and tool opens it as any other. The order of writes stands in
// docs/DURABILITY.md.
#pragma once

#include "format/manifest.h"
#include "storage/file_system.h"

#include <tidemark/status.h>
#include <tidemark/storage.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace tidemark::storage {

struct ExportOptions {
  FileSystemPtr fs = DefaultFileSystem();
  // Make hard links to files where that is possible, instead of copies. They are hashed all the
  // same.
  bool may_link = false;
  // Called now and then with the bytes so far; null: nobody is.
  std::function<void(uint64_t bytes)> progress{};
};

struct ExportReport {
  format::WriterId repository_id;  // its own
  uint64_t files = 0;
  uint64_t bytes = 0;
  uint64_t linked_bytes = 0;  // of these
};

// Makes the local directory `directory`, which must be absent or empty, a repository that holds
// just the checkpoint of `lists`: that of each subtask of `from`, as format::ListOf makes it. It
// has an id of its own, and each subtask an attempt that has closed. Every file is hashed on the
// way. Blocks for all of it. A writer may delete what is copied: 256 files, or a quarter of
// those that the process may open, are open from the beginning (see CheckpointStorage::LocalPath),
// those of the log first.
//
// What is written lies in `<directory>.incomplete-<16 hex digits>` until it is whole and durable:
// after an error that is removed if possible; a process that dies leaves it.
// Errors: AlreadyExists (`export-destination`); Corruption (`file-missing`, `file-checksum`, and
// what ReadInlined finds; a writer may have deleted it since the lists were read); Unavailable;
// ResourceExhausted (`disk-full`).
Result<ExportReport> ExportCheckpoint(const CheckpointStorage& from,
                                      const std::vector<format::Manifest>& lists,
                                      const std::string& directory, const ExportOptions& options);

}  // namespace tidemark::storage
