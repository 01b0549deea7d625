// ModelViews: the read views that a sequence holds open, each compared with what its checkpoint
// holds, whatever becomes of the store. They outlive it.
#pragma once

#include "store/view_core.h"
#include "tests/store/model_oracle.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace tidemark::store {

class ModelViews {
 public:
  static constexpr size_t kOpenMax = 2;

  size_t size() const { return open_.size(); }
  // What their caches count with.
  uint64_t memory_bytes() const;

  // Throws ModelFailure unless it shows that checkpoint's tables.
  void Add(std::shared_ptr<ViewCore> view, ModelCheckpoint checkpoint, uint64_t cache_bytes);
  const ModelState& StateOf(size_t which) const { return *open_[which].checkpoint.state; }
  // All of its tables with what they should hold.
  void Compare(size_t which) const;
  ViewTable TableOf(size_t which, const std::string& name) const;
  std::string Describe(size_t which) const;

  void Close(size_t which);
  void Clear() { open_.clear(); }

 private:
  struct Held {
    std::shared_ptr<ViewCore> view;
    ModelCheckpoint checkpoint;
    uint64_t cache_bytes = 0;
  };
  std::vector<Held> open_;
};

}  // namespace tidemark::store
