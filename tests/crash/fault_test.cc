// The disk fails or is full at call k, once or from then on, writes a part of what it was given, or
// the process may open no further file, under a store at work: opening,
// checkpoints inside the manifest and as files, write-backs, new bases, collection, closing.
// Whatever k is: what was acknowledged is there, what failed is in the next checkpoint that
// succeeds, and once the disk is well again the store goes on.
//
// TIDEMARK_FAULT_STRIDE=1 tries every call; the default takes samples.
#include "storage/file_system.h"
#include "tests/crash/crash_store.h"
#include "tests/crash/fault_modes.h"
#include "tests/support/campaign.h"
#include "tests/support/fault_file_system.h"
#include "tests/support/temp_dir.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <filesystem>

namespace tidemark::test {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kRounds = 8;

class FaultTest : public ::testing::Test {
 protected:
  FaultTest() {
    fs_->SkipSyncs(true);  // nothing here pulls the plug
    healthy_->SkipSyncs(true);
    history_.Continue(1, 1);
  }
  ~FaultTest() override { alarm(0); }

  StoreOptions Options(const std::string& root) const {
    StoreOptions options = SmallStore(root);
    options.write_back_segments = 3;
    options.log_merge_segments = 2;
    options.inline_segment_bytes_max = 1500;  // rounds are below and above
    options.keep_last = 3;
    return options;
  }
  Content After(uint64_t round) const { return history_.After(round, kSmallRounds); }

  // The whole life of a store with the fault in it; what fails is recorded, and life goes on. The
  // disk is well again after the work, or only after the store has closed.
  void Live(const std::string& root, bool heal) {
    attempted_ = acknowledged_ = 0;
    failed_.clear();
    auto store = TestStore::Open(Options(root), fs_);
    if (!store) {
      ExpectMediumError(store.error());
      return;
    }
    for (uint64_t round = 1; round <= kRounds; ++round) {
      CommitRound(*store, round);
      if (round % 4 == 0) (void)store->Drain();
    }
    ExpectIntact(root);  // as a restore on another machine sees it at this moment
    if (heal) Heal(*store, root);
    const Status closed = store->Close();
    if (!closed.ok()) ExpectMediumError(closed);
    EXPECT_TRUE(closed.ok() || !heal) << closed.ToString();
  }

  void CommitRound(TestStore& store, uint64_t round) {
    ASSERT_EQ(store.Run(ChangesOfRound(1, round, kSmallRounds)).ToString(), "OK");
    attempted_ = round;
    const Status status = store.Checkpoint(round);
    if (status.ok()) {
      acknowledged_ = round;
      return;
    }
    ExpectMediumError(status);
    failed_.push_back(round);
  }

  // Once the disk is well, the next checkpoint has everything, and all that was left undone gets
  // done.
  void Heal(TestStore& store, const std::string& root) {
    plan().Clear();
    CommitRound(store, kRounds + 1);
    EXPECT_EQ(acknowledged_, kRounds + 1) << "the disk is well again";
    const std::vector<uint64_t> ids = store.Ids();
    for (const uint64_t id : failed_)
      EXPECT_TRUE(std::find(ids.begin(), ids.end(), id) == ids.end())
          << id << " was reported as failed";
    EXPECT_EQ(store.Drain().ToString(), "OK");
    const auto content = store.ReadAll();
    ASSERT_TRUE(content.has_value()) << content.error().ToString();
    EXPECT_EQ(Difference(After(kRounds + 1), *content), "");
    ExpectIntact(root);
  }

  // Opens a copy of the repository with another local directory and a healthy disk. A checkpoint
  // whose outcome is unknown may be there or not, if no other has succeeded since.
  void ExpectIntact(const std::string& root) {
    const std::string copy = root + "-copy";
    fs::remove_all(copy);
    if (!fs::exists(root + "/repository")) return;
    CopyRepository(root, copy);
    ExpectRestores(copy);
    fs::remove_all(copy);
  }
  void ExpectRestores(const std::string& root) {
    ExpectUndamaged(root);
    auto store = TestStore::Open(Options(root), healthy_);
    ASSERT_TRUE(store.has_value()) << store.error().ToString();
    EXPECT_GE(store->restored_id(), acknowledged_);
    EXPECT_LE(store->restored_id(), attempted_);
    EXPECT_TRUE(store->restored().skipped.empty());
    EXPECT_TRUE(store->restored().damaged_manifests.empty());
    const auto content = store->ReadAll();
    ASSERT_TRUE(content.has_value()) << content.error().ToString();
    EXPECT_EQ(Difference(After(store->restored_id()), *content), "");
    EXPECT_EQ(store->Close().ToString(), "OK");
    ExpectUndamaged(root);
  }
  // While no store is open: what the list names may have been replaced, and deleted, once it has
  // been read.
  void ExpectUndamaged(const std::string& root) {
    const auto storage = StorageAt(root);
    const auto list = ReadNewest(*storage);
    if (!list.has_value() && acknowledged_ == 0) return;  // not even one to begin with
    ASSERT_TRUE(list.has_value()) << list.error().ToString();
    EXPECT_EQ(FindDamage(*storage, *list), "");
  }

  FaultPlan<FileOperation>& plan() { return fs_->plan(); }

  TempDir directory_;
  const std::shared_ptr<FaultFileSystem> fs_ = std::make_shared<FaultFileSystem>();
  const std::shared_ptr<FaultFileSystem> healthy_ = std::make_shared<FaultFileSystem>();
  History history_;
  uint64_t attempted_ = 0;
  uint64_t acknowledged_ = 0;
  std::vector<uint64_t> failed_;
};

class EveryCallTest : public FaultTest, public ::testing::WithParamInterface<FaultMode> {};

TEST_P(EveryCallTest, Invariant05NothingAcknowledgedIsLostAndNothingFailedIsForgotten) {
  uint64_t cases = 0;
  uint64_t missed = 0;  // calls that were not made any more
  for (uint64_t call = 1; missed < 2 && !HasFailure(); call += FaultStride(), ++cases) {
    SCOPED_TRACE(std::string(GetParam().name) + ", call " + std::to_string(call));
    alarm(kHangSeconds);
    const std::string root = directory_ / std::to_string(call);
    FileFault fault = GetParam().fault;
    fault.call = call;
    plan().Inject(fault);
    Live(root, cases % 2 == 0);
    missed = plan().fired() == 0 ? missed + 1 : 0;
    plan().Clear();
    ExpectRestores(root);  // with what is left of the local directory
    fs::remove_all(root);
  }
  ReportCampaign("store-faults", {{"calls", cases}}, !HasFailure());
}

// Who waited for memory used to ask for a write-back once. If that one failed, nobody tried again,
// and the wait ended with ResourceExhausted although the disk had long been well.
TEST_F(FaultTest, WriterThatWaitsForMemoryOutlivesAFailedWriteBack) {
  alarm(kHangSeconds);
  StoreOptions options = SmallStore(directory_.path());
  options.write_back_bytes = 1 << 30;
  options.write_back_segments = 1000;
  options.stall_timeout = std::chrono::seconds(20);
  auto store = TestStore::Open(options, fs_).value();
  plan().Inject({.contains = "/tmp/0", .operations = {FileOperation::kCreate}});
  const std::string value(1 << 10, 'v');
  for (uint64_t round = 1; round <= 24; ++round) {
    for (uint64_t i = 0; i < 1000; ++i)
      ASSERT_EQ(store.Put("counts", std::to_string(round * 1000 + i), value).ToString(), "OK");
    ASSERT_EQ(store.Checkpoint(round).ToString(), "OK");
  }
  EXPECT_EQ(plan().fired(), 1U);
}

INSTANTIATE_TEST_SUITE_P(Disk, EveryCallTest, ::testing::ValuesIn(kFaultModes), NameOfMode);

}  // namespace
}  // namespace tidemark::test
