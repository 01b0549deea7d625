// Random sequences of everything that a host can do, and of what can happen to it, against an
// oracle in memory: writes of all kinds, iterators held open across everything, tables that come
// and go, barriers, failing disks, memory that is short, rollbacks, restarts with and without a
// close, power cuts, lost local directories, restores of retained checkpoints, branches. A sequence
// that fails is shrunk to the steps that it takes.
//
//   TIDEMARK_SEED=<n>        runs the sequence of this seed alone, which a failure has printed
//   TIDEMARK_STEPS=<n>,...   ... and only these of its steps. Background threads run as they
//                            please, so it may take several tries
//   TIDEMARK_SHRINK=1        shrinks it, each try in a process of its own: for one that crashes.
//                            0: shrinks nothing
//   TIDEMARK_SEQUENCES=<n>   how many sequences to run, from that seed on or from a random one
//   TIDEMARK_SHARD=<i>, TIDEMARK_SHARDS=<n>   runs the i-th of n equal parts of them; CTest says so
#include "tests/store/model_report.h"
#include "tests/store/model_run.h"
#include "tests/support/campaign.h"
#include "tests/support/environment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <numeric>
#include <random>
#include <string>

namespace tidemark::store {
namespace {

using test::FromEnvironment;

constexpr uint64_t kSequences = TIDEMARK_SANITIZED ? 1'000 : 10'000;
// So many sequences do each thing at least once.
constexpr uint64_t kSequencesForAll = 250;

struct Share {
  uint64_t first = 0;
  uint64_t count = 0;
};

Share ShareOf(uint64_t first, uint64_t count) {
  const uint64_t shards = FromEnvironment("TIDEMARK_SHARDS", 1);
  const uint64_t shard = FromEnvironment("TIDEMARK_SHARD", 0);
  const uint64_t begin = count * shard / shards;
  return {first + begin, count * (shard + 1) / shards - begin};
}

class ModelTest : public ::testing::Test {
 protected:
  void Run(const Share& share) {
    for (uint64_t i = 0; i < share.count && !HasFailure(); ++i) {
      RunSequence(ModelPlan::Of(share.first + i));
      test::ShowProgress("model", i + 1, share.count);
    }
  }

  void RunSequence(const ModelPlan& plan) {
    const ModelInProgress in_progress(plan.seed);
    const std::vector<size_t> steps = StepsToRun(plan);
    const ModelOutcome outcome = ModelRun::Perform(plan, steps, &performed_);
    counts_.Add(outcome.counts);
    if (outcome.failure && FromEnvironment("TIDEMARK_SHRINK", 1) == 0) FAIL() << *outcome.failure;
    if (outcome.failure) ADD_FAILURE() << ExplainFailure(plan, steps, outcome);
  }

  void ExpectAllDone() const {
    for (size_t i = 0; i < performed_.size(); ++i)
      EXPECT_GT(performed_[i], 0U) << ModelRun::Operations()[i].name;
    EXPECT_GT(counts_.reused, 0U);
    EXPECT_GT(counts_.restored, counts_.reused);
    EXPECT_GT(counts_.evictions, 0U);
    EXPECT_GT(counts_.spills, 0U);
    EXPECT_GT(counts_.refused_writes, 0U);
    EXPECT_GT(counts_.failed_checkpoints, 0U);
    EXPECT_GT(counts_.outgrown_scans, 0U);
    EXPECT_GT(counts_.views_read, 0U);
    EXPECT_GT(counts_.pins, 0U);
    EXPECT_GT(counts_.read_in_place, 0U);
    EXPECT_GT(counts_.offline, 0U);
    EXPECT_GT(counts_.power_cuts, 0U);
    EXPECT_GT(counts_.appended, 0U);
    EXPECT_GT(counts_.log_merges, 0U);
  }

  std::vector<uint64_t> performed_ = std::vector<uint64_t>(ModelRun::Operations().size());
  ModelCounts counts_;
};

TEST_F(ModelTest, EveryRestoreGivesExactlyTheStateAtItsBarrier) {
  const bool replays = std::getenv("TIDEMARK_SEED") != nullptr;
  const Share share = ShareOf(FromEnvironment("TIDEMARK_SEED", std::random_device()()),
                              FromEnvironment("TIDEMARK_SEQUENCES", replays ? 1 : kSequences));
  if (replays && FromEnvironment("TIDEMARK_SHRINK", 0) == 1) {
    const ModelPlan plan = ModelPlan::Of(share.first);
    std::cout << ShrinkCrash(plan, StepsToRun(plan)) << std::endl;
    return;
  }
  std::cout << "TIDEMARK_SEED=" << share.first << " TIDEMARK_SEQUENCES=" << share.count
            << std::endl;
  Run(share);
  std::cout << counts_.ToString() << std::endl;
  test::ReportCampaign(
      "model",
      {{"sequences", share.count},
       {"operations", std::accumulate(performed_.begin(), performed_.end(), uint64_t{0})},
       {"restores_compared", counts_.restored},
       {"power_cuts", counts_.power_cuts}},
      !HasFailure());
  if (share.count >= kSequencesForAll && !HasFailure()) ExpectAllDone();
}

}  // namespace
}  // namespace tidemark::store
