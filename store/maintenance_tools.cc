// Maintenance's look at what tools have left for the store: pins and requests.
#include "storage/pins.h"
#include "store/maintenance.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace tidemark::store {

namespace {

using format::Manifest;

constexpr std::chrono::seconds kLookEvery{10};

}  // namespace

// The epoch of the newest checkpoint of this history; 0 if there is none.
uint64_t Maintenance::NewestEpoch() const {
  return repository_.WithManifest([this](const Manifest& manifest) -> uint64_t {
    const bool any = !manifest.checkpoints.empty() && IsOfThisHistory(manifest.checkpoints.back());
    return any ? manifest.checkpoints.back().at.epoch : 0;
  });
}

// A look costs requests to the storage, so without being told to there is one now and then only.
Status Maintenance::LookForTools() {
  const uint64_t newest = NewestEpoch();
  const auto is_answered = [newest](const auto& seen) { return seen.second < newest; };
  const auto now = std::chrono::steady_clock::now();
  const bool is_due = look_for_requests_.exchange(false) ||
                      now - looked_for_requests_ >= kLookEvery ||
                      std::any_of(requests_.begin(), requests_.end(), is_answered);
  if (!is_due) return {};
  looked_for_requests_ = now;
  const Status pins = repository_.ReadPins();
  const Status requests = AnswerRequests(newest);
  return pins.ok() ? requests : pins;
}

Status Maintenance::AnswerRequests(uint64_t newest) {
  TIDEMARK_ASSIGN_OR_RETURN(
      const auto open, storage::ReadRequests(repository_.storage(), repository_.repository_id(),
                                             repository_.subtask()));
  // After the look: a barrier before it may have come before the request.
  const uint64_t closed = commits_.newest_epoch();
  std::map<std::string, uint64_t> seen;
  std::vector<std::string> answered;
  for (const storage::OpenRequest& request : open.readable) {
    const auto known = requests_.find(request.object);
    const uint64_t since = known == requests_.end() ? closed : known->second;
    if (known == requests_.end()) options_.recorder->CheckpointRequested(request.info);
    seen.emplace(request.object, since);
    if (since < newest) answered.push_back(request.object);
  }
  requests_ = std::move(seen);
  if (answered.empty()) return {};
  TIDEMARK_RETURN_IF_ERROR(repository_.CheckNotFenced());
  TIDEMARK_RETURN_IF_ERROR(repository_.storage().Delete(answered));
  for (const std::string& request : answered) requests_.erase(request);
  return {};
}

// What a tool has left may be damaged. That is no damage to the store, but somebody must know.
void Maintenance::TellOfUnreadable(const Status& status) {
  if (status.name() != storage::kPinUnreadable || status.message() == unreadable_told_) return;
  unreadable_told_ = status.message();
  options_.recorder->Damage(
      Status(StatusCode::kCorruption, storage::kPinUnreadable, unreadable_told_));
}

}  // namespace tidemark::store
