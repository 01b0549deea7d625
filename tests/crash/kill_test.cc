// A writer process is killed with SIGKILL at random moments, again and again: while it opens,
// restores, checkpoints, writes back, publishes bases and collects. Half of the time its live
// directory is lost too, and now and then the next one starts from an older checkpoint. After each
// kill every retained checkpoint is whole, none that was acknowledged is missing, and the next
// writer finds exactly what the seeds say.
//
// TIDEMARK_KILLS sets the number of rounds, TIDEMARK_SEED another course of things.
#include "tests/crash/child_process.h"
#include "tests/crash/crash_store.h"
#include "tests/support/campaign.h"
#include "tests/support/environment.h"
#include "tests/support/temp_dir.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <thread>

namespace tidemark::test {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kStartPatience{60'000};

// What a writer has reported.
struct Life {
  uint64_t seed = 0;
  bool restored = false;
  uint64_t restored_id = 0;
  uint64_t keep_last = 0;
  bool reused = false;
  uint64_t last_done = 0;  // 0: none
  std::string error;
};

void Read(const std::string& line, Life* life) {
  std::istringstream words(line);
  std::string word;
  words >> word;
  if (word == "restored") {
    life->restored = true;
    words >> life->restored_id >> word >> life->keep_last >> word >> life->reused;
  } else if (word == "done") {
    words >> life->last_done;
  } else {
    life->error = line;
  }
}

class KillTest : public ::testing::Test {
 protected:
  // Runs a writer until a random moment. `restore`: the checkpoint to start from, 0 for the newest.
  Life RunAndKill(uint64_t seed, uint64_t restore) {
    Life life;
    life.seed = seed;
    std::vector<std::string> command = {TIDEMARK_PROGRAM_CRASH_WRITER, directory_.path(),
                                        std::to_string(seed)};
    if (restore != 0) command.push_back(std::to_string(restore));
    ChildProcess writer(command);
    if (!random_.OneIn(5)) {  // else it dies while it opens
      const std::string first = writer.ReadLine(kStartPatience);
      if (first.empty()) life.error = "the writer said nothing";
      if (!first.empty()) Read(first, &life);
    }
    std::this_thread::sleep_for(milliseconds(random_.Below(life.restored ? 400 : 120)));
    writer.Kill();
    for (std::string line = writer.ReadLine({}); !line.empty(); line = writer.ReadLine({}))
      Read(line, &life);
    return life;
  }

  void ExpectIntact(const Life& life) {
    const auto storage = StorageAt(directory_.path());
    const auto list = ReadNewest(*storage);
    if (!list && life.last_done == 0 && !newest_) return;  // killed before there was a repository
    ASSERT_TRUE(list.has_value()) << list.error().ToString();
    EXPECT_EQ(FindDamage(*storage, *list), "");
    ids_ = IdsOf(*list);
    std::optional<format::Checkpoint> newest;
    if (!ids_.empty()) newest = list->checkpoints.back();
    ExpectNothingLost(life, newest);
    newest_ = std::move(newest);
  }

  // The newest is of this life and at least the last one acknowledged; or this life has
  // acknowledged none, and it is what it was before.
  void ExpectNothingLost(const Life& life, const std::optional<format::Checkpoint>& newest) {
    const bool continued =
        newest && History::Decode(newest->metadata.at("history")).last_seed() == life.seed;
    if (!continued) {
      EXPECT_EQ(life.last_done, 0U) << "acknowledged, and gone";
      EXPECT_EQ(newest.has_value(), newest_.has_value());
      EXPECT_TRUE(!newest || !newest_ || newest->at == newest_->at);
      return;
    }
    EXPECT_GE(newest->id, life.last_done);
    if (!life.restored) return;
    const uint64_t kept_from = newest->id - std::min(newest->id, life.keep_last) + 1;
    for (uint64_t id = std::max(kept_from, life.restored_id + 1); id <= newest->id; ++id)
      EXPECT_TRUE(std::find(ids_.begin(), ids_.end(), id) != ids_.end())
          << "checkpoint " << id << " of " << newest->id << ", keep_last " << life.keep_last;
  }

  // In this process, with a live directory of its own; commits nothing.
  void ExpectRestores(uint64_t id) {
    SCOPED_TRACE("checkpoint " + std::to_string(id));
    StoreOptions options = SmallStore(directory_.path());
    options.directory = directory_ / "live-of-the-test";
    options.restore_checkpoint = id;
    auto store = TestStore::Open(options);
    ASSERT_TRUE(store.has_value()) << store.error().ToString();
    const auto content = store->ReadAll();
    ASSERT_TRUE(content.has_value()) << content.error().ToString();
    const History history = History::Decode(store->restored().checkpoint->metadata.at("history"));
    EXPECT_EQ(Difference(history.After(id), *content), "");
    EXPECT_EQ(store->Close().ToString(), "OK");
  }

  uint64_t AnyId() { return ids_.empty() ? 0 : ids_[random_.Below(ids_.size())]; }

  TempDir directory_;
  const uint64_t seed_ = FromEnvironment("TIDEMARK_SEED", 1);
  Random random_{seed_};
  std::vector<uint64_t> ids_;                 // retained after the last life
  std::optional<format::Checkpoint> newest_;  // of them
};

TEST_F(KillTest, Invariant01AcknowledgedCheckpointsSurviveSigkill) {
  const uint64_t kills = FromEnvironment("TIDEMARK_KILLS", TIDEMARK_SANITIZED != 0 ? 12 : 40);
  uint64_t reused = 0;
  uint64_t branches = 0;
  for (uint64_t i = 1; i <= kills && !HasFailure(); ++i) {
    SCOPED_TRACE("TIDEMARK_SEED=" + std::to_string(seed_) + ", kill " + std::to_string(i));
    const uint64_t branch = random_.OneIn(8) ? AnyId() : 0;
    const Life life = RunAndKill(seed_ * 1'000'000 + i, branch);
    EXPECT_EQ(life.error, "");
    EXPECT_TRUE(branch == 0 || !life.restored || life.restored_id == branch);
    ExpectIntact(life);
    reused += life.reused ? 1 : 0;
    branches += branch != 0 ? 1 : 0;
    if (HasFatalFailure()) break;
    if (random_.OneIn(2)) std::filesystem::remove_all(directory_ / "live");
    if (AnyId() != 0 && random_.OneIn(4)) ExpectRestores(AnyId());
  }
  for (const uint64_t id : ids_) ExpectRestores(id);
  ReportCampaign("writer-killed",
                 {{"kills", kills}, {"live_databases_reused", reused}, {"branches", branches}},
                 !HasFailure());
  EXPECT_TRUE(reused > 0 || kills < 40) << "no kill was followed by a start with its live database";
}

}  // namespace
}  // namespace tidemark::test
