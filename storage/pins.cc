#include "storage/pins.h"

#include "format/names.h"
#include "storage/manifest_chain.h"
#include "storage/repository.h"

#include <algorithm>
#include <optional>

namespace tidemark {

namespace storage {
namespace {

// Of one pin: each time the checkpoint must have been rebased or merged in between.
constexpr int kPinTriesMax = 100;

Status CheckPinName(std::string_view name) {
  if (format::IsValidPinName(name)) return {};
  return Status(StatusCode::kInvalidArgument, "pin-name",
                "'" + std::string(name) + "' is no name for a pin: expected 1 to " +
                    std::to_string(format::kPinNameBytesMax) +
                    " characters of [A-Za-z0-9._-], not beginning with a dot, without '.tmp-'");
}

Status CheckReason(std::string_view reason, const char* error) {
  if (reason.size() <= format::kReasonBytesMax) return {};
  return Status(StatusCode::kInvalidArgument, error,
                "a reason of " + std::to_string(reason.size()) + " bytes, expected at most " +
                    std::to_string(format::kReasonBytesMax));
}

std::chrono::system_clock::time_point TimeOf(int64_t ms) {
  return std::chrono::system_clock::time_point(std::chrono::milliseconds(ms));
}

Status CheckRepository(const CheckpointStorage& storage, const std::string& object,
                       const format::WriterId& expected, const format::WriterId& got) {
  if (expected == got) return {};
  return Status(StatusCode::kIncompatibleFormat, "repository-id",
                storage.Uri() + "/" + object + " belongs to repository " + got.Hex() +
                    ", expected " + expected.Hex());
}

// NotFound if it is not there.
Result<format::Pin> ReadPinObject(const CheckpointStorage& storage,
                                  const format::WriterId& repository_id, const std::string& object,
                                  std::optional<uint32_t> subtask) {
  TIDEMARK_ASSIGN_OR_RETURN(const std::string bytes, ReadObject(storage, object));
  const std::string where = storage.Uri() + "/" + object;
  auto pin = format::DecodePin(bytes, where, subtask);
  if (!pin.has_value()) return AsDamage(std::move(pin).error());
  TIDEMARK_RETURN_IF_ERROR(CheckRepository(storage, object, repository_id, pin->repository_id));
  if (format::PinName(pin->name) == object) return pin;
  return Status(StatusCode::kCorruption, "pin-structure",
                where + ": it is the pin '" + pin->name + "' under another name");
}

// NotFound if it is not there.
Result<OpenRequest> ReadRequest(const CheckpointStorage& storage,
                                const format::WriterId& repository_id, uint32_t subtask,
                                const std::string& object, std::string_view id) {
  TIDEMARK_ASSIGN_OR_RETURN(const std::string bytes, ReadObject(storage, object));
  const auto request = format::DecodeRequest(bytes, storage.Uri() + "/" + object);
  if (!request.has_value()) return AsDamage(request.error());
  TIDEMARK_RETURN_IF_ERROR(CheckRepository(storage, object, repository_id, request->repository_id));
  return OpenRequest{object,
                     {std::string(id), subtask, TimeOf(request->created_ms), request->reason}};
}

// Takes in what was read of one object; not what has gone meanwhile.
template <class T>
Status Take(Result<T> read, Readings<T>* readings) {
  if (read.has_value()) {
    readings->readable.push_back(*std::move(read));
    return {};
  }
  const Status& error = read.error();
  if (error.code() == StatusCode::kNotFound) return {};
  const bool is_unreadable =
      error.code() == StatusCode::kCorruption || error.code() == StatusCode::kIncompatibleFormat;
  if (!is_unreadable) return error;
  readings->unreadable.push_back(error);
  return {};
}

Result<std::vector<std::string>> PinObjects(const CheckpointStorage& storage) {
  TIDEMARK_ASSIGN_OR_RETURN(const std::vector<ObjectInfo> objects,
                            storage.List(format::kPinsPrefix));
  std::vector<std::string> names;
  for (const ObjectInfo& object : objects)
    if (format::ParsePinName(object.name)) names.push_back(object.name);
  return names;
}

Status NoSuchPin(const CheckpointStorage& storage, std::string_view name) {
  TIDEMARK_ASSIGN_OR_RETURN(const std::vector<std::string> objects, PinObjects(storage));
  std::string existing;
  for (const std::string& object : objects)
    existing.append(existing.empty() ? "" : ", ").append(*format::ParsePinName(object));
  return Status(StatusCode::kNotFound, "pin-not-found",
                storage.Uri() + " has no pin '" + std::string(name) + "'; there " +
                    (existing.empty() ? "is none" : "are: " + existing));
}

// What every subtask has of the checkpoint now. A list that ends before what is damaged may show
// what the writer has dropped long ago.
Result<std::vector<format::Manifest>> ListsOf(const CheckpointStorage& storage,
                                              const format::WriterId& repository_id, uint64_t id) {
  TIDEMARK_ASSIGN_OR_RETURN(const std::vector<uint32_t> subtasks, ListSubtasks(storage));
  std::vector<format::Manifest> lists;
  uint32_t parallelism = 1;
  for (const uint32_t subtask : subtasks) {
    TIDEMARK_ASSIGN_OR_RETURN(const ManifestReading reading,
                              ReadManifest(storage, repository_id, subtask));
    if (!reading.damaged.empty()) return reading.damaged.front();
    TIDEMARK_RETURN_IF_ERROR(
        format::CheckCheckpointExists(reading.manifest, id)
            .WithContext(storage.Uri() + ", subtask " + std::to_string(subtask)));
    lists.push_back(format::ListOf(reading.manifest, *reading.manifest.FindCheckpoint(id)));
    parallelism = reading.manifest.parallelism;
  }
  if (lists.size() == parallelism) return lists;
  return Status(StatusCode::kNotFound, "subtask-not-found",
                storage.Uri() + " has " + std::to_string(lists.size()) + " of " +
                    std::to_string(parallelism) + " subtasks; checkpoint " + std::to_string(id) +
                    " is not whole before the others have made it");
}

// Whether they are of the same files.
bool IsSameCheckpoint(const format::Manifest& a, const format::Manifest& b) {
  return a.subtask == b.subtask && a.checkpoints == b.checkpoints && a.files == b.files &&
         a.bases == b.bases && a.tables == b.tables;
}

// The version that a list was read as of may be there without being durable: its writer is just
// syncing its folder. Asking for its name, which is taken, syncs that too; and it makes the next
// listing fresh where a client caches listings.
Status MakeDurable(CheckpointStorage& storage, const format::Manifest& list) {
  const std::string object =
      format::SubtaskPrefix(list.subtask) + format::ManifestName(list.version);
  const auto bytes = ReadObject(storage, object);
  if (!bytes.has_value() && bytes.error().code() == StatusCode::kNotFound) return {};  // collected
  TIDEMARK_RETURN_IF_ERROR(bytes.error());
  const Status taken = storage.CreateIfAbsent(object, *bytes);
  return taken.code() == StatusCode::kAlreadyExists ? Status() : taken;
}

// A pin counts when the newest manifests still have the checkpoint after it has been made, with the
// files that it names: whatever drops one of them later is published later, and its writer looks at
// the pins again before it deletes. False if the checkpoint has moved to other files meanwhile.
Result<bool> Counts(CheckpointStorage& storage, const format::Pin& pin) {
  for (const format::Manifest& list : pin.lists)
    TIDEMARK_RETURN_IF_ERROR(MakeDurable(storage, list));
  TIDEMARK_ASSIGN_OR_RETURN(const std::vector<format::Manifest> now,
                            ListsOf(storage, pin.repository_id, pin.checkpoint));
  return std::equal(now.begin(), now.end(), pin.lists.begin(), pin.lists.end(), IsSameCheckpoint);
}

// OK if it is there. Taken by these very bytes it is, if only the answer was lost.
Status CreatePin(CheckpointStorage& storage, const std::string& object, const std::string& bytes) {
  Status created = storage.CreateIfAbsent(object, bytes);
  if (created.code() != StatusCode::kAlreadyExists) return created;
  const auto found = ReadObject(storage, object);
  if (found.has_value() && *found == bytes) return {};
  return Status(StatusCode::kAlreadyExists, "pin-exists",
                storage.Uri() + "/" + object +
                    " is there already; take another name, or delete that pin first");
}

// Not if somebody has deleted it meanwhile, and somebody else taken the name.
Status TakeBack(CheckpointStorage& storage, const std::string& object, const std::string& bytes) {
  const auto found = ReadObject(storage, object);
  if (!found.has_value() || *found != bytes) return {};
  return storage.Delete(std::vector<std::string>{object});
}

// False if it does not count, and is gone again.
Result<bool> TryPin(CheckpointStorage& storage, const format::Pin& pin) {
  const std::string object = format::PinName(pin.name);
  TIDEMARK_ASSIGN_OR_RETURN(const std::string bytes, format::EncodePin(pin));
  TIDEMARK_RETURN_IF_ERROR(CreatePin(storage, object, bytes));
  Result<bool> counts = Counts(storage, pin);
  if (!counts.has_value() || !*counts) TIDEMARK_RETURN_IF_ERROR(TakeBack(storage, object, bytes));
  return counts;
}

PinInfo InfoOf(const format::Pin& pin) {
  return {pin.name, pin.checkpoint, TimeOf(pin.created_ms), pin.reason};
}

std::string RequestObject(uint32_t subtask, uint64_t unique) {
  return format::SubtaskPrefix(subtask) + format::RequestName(unique);
}

}  // namespace

Result<format::Pin> ReadPin(const CheckpointStorage& storage, const format::WriterId& repository_id,
                            std::string_view name, uint32_t subtask) {
  TIDEMARK_RETURN_IF_ERROR(CheckPinName(name));
  auto pin = ReadPinObject(storage, repository_id, format::PinName(name), subtask);
  if (pin.has_value() || pin.error().code() != StatusCode::kNotFound) return pin;
  return NoSuchPin(storage, name);
}

Result<Readings<format::Pin>> ReadPins(const CheckpointStorage& storage,
                                       const format::WriterId& repository_id,
                                       std::optional<uint32_t> subtask) {
  TIDEMARK_ASSIGN_OR_RETURN(const std::vector<std::string> objects, PinObjects(storage));
  Readings<format::Pin> pins;
  for (const std::string& object : objects)
    TIDEMARK_RETURN_IF_ERROR(Take(ReadPinObject(storage, repository_id, object, subtask), &pins));
  return pins;
}

Result<Readings<OpenRequest>> ReadRequests(const CheckpointStorage& storage,
                                           const format::WriterId& repository_id,
                                           uint32_t subtask) {
  const std::string folder = format::SubtaskPrefix(subtask);
  TIDEMARK_ASSIGN_OR_RETURN(const std::vector<ObjectInfo> objects,
                            storage.List(std::string(folder).append(format::kRequestsPrefix)));
  Readings<OpenRequest> requests;
  for (const ObjectInfo& object : objects) {
    const std::string_view name = std::string_view(object.name).substr(folder.size());
    if (!format::ParseRequestName(name)) continue;
    TIDEMARK_RETURN_IF_ERROR(Take(ReadRequest(storage, repository_id, subtask, object.name,
                                              name.substr(format::kRequestsPrefix.size())),
                                  &requests));
  }
  return requests;
}

}  // namespace storage

Result<PinInfo> PinCheckpoint(CheckpointStorage& storage, std::string_view name, uint64_t id,
                              std::string_view reason) {
  TIDEMARK_RETURN_IF_ERROR(storage::CheckPinName(name));
  TIDEMARK_RETURN_IF_ERROR(storage::CheckReason(reason, "pin-reason"));
  TIDEMARK_ASSIGN_OR_RETURN(const format::RepositoryInfo info,
                            storage::ReadRepositoryInfo(storage));
  format::Pin pin;
  pin.repository_id = info.id;
  pin.name = name;
  pin.checkpoint = id;
  pin.reason = reason;
  for (int tries = 0; tries < storage::kPinTriesMax; ++tries) {
    TIDEMARK_ASSIGN_OR_RETURN(pin.lists, storage::ListsOf(storage, info.id, id));
    pin.created_ms = storage::NowMs();
    pin.unique = format::RandomUnique();
    TIDEMARK_ASSIGN_OR_RETURN(const bool counts, storage::TryPin(storage, pin));
    if (counts) return storage::InfoOf(pin);
  }
  return Status(StatusCode::kUnavailable, "pin-moving",
                storage.Uri() + ": the files of checkpoint " + std::to_string(id) +
                    " were rewritten faster than they could be read; try again");
}

Status UnpinCheckpoint(CheckpointStorage& storage, std::string_view name) {
  TIDEMARK_RETURN_IF_ERROR(storage::CheckPinName(name));
  const std::string object = format::PinName(name);
  const auto size = storage.Size(object);
  if (!size.has_value() && size.error().code() == StatusCode::kNotFound)
    return storage::NoSuchPin(storage, name);
  TIDEMARK_RETURN_IF_ERROR(size.error());
  return storage.Delete(std::vector<std::string>{object});
}

Result<std::vector<PinInfo>> ListPins(const CheckpointStorage& storage) {
  TIDEMARK_ASSIGN_OR_RETURN(const format::RepositoryInfo info,
                            storage::ReadRepositoryInfo(storage));
  TIDEMARK_ASSIGN_OR_RETURN(const auto pins, storage::ReadPins(storage, info.id, std::nullopt));
  if (!pins.unreadable.empty()) return pins.unreadable.front();
  std::vector<PinInfo> infos;
  infos.reserve(pins.readable.size());
  for (const format::Pin& pin : pins.readable) infos.push_back(storage::InfoOf(pin));
  return infos;
}

Result<std::string> RequestCheckpoint(CheckpointStorage& storage, std::string_view reason) {
  TIDEMARK_RETURN_IF_ERROR(storage::CheckReason(reason, "request-reason"));
  TIDEMARK_ASSIGN_OR_RETURN(const format::RepositoryInfo info,
                            storage::ReadRepositoryInfo(storage));
  TIDEMARK_ASSIGN_OR_RETURN(const std::vector<uint32_t> subtasks, storage::ListSubtasks(storage));
  TIDEMARK_ASSIGN_OR_RETURN(
      const std::string bytes,
      format::EncodeRequest({info.id, storage::NowMs(), std::string(reason)}));
  if (subtasks.empty())
    return Status(StatusCode::kNotFound, "subtask-not-found",
                  storage.Uri() + " has no subtask that could take a checkpoint");
  const uint64_t unique = format::RandomUnique();
  for (const uint32_t subtask : subtasks)
    TIDEMARK_RETURN_IF_ERROR(
        storage.CreateIfAbsent(storage::RequestObject(subtask, unique), bytes));
  return format::RequestName(unique).substr(format::kRequestsPrefix.size());
}

Result<std::vector<RequestInfo>> ListRequests(const CheckpointStorage& storage) {
  TIDEMARK_ASSIGN_OR_RETURN(const format::RepositoryInfo info,
                            storage::ReadRepositoryInfo(storage));
  TIDEMARK_ASSIGN_OR_RETURN(const std::vector<uint32_t> subtasks, storage::ListSubtasks(storage));
  std::vector<RequestInfo> open;
  for (const uint32_t subtask : subtasks) {
    TIDEMARK_ASSIGN_OR_RETURN(auto requests, storage::ReadRequests(storage, info.id, subtask));
    if (!requests.unreadable.empty()) return requests.unreadable.front();
    for (storage::OpenRequest& request : requests.readable) open.push_back(std::move(request.info));
  }
  return open;
}

Status WithdrawRequest(CheckpointStorage& storage, std::string_view id) {
  const auto unique = format::ParseRequestName(std::string(format::kRequestsPrefix).append(id));
  if (!unique)
    return Status(StatusCode::kInvalidArgument, "request-id",
                  "'" + std::string(id) + "' is no request: expected 16 hexadecimal digits");
  TIDEMARK_ASSIGN_OR_RETURN(const std::vector<uint32_t> subtasks, storage::ListSubtasks(storage));
  std::vector<std::string> objects;
  for (const uint32_t subtask : subtasks)
    objects.push_back(storage::RequestObject(subtask, *unique));
  return storage.Delete(objects);
}

}  // namespace tidemark
