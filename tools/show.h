// What `ckpt-inspect show` tells of one checkpoint, as text and as JSON.
#pragma once

#include "tools/checkpoint_view.h"
#include "tools/console.h"
#include "tools/json.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace tidemark::tools {

// What a table has in the base, without what the log adds to it and takes from it.
struct TableInBase {
  uint64_t bytes = 0;            // of its SSTs
  std::optional<uint64_t> keys;  // about; unset if the SSTs cannot be read
};
// By table; empty if the base cannot be looked into, or there is none.
using TablesInBase = std::map<uint32_t, TableInBase>;

// show_text.cc: as much of it as fits the terminal.
std::string ShowAsText(const CheckpointView& view, const TablesInBase& in_base, int64_t now_ms,
                       Console* console);
// show_json.cc; one element of `checkpoints`.
void ShowAsJson(const CheckpointView& view, const TablesInBase& in_base, int64_t now_ms,
                JsonWriter* json);

}  // namespace tidemark::tools
