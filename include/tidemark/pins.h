// Pins and requests: what tools and people ask of a repository, beside the job that writes it.
//
// A pin is a named object that keeps the files of one checkpoint, whatever retention, compaction or
// a branch do, until it is deleted. A request asks the running job for a checkpoint. Neither needs
// the job, and neither changes what it has written: its store looks at them (see
// docs/ARCHITECTURE.md, Pins and requests).
//
// Thread safety: all functions may be called concurrently, from any process that reaches the
// storage.
#pragma once

#include <tidemark/status.h>
#include <tidemark/storage.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark {

struct PinInfo {
  std::string name;
  uint64_t checkpoint = 0;  // the host's id
  std::chrono::system_clock::time_point created;
  std::string reason;
};

// Pins checkpoint `id` of all subtasks under `name` (1 to 100 characters of [A-Za-z0-9._-], not
// beginning with a dot, without `.tmp-`). On return no writer deletes a file of it, and it can be
// read: ViewOptions::pin. Retention passes over the checkpoint as soon as its store has seen the
// pin: when it next deletes something, at most ten seconds later while there are checkpoints, at
// once with StateStore::LookForRequests. One that retention, or a branch, has dropped from the list
// before cannot be restored by its id any more. `reason`, up to 4 KiB, is for people. Blocks; reads
// the manifests twice at least, and writes one object.
//
// Errors: InvalidArgument (`pin-name`, `pin-reason`; `frame-too-large`: over 1 GiB for all
// subtasks); NotFound (`repository-not-found`; `subtask-not-found`: not all of them have begun;
// `checkpoint-not-found`, naming subtask and checkpoints that exist); AlreadyExists (`pin-exists`);
// Corruption (a manifest is damaged, so nobody knows what is newest); IncompatibleFormat;
// Unavailable (`pin-moving`: the checkpoint was rewritten faster than it could be read, try again;
// or the storage failed); ResourceExhausted. After an error there is no pin, but if the storage
// failed there may be one: delete it.
Result<PinInfo> PinCheckpoint(CheckpointStorage& storage, std::string_view name, uint64_t id,
                              std::string_view reason = {});

// Removes the pin. What it alone kept the writer deletes with what it drops next, or when it opens.
// Not to be called while somebody else pins under the same name. NotFound (`pin-not-found`, naming
// those that exist); InvalidArgument (`pin-name`); Unavailable.
Status UnpinCheckpoint(CheckpointStorage& storage, std::string_view name);

// All pins, in order of their names. A damaged one is an error, Corruption, naming the object: as
// long as it is there writers delete no file that a pin might keep, and drop no checkpoint for
// being old as long as their lists have room. IncompatibleFormat; NotFound
// (`repository-not-found`); Unavailable.
Result<std::vector<PinInfo>> ListPins(const CheckpointStorage& storage);

// Somebody waits for a checkpoint of a subtask.
struct RequestInfo {
  std::string id;  // 16 hexadecimal digits; the same for all subtasks
  uint32_t subtask = 0;
  std::chrono::system_clock::time_point created;
  std::string reason;
};

// Asks the job for a checkpoint: an object for each subtask, which its store deletes once a
// checkpoint is durable whose barrier came after it has seen the request. The host is told by
// EventListener::OnCheckpointRequested; one that takes checkpoints regularly need not do anything.
// Returns the request's id. Blocks; writes an object a subtask.
//
// InvalidArgument (`request-reason`: over 4 KiB); NotFound (`repository-not-found`,
// `subtask-not-found`: nobody to ask); Corruption, IncompatibleFormat (of FORMAT); Unavailable,
// ResourceExhausted: some subtasks may have been asked, see ListRequests.
Result<std::string> RequestCheckpoint(CheckpointStorage& storage, std::string_view reason = {});

// Those that are still open, by subtask. Errors as ListPins.
Result<std::vector<RequestInfo>> ListRequests(const CheckpointStorage& storage);

// Takes a request back, from all subtasks that have not answered it. OK if none is left.
// InvalidArgument (`request-id`); Unavailable.
Status WithdrawRequest(CheckpointStorage& storage, std::string_view id);

}  // namespace tidemark
