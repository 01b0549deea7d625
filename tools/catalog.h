// Catalog: what a repository holds, subtask by subtask, as every command needs it first. Reads
// only.
#pragma once

#include "storage/repository.h"
#include "tools/console.h"

#include <tidemark/storage.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark::tools {

enum class WriterLife : uint8_t {
  kClosed,   // the last writer closed the repository
  kAlive,    // somebody holds the lock
  kGone,     // it did not close, and nobody holds the lock
  kUnknown,  // it did not close; whether it lives cannot be seen from here
};

struct Writer {
  WriterLife life = WriterLife::kUnknown;
  std::string process;  // its id, as the lock file has it; empty if not alive or not known
};

struct Subtask {
  uint32_t number = 0;
  // Why there is no list; OK if there is one. `subtask-not-found`: nothing was ever checkpointed
  // there.
  Status error;
  storage::ManifestReading reading;
  Writer writer;

  const format::Manifest& manifest() const noexcept { return reading.manifest; }
};

struct Catalog {
  std::shared_ptr<CheckpointStorage> storage;
  format::RepositoryInfo info;
  std::vector<Subtask> subtasks;  // ascending
  bool is_whole = true;           // not of one subtask that was asked for
};

// Opens the repository at `uri` and reads the lists of its subtasks, or of the one asked for.
// Errors that concern one subtask are in there; those of the repository as a whole are returned: as
// OpenStorage and ReadRepositoryInfo, and Corruption (`repository-info-missing`) if only FORMAT is
// lost.
Result<Catalog> ReadCatalog(const std::string& uri, std::optional<uint32_t> subtask);

// NotFound (`subtask-not-found`) if subtasks that the job has, as the lists of others say, have no
// list: what lies there may be lost, or not mounted, and nothing is said or done about the job as a
// whole without them. OK of a catalog of one subtask, and where there is no list at all.
Status MissingSubtasks(const Catalog& catalog);

// Reads one subtask's list, again if need be.
Subtask ReadSubtask(const CheckpointStorage& storage, const format::RepositoryInfo& info,
                    uint32_t number);

// The directory of a local repository; nullopt for other storage.
std::optional<std::string> LocalPath(const CheckpointStorage& storage);

// Tells on standard error what is damaged or could not be read, and returns the exit code for that.
// Subtasks without any checkpoint are no error, unless they were asked for (`asked`); nor are those
// that are missing, where `needs_all` is false.
ExitCode ReportTrouble(const Subtask& subtask, bool asked, Console* console);
ExitCode ReportTrouble(const Catalog& catalog, bool asked, bool needs_all, Console* console);

// `writer alive (process 4711)` and the like.
std::string DescribeWriter(const Writer& writer);
// The word for JSON: `alive`, `closed`, `gone`, `unknown`.
std::string_view WriterLifeName(WriterLife life);

}  // namespace tidemark::tools
