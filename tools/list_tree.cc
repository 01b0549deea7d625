// The tree of a subtask: the attempts that lead to its newest checkpoint, one after the other, each
// with the checkpoints that it has committed. What pins keep of attempts that were abandoned hangs
// on the attempt that was gone back to.
#include "tools/list_report.h"
#include "tools/text.h"

#include <algorithm>
#include <utility>

namespace tidemark::tools {
namespace {

struct Node {
  std::string text;
  std::vector<Node> children;
};

void Render(const std::vector<Node>& nodes, const std::string& indent, std::string* text) {
  for (const Node& node : nodes) {
    const bool is_last = &node == &nodes.back();
    text->append(indent).append(is_last ? "└─ " : "├─ ").append(node.text).append("\n");
    Render(node.children, indent + (is_last ? "   " : "│  "), text);
  }
}

std::string MadeOf(const format::Manifest& list, const format::Checkpoint& checkpoint) {
  const auto base = list.bases.find(checkpoint.base);
  std::string text =
      base == list.bases.end() ? "" : "base at epoch " + std::to_string(base->second.at.epoch);
  if (!checkpoint.segments.empty())
    text.append(text.empty() ? "" : " + ").append(Counted(checkpoint.segments.size(), "segment"));
  return text.empty() ? "the empty state" : text;
}

std::string Describe(const format::Manifest& list, const format::Checkpoint& checkpoint,
                     const std::vector<std::string>& remarks) {
  std::string text = std::to_string(checkpoint.id) + "  " + FormatTime(checkpoint.time_ms) +
                     "  epoch " + std::to_string(checkpoint.at.epoch) + ": " +
                     MadeOf(list, checkpoint);
  for (size_t i = 0; i < remarks.size(); ++i) text.append(i == 0 ? "  " : ", ").append(remarks[i]);
  return text;
}

// A checkpoint that only a pin keeps.
struct PinnedOnly {
  const format::Pin* pin;
  const format::Manifest* list;
  const format::Checkpoint& checkpoint() const { return list->checkpoints.front(); }
};

class Tree {
 public:
  Tree(const Listing& listing, const format::Manifest& list) : list_(list) {
    for (const ListedCheckpoint& listed : listing.checkpoints)
      if (&listed.list == &list) listed_.push_back(&listed);
    for (const format::Pin& pin : listing.pin_readings.readable)
      if (const format::Manifest* const pinned = pin.FindList(list.subtask); pinned != nullptr) {
        const format::Checkpoint* const now = list.FindCheckpoint(pin.checkpoint);
        if (now == nullptr || !(now->at == pinned->checkpoints.front().at))
          pinned_.push_back({&pin, pinned});
      }
  }

  std::vector<Node> Attempts() {
    std::vector<Node> attempts;
    uint64_t first_epoch = 1;
    // The lineage does not go back for ever.
    if (Node earlier{"earlier attempts", Earlier()}; !earlier.children.empty())
      attempts.push_back(std::move(earlier));
    for (const format::LineageEntry& entry : list_.lineage) {
      Node attempt{"attempt " + std::to_string(entry.attempt) + ", epochs " +
                       std::to_string(first_epoch) + " to " + std::to_string(entry.last_epoch),
                   CheckpointsOf(entry)};
      AddBranches(entry, &attempt.children);
      if (!attempt.children.empty()) attempts.push_back(std::move(attempt));
      first_epoch = entry.last_epoch + 1;
    }
    return attempts;
  }

 private:
  using Row = std::pair<uint64_t, Node>;  // by epoch

  std::vector<Node> Earlier() {
    std::vector<Row> rows;
    for (const ListedCheckpoint* const listed : listed_)
      if (list_.lineage.empty() || listed->checkpoint.at.attempt < list_.lineage.front().attempt)
        rows.push_back(RowOf(*listed));
    return Sorted(std::move(rows));
  }

  Row RowOf(const ListedCheckpoint& listed) const {
    std::vector<std::string> remarks;
    if (listed.IsLatest()) remarks.push_back("latest");
    for (const std::string& pin : listed.pins) remarks.push_back("pin " + pin);
    return {listed.checkpoint.at.epoch, {Describe(list_, listed.checkpoint, remarks), {}}};
  }

  std::vector<Node> CheckpointsOf(const format::LineageEntry& entry) {
    std::vector<Row> rows;
    for (const ListedCheckpoint* const listed : listed_)
      if (listed->checkpoint.at.attempt == entry.attempt) rows.push_back(RowOf(*listed));
    for (const PinnedOnly& pinned : pinned_)
      if (pinned.checkpoint().at.attempt == entry.attempt &&
          pinned.checkpoint().at.epoch <= entry.last_epoch)
        rows.emplace_back(pinned.checkpoint().at.epoch, PinnedNode(pinned));
    return Sorted(std::move(rows));
  }

  static Node PinnedNode(const PinnedOnly& pinned) {
    return {Describe(*pinned.list, pinned.checkpoint(), {"pin " + pinned.pin->name + " alone"}),
            {}};
  }

  static std::vector<Node> Sorted(std::vector<Row> rows) {
    std::stable_sort(rows.begin(), rows.end(),
                     [](const Row& a, const Row& b) { return a.first < b.first; });
    std::vector<Node> nodes;
    for (Row& row : rows) nodes.push_back(std::move(row.second));
    return nodes;
  }

  // The last attempt of the list that the pinned checkpoint's history shares; and up to where.
  std::pair<uint64_t, uint64_t> LeftAt(const PinnedOnly& pinned) const {
    std::pair<uint64_t, uint64_t> left{0, 0};
    for (const format::LineageEntry& theirs : pinned.list->lineage)
      for (const format::LineageEntry& ours : list_.lineage)
        if (ours.attempt == theirs.attempt)
          left = {ours.attempt, std::min(ours.last_epoch, theirs.last_epoch)};
    return left;
  }
  bool IsBranch(const PinnedOnly& pinned) const {
    return LeftAt(pinned) !=
           std::pair(pinned.checkpoint().at.attempt, pinned.checkpoint().at.epoch);
  }

  // Branches that share nothing with the list hang on its oldest attempt.
  void AddBranches(const format::LineageEntry& entry, std::vector<Node>* children) const {
    for (const PinnedOnly& pinned : pinned_) {
      const auto [attempt, epoch] = LeftAt(pinned);
      const bool is_here =
          attempt == entry.attempt || (attempt == 0 && &entry == &list_.lineage.front());
      if (!is_here || !IsBranch(pinned)) continue;
      children->push_back({"attempt " + std::to_string(pinned.checkpoint().at.attempt) +
                               ", abandoned: left at epoch " + std::to_string(epoch),
                           {PinnedNode(pinned)}});
    }
  }

  const format::Manifest& list_;
  std::vector<const ListedCheckpoint*> listed_;
  std::vector<PinnedOnly> pinned_;
};

}  // namespace

std::string ListAsTree(const Listing& listing, const Style& style) {
  std::string text;
  for (const Subtask& subtask : listing.catalog.subtasks) {
    if (!subtask.error.ok()) continue;
    text.append(style.Bold("subtask " + std::to_string(subtask.number))).append("\n");
    Render(Tree(listing, subtask.manifest()).Attempts(), "", &text);
  }
  return text;
}

}  // namespace tidemark::tools
