// Writers in processes of their own take one repository over from each other, in turns. Who was
// replaced is stopped (SIGSTOP) at whatever moment, wakes up for moments while its successors
// commit, delete and collect, and in the end goes on for good: then it finds out that it was
// fenced. Nothing that the newest writer has acknowledged is missing, whatever is retained is whole
// and restores exactly, and nobody publishes or deletes once he is fenced.
//
// TIDEMARK_SWITCHES sets how often a writer is replaced, TIDEMARK_SEED another course of things.
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
#include <filesystem>
#include <sstream>
#include <thread>

namespace tidemark::test {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kPatience{60'000};
// What a checkpoint holds is worked out from the first round on, so repositories do not grow old.
constexpr uint64_t kSwitchesOfARepository = 20;
constexpr size_t kAsleepMax = 3;

// One of the processes, and what it has said.
struct Writer {
  Writer(const std::string& root, uint64_t from_seed, const std::string& live)
      : seed(from_seed),
        process({TIDEMARK_PROGRAM_CRASH_WRITER, root, std::to_string(seed), "0", live}) {}

  // False if it says nothing more within `patience`.
  bool Hear(milliseconds patience) {
    const std::string line = process.ReadLine(patience);
    std::istringstream words(line);
    std::string word;
    words >> word;
    if (word == "restored") {
      restored = true;
      words >> restored_id >> word >> keep_last;
    } else if (word == "done") {
      words >> last_done;
    } else {
      error = line;
    }
    return !line.empty();
  }
  void HearAll() {
    while (error.empty() && Hear({})) {
    }
  }

  const uint64_t seed;
  ChildProcess process;  // ends with this, also if it is stopped
  bool restored = false;
  uint64_t restored_id = 0;
  uint64_t keep_last = 0;
  uint64_t last_done = 0;     // 0: none
  uint64_t successor_id = 0;  // what its successor has restored
  // Does not wake up before it goes on for good: its successors have collected much by then.
  bool sleeps_deeply = false;
  std::string error;
};

class TwoWritersTest : public ::testing::Test {
 protected:
  // Whoever was the newest writer falls asleep, now or while the next one opens.
  void Switch() {
    // Beside one that works an opening that a sanitizer slows down may come too late ten times.
    const bool stops_first = newest_ != nullptr && (TIDEMARK_SANITIZED != 0 || !random_.OneIn(4));
    if (stops_first) newest_->process.Stop();
    const std::string live = random_.OneIn(3) ? "live" : "live-" + std::to_string(number_ % 4);
    auto next = std::make_unique<Writer>(directory_->path(), seed_ * 1'000'000 + ++number_, live);
    next->Hear(kPatience);
    ASSERT_TRUE(next->restored) << next->error;
    history_.Continue(next->restored_id + 1, next->seed);
    if (newest_ != nullptr) {
      newest_->process.Stop();
      newest_->HearAll();
      EXPECT_GE(next->restored_id, newest_->last_done) << "acknowledged, and gone";
      newest_->successor_id = next->restored_id;
      newest_->sleeps_deeply = random_.OneIn(2);
      asleep_.push_back(std::move(newest_));
    }
    newest_ = std::move(next);
  }

  // The newest writer works; those who sleep wake up for moments.
  void LetWork(milliseconds time) {
    const auto end = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(std::chrono::microseconds(random_.Below(10'000)));
      newest_->HearAll();
      EXPECT_EQ(newest_->error, "");
      if (asleep_.empty() || HasFailure()) continue;
      Writer& writer = *asleep_[random_.Below(asleep_.size())];
      if (writer.sleeps_deeply) continue;
      writer.process.Signal(SIGCONT);
      std::this_thread::sleep_for(std::chrono::microseconds(random_.Below(4'000)));
      writer.process.Stop();
      ++moments_;
    }
  }

  // Goes on for good.
  void WakeUp(Writer& writer) {
    writer.process.Signal(SIGCONT);
    while (writer.error.empty() && writer.Hear(kPatience)) {
    }
    EXPECT_TRUE(writer.error.starts_with("error Fenced")) << "`" << writer.error << "`";
    EXPECT_LE(writer.last_done, writer.successor_id) << "published after it was fenced";
    EXPECT_EQ(writer.process.Wait(), 2);
    ++fenced_;
  }
  void WakeUpUntil(size_t left) {
    while (asleep_.size() > left) {
      const auto one = asleep_.begin() + static_cast<ptrdiff_t>(random_.Below(asleep_.size()));
      WakeUp(**one);
      asleep_.erase(one);
    }
  }

  // While everybody is stopped.
  void ExpectIntact(bool restores_all) {
    newest_->process.Stop();
    newest_->HearAll();
    EXPECT_EQ(newest_->error, "");
    const auto storage = StorageAt(directory_->path());
    const auto list = ReadNewest(*storage);
    ASSERT_TRUE(list.has_value()) << list.error().ToString();
    EXPECT_EQ(FindDamage(*storage, *list), "");
    const auto there = FilesThere(*storage);
    const auto named = FilesNamed(*list);
    EXPECT_TRUE(std::includes(there.begin(), there.end(), named.begin(), named.end()));
    const std::vector<uint64_t> ids = IdsOf(*list);
    ExpectNothingLost(ids);
    for (const format::Checkpoint& checkpoint : list->checkpoints)
      EXPECT_EQ(History::Decode(checkpoint.metadata.at("history")).SeedOf(checkpoint.id),
                history_.SeedOf(checkpoint.id))
          << "checkpoint " << checkpoint.id << " is of a writer that was fenced";
    for (const uint64_t id : ids)
      if (restores_all || id == ids.back() || random_.OneIn(4)) ExpectRestores(id);
    newest_->process.Signal(SIGCONT);
  }
  void ExpectNothingLost(const std::vector<uint64_t>& ids) {
    const uint64_t last = ids.empty() ? 0 : ids.back();
    ASSERT_GE(last, std::max(newest_->last_done, newest_->restored_id));
    const uint64_t kept_from = last - std::min(last, newest_->keep_last) + 1;
    for (uint64_t id = std::max(kept_from, newest_->restored_id + 1); id <= last; ++id)
      EXPECT_TRUE(std::binary_search(ids.begin(), ids.end(), id))
          << "checkpoint " << id << " of " << last << ", keep_last " << newest_->keep_last;
  }
  // From a copy, because to open is to fence.
  void ExpectRestores(uint64_t id) {
    SCOPED_TRACE("checkpoint " + std::to_string(id));
    const std::string copy = *directory_ / "copy";
    std::filesystem::remove_all(copy);
    CopyRepository(directory_->path(), copy);
    StoreOptions options = SmallStore(copy);
    options.restore_checkpoint = id;
    auto store = TestStore::Open(options);
    ASSERT_TRUE(store.has_value()) << store.error().ToString();
    const auto content = store->ReadAll();
    ASSERT_TRUE(content.has_value()) << content.error().ToString();
    EXPECT_EQ(Difference(history_.After(id), *content), "");
    EXPECT_EQ(store->Close().ToString(), "OK");
    ++restored_;
  }

  // One repository, from its first writer to its last.
  void LiveThrough(uint64_t switches) {
    directory_.emplace(TempDir::InMemory());
    history_ = {};
    Switch();
    for (uint64_t i = 0; i < switches && !HasFailure(); ++i) {
      SCOPED_TRACE("TIDEMARK_SEED=" + std::to_string(seed_) + ", writer " +
                   std::to_string(number_));
      LetWork(milliseconds(random_.Below(200)));
      Switch();
      if (HasFatalFailure()) return;
      LetWork(milliseconds(random_.Below(200)));
      WakeUpUntil(random_.Below(kAsleepMax + 1));
      ExpectIntact(false);
      ++switches_;
    }
    if (HasFailure()) return;
    WakeUpUntil(0);
    ExpectIntact(true);
    newest_.reset();
  }

  const uint64_t seed_ = FromEnvironment("TIDEMARK_SEED", 1);
  Random random_{seed_};
  std::optional<TempDir> directory_;
  std::unique_ptr<Writer> newest_;
  std::vector<std::unique_ptr<Writer>> asleep_;  // stopped, and all fenced
  History history_;                              // of the newest writer's newest checkpoint
  uint64_t number_ = 0;                          // of writers
  uint64_t switches_ = 0;
  uint64_t moments_ = 0;
  uint64_t fenced_ = 0;
  uint64_t restored_ = 0;
};

TEST_F(TwoWritersTest, Invariant04WhoWasReplacedPublishesAndDeletesNothing) {
  const uint64_t switches = FromEnvironment("TIDEMARK_SWITCHES", TIDEMARK_SANITIZED != 0 ? 3 : 15);
  while (switches_ < switches && !HasFailure()) {
    LiveThrough(std::min(kSwitchesOfARepository, switches - switches_));
    ShowProgress("two-writers", switches_, switches);
  }
  ReportCampaign("two-writers",
                 {{"switches", switches_},
                  {"moments_awake", moments_},
                  {"fenced_writers", fenced_},
                  {"checkpoints_restored", restored_}},
                 !HasFailure());
}

}  // namespace
}  // namespace tidemark::test
