// Target: the checkpoint of one subtask that a command line means.
#pragma once

#include "tools/catalog.h"
#include "tools/selector.h"

#include <memory>
#include <vector>

namespace tidemark::tools {

// The catalog that it was found in outlives it.
struct Target {
  // With the list that has the checkpoint: that of the subtask, or, if only a pin keeps the
  // checkpoint, that of the pin.
  std::shared_ptr<const Subtask> subtask;
  const format::Checkpoint* checkpoint = nullptr;  // in that list
  bool in_pin_only = false;

  const format::Manifest& list() const noexcept { return subtask->manifest(); }
};

// NotFound (`checkpoint-not-found`, `pin-not-found`), saying which there are; Corruption,
// IncompatibleFormat and Unavailable of a pin that cannot be read.
Result<Target> FindTarget(const Catalog& catalog, const Subtask& subtask, const Selector& selector);

// The same of all subtasks that have a list.
struct Targets {
  std::vector<Target> found;                         // ascending subtasks
  std::vector<std::pair<uint32_t, Status>> missing;  // subtasks without it, and why
};
Targets FindTargets(const Catalog& catalog, const Selector& selector);
// Reports what is missing, also if there is no subtask at all.
ExitCode ReportMissing(const Catalog& catalog, const Targets& targets, Console* console);

// The id that is meant where all subtasks are meant together: `latest` and its like count the
// checkpoints that every subtask with a list has. An id is taken as it is. NotFound
// (`checkpoint-not-found`, `pin-not-found`), and what reading a pin gives.
Result<uint64_t> FindId(const Catalog& catalog, const Selector& selector);

// The same for whoever goes on with the id alone: NotFound also if a pin is meant whose checkpoint
// a list does not have any more, because another one may have its number by now.
Result<uint64_t> FindRetainedId(const Catalog& catalog, const Selector& selector);

}  // namespace tidemark::tools
