#include "tools/target.h"

#include "storage/pins.h"

#include <utility>

namespace tidemark::tools {
namespace {

// Owned by the catalog.
std::shared_ptr<const Subtask> Borrow(const Subtask& subtask) {
  return {std::shared_ptr<const Subtask>(), &subtask};
}

Result<Target> FindPinned(const Catalog& catalog, const Subtask& subtask, const ByPin& by) {
  TIDEMARK_ASSIGN_OR_RETURN(format::Pin pin, storage::ReadPin(*catalog.storage, catalog.info.id,
                                                              by.name, subtask.number));
  if (pin.lists.empty() || pin.lists.front().checkpoints.empty())
    return Status(
        StatusCode::kNotFound, "checkpoint-not-found",
        "pin " + by.name + " keeps no checkpoint of subtask " + std::to_string(subtask.number));
  // As it stands in the subtask's own list it is seen what else is made of its files.
  const format::Checkpoint& pinned = pin.lists.front().checkpoints.front();
  const format::Checkpoint* const listed = subtask.manifest().FindCheckpoint(pinned.id);
  if (listed != nullptr && listed->at == pinned.at) return Target{Borrow(subtask), listed};
  auto own = std::make_shared<Subtask>();
  own->number = subtask.number;
  own->writer = subtask.writer;
  own->reading.manifest = std::move(pin.lists.front());
  const format::Checkpoint* const found = &own->manifest().checkpoints.front();
  return Target{std::move(own), found, /*in_pin_only=*/true};
}

// Ascending.
std::vector<uint64_t> IdsInAllSubtasks(const Catalog& catalog) {
  std::vector<uint64_t> common;
  bool is_first = true;
  for (const Subtask& subtask : catalog.subtasks) {
    if (!subtask.error.ok()) continue;
    if (is_first)
      for (const format::Checkpoint& checkpoint : subtask.manifest().checkpoints)
        common.push_back(checkpoint.id);
    else
      std::erase_if(common,
                    [&](uint64_t id) { return subtask.manifest().FindCheckpoint(id) == nullptr; });
    is_first = false;
  }
  return common;
}

}  // namespace

Result<Target> FindTarget(const Catalog& catalog, const Subtask& subtask,
                          const Selector& selector) {
  if (const auto* const by_pin = std::get_if<ByPin>(&selector.what))
    return FindPinned(catalog, subtask, *by_pin);
  TIDEMARK_ASSIGN_OR_RETURN(const format::Checkpoint* found, Resolve(selector, subtask.manifest()));
  return Target{Borrow(subtask), found};
}

Targets FindTargets(const Catalog& catalog, const Selector& selector) {
  Targets targets;
  for (const Subtask& subtask : catalog.subtasks) {
    if (!subtask.error.ok()) continue;
    auto found = FindTarget(catalog, subtask, selector);
    if (found)
      targets.found.push_back(*std::move(found));
    else
      targets.missing.emplace_back(subtask.number, std::move(found).error());
  }
  return targets;
}

ExitCode ReportMissing(const Catalog& catalog, const Targets& targets, Console* console) {
  ExitCode outcome = ExitCode::kOk;
  for (const auto& missing : targets.missing)
    outcome = Worse(outcome, console->Report(missing.second));
  if (catalog.subtasks.empty())
    outcome = console->Report(Status(StatusCode::kNotFound, "checkpoint-not-found",
                                     catalog.storage->Uri() + " has no checkpoint yet"));
  return outcome;
}

Result<uint64_t> FindId(const Catalog& catalog, const Selector& selector) {
  if (const auto* const by_id = std::get_if<ById>(&selector.what)) return by_id->id;
  if (const auto* const by_pin = std::get_if<ByPin>(&selector.what)) {
    TIDEMARK_ASSIGN_OR_RETURN(const format::Pin pin,
                              storage::ReadPin(*catalog.storage, catalog.info.id, by_pin->name, 0));
    return pin.checkpoint;
  }
  const uint64_t steps_back = std::get<FromLatest>(selector.what).steps_back;
  const std::vector<uint64_t> ids = IdsInAllSubtasks(catalog);
  if (steps_back < ids.size()) return ids[ids.size() - 1 - static_cast<size_t>(steps_back)];
  return Status(StatusCode::kNotFound, "checkpoint-not-found",
                catalog.storage->Uri() + " has no checkpoint " + selector.text + ": " +
                    std::to_string(ids.size()) + " are in the lists of all subtasks");
}

Result<uint64_t> FindRetainedId(const Catalog& catalog, const Selector& selector) {
  TIDEMARK_ASSIGN_OR_RETURN(const uint64_t id, FindId(catalog, selector));
  if (!std::holds_alternative<ByPin>(selector.what)) return id;
  for (const Subtask& subtask : catalog.subtasks) {
    if (!subtask.error.ok()) continue;
    TIDEMARK_ASSIGN_OR_RETURN(const Target target, FindTarget(catalog, subtask, selector));
    if (target.in_pin_only)
      return Status(StatusCode::kNotFound, "checkpoint-not-found",
                    "subtask " + std::to_string(subtask.number) +
                        " does not retain any more what pin " + selector.text +
                        " keeps, a checkpoint " + std::to_string(id) +
                        "; if there is one of that number, it is another one");
  }
  return id;
}

}  // namespace tidemark::tools
