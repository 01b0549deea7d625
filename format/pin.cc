#include "format/pin.h"

#include "format/flatbuffer.h"
#include "format/frame.h"
#include "format/manifest_bytes.h"
#include "format/names.h"

#include <algorithm>

namespace tidemark::format {

namespace {

Status Corrupt(const char* name, std::string_view where, const std::string& problem) {
  return Status(StatusCode::kCorruption, name, std::string(where) + ": " + problem);
}

Status BadPin(std::string_view where, const std::string& problem) {
  return Corrupt("pin-structure", where, problem);
}

std::string_view Text(const flatbuffers::String* text) { return {text->data(), text->size()}; }

std::string_view Bytes(const flatbuffers::Vector<uint8_t>* bytes) {
  return {reinterpret_cast<const char*>(bytes->data()), bytes->size()};
}

Status CheckList(const Manifest& list, const Pin& pin, std::string_view where) {
  TIDEMARK_RETURN_IF_ERROR(CheckManifest(list).WithContext(where));
  if (list.repository_id != pin.repository_id)
    return BadPin(where, "a list is of another repository");
  if (list.checkpoints.size() != 1 || list.checkpoints.front().id != pin.checkpoint)
    return BadPin(where, "expected lists of checkpoint " + std::to_string(pin.checkpoint) +
                             " alone, got another one");
  if (!pin.lists.empty() && pin.lists.back().subtask >= list.subtask)
    return BadPin(where, "its subtasks do not ascend");
  return {};
}

}  // namespace

const Manifest* Pin::FindList(uint32_t subtask) const {
  const auto found = std::find_if(lists.begin(), lists.end(),
                                  [&](const Manifest& list) { return list.subtask == subtask; });
  return found == lists.end() ? nullptr : &*found;
}

Result<std::string> EncodePin(const Pin& pin) {
  flatbuffers::FlatBufferBuilder builder;
  std::vector<flatbuffers::Offset<fb::PinnedList>> lists;
  uint64_t bytes = 0;
  for (const Manifest& list : pin.lists) {
    TIDEMARK_ASSIGN_OR_RETURN(const std::string file, EncodeManifestSnapshot(list));
    bytes += file.size();
    if (bytes > kFrameRawBytesMax)
      return Status(StatusCode::kInvalidArgument, "frame-too-large",
                    "a pin of " + std::to_string(pin.lists.size()) + " subtasks takes over " +
                        std::to_string(kFrameRawBytesMax) + " bytes");
    lists.push_back(fb::CreatePinnedList(
        builder, list.subtask,
        builder.CreateVector(reinterpret_cast<const uint8_t*>(file.data()), file.size())));
  }
  const fb::Bytes16 id = ToBytes16(pin.repository_id.bytes);
  const auto name = builder.CreateString(pin.name);
  const auto reason = builder.CreateString(pin.reason);
  builder.Finish(fb::CreatePin(builder, &id, name, pin.checkpoint, pin.created_ms, reason,
                               builder.CreateVector(lists), pin.unique));
  return EncodeFile(FileType::kPin, FrameKind::kPin, BytesOf(builder), Compression::kNone);
}

Result<Pin> DecodePin(std::string_view file, std::string_view where, std::optional<uint32_t> only) {
  TIDEMARK_ASSIGN_OR_RETURN(const std::string raw,
                            DecodeFile(FileType::kPin, FrameKind::kPin, file, where));
  const auto* const root = VerifiedRoot<fb::Pin>(raw);
  if (root == nullptr) return BadPin(where, "no valid FlatBuffer");
  Pin pin;
  pin.repository_id = {FromBytes16(*root->repository_id())};
  pin.name = Text(root->name());
  pin.checkpoint = root->checkpoint();
  pin.created_ms = root->created_ms();
  pin.reason = Text(root->reason());
  pin.unique = root->unique();
  if (!IsValidPinName(pin.name)) return BadPin(where, "its name is none");
  if (pin.reason.size() > kReasonBytesMax) return BadPin(where, "its reason is too long");
  for (const fb::PinnedList* stored : *root->lists()) {
    if (only && stored->subtask() != *only) continue;
    TIDEMARK_ASSIGN_OR_RETURN(Manifest list,
                              DecodeManifestSnapshot(Bytes(stored->snapshot()), where));
    if (list.subtask != stored->subtask()) return BadPin(where, "a list is of another subtask");
    TIDEMARK_RETURN_IF_ERROR(CheckList(list, pin, where));
    pin.lists.push_back(std::move(list));
  }
  return pin;
}

Result<std::string> EncodeRequest(const Request& request) {
  flatbuffers::FlatBufferBuilder builder;
  const fb::Bytes16 id = ToBytes16(request.repository_id.bytes);
  const auto reason = builder.CreateString(request.reason);
  builder.Finish(fb::CreateRequest(builder, &id, request.created_ms, reason));
  return EncodeFile(FileType::kRequest, FrameKind::kRequest, BytesOf(builder), Compression::kNone);
}

Result<Request> DecodeRequest(std::string_view file, std::string_view where) {
  TIDEMARK_ASSIGN_OR_RETURN(const std::string raw,
                            DecodeFile(FileType::kRequest, FrameKind::kRequest, file, where));
  const auto* const root = VerifiedRoot<fb::Request>(raw);
  if (root == nullptr) return Corrupt("request-structure", where, "no valid FlatBuffer");
  Request request{.repository_id = {FromBytes16(*root->repository_id())},
                  .created_ms = root->created_ms(),
                  .reason = std::string(Text(root->reason()))};
  if (request.reason.size() > kReasonBytesMax)
    return Corrupt("request-structure", where, "its reason is too long");
  return request;
}

}  // namespace tidemark::format
