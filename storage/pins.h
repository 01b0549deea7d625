// Pins and requests as objects, for writers: what <tidemark/pins.h> offers is built on it.
//
// A pin keeps files by naming them; it is no part of any manifest. Why no file of a pin that counts
// is ever deleted stands in docs/DURABILITY.md.
#pragma once

#include "format/pin.h"

#include <tidemark/pins.h>
#include <tidemark/storage.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark::storage {

// With the list of one subtask only. NotFound (`pin-not-found`, naming those that exist);
// InvalidArgument (`pin-name`); Corruption; IncompatibleFormat (`format-newer`, `repository-id`);
// Unavailable.
Result<format::Pin> ReadPin(const CheckpointStorage& storage, const format::WriterId& repository_id,
                            std::string_view name, uint32_t subtask);

template <class T>
struct Readings {
  std::vector<T> readable;         // by name
  std::vector<Status> unreadable;  // Corruption or IncompatibleFormat, naming the object
};
// All pins, with the lists of one subtask, or of all. One that goes meanwhile is passed over.
// Unavailable.
Result<Readings<format::Pin>> ReadPins(const CheckpointStorage& storage,
                                       const format::WriterId& repository_id,
                                       std::optional<uint32_t> subtask);

// A request, and the object that it is.
struct OpenRequest {
  std::string object;
  RequestInfo info;
};
// Those of one subtask. As ReadPins.
Result<Readings<OpenRequest>> ReadRequests(const CheckpointStorage& storage,
                                           const format::WriterId& repository_id, uint32_t subtask);

}  // namespace tidemark::storage
