// What `ckpt-inspect verify` does beyond checksums: reads all records of checkpoints, or restores
// them.
#pragma once

#include "tools/verification.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace tidemark::tools {

enum class VerifyDepth : uint8_t {
  kFiles,    // no further than Verification
  kRead,     // every record is read, decoded from its frame or block, and its value checked
  kRestore,  // and a store restores it elsewhere, and has the same content
};

// Goes on with those of the findings' checkpoints that were asked for and are good so far; what it
// finds is added. `by_id`: they were asked for one by one, so that one which the writer drops
// meanwhile is a question without an answer. Works in a scratch directory, which for kRestore takes
// as much as the state.
void VerifyDeep(const Catalog& catalog, const Subtask& subtask, VerifyDepth depth, bool by_id,
                Console* console, SubtaskFindings* findings);

// Which files to look at: `1/7`, every seventh by a hash of its name, the first such part; `10%`;
// `5GiB`, about so much. The same ones each time. InvalidArgument (`subset`).
Result<std::function<bool(const format::FileMeta&)>> ParseSubset(const std::string& text,
                                                                 const format::Manifest& list);

}  // namespace tidemark::tools
