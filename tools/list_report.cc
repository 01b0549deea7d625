#include "tools/list_report.h"

#include "compaction/freed_files.h"

#include <utility>

namespace tidemark::tools {
namespace {

// The pin's checkpoint as the subtask has it, if that is still in the list.
const format::Checkpoint* FindListed(const format::Pin& pin, const format::Manifest& list) {
  const format::Manifest* const pinned = pin.FindList(list.subtask);
  const format::Checkpoint* const listed = list.FindCheckpoint(pin.checkpoint);
  if (pinned == nullptr || listed == nullptr) return nullptr;
  return listed->at == pinned->checkpoints.front().at ? listed : nullptr;
}

void AddCheckpoints(const format::Manifest& list, Listing* listing) {
  const auto& pins = listing->pin_readings;
  const compaction::PinnedFiles pinned = compaction::PinnedFilesOf(pins.readable, list.subtask);
  for (const format::Checkpoint& checkpoint : list.checkpoints) {
    listing->checkpoints.push_back({list, checkpoint});
    ListedCheckpoint& listed = listing->checkpoints.back();
    if (pins.unreadable.empty())
      listed.freed_bytes = compaction::BytesFreed(list, checkpoint, pinned);
    for (const format::Pin& pin : pins.readable)
      if (pin.checkpoint == checkpoint.id && FindListed(pin, list) == &checkpoint)
        listed.pins.push_back(pin.name);
  }
}

void AddPin(const format::Pin& pin, Listing* listing) {
  listing->pins.push_back({pin});
  ListedPin& listed = listing->pins.back();
  for (const Subtask& subtask : listing->catalog.subtasks) {
    if (!subtask.error.ok()) continue;
    const format::Manifest& list = subtask.manifest();
    listed.listed &= pin.FindList(list.subtask) == nullptr || FindListed(pin, list) != nullptr;
    listed.freed_bytes +=
        compaction::BytesFreedByUnpinning(list, pin, listing->pin_readings.readable);
  }
}

}  // namespace

const format::Base* ListedCheckpoint::base() const {
  const auto found = list.bases.find(checkpoint.base);
  return found == list.bases.end() ? nullptr : &found->second;
}

std::unique_ptr<Listing> MakeListing(const Catalog& catalog) {
  std::unique_ptr<Listing> listing(new Listing{catalog});
  if (auto pins = storage::ReadPins(*catalog.storage, catalog.info.id, std::nullopt); pins)
    listing->pin_readings = *std::move(pins);
  else
    listing->pin_readings.unreadable.push_back(pins.error());
  for (const Subtask& subtask : catalog.subtasks)
    if (subtask.error.ok()) AddCheckpoints(subtask.manifest(), listing.get());
  for (const format::Pin& pin : listing->pin_readings.readable) AddPin(pin, listing.get());
  return listing;
}

}  // namespace tidemark::tools
