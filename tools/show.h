// What `ckpt-inspect show` tells of one checkpoint, as text and as JSON.
#pragma once

#include "tools/checkpoint_view.h"
#include "tools/json.h"

#include <string>

namespace tidemark::tools {

// show_text.cc
std::string ShowAsText(const CheckpointView& view, int64_t now_ms, const Style& style);
// show_json.cc; one element of `checkpoints`.
void ShowAsJson(const CheckpointView& view, int64_t now_ms, JsonWriter* json);

}  // namespace tidemark::tools
