// What pins keep: their files are passed over by all deletions, their checkpoints by retention.
//
// What was last read is good for passing over: a pin that has gone since costs space, no more. But
// before anything is deleted the pins are read again, so that none that counts is missed.
#include "format/names.h"
#include "storage/held_checkpoint.h"
#include "storage/pins.h"
#include "storage/repository.h"

#include <algorithm>

namespace tidemark::storage {

// A damaged pin may keep anything. It is no damage to what the writer stands on, so the store goes
// on.
Status Repository::ReadPins() {
  TIDEMARK_ASSIGN_OR_RETURN(const auto pins,
                            storage::ReadPins(*storage_, repository_id_, subtask_));
  std::set<std::string, std::less<>> files;
  auto checkpoints = std::make_shared<PinnedCheckpoints>();
  checkpoints->all_known = pins.unreadable.empty();
  for (const format::Pin& pin : pins.readable) {
    const format::Manifest* const list = pin.FindList(subtask_);
    if (list == nullptr) continue;
    checkpoints->at.push_back(list->checkpoints.front().at);
    for (const auto& [id, file] : list->files) files.insert(file.name);
  }
  {
    std::lock_guard lock(mutex_);
    pinned_files_ = std::move(files);
    pinned_checkpoints_ = std::move(checkpoints);
  }
  if (pins.unreadable.empty()) return {};
  return Status(StatusCode::kUnavailable, kPinUnreadable,
                "no file is deleted while it is unknown what a pin keeps; repair or remove it: " +
                    std::string(pins.unreadable.front().message()));
}

std::shared_ptr<const PinnedCheckpoints> Repository::pinned_checkpoints() const {
  std::lock_guard lock(mutex_);
  return pinned_checkpoints_;
}

// `names` as the storage knows them; those that pins keep leave it. While there is nothing else
// nobody looks whether the pins are still there.
Status Repository::DeleteUnlessPinned(std::vector<std::string>* names) {
  const auto is_pinned = [this](const std::string& name) { return IsPinned(name); };
  {
    std::lock_guard lock(mutex_);
    if (std::all_of(names->begin(), names->end(), is_pinned)) {
      names->clear();
      return {};
    }
  }
  TIDEMARK_RETURN_IF_ERROR(CheckNotFenced());
  TIDEMARK_RETURN_IF_ERROR(ReadPins());
  {
    std::lock_guard lock(mutex_);
    // And the holds: one that came after `names` were chosen may be of a pin that has gone since.
    std::erase_if(*names, [this](const std::string& name) {
      return IsPinned(name) || held_.contains(FileNameOf(name));
    });
  }
  return storage_->Delete(*names);
}

std::string Repository::FileNameOf(std::string_view object) const {
  return std::string(object.substr(format::SubtaskPrefix(subtask_).size()));
}

bool Repository::IsPinned(std::string_view object) const {
  return pinned_files_.contains(FileNameOf(object));
}

// First held and then looked at again: a deletion that has not seen the hold has seen the pin.
Result<std::unique_ptr<HeldCheckpoint>> Repository::HoldPin(std::string_view name) const {
  TIDEMARK_ASSIGN_OR_RETURN(const format::Pin pin,
                            ReadPin(*storage_, repository_id_, name, subtask_));
  const format::Manifest* const list = pin.FindList(subtask_);
  if (list == nullptr)
    return Status(StatusCode::kNotFound, "pin-not-found",
                  storage_->Uri() + ": pin '" + pin.name + "' has nothing of subtask " +
                      std::to_string(subtask_));
  std::unique_ptr<HeldCheckpoint> held;
  {
    std::lock_guard lock(mutex_);
    held = HoldFilesOf(*list);
  }
  TIDEMARK_ASSIGN_OR_RETURN(const format::Pin again,
                            ReadPin(*storage_, repository_id_, name, subtask_));
  if (again.unique == pin.unique) return held;
  return Status(StatusCode::kUnavailable, "pin-moving",
                storage_->Uri() + ": pin '" + pin.name + "' was replaced meanwhile; try again");
}

}  // namespace tidemark::storage
