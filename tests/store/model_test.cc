// Random sequences of everything that a host can do, and of what can happen to it, against an
// oracle in memory: writes of all kinds, barriers, failing disks, rollbacks, restarts with and
// without a close, lost local directories, restores of every retained checkpoint, branches.
//
//   TIDEMARK_SEED=<n>        runs the sequence of this seed alone, which a failure has printed.
//   Background threads
//                            run as they please, so it may take several tries.
//   TIDEMARK_SEQUENCES=<n>   how many sequences to run
#include "tests/store/model_run.h"
#include "tests/support/environment.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <random>
#include <string>

namespace tidemark::store {
namespace {

using test::FromEnvironment;

constexpr uint64_t kSequences = TIDEMARK_SANITIZED ? 12 : 120;
constexpr size_t kNotesPrinted = 80;

void Explain(uint64_t seed, const ModelRun& run, const std::string& what) {
  const auto& notes = run.notes();
  std::string last;
  for (size_t i = notes.size() - std::min(notes.size(), kNotesPrinted); i < notes.size(); ++i) {
    last += "  " + notes[i] + "\n";
  }
  ADD_FAILURE() << what << "\nTIDEMARK_SEED=" << seed << " (" << run.config().ToString()
                << ")\nthe last of " << notes.size() << " operations:\n"
                << last;
}

bool RunSequence(uint64_t seed) {
  ModelRun run(seed);
  try {
    run.Run();
    return true;
  } catch (const ModelFailure& failure) {
    Explain(seed, run, failure.what());
    return false;
  }
}

TEST(ModelTest, EveryRestoreGivesExactlyTheStateAtItsBarrier) {
  const bool replays = std::getenv("TIDEMARK_SEED") != nullptr;
  const uint64_t first = FromEnvironment("TIDEMARK_SEED", std::random_device()());
  const uint64_t count = FromEnvironment("TIDEMARK_SEQUENCES", replays ? 1 : kSequences);
  std::cout << "TIDEMARK_SEED=" << first << " TIDEMARK_SEQUENCES=" << count << std::endl;
  for (uint64_t i = 0; i < count; ++i) {
    if (!RunSequence(first + i)) return;
  }
}

}  // namespace
}  // namespace tidemark::store
