// StateHistory: what a store must hold now, and at each of its checkpoints.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <random>

namespace tidemark::test {

// `State` is a value; one made by default is that of an empty store.
template <class State>
class StateHistory {
 public:
  State& current() { return current_; }

  // The id of the next checkpoint, and what follows from its success.
  uint64_t NextId() { return ++id_; }
  void Saved() { saved_[id_] = current_; }
  void RolledBack() { current_ = saved_.rbegin()->second; }

  // One at random; unset if that is the empty store, which no checkpoint stands for.
  std::optional<uint64_t> RandomCheckpoint(std::mt19937& random) const {
    auto checkpoint = saved_.begin();
    std::advance(checkpoint, random() % saved_.size());
    return checkpoint->first == 0 ? std::nullopt : std::optional(checkpoint->first);
  }
  // Those after it are abandoned.
  void Restored(uint64_t id) {
    const auto checkpoint = saved_.find(id);
    current_ = checkpoint->second;
    id_ = id;
    saved_.erase(std::next(checkpoint), saved_.end());
  }
  // Forgets the oldest ones.
  void Keep(size_t checkpoints) {
    while (saved_.size() > checkpoints + 1) saved_.erase(std::next(saved_.begin()));
  }

 private:
  State current_;
  uint64_t id_ = 0;
  std::map<uint64_t, State> saved_{{0, {}}};
};

}  // namespace tidemark::test
