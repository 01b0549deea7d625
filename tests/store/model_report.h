// What the model test says about a sequence that fails: how to run it again, and the fewest steps
// that it takes.
#pragma once

#include "tests/store/model_run.h"

#include <cstdint>
#include <string>
#include <vector>

namespace tidemark::store {

// While it lives, a crash (a signal, or a report of a sanitizer) prints the seed. One at a time.
class ModelInProgress {
 public:
  explicit ModelInProgress(uint64_t seed);
  ~ModelInProgress();
  ModelInProgress(const ModelInProgress&) = delete;
  ModelInProgress& operator=(const ModelInProgress&) = delete;
};

// The steps that $TIDEMARK_STEPS names; all, if it is not set.
std::vector<size_t> StepsToRun(const ModelPlan& plan);

// Runs the sequence again, to shrink it: about half a minute. `steps` are those that failed.
std::string ExplainFailure(const ModelPlan& plan, const std::vector<size_t>& steps,
                           const ModelOutcome& outcome);

// Shrinks a sequence that crashes: each try is a process of its own. What is left of it.
std::string ShrinkCrash(const ModelPlan& plan, const std::vector<size_t>& steps);

}  // namespace tidemark::store
