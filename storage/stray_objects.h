// What lies in a repository beside what its lists and pins name: left by writers that died, on its
// way into a list, or not of a repository at all. Reads only.
#pragma once

#include "format/manifest.h"
#include "format/pin.h"
#include "storage/repository.h"

#include <tidemark/storage.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark::storage {

enum class StrayKind : uint8_t {
  kLeftover,    // of a writer, dropped or never named: the next one deletes it
  kUnfinished,  // a file of a local directory that is being written, or whose writer died
  kInFlight,    // of the attempt of a writer that lives, which may yet name it
  kUnknown,     // no object of a repository
};

struct Stray {
  StrayKind kind = StrayKind::kUnknown;
  std::string name;  // relative to the repository
  uint64_t bytes = 0;
  std::optional<uint32_t> subtask{};
};

// A subtask's list as it was read before.
struct ListedSubtask {
  const ManifestReading* reading = nullptr;
  bool writer_may_live = false;
};

struct StrayObjects {
  std::vector<Stray> strays;  // by name
  uint64_t objects = 0;       // looked at
};

// Looks at all objects below `prefix`: empty, or a subtask's folder. What lies in folders of
// subtasks that are not among `lists` counts by its name alone: nothing of it is called a leftover.
// `local_directory`: the repository's, if it is one; there also what is no object is looked at.
// Unavailable.
Result<StrayObjects> FindStrays(const CheckpointStorage& storage, std::string_view prefix,
                                std::span<const ListedSubtask> lists,
                                std::span<const format::Pin> pins,
                                const std::optional<std::string>& local_directory);

}  // namespace tidemark::storage
