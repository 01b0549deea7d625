// What `ckpt-inspect fsck` finds and says, as text and as JSON.
#pragma once

#include "format/pin.h"
#include "storage/pins.h"
#include "storage/stray_objects.h"
#include "tools/catalog.h"

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark::tools {

// A file that a list or a pin names, and that is not there, or not of its size.
struct Dangling {
  uint32_t subtask = 0;
  std::string name;  // relative to the repository
  uint64_t bytes = 0;
  std::vector<uint64_t> checkpoints;  // of the list, that need it
  std::vector<std::string> pins;      // that name it
  Status error;
};

struct FsckRun {
  storage::Readings<format::Pin> pins;
  storage::StrayObjects found;
  std::vector<Dangling> dangling;
  // Files that could not be looked at, which proves nothing.
  std::vector<Status> unread;
  bool cleaned = false;
  std::set<std::string> removed;  // of `found`, by --clean

  uint64_t Count(storage::StrayKind kind) const;  // that are still there
  uint64_t Bytes(storage::StrayKind kind) const;
  bool IsRemoved(const storage::Stray& stray) const { return removed.contains(stray.name); }
};

// fsck_search.cc. Files that vanish while we look are looked up again in the newest lists. Pins are
// read first, then files. Unavailable.
Result<FsckRun> RunChecks(const Catalog& catalog, std::optional<uint32_t> subtask);

// From the exit code, which knows of everything that went wrong: `clean`, `leftovers`,
// `unknown-objects`, `damaged`, `incomplete`, `refused`.
std::string_view FsckVerdict(const FsckRun& run, ExitCode outcome);
std::string FsckAsText(const FsckRun& run, ExitCode outcome, const Style& style);
// The whole document.
void FsckAsJson(const Catalog& catalog, const FsckRun& run, ExitCode outcome, std::string* out);

}  // namespace tidemark::tools
