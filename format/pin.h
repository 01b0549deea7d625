// What tools ask for by objects of their own: pins and requests. Encoded in format/manifest.fbs.
#pragma once

#include "format/manifest.h"

#include <tidemark/status.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark::format {

constexpr size_t kReasonBytesMax = 4096;

// A file pins/<name>: the files of a checkpoint stay for as long as it exists. It says all that a
// reader of the checkpoint needs, so that this does not depend on what becomes of the manifests.
struct Pin {
  WriterId repository_id;
  std::string name;
  uint64_t checkpoint = 0;
  int64_t created_ms = 0;  // Unix milliseconds
  std::string reason;
  uint64_t unique = 0;  // random, so that no two pins have the same bytes
  // Of every subtask, ascending: this checkpoint alone, as ListOf makes it.
  std::vector<Manifest> lists;

  // That of a subtask; null if there is none.
  const Manifest* FindList(uint32_t subtask) const;
};

// A file requests/<unique>: somebody waits for a checkpoint of this subtask.
struct Request {
  WriterId repository_id;
  int64_t created_ms = 0;
  std::string reason;
  friend bool operator==(const Request&, const Request&) = default;
};

// Whole files (format/frame.h). InvalidArgument (`frame-too-large`).
Result<std::string> EncodePin(const Pin& pin);
Result<std::string> EncodeRequest(const Request& request);
// Corruption: as DecodeFile, or `pin-structure` and `request-structure`; each list of a pin is
// checked with CheckManifest, has just this checkpoint, and is of the same repository.
// `only`: the list of that subtask, if there is one, and no other; the others are not looked into.
Result<Pin> DecodePin(std::string_view file, std::string_view where,
                      std::optional<uint32_t> only = std::nullopt);
Result<Request> DecodeRequest(std::string_view file, std::string_view where);

}  // namespace tidemark::format
