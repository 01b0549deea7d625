// Selectors: how a checkpoint is named on the command line.
//
//   42          the checkpoint with this id
//   latest      the newest one
//   latest~2    the second one before it
//   before-1.4  the one that a pin of this name keeps
#pragma once

#include "format/manifest.h"

#include <tidemark/status.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace tidemark::tools {

struct ById {
  uint64_t id = 0;
};
struct FromLatest {
  uint64_t steps_back = 0;
};

struct ByPin {
  std::string name;
};

struct Selector {
  std::string text;  // as it was given
  std::variant<ById, FromLatest, ByPin> what;
};

// InvalidArgument (`checkpoint-selector`).
Result<Selector> ParseSelector(std::string_view text);

// The checkpoint in `manifest`, which must outlive the pointer. NotFound (`checkpoint-not-found`),
// saying which there are. Pins are in no manifest: see tools/target.h.
Result<const format::Checkpoint*> Resolve(const Selector& selector,
                                          const format::Manifest& manifest);

// Lines for --help.
std::string_view SelectorHelp();

}  // namespace tidemark::tools
