// Checkpoints are dropped, or leftovers deleted, by a tool, which is killed at storage call k, or
// met by an error there. Whatever k is, every checkpoint that was to stay restores to what it was,
// and so does every one that is still listed; and the next run ends what this one began.
//
// TIDEMARK_FAULT_STRIDE=1 tries every call in every mode; the default takes samples but for
// SIGKILL.
#include "compaction/prune_plan.h"
#include "storage/offline_writer.h"
#include "tests/crash/crash_store.h"
#include "tests/crash/in_child.h"
#include "tests/support/campaign.h"
#include "tests/support/environment.h"
#include "tests/support/fault_storage.h"
#include "tests/support/temp_dir.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <tuple>
#include <vector>

namespace tidemark::test {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kRounds = 9;
constexpr RoundShape kShape{.keys = 100, .changes = 20, .value_bytes_max = 150};

enum class Mode { kKilled, kErrorOnce, kAnswerLost, kErrorsFromThenOn };
void PrintTo(Mode mode, std::ostream* out) {
  *out << std::vector<const char*>{"Killed", "ErrorOnce", "AnswerLost",
                                   "ErrorsFromThenOn"}[static_cast<size_t>(mode)];
}

enum class Work { kPrune, kClean };
void PrintTo(Work work, std::ostream* out) { *out << (work == Work::kPrune ? "Prune" : "Clean"); }

class PruneCrashTest : public ::testing::TestWithParam<std::tuple<Work, Mode>> {
 protected:
  static Work work() { return std::get<Work>(GetParam()); }
  static Mode mode() { return std::get<Mode>(GetParam()); }

  PruneCrashTest() { history_.Continue(1, 1); }

  static StoreOptions Job(const std::string& root) {
    StoreOptions options = SmallStore(root);
    options.repository.clear();
    options.storage = StorageAt(root, DiskWithoutSyncs());
    options.keep_last = 100;
    options.write_back_segments = 1000;  // when a test says so
    options.write_back_bytes = 16 << 20;
    options.inline_segment_bytes_max = 1000;  // rounds are below and above
    return options;
  }

  // With a base in the middle, and a log behind it.
  static void MakeRepository(const std::string& root) {
    EXPECT_EQ(InChild([&] {
                TestStore store = TestStore::Open(Job(root), DiskWithoutSyncs()).value();
                for (uint64_t round = 1; round <= kRounds; ++round) {
                  ASSERT_EQ(store.Run(ChangesOfRound(1, round, kShape)).ToString(), "OK");
                  ASSERT_EQ(store.Checkpoint(round).ToString(), "OK");
                  if (round != 6) continue;
                  ASSERT_EQ(store.Drain().ToString(), "OK");
                }
                ASSERT_EQ(store.Close().ToString(), "OK");
              }),
              "");
  }

  // What a writer that died has not deleted: copies of files, of its attempt, that nobody names.
  static void AddLeftovers(const std::string& root) {
    const std::string subtask = root + "/repository/subtasks/00000/";
    for (const char* folder : {"log", "base"}) {
      std::vector<fs::path> files;
      for (const auto& entry : fs::directory_iterator(subtask + folder))
        files.push_back(entry.path());
      for (const fs::path& file : files) {
        std::string name = file.filename();
        const size_t digit = name.rfind('.') - 1;
        name[digit] = name[digit] == '0' ? '1' : '0';
        fs::copy_file(file, file.parent_path() / name);
      }
    }
  }

  static Status DoWork(const std::shared_ptr<CheckpointStorage>& storage,
                       const format::Manifest& list) {
    return work() == Work::kPrune ? Prune(storage, list)
                                  : storage::DeleteLeftovers({storage}, list);
  }

  // All but the newest two.
  static Status Prune(const std::shared_ptr<CheckpointStorage>& storage,
                      const format::Manifest& list) {
    const format::Manifest* const lists[] = {&list};
    const auto plan = compaction::PlanPrune(lists, {}, {.keep_last = 2});
    TIDEMARK_RETURN_IF_ERROR(plan.error());
    std::vector<uint64_t> ids;
    for (const auto& checkpoint : plan->checkpoints)
      if (checkpoint.goes()) ids.push_back(checkpoint.id);
    return ids.empty() ? Status() : storage::DropCheckpoints({storage}, list, ids);
  }

  // Whether there was a k-th call.
  static bool WorkAndFailAt(const std::string& root, uint64_t call) {
    const std::string end = InChild([&] {
      const auto storage = std::make_shared<FaultStorage>(StorageAt(root, DiskWithoutSyncs()));
      const format::Manifest list = ReadNewest(*storage).value();
      StorageFault fault{.call = call,
                         .sticky = mode() == Mode::kErrorsFromThenOn,
                         .answer_lost = mode() == Mode::kAnswerLost};
      uint64_t calls = 0;
      if (mode() == Mode::kKilled) {
        fault.spares = [&](StorageOperation, std::string_view) {
          if (++calls == call) Die();
          return true;
        };
      }
      storage->plan().Inject(fault);
      const Status status = DoWork(storage, list);
      EXPECT_TRUE(status.ok() || status.code() == StatusCode::kUnavailable) << status.ToString();
      // All is closed: this only tells that it was met.
      if (storage->plan().fired() > 0 && !HasFailure()) Die();
    });
    EXPECT_TRUE(end.empty() || end == kDied) << end;
    return end == kDied;
  }

  void ExpectRestores(const std::string& root, uint64_t id) const {
    SCOPED_TRACE("checkpoint " + std::to_string(id));
    const std::string copy = root + "/restored";
    CopyRepository(root, copy);
    StoreOptions options = Job(copy);
    options.restore_checkpoint = id;
    {
      auto store = TestStore::Open(options, DiskWithoutSyncs());
      ASSERT_TRUE(store.has_value()) << store.error().ToString();
      ASSERT_EQ(store->restored_id(), id);
      const auto content = store->ReadAll();
      ASSERT_TRUE(content.has_value()) << content.error().ToString();
      EXPECT_EQ(Difference(history_.After(id, kShape), *content), "");
    }
    fs::remove_all(copy);
  }

  // All that are listed.
  void ExpectRestores(const std::string& root) const {
    const auto storage = StorageAt(root);
    const auto list = ReadNewest(*storage);
    ASSERT_TRUE(list.has_value()) << list.error().ToString();
    EXPECT_EQ(FindDamage(*storage, *list), "");
    const std::vector<uint64_t> ids = IdsOf(*list);
    ASSERT_GE(ids.size(), 2u);
    EXPECT_EQ(ids[ids.size() - 2], kRounds - 1);
    EXPECT_EQ(ids.back(), kRounds);
    EXPECT_TRUE((ids.size() == 2 && work() == Work::kPrune) || ids.size() == kRounds)
        << "all of them went, or none";
    EXPECT_EQ(InChild([&] {
                for (const uint64_t id : ids) ExpectRestores(root, id);
              }),
              "");
  }

  // The next run drops what is left to drop, and removes what this one left.
  static void ExpectIsEndedByTheNext(const std::string& root) {
    const auto storage = StorageAt(root, DiskWithoutSyncs());
    EXPECT_EQ(DoWork(storage, ReadNewest(*storage).value()).ToString(), "OK");
    const format::Manifest list = ReadNewest(*storage).value();
    EXPECT_EQ(IdsOf(list).size(), work() == Work::kPrune ? 2 : kRounds);
    EXPECT_EQ(storage::DeleteLeftovers({storage}, list).ToString(), "OK");
    EXPECT_EQ(FilesThere(*storage), FilesNamed(list));
    EXPECT_EQ(FindDamage(*storage, ReadNewest(*storage).value()), "");
  }

  TempDir directory_;
  History history_;
};

TEST_P(PruneCrashTest, WhatStaysRestoresWhateverCallItFailsAt) {
  MakeRepository(directory_ / "made");
  if (work() == Work::kClean) AddLeftovers(directory_ / "made");
  // Cleaning leaves all checkpoints, so more of them are restored.
  const uint64_t scale =
      (TIDEMARK_SANITIZED != 0 ? 5 : 1) * (work() == Work::kClean ? uint64_t{4} : 1);
  const uint64_t stride =
      FromEnvironment("TIDEMARK_FAULT_STRIDE", scale * (mode() == Mode::kKilled ? 1 : 4));
  uint64_t cases = 0;
  bool met = true;
  for (uint64_t call = 1; met && !HasFailure(); call += stride, ++cases) {
    SCOPED_TRACE("call " + std::to_string(call));
    const std::string root = directory_ / std::to_string(call);
    CopyRepository(directory_ / "made", root);
    met = WorkAndFailAt(root, call);
    ExpectRestores(root);
    ExpectIsEndedByTheNext(root);
    ExpectRestores(root);
    fs::remove_all(root);
  }
  EXPECT_GT(cases * stride, 40u) << "it makes more calls than that";
  ReportCampaign(work() == Work::kPrune ? "prune-faults" : "clean-faults", {{"calls", cases}},
                 !HasFailure());
}

INSTANTIATE_TEST_SUITE_P(All, PruneCrashTest,
                         ::testing::Combine(::testing::Values(Work::kPrune, Work::kClean),
                                            ::testing::Values(Mode::kKilled, Mode::kErrorOnce,
                                                              Mode::kAnswerLost,
                                                              Mode::kErrorsFromThenOn)),
                         [](const auto& mode) {
                           return ::testing::PrintToString(std::get<0>(mode.param)) +
                                  ::testing::PrintToString(std::get<1>(mode.param));
                         });

}  // namespace
}  // namespace tidemark::test
