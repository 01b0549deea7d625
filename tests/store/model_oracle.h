// The oracle of the model test: what a store must hold, kept in ordinary maps.
#pragma once

#include <tidemark/options.h>
#include <tidemark/table.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace tidemark::store {

// A sequence has found something that must not be.
struct ModelFailure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Values are shared between the states that hold them.
using ModelValue = std::shared_ptr<const std::string>;
struct ModelTable {
  TableKind kind{};
  bool counted = false;  // TableOptions::exact_count
  // Tells it from tables of this name before and after it.
  uint64_t incarnation = 0;
  std::map<std::string, ModelValue> entries;
};
// Compares what a pass over all entries shows with what it should.
class ModelEntries {
 public:
  explicit ModelEntries(const std::map<std::string, ModelValue>& expected) : expected_(expected) {}
  // A visit of one; `context` is a ModelEntries.
  static bool See(void* context, std::string_view key, std::string_view value) {
    auto& self = *static_cast<ModelEntries*>(context);
    const auto found = self.expected_.find(std::string(key));
    if (found == self.expected_.end()) {
      self.problem_ = "has key `" + std::string(key.substr(0, 40)) + "`, which should not be there";
    } else if (*found->second != value) {
      self.problem_ = "has a wrong value for key `" + std::string(key.substr(0, 40)) + "`";
    } else {
      ++self.matching_;
    }
    return self.problem_.empty();
  }
  // Empty if there was none. Once the pass is over.
  std::string problem() const {
    if (!problem_.empty() || matching_ == expected_.size()) return problem_;
    return "has " + std::to_string(matching_) + " entries, expected " +
           std::to_string(expected_.size());
  }

 private:
  const std::map<std::string, ModelValue>& expected_;
  size_t matching_ = 0;
  std::string problem_;
};

using ModelState = std::map<std::string, ModelTable>;  // by table name

struct ModelCheckpoint {
  uint64_t id = 0;
  uint64_t epoch = 0;
  std::shared_ptr<const ModelState> state;
  Metadata metadata;
};

class ModelOracle {
 public:
  explicit ModelOracle(uint32_t keep_last) : keep_last_(keep_last) {}

  ModelState& current() { return current_; }
  const std::vector<ModelCheckpoint>& retained() const { return retained_; }
  const std::optional<uint64_t>& stands_on() const { return stands_on_; }

  // The table of that name, made if there is none.
  ModelTable& Table(const std::string& name, TableKind kind_if_new, bool counted_if_new) {
    const auto [found, is_new] = current_.try_emplace(name);
    if (is_new) found->second = {kind_if_new, counted_if_new, ++incarnations_, {}};
    return found->second;
  }
  bool Has(uint64_t incarnation) const {
    return std::any_of(current_.begin(), current_.end(),
                       [&](const auto& one) { return one.second.incarnation == incarnation; });
  }

  // A barrier that closes `epoch`: what the checkpoint holds if it succeeds.
  ModelCheckpoint Barrier(uint64_t id, uint64_t epoch, Metadata metadata) {
    barrier_ = std::make_shared<const ModelState>(current_);
    return {id, epoch, barrier_, std::move(metadata)};
  }

  // Dropped tables come back. Those created since the barrier stay, empty, where they have not
  // taken the name of one that comes back.
  void Rollback() {
    ModelState state = *barrier_;
    for (const auto& [name, table] : current_)
      state.try_emplace(name, ModelTable{table.kind, table.counted, table.incarnation, {}});
    current_ = std::move(state);
  }

  // The checkpoint is durable. What it does not continue, and what is too old, is gone.
  void Acknowledge(const ModelCheckpoint& checkpoint) {
    retained_ = LeftByCommit();
    retained_.push_back(checkpoint);
    StandOn(checkpoint);
    branched_ = true;
    doubtful_.clear();
  }
  // It was reported as failed. Until another one succeeds a new writer may find it all the same:
  // its last request may have been carried out.
  void Failed(const ModelCheckpoint& checkpoint) { doubtful_.push_back(checkpoint); }

  // What a store that was opened says that it restored, and which checkpoints it found.
  void Restored(const std::optional<CheckpointInfo>& info, std::optional<uint64_t> asked_for,
                const std::vector<CheckpointInfo>& found) {
    Expect(!asked_for || (info && info->id == *asked_for),
           "another checkpoint was restored than the one asked for");
    AdoptDoubtful(found);
    if (!info) {
      Expect(retained_.empty(), "nothing was restored");
      current_.clear();
      barrier_ = std::make_shared<const ModelState>();
      stands_on_.reset();
      stands_on_epoch_ = 0;
    } else {
      Adopt(Find(*info, asked_for));
    }
    branched_ = false;
  }

  // Those retained that a new writer finds for certain, whether or not a failed commit was carried
  // out.
  std::vector<ModelCheckpoint> certain() const {
    return doubtful_.empty() ? retained_ : LeftByCommit();
  }

 private:
  // What of `retained_` one more commit leaves.
  std::vector<ModelCheckpoint> LeftByCommit() const {
    std::vector<ModelCheckpoint> left;
    for (const ModelCheckpoint& one : retained_) {
      if (branched_ || one.epoch <= stands_on_epoch_) left.push_back(one);
    }
    if (left.size() >= keep_last_) left.erase(left.begin(), left.end() - (keep_last_ - 1));
    return left;
  }

  static void Expect(bool condition, const std::string& otherwise) {
    if (!condition) throw ModelFailure(otherwise);
  }

  // A request whose answer was lost may have been carried out all the same. Then its checkpoint is
  // there, whichever one is restored, and has dropped what it would have dropped.
  void AdoptDoubtful(const std::vector<CheckpointInfo>& found) {
    for (const ModelCheckpoint& one : std::exchange(doubtful_, {})) {
      // By metadata: the abandoned end of a branch may have had the same id and epoch.
      const auto is_one = [&](const CheckpointInfo& info) { return info.metadata == one.metadata; };
      if (std::any_of(found.begin(), found.end(), is_one)) Acknowledge(one);
    }
  }

  ModelCheckpoint Find(const CheckpointInfo& info, std::optional<uint64_t> asked_for) {
    for (const ModelCheckpoint& one : retained_) {
      if (one.id != info.id || one.epoch != info.epoch) continue;
      Expect(asked_for || one.epoch == retained_.back().epoch,
             "checkpoint " + std::to_string(one.id) + " was restored, which is not the newest");
      Expect(one.metadata == info.metadata, "the metadata of checkpoint " + std::to_string(one.id));
      return one;
    }
    throw ModelFailure("checkpoint " + std::to_string(info.id) + " of epoch " +
                       std::to_string(info.epoch) + " was restored, which nobody has made");
  }

  void Adopt(const ModelCheckpoint& checkpoint) {
    barrier_ = checkpoint.state;
    current_ = *checkpoint.state;
    StandOn(checkpoint);
  }
  void StandOn(const ModelCheckpoint& checkpoint) {
    stands_on_ = checkpoint.id;
    stands_on_epoch_ = checkpoint.epoch;
  }

  const uint32_t keep_last_;
  uint64_t incarnations_ = 0;
  ModelState current_;
  std::shared_ptr<const ModelState> barrier_ = std::make_shared<const ModelState>();
  std::vector<ModelCheckpoint> retained_;  // ascending
  std::vector<ModelCheckpoint> doubtful_;
  std::optional<uint64_t> stands_on_;
  uint64_t stands_on_epoch_ = 0;
  bool branched_ = false;
};

}  // namespace tidemark::store
