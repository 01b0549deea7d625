// verify, as far as pins go: whether they can be read, and whether what they alone keep is intact.
#pragma once

#include "tools/catalog.h"
#include "tools/verify_report.h"

#include <cstdint>
#include <optional>

namespace tidemark::tools {

// Sets `run->pins` and, with `reads_files` (all of the repository is asked for, and not only parts
// of it), `run->pinned_files`: files that no list has any more are verified at `run->level`, deeper
// levels as `checksum`, because nothing restores them without the pin.
void VerifyPins(const Catalog& catalog, std::optional<uint32_t> subtask, bool reads_files,
                VerifyRun* run, Console* console);

}  // namespace tidemark::tools
