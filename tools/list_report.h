// What `ckpt-inspect list` says, as a table, as a tree and as JSON.
#pragma once

#include "storage/pins.h"
#include "tools/catalog.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tidemark::tools {

struct ListedCheckpoint {
  const format::Manifest& list;
  const format::Checkpoint& checkpoint;
  // By dropping it alone; unset: a pin cannot be read, and may keep anything.
  std::optional<uint64_t> freed_bytes{};
  std::vector<std::string> pins{};  // their names

  bool IsLatest() const { return &checkpoint == &list.checkpoints.back(); }
  // Null: it starts from the empty state.
  const format::Base* base() const;
};

struct ListedPin {
  const format::Pin& pin;
  bool listed = true;        // all subtasks retain the checkpoint, pin or not
  uint64_t freed_bytes = 0;  // by removing the pin
};

// Views: the catalog outlives this.
struct Listing {
  const Catalog& catalog;
  storage::Readings<format::Pin> pin_readings{};
  std::vector<ListedCheckpoint> checkpoints{};  // by subtask, ascending
  std::vector<ListedPin> pins{};
};
// Reads the pins. Those that could not be read, for whatever reason, are in there as errors.
std::unique_ptr<Listing> MakeListing(const Catalog& catalog);

// list_text.cc: a row a checkpoint, and one a pin.
std::string ListAsText(const Listing& listing, Console* console);
// list_tree.cc: subtask, attempts, and what each of them has committed.
std::string ListAsTree(const Listing& listing, const Style& style);
// list_json.cc: the whole document.
void ListAsJson(const Listing& listing, std::string* out);

}  // namespace tidemark::tools
