// Peer: what the engines that commit at the barrier share: where their files are, and how long
// their checkpoints took.
#pragma once

#include "bench/engine.h"

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tidemark::bench {

class Peer : public Engine {
 public:
  void ResetFigures() override { durable_.clear(); }
  EngineFigures Figures() override {
    EngineFigures figures;
    figures.durable = durable_;
    return figures;
  }
  std::string repository() const override { return options_.directory + "/repository"; }

 protected:
  explicit Peer(const EngineOptions& options) : options_(options) {}

  // Makes a checkpoint, which is durable when `commit` returns.
  template <class Commit>
  Status TimeCheckpoint(const Commit& commit) {
    const auto begin = std::chrono::steady_clock::now();
    TIDEMARK_RETURN_IF_ERROR(commit());
    durable_.push_back(std::chrono::steady_clock::now() - begin);
    return {};
  }

  const EngineOptions options_;

 private:
  std::vector<std::chrono::nanoseconds> durable_;
};

// An open engine of this class.
template <class OneEngine, class... Arguments>
Result<std::unique_ptr<Engine>> OpenEngine(const Arguments&... arguments) {
  auto engine = std::make_unique<OneEngine>(arguments...);
  TIDEMARK_RETURN_IF_ERROR(engine->Open());
  return std::unique_ptr<Engine>(std::move(engine));
}

}  // namespace tidemark::bench
