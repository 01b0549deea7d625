// The disk fails or is full at call k, once or from then on, writes a part of what it was given, or
// the process may open no further file, under a store at work: opening, checkpoints inside the
// manifest and as files, a rollback, write-backs, log merges, new bases, collection, closing; where
// files are linked into the repository, and where they are copied. Whatever k is: every checkpoint
// that was acknowledged and is not too old to be kept is restored exactly, what failed is in the
// next checkpoint that succeeds, and once the disk is well again the store goes on.
//
// TIDEMARK_FAULT_STRIDE=1 tries every call, with a disk that is well before the store closes and
// with one that is well only then. The default takes samples, in turns with the one and the other;
// fewer where files are copied. A life without faults shows that all of this happens in it.
#include "storage/file_system.h"
#include "tests/crash/busy_life.h"
#include "tests/crash/fault_modes.h"
#include "tests/support/campaign.h"
#include "tests/support/fault_file_system.h"
#include "tests/support/temp_dir.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

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

  StoreOptions Options(const std::string& root, const storage::FileSystemPtr& disk) const {
    return BusyStore(root, "live", StorageAt(root, disk, transfer_));
  }
  Content After(uint64_t round) const { return history_.After(round, kSmallRounds); }

  // The whole life of a store with the fault in it; what fails is recorded, and life goes on. The
  // disk is well again after the work, or only after the store has closed.
  void Live(const std::string& root, bool heal) {
    attempted_ = acknowledged_ = 0;
    failed_.clear();
    auto store = TestStore::Open(Options(root, fs_), fs_);
    if (!store) {
      ExpectMediumError(store.error());
      return;
    }
    CommitRounds(*store);
    ExpectIntact(root);  // as a restore on another machine sees it at this moment
    if (heal) Heal(*store, root);
    const Status closed = store->Close();
    if (!closed.ok()) ExpectMediumError(closed);
    EXPECT_TRUE(closed.ok() || !heal) << closed.ToString();
  }

  void CommitRounds(TestStore& store) {
    for (uint64_t round = 1; round <= kRounds; ++round) {
      CommitRound(store, round);
      (void)Settle(store, round, transfer_);
    }
  }
  void CommitRound(TestStore& store, uint64_t round) {
    ASSERT_EQ(RunRound(store, round).ToString(), "OK");
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
    auto store = TestStore::Open(Options(root, healthy_), healthy_);
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

  void ExpectNothingLost(const std::string& root) const {
    std::set<uint64_t> acknowledged = IdsUpTo(attempted_);
    for (const uint64_t id : failed_) acknowledged.erase(id);
    const auto after = [this](uint64_t id) { return After(id); };
    EXPECT_EQ(FindLost(root, kKeepLast, acknowledged, after), "");
  }

  FaultPlan<FileOperation>& plan() { return fs_->plan(); }

  const TempDir directory_{TempDir::InMemory()};
  const std::shared_ptr<FaultFileSystem> fs_ = std::make_shared<FaultFileSystem>();
  const std::shared_ptr<FaultFileSystem> healthy_ = std::make_shared<FaultFileSystem>();
  Transfer transfer_ = Transfer::kLink;
  History history_;
  uint64_t attempted_ = 0;
  uint64_t acknowledged_ = 0;
  std::vector<uint64_t> failed_;
};

class EveryCallTest : public FaultTest, public ::testing::WithParamInterface<FaultMode> {
 protected:
  void FailEveryCall(uint64_t stride, const char* campaign) {
    uint64_t cases = 0;
    uint64_t missed = 0;  // calls that were not made any more
    for (uint64_t call = 1; missed < 2 && !HasFailure(); call += stride) {
      bool is_made = false;
      for (const bool heal : {true, false}) {
        if (stride > 1 && heal != (call / stride % 2 == 0)) continue;
        is_made |= Fail(call, heal);
        ++cases;
      }
      missed = is_made ? 0 : missed + 1;
    }
    ReportCampaign(campaign, {{"calls", cases}}, !HasFailure());
  }

 private:
  // Whether there was such a call.
  bool Fail(uint64_t call, bool heal) {
    SCOPED_TRACE(std::string(GetParam().name) + ", call " + std::to_string(call) +
                 (heal ? ", then well" : ""));
    alarm(kHangSeconds);
    const std::string root = directory_ / std::to_string(call);
    FileFault fault = GetParam().fault;
    fault.call = call;
    plan().Inject(fault);
    Live(root, heal);
    const bool is_made = plan().fired() > 0;
    plan().Clear();
    ExpectNothingLost(root);
    ExpectRestores(root);  // with what is left of the local directory
    fs::remove_all(root);
    return is_made;
  }
};

TEST_P(EveryCallTest, Invariant05NothingAcknowledgedIsLostAndNothingFailedIsForgotten) {
  FailEveryCall(FaultStride(), "store-faults");
}

TEST_P(EveryCallTest, Invariant05WhereFilesAreCopiedToo) {
  transfer_ = Transfer::kCopy;
  FailEveryCall(FaultStride() == 1 ? 1 : 5 * FaultStride(), "store-faults-copies");
}

TEST_F(FaultTest, ALifeHasAllThatMayFail) {
  for (const Transfer transfer : {Transfer::kLink, Transfer::kCopy}) {
    transfer_ = transfer;
    SCOPED_TRACE(::testing::PrintToString(transfer));
    const std::string root = directory_ / ::testing::PrintToString(transfer);
    auto store = TestStore::Open(Options(root, fs_), fs_).value();
    CommitRounds(store);
    EXPECT_TRUE(failed_.empty());
    EXPECT_EQ(FindUnreached(store), "");
    EXPECT_EQ(store.Close().ToString(), "OK");
    ExpectNothingLost(root);
  }
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
