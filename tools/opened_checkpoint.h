// OpenedCheckpoint: a checkpoint of one subtask whose records can be read.
//
// A live writer drops checkpoints and replaces the files of others while we look. What is missing
// is therefore looked up again in the newest list before anything is called damaged.
#pragma once

#include "compaction/checkpoint_reader.h"
#include "tools/scratch.h"
#include "tools/target.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark::tools {

// Whether the writer has dropped the checkpoint of `list` (as format::ListOf makes it) since, or
// made it of other files: what could not be found then is no damage.
bool HasMoved(const Catalog& catalog, const format::Manifest& list);

class OpenedCheckpoint {
 public:
  // `target` is of the catalog's `selector`, which it is looked up by again if need be. `scratch`
  // outlives this. Errors: as CheckpointFiles::Open; NotFound (`checkpoint-dropped`: its writer has
  // dropped it meanwhile); Unavailable (`manifest-moving`).
  static Result<std::unique_ptr<OpenedCheckpoint>> Open(const Catalog& catalog,
                                                        const Target& target, Scratch* scratch);

  uint32_t subtask() const noexcept { return list_.subtask; }
  // The list with this checkpoint alone, and what it is made of.
  const format::Manifest& list() const noexcept { return list_; }
  const format::Checkpoint& checkpoint() const noexcept { return list_.checkpoints.front(); }
  const compaction::CheckpointReader& reader() const noexcept { return *reader_; }

  // Its tables by name.
  std::vector<const format::TableMeta*> Tables() const;
  // NotFound (`table-not-found`), naming those that exist.
  Result<const format::TableMeta*> FindTable(std::string_view name) const;
  // About how many live records it has, of one table or, without a name, of all.
  uint64_t EstimateRecords(std::string_view table = {}) const;

 private:
  explicit OpenedCheckpoint(format::Manifest list) : list_(std::move(list)) {}

  const format::Manifest list_;
  std::optional<compaction::CheckpointReader> reader_;
};

// What a command reads that is about one checkpoint: of all subtasks, or the one asked for.
struct OpenedJob {
  Catalog catalog;
  std::unique_ptr<Scratch> scratch;
  std::vector<std::unique_ptr<OpenedCheckpoint>> subtasks;  // ascending

  // By name, of all subtasks.
  std::vector<const format::TableMeta*> Tables() const;
  // NotFound (`table-not-found`), naming those that exist.
  Result<const format::TableMeta*> FindTable(std::string_view name) const;
  // About how many live records they have, of one table or, without a name, of all.
  uint64_t EstimateRecords(std::string_view table = {}) const;
};
// kOk; else it was reported: nothing is opened unless all of it can be.
ExitCode OpenJob(const std::string& repository, std::optional<uint32_t> subtask,
                 const std::string& checkpoint, OpenedJob* job, Console* console);

// The stored key of a user key in one subtask's table.
std::string StoredKeyOf(const format::Manifest& list, const format::TableMeta& table,
                        std::string_view key);

}  // namespace tidemark::tools
