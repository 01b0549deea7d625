// A store at work is killed at file operation k: while it opens, in the middle of a checkpoint, a
// rollback, a write-back, a log merge, the publication of a base, the deletion of what was dropped;
// where files are linked into the repository, and where they are copied. Whatever k is, every
// checkpoint that was acknowledged and is not too old to be kept is restored exactly; the store
// goes on, here and on another machine, finishes what this one began and leaves nothing behind.
//
// TIDEMARK_FAULT_STRIDE=1 tries every operation; the default takes samples. A life that nobody
// kills shows that all of this happens in it.
#include "tests/crash/busy_life.h"
#include "tests/crash/crash_store.h"
#include "tests/crash/in_child.h"
#include "tests/support/campaign.h"
#include "tests/support/environment.h"
#include "tests/support/fault_file_system.h"
#include "tests/support/temp_dir.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace tidemark::test {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kRounds = 10;
constexpr uint64_t kStride = 7;

class StepKillTest : public ::testing::TestWithParam<Transfer> {
 protected:
  StepKillTest() { history_.Continue(1, 1); }

  StoreOptions Options(const std::string& root, const std::string& live,
                       const storage::FileSystemPtr& disk) const {
    return BusyStore(root, live, StorageAt(root, disk, GetParam()));
  }
  Content After(uint64_t round) const { return history_.After(round, kSmallRounds); }

  static std::string NoteOf(const std::string& root) { return root + "/acknowledged"; }
  static uint64_t Acknowledged(const std::string& root) {
    uint64_t round = 0;
    std::ifstream(NoteOf(root)) >> round;
    return round;
  }

  void Live(const std::string& root, const storage::FileSystemPtr& disk, bool to_the_end) const {
    auto store = TestStore::Open(Options(root, "live", disk), disk);
    ASSERT_TRUE(store.has_value()) << store.error().ToString();
    for (uint64_t round = 1; round <= kRounds; ++round) {
      ASSERT_EQ(RunRound(*store, round).ToString(), "OK");
      ASSERT_EQ(store->Checkpoint(round).ToString(), "OK");
      std::ofstream(NoteOf(root)) << round;
      ASSERT_EQ(Settle(*store, round, GetParam()).ToString(), "OK");
    }
    if (to_the_end) {
      EXPECT_EQ(FindUnreached(*store), "");
    }
    ASSERT_EQ(store->Close().ToString(), "OK");
  }

  // Whether it died.
  bool LiveAndDieAt(const std::string& root, uint64_t call) const {
    const std::string end = InChild([&] {
      std::atomic<uint64_t> calls{0};
      const auto disk = std::make_shared<FaultFileSystem>();
      disk->SkipSyncs(true);
      FileFault fault;
      fault.spares = [&](FileOperation, std::string_view) {
        if (++calls == call) Die();
        return true;
      };
      disk->plan().Inject(fault);
      Live(root, disk, false);
    });
    EXPECT_TRUE(end.empty() || end == kDied) << end;
    return end == kDied;
  }

  void ExpectNothingLost(const std::string& root) const {
    const auto after = [&](uint64_t round) { return After(round); };
    EXPECT_EQ(FindLost(root, kKeepLast, IdsUpTo(Acknowledged(root)), after), "");
  }
  // Goes on there, to the end.
  void ExpectGoesOn(const std::string& root, const std::string& live) const {
    SCOPED_TRACE(live);
    const auto disk = DiskWithoutSyncs();
    auto store = TestStore::Open(Options(root, live, disk), disk);
    ASSERT_TRUE(store.has_value()) << store.error().ToString();
    EXPECT_TRUE(store->restored().skipped.empty() && store->restored().damaged_manifests.empty());
    const uint64_t at = store->restored_id();
    ASSERT_GE(at, Acknowledged(root));
    const auto content = store->ReadAll();
    ASSERT_TRUE(content.has_value()) << content.error().ToString();
    ASSERT_EQ(Difference(After(at), *content), "");
    ASSERT_EQ(RunRound(*store, at + 1).ToString(), "OK");
    ASSERT_EQ(store->Checkpoint(at + 1).ToString(), "OK");
    std::ofstream(NoteOf(root)) << at + 1;
    ASSERT_EQ(store->Drain().ToString(), "OK");
    EXPECT_EQ(store->Close().ToString(), "OK");
    const auto list = ReadNewest(*StorageAt(root));
    ASSERT_TRUE(list.has_value()) << list.error().ToString();
    EXPECT_EQ(FindDamage(*StorageAt(root), *list), "");
    EXPECT_EQ(FilesThere(*StorageAt(root)), FilesNamed(*list));
  }

  const TempDir directory_{TempDir::InMemory()};
  History history_;
};

TEST_P(StepKillTest, Invariant01WhateverStepItDiesIn) {
  const uint64_t scale = TIDEMARK_SANITIZED != 0 ? 5 : 1;
  const uint64_t stride = FromEnvironment("TIDEMARK_FAULT_STRIDE", scale * kStride);
  uint64_t cases = 0;
  bool died = true;
  for (uint64_t call = 1; died && !HasFailure(); call += stride, ++cases) {
    SCOPED_TRACE("operation " + std::to_string(call));
    const std::string root = directory_ / std::to_string(call);
    fs::create_directories(root);
    died = LiveAndDieAt(root, call);
    EXPECT_EQ(InChild([&] {
                ExpectNothingLost(root);
                ExpectGoesOn(root, "live");
                ExpectGoesOn(root, "elsewhere");
                if (cases % 4 == 0) ExpectNothingLost(root);
              }),
              "");
    fs::remove_all(root);
  }
  EXPECT_GT(cases * stride, 100u);
  ReportCampaign("store-killed", {{"operations", cases}}, !HasFailure());
}

TEST_P(StepKillTest, ALifeHasAllThatIsInterrupted) {
  EXPECT_EQ(InChild([&] { Live(directory_.path(), DiskWithoutSyncs(), true); }), "");
}

INSTANTIATE_TEST_SUITE_P(Links, StepKillTest, ::testing::Values(Transfer::kLink, Transfer::kCopy),
                         ::testing::PrintToStringParamName());

}  // namespace
}  // namespace tidemark::test
