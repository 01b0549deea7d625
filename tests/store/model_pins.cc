// Pins: what is pinned reads as it was, whatever becomes of the list of checkpoints.
#include "tests/store/model_run.h"

#include <tidemark/pins.h>

#include <algorithm>
#include <iterator>

namespace tidemark::store {

namespace {

constexpr size_t kPinsMax = 3;
constexpr uint64_t kViewCacheBytes = 64 << 10;

}  // namespace

// ---- The world's ----

// Of a checkpoint that is there, unless a commit that is under way drops it.
void ModelWorld::Pin(const ModelCheckpoint& checkpoint) {
  // A branch may be about to give the same id again: then it is open which of them is pinned.
  const auto has_its_id = [&](const Pending& one) { return one.checkpoint.id == checkpoint.id; };
  if (std::any_of(pending_.begin(), pending_.end(), has_its_id)) return;
  const std::string name = "pin" + std::to_string(++pins_made_);
  Note("pin checkpoint " + std::to_string(checkpoint.id) + " as " + name);
  const auto pin = PinCheckpoint(*storage_, name, checkpoint.id);
  pinned_ids_.insert(checkpoint.id);  // also if it failed: there may be a pin all the same
  if (pin.has_value()) {
    pins_.emplace(name, checkpoint);
    ++counts_.pins;
  } else {
    const bool was_late = !pending_.empty() && pin.error().name() == "checkpoint-not-found";
    Expect(was_late || has_fault_, "pin: " + pin.error().ToString());
  }
}

void ModelWorld::Unpin(const std::string& name) {
  Note("unpin " + name);
  const Status unpinned = UnpinCheckpoint(*storage_, name);
  Expect(unpinned.ok() || has_fault_, "unpin: " + unpinned.ToString());
  pins_.erase(name);
}

void ModelWorld::OpenPinned(const std::string& name) {
  Note("open a view of " + name);
  const ModelCheckpoint& pinned = pins_.at(name);
  const auto view = store_->OpenView({.pin = name, .block_cache_bytes = kViewCacheBytes});
  if (!view.has_value()) {
    Expect(has_fault_, "open a view of " + name + ": " + view.error().ToString());
    return;
  }
  const CheckpointInfo& info = (*view)->checkpoint();
  Expect(info.id == pinned.id && info.metadata == pinned.metadata,
         "a view of " + name + " shows another checkpoint");
  views_.Add(*view, pinned, kViewCacheBytes);
}

// Each as a whole.
void ModelWorld::ComparePins() {
  for (const auto& [name, checkpoint] : pins_) {
    if (views_.size() == ModelViews::kOpenMax) views_.Close(0);
    OpenPinned(name);
    views_.Compare(views_.size() - 1);
    views_.Close(views_.size() - 1);
  }
}

// ---- Operations ----

void ModelRun::Pin(ModelRandom& random) {
  // Else commits that are under way may drop it first.
  if (random.Chance(2)) world_.Settle();
  const auto certain = world_.oracle().certain();
  if (certain.empty()) return;
  if (world_.pins().size() == kPinsMax) world_.Unpin(world_.pins().begin()->first);
  world_.Pin(certain[random.Below(certain.size())]);
}

void ModelRun::Unpin(ModelRandom& random) {
  if (world_.pins().empty()) return;
  world_.Unpin(std::next(world_.pins().begin(), random.Below(world_.pins().size()))->first);
}

void ModelRun::ViewPin(ModelRandom& random) {
  if (world_.pins().empty()) return;
  if (world_.views().size() == ModelViews::kOpenMax) world_.views().Close(0);
  world_.OpenPinned(std::next(world_.pins().begin(), random.Below(world_.pins().size()))->first);
}

}  // namespace tidemark::store
