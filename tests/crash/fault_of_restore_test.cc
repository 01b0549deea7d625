// The disk fails at call k, as in fault_test.cc, while a store restores a repository, changes more
// than memory holds, rolls that back and does it again, and a checkpoint is exported and imported;
// where files are linked out of the repository, and where they are copied. What cannot be done says
// so and leaves nothing half made; once the disk is well all of it works, with exactly what was
// done. The newest checkpoint is restored, and of every fourth call that is tried (of all with a
// stride of 1) every one that was acknowledged and is not too old to be kept.
//
// TIDEMARK_FAULT_STRIDE=1 tries every call; the default takes samples, fewer where files are
// copied. A life without faults shows that all of this happens in it.
#include "storage/file_system.h"
#include "tests/crash/busy_life.h"
#include "tests/crash/fault_modes.h"
#include "tests/support/campaign.h"
#include "tests/support/fault_file_system.h"
#include "tests/support/temp_dir.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>
#include <set>
#include <string>

namespace tidemark::test {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kRounds = 8;

class FaultOfRestore : public ::testing::Test {
 protected:
  FaultOfRestore() {
    fs_->SkipSyncs(true);  // nothing here pulls the plug
    history_.Continue(1, 1);
  }
  ~FaultOfRestore() override { alarm(0); }

  StoreOptions Options(const std::string& root, const storage::FileSystemPtr& disk,
                       const std::string& live = "live") const {
    return BusyStore(root, live, StorageAt(root, disk, transfer_));
  }
  // What each life begins with.
  void MakeTemplate() {
    const std::string root = directory_ / "template";
    auto store = TestStore::Open(Options(root, DiskWithoutSyncs()), DiskWithoutSyncs()).value();
    for (uint64_t round = 1; round <= kRounds; ++round) {
      ASSERT_EQ(RunRound(store, round).ToString(), "OK");
      ASSERT_EQ(store.Checkpoint(round).ToString(), "OK");
      ASSERT_EQ(Settle(store, round, transfer_).ToString(), "OK");
    }
    EXPECT_EQ(FindUnreached(store), "");
    EXPECT_EQ(store.Close().ToString(), "OK");
  }
  std::string Repository() {
    const std::string root = directory_ / "case";
    fs::remove_all(root);
    CopyRepository(directory_ / "template", root);
    return root;
  }

  // Rows that spill and go, if the disk lets them.
  void PutAndRollBackLarge(TestStore& store) {
    const Status status = store.Run(LargeChangesRolledBack());
    rolled_back_spills_ = store.core().Metrics().spills;
    if (status.ok()) return;
    ExpectMediumError(status);
    EXPECT_EQ(store.core().Rollback().ToString(), "OK");
  }
  void PutLarge(TestStore& store) {
    const auto table = store.core().OpenTable("counts", {}).value();
    for (const auto& [key, value] : LargeRows()) {
      const Status status = table->Put(key, value);
      if (!status.ok()) return ExpectMediumError(status);
      content_["counts"][key] = value;
    }
  }

  void ExpectContent(TestStore& store) {
    const auto content = store.ReadAll();
    ASSERT_TRUE(content.has_value()) << content.error().ToString();
    EXPECT_EQ(Difference(content_, *content), "");
  }

  void Live(const std::string& root) {
    content_ = history_.After(kRounds, kSmallRounds);
    auto store = TestStore::Open(Options(root, fs_), fs_);
    if (!store.has_value()) {
      ExpectMediumError(store.error());
      fs_->plan().Clear();
      store = TestStore::Open(Options(root, fs_), fs_);
    }
    ASSERT_TRUE(store.has_value()) << store.error().ToString();
    ASSERT_EQ(store->restored_id(), kRounds);
    EXPECT_TRUE(store->restored().skipped.empty());
    EXPECT_TRUE(store->restored().damaged_manifests.empty());
    PutAndRollBackLarge(*store);
    PutLarge(*store);
    spills_ = store->core().Metrics().spills;
    acknowledged_ = IdsUpTo(kRounds + 2);
    if (const Status status = store->Checkpoint(kRounds + 1); !status.ok()) {
      ExpectMediumError(status);
      acknowledged_.erase(kRounds + 1);
    }
    (void)store->Drain();  // what is exported must not be merged and deleted meanwhile
    const bool exported = TryExport(root + "/repository", root + "/export", fs_);
    imported_ = exported && TryExport(root + "/export", root + "/import", fs_);

    fs_->plan().Clear();
    EXPECT_EQ(store->Checkpoint(kRounds + 2).ToString(), "OK") << "the disk is well again";
    ExpectContent(*store);
    EXPECT_EQ(store->Drain().ToString(), "OK");
    EXPECT_TRUE(exported || TryExport(root + "/repository", root + "/export", fs_));
    EXPECT_EQ(FindDamageOfExport(root + "/export"), "");
    if (!fs::exists(root + "/import")) {
      EXPECT_TRUE(TryExport(root + "/export", root + "/import", fs_));
    }
    EXPECT_EQ(FindDamageOfExport(root + "/import"), "");
    EXPECT_EQ(store->Close().ToString(), "OK");
  }

  // With all that is large in them.
  void ExpectNothingLost(const std::string& root) {
    const auto after = [this](uint64_t id) {
      return id > kRounds ? content_ : history_.After(id, kSmallRounds);
    };
    EXPECT_EQ(FindLost(root, kKeepLast, acknowledged_, after), "");
  }
  void ExpectRestores(const std::string& root) {
    auto store =
        TestStore::Open(Options(root, DiskWithoutSyncs(), "elsewhere"), DiskWithoutSyncs());
    ASSERT_TRUE(store.has_value()) << store.error().ToString();
    EXPECT_EQ(store->restored_id(), kRounds + 2);
    ExpectContent(*store);
    EXPECT_EQ(store->Close().ToString(), "OK");
  }

  const TempDir directory_{TempDir::InMemory()};
  const std::shared_ptr<FaultFileSystem> fs_ = std::make_shared<FaultFileSystem>();
  Transfer transfer_ = Transfer::kLink;
  History history_;
  Content content_;  // that the store must have
  std::set<uint64_t> acknowledged_;
  // Of the last life: how often it has spilled, in all and before the rollback, and whether it has
  // imported what it has exported while the disk may fail.
  uint64_t spills_ = 0;
  uint64_t rolled_back_spills_ = 0;
  bool imported_ = false;
};

class FaultOfRestoreTest : public FaultOfRestore, public ::testing::WithParamInterface<FaultMode> {
 protected:
  void FailEveryCall(uint64_t stride, const char* campaign) {
    MakeTemplate();
    uint64_t cases = 0;
    uint64_t missed = 0;  // calls that were not made any more
    for (uint64_t call = 1; missed < 2 && !HasFailure(); call += stride, ++cases) {
      SCOPED_TRACE(std::string(GetParam().name) + ", call " + std::to_string(call));
      alarm(kHangSeconds);
      const std::string root = Repository();
      FileFault fault = GetParam().fault;
      fault.call = call;
      fs_->plan().Inject(fault);
      Live(root);
      missed = fs_->plan().fired() == 0 ? missed + 1 : 0;
      if (stride == 1 || cases % 4 == 0) ExpectNothingLost(root);
      if (!HasFailure()) ExpectRestores(root);
    }
    ReportCampaign(campaign, {{"calls", cases}}, !HasFailure());
  }
};

TEST_P(FaultOfRestoreTest, WhatFailsLeavesNothingHalfMade) {
  FailEveryCall(FaultStride(), "restore-faults");
}

TEST_P(FaultOfRestoreTest, WhatFailsLeavesNothingHalfMadeWhereFilesAreCopied) {
  transfer_ = Transfer::kCopy;
  FailEveryCall(FaultStride() == 1 ? 1 : 5 * FaultStride(), "restore-faults-copies");
}

using LifeOfRestoreTest = FaultOfRestore;

TEST_F(LifeOfRestoreTest, HasAllThatMayFail) {
  for (const Transfer transfer : {Transfer::kLink, Transfer::kCopy}) {
    SCOPED_TRACE(::testing::PrintToString(transfer));
    transfer_ = transfer;
    fs::remove_all(directory_ / "template");
    MakeTemplate();
    const std::string root = Repository();
    Live(root);
    EXPECT_GT(rolled_back_spills_, 0u);
    EXPECT_GT(spills_, rolled_back_spills_);
    EXPECT_TRUE(imported_);
    ExpectNothingLost(root);
  }
}

INSTANTIATE_TEST_SUITE_P(Disk, FaultOfRestoreTest, ::testing::ValuesIn(kFaultModes), NameOfMode);

}  // namespace
}  // namespace tidemark::test
