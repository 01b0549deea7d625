// A writer process is killed with SIGKILL at random moments, again and again: while it opens,
// restores, checkpoints, writes back, publishes bases and collects. Half of the time its live
// directory is lost too, and now and then the next one starts from an older checkpoint. After each
// kill every retained checkpoint is whole, none that was acknowledged is missing, and the next
// writer finds exactly what the seeds say.
//
// In one of the tests ckpt-inspect looks on meanwhile, pins, takes pins back and prunes, and is
// killed itself now and then: it calls nothing damaged, and no pin loses its checkpoint.
//
// TIDEMARK_KILLS sets the number of rounds, TIDEMARK_SEED another course of things.
#include "tests/crash/child_process.h"
#include "tests/crash/crash_store.h"
#include "tests/support/campaign.h"
#include "tests/support/environment.h"
#include "tests/support/temp_dir.h"
#include "tests/test_paths.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <map>
#include <sstream>
#include <thread>
#include <utility>

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
    LookOnFor(milliseconds(random_.Below(life.restored ? 400 : 120)), life);
    writer.Kill();
    for (std::string line = writer.ReadLine({}); !line.empty(); line = writer.ReadLine({}))
      Read(line, &life);
    return life;
  }

  // What else happens until the writer is killed.
  virtual void LookOnFor(milliseconds time, const Life& /*life*/) {
    std::this_thread::sleep_for(time);
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

  // A writer that ends with a kill, and what must be there then.
  Life LiveOnce(uint64_t number, uint64_t branch) {
    Life life = RunAndKill(seed_ * 1'000'000 + number, branch);
    EXPECT_EQ(life.error, "");
    EXPECT_TRUE(branch == 0 || !life.restored || life.restored_id == branch);
    ExpectIntact(life);
    if (random_.OneIn(2)) std::filesystem::remove_all(directory_ / "live");
    return life;
  }

  uint64_t AnyId() { return ids_.empty() ? 0 : ids_[random_.Below(ids_.size())]; }

  TempDir directory_;
  const uint64_t seed_ = FromEnvironment("TIDEMARK_SEED", 1 + FromEnvironment("TIDEMARK_SHARD", 0));
  Random random_{seed_};
  std::vector<uint64_t> ids_;                 // retained after the last life
  std::optional<format::Checkpoint> newest_;  // of them
};

TEST_F(KillTest, Invariant01AcknowledgedCheckpointsSurviveSigkill) {
  const uint64_t kills = FromEnvironment("TIDEMARK_KILLS", TIDEMARK_SANITIZED != 0 ? 5 : 225);
  uint64_t killed = 0;
  uint64_t reused = 0;
  uint64_t branches = 0;
  for (uint64_t i = 1; i <= kills && !HasFailure(); ++i, ++killed) {
    SCOPED_TRACE("TIDEMARK_SEED=" + std::to_string(seed_) + ", kill " + std::to_string(i));
    const uint64_t branch = random_.OneIn(8) ? AnyId() : 0;
    const Life life = LiveOnce(i, branch);
    ShowProgress("writer-killed", i, kills);
    reused += life.reused ? 1 : 0;
    branches += branch != 0 ? 1 : 0;
    if (HasFatalFailure()) break;
    if (AnyId() != 0 && random_.OneIn(4)) ExpectRestores(AnyId());
  }
  for (const uint64_t id : ids_) ExpectRestores(id);
  ReportCampaign("writer-killed",
                 {{"kills", killed}, {"live_databases_reused", reused}, {"branches", branches}},
                 !HasFailure());
  EXPECT_TRUE(reused > 0 || kills < 40) << "no kill was followed by a start with its live database";
}

#ifdef TIDEMARK_PROGRAM_CKPT_INSPECT

class KillBesideToolsTest : public KillTest {
 protected:
  static constexpr size_t kMostPins = 6;  // each of them is read after each kill

  struct Pin {
    std::string digest;       // of what it holds
    bool is_certain = false;  // else the one who made it or took it back was killed
  };

  std::string RepositoryPath() const { return directory_ / "repository"; }
  static constexpr int kKilled = 256 + SIGKILL;
  static constexpr int kNotFound = 5;

  // Its exit code, or kKilled.
  int Inspect(const std::vector<std::string>& arguments, std::string* line = nullptr,
              bool may_be_killed = false) {
    std::vector<std::string> command = {TIDEMARK_PROGRAM_CKPT_INSPECT};
    command.insert(command.end(), arguments.begin(), arguments.end());
    ChildProcess inspect(command);
    ++calls_;
    if (may_be_killed && random_.OneIn(4)) {
      std::this_thread::sleep_for(std::chrono::microseconds(random_.Below(20'000)));
      inspect.Kill();
      ++killed_;
      return kKilled;
    }
    if (line != nullptr) *line = inspect.ReadLine(kStartPatience);
    while (!inspect.ReadLine(kStartPatience).empty()) {
    }
    return inspect.Wait();
  }
  // It may find nothing, or that things have moved; nothing is damaged, and nothing is refused.
  void ExpectFine(int exit_code, const std::string& what) {
    const bool is_fine = exit_code == 0 || exit_code == 3 || exit_code == kNotFound ||
                         exit_code == 6 || exit_code == kKilled;
    EXPECT_TRUE(is_fine) << what << " ended with " << exit_code;
  }
  std::string DigestOf(const std::string& pin) {
    std::string digest;
    EXPECT_EQ(Inspect({"digest", RepositoryPath(), pin}, &digest), 0) << pin;
    return digest.substr(0, 64);
  }

  void LookOnFor(milliseconds time, const Life& life) override {
    const auto end = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < end && !HasFailure()) LookOn(life.restored);
  }
  void LookOn(bool writer_lives) {
    switch (random_.Below(6)) {
      case 0:
        return ExpectFine(Inspect({"list", RepositoryPath()}), "list");
      case 1:
        return ExpectFine(Inspect({"verify", RepositoryPath()}), "verify");
      case 2:
        return ExpectFine(Inspect({"show", RepositoryPath(), "latest"}), "show");
      case 3:
        return PinOne();
      case 4:
        return UnpinOne();
      default:
        if (!writer_lives) return;  // it would find the tool's lock, and give up
        const int pruned = Inspect({"prune", RepositoryPath(), "--keep-last", "1", "--yes"});
        EXPECT_TRUE(pruned == 8 || pruned == 1) << "a writer lives; prune ended with " << pruned;
    }
  }
  void PinOne() {
    if (pins_.size() >= kMostPins) return UnpinOne();
    const std::string name = "pin" + std::to_string(++names_);
    const int made = Inspect({"pin", RepositoryPath(), "latest", name}, nullptr, true);
    ExpectFine(made, "pin");
    if (made == 0) pins_[name] = {DigestOf(name), true};
    if (made == kKilled) pins_[name] = {};
  }
  void UnpinOne() {
    if (pins_.empty()) return;
    auto pin = std::next(pins_.begin(), static_cast<ptrdiff_t>(random_.Below(pins_.size())));
    const int gone = Inspect({"unpin", RepositoryPath(), pin->first, "--yes"}, nullptr, true);
    ExpectFine(gone, "unpin");
    const bool was_certain = std::exchange(pin->second.is_certain, false);
    EXPECT_TRUE(gone != kNotFound || !was_certain) << pin->first << " is gone";
    if (gone == 0 || gone == kNotFound) pins_.erase(pin);
  }
  void ExpectPins() {
    for (const auto& [name, pin] : pins_)
      EXPECT_TRUE(!pin.is_certain || DigestOf(name) == pin.digest) << name;
  }
  // Nobody has it open.
  void Prune() {
    const int pruned =
        Inspect({"prune", RepositoryPath(), "--keep-last", "2", "--yes"}, nullptr, true);
    EXPECT_TRUE(pruned == 0 || pruned == 1 || pruned == 5 || pruned == kKilled) << pruned;
    const auto storage = StorageAt(directory_.path());
    const auto list = ReadNewest(*storage);
    if (!list) return;
    EXPECT_EQ(FindDamage(*storage, *list), "");
    ids_ = IdsOf(*list);
    ASSERT_EQ(ids_.empty(), !newest_.has_value());
    EXPECT_TRUE(!newest_ || ids_.back() == newest_->id) << "the newest one never goes";
  }

  std::map<std::string, Pin> pins_;
  uint64_t names_ = 0;
  uint64_t calls_ = 0;
  uint64_t killed_ = 0;
};

TEST_F(KillBesideToolsTest, Invariant01NothingIsLostBesideWhoLooksPinsAndPrunes) {
  const uint64_t kills = FromEnvironment("TIDEMARK_KILLS", TIDEMARK_SANITIZED != 0 ? 3 : 30);
  uint64_t writers = 0;
  for (uint64_t i = 1; i <= kills && !HasFailure(); ++i, ++writers) {
    SCOPED_TRACE("TIDEMARK_SEED=" + std::to_string(seed_) + ", kill " + std::to_string(i));
    (void)LiveOnce(i, random_.OneIn(8) ? AnyId() : 0);
    ShowProgress("writer-killed-beside-tools", i, kills);
    if (HasFailure()) break;
    if (random_.OneIn(3) && newest_) Prune();
    ExpectPins();
  }
  for (const uint64_t id : ids_) ExpectRestores(id);
  ReportCampaign("writer-killed-beside-tools",
                 {{"kills", writers},
                  {"tools_run", calls_},
                  {"tools_killed", killed_},
                  {"pins_begun", names_}},
                 !HasFailure());
  EXPECT_TRUE(names_ > 0 || kills < 10) << "nothing was pinned";
}

#endif

}  // namespace
}  // namespace tidemark::test
