// What an edit does to a list, worked out and checked before anything is changed.
#pragma once

#include "format/manifest_rules.h"

#include <vector>

namespace tidemark::format {

// Of the edit's checkpoints and those of the list: how many segments at the front leave when the
// checkpoint moves to the edit's base.
struct Move {
  size_t index = 0;  // in the list; its size (before the edit): the added checkpoint
  size_t segments_dropped = 0;
};

// ... and where in the chain the segments begin that the edit's merged one replaces.
struct Merge {
  size_t index = 0;  // as in Move
  size_t first_segment = 0;
};

struct EditPlan {
  std::vector<size_t> removed;  // indexes of checkpoints in the list, ascending
  std::vector<Move> moves;
  std::vector<Merge> merges;
  std::vector<LineageEntry> lineage;  // afterwards
};

// Fills `plan`, or says which rule the edit breaks.
Problem MakePlan(const ManifestVersion& version, const Manifest& manifest, EditPlan* plan);

}  // namespace tidemark::format
