// The disk fails at call k, as in fault_test.cc, while a store restores a repository, changes more
// than memory holds, and a checkpoint is exported and imported. What cannot be done says so and
// leaves nothing half made; once the disk is well all of it works, with exactly what was done.
#include "storage/file_system.h"
#include "tests/crash/crash_store.h"
#include "tests/crash/fault_modes.h"
#include "tests/support/campaign.h"
#include "tests/support/fault_file_system.h"
#include "tests/support/temp_dir.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>
#include <string>

namespace tidemark::test {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kRounds = 8;

class FaultOfRestoreTest : public ::testing::TestWithParam<FaultMode> {
 protected:
  FaultOfRestoreTest() {
    fs_->SkipSyncs(true);  // nothing here pulls the plug
    history_.Continue(1, 1);
    auto store =
        TestStore::Open(Options(directory_ / "template", DiskWithoutSyncs()), DiskWithoutSyncs())
            .value();
    for (uint64_t round = 1; round <= kRounds; ++round) {
      EXPECT_EQ(store.Run(ChangesOfRound(1, round, kSmallRounds)).ToString(), "OK");
      EXPECT_EQ(store.Checkpoint(round).ToString(), "OK");
    }
    EXPECT_EQ(store.Drain().ToString(), "OK");
    EXPECT_EQ(store.Close().ToString(), "OK");
  }
  ~FaultOfRestoreTest() override { alarm(0); }

  static StoreOptions Options(const std::string& root, const storage::FileSystemPtr& disk,
                              const std::string& live = "live") {
    return BusyStore(root, live, StorageAt(root, disk));
  }
  std::string Repository() {
    const std::string root = directory_ / "case";
    fs::remove_all(root);
    CopyRepository(directory_ / "template", root);
    return root;
  }

  void PutLarge(TestStore& store) {
    const auto table = store.core().OpenTable("counts", {}).value();
    for (const auto& [key, value] : LargeRows()) {
      const Status status = table->Put(key, value);
      if (!status.ok()) return ExpectMediumError(status);
      content_["counts"][key] = value;
    }
  }

  // False if it cannot be done now; then there is no destination.
  bool Copy(const std::string& from, const std::string& to, const storage::FileSystemPtr& disk) {
    const auto source = storage::OpenLocalDirectoryOn(from, disk);
    const Status status = source.has_value() ? ExportNewest(**source, to, disk) : source.error();
    if (status.ok()) return true;
    ExpectMediumError(status);
    // Renamed already, it may be there when what fails is the sync of its folder.
    if (fs::exists(to)) {
      EXPECT_EQ(FindDamageOfExport(to), "");
    }
    fs::remove_all(to);
    return false;
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
    PutLarge(*store);
    if (const Status status = store->Checkpoint(kRounds + 1); !status.ok())
      ExpectMediumError(status);
    (void)store->Drain();  // what is exported must not be merged and deleted meanwhile
    const bool exported = Copy(root + "/repository", root + "/export", fs_);
    if (exported) (void)Copy(root + "/export", root + "/import", fs_);

    fs_->plan().Clear();
    EXPECT_EQ(store->Checkpoint(kRounds + 2).ToString(), "OK") << "the disk is well again";
    ExpectContent(*store);
    EXPECT_EQ(store->Drain().ToString(), "OK");
    EXPECT_TRUE(exported || Copy(root + "/repository", root + "/export", fs_));
    EXPECT_EQ(FindDamageOfExport(root + "/export"), "");
    if (!fs::exists(root + "/import")) {
      EXPECT_TRUE(Copy(root + "/export", root + "/import", fs_));
    }
    EXPECT_EQ(FindDamageOfExport(root + "/import"), "");
    EXPECT_EQ(store->Close().ToString(), "OK");
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
  History history_;
  Content content_;  // that the store must have
};

TEST_P(FaultOfRestoreTest, WhatFailsLeavesNothingHalfMade) {
  uint64_t cases = 0;
  uint64_t missed = 0;  // calls that were not made any more
  for (uint64_t call = 1; missed < 2 && !HasFailure(); call += FaultStride(), ++cases) {
    SCOPED_TRACE(std::string(GetParam().name) + ", call " + std::to_string(call));
    alarm(kHangSeconds);
    const std::string root = Repository();
    FileFault fault = GetParam().fault;
    fault.call = call;
    fs_->plan().Inject(fault);
    Live(root);
    missed = fs_->plan().fired() == 0 ? missed + 1 : 0;
    if (!HasFailure()) ExpectRestores(root);
  }
  ReportCampaign("restore-faults", {{"calls", cases}}, !HasFailure());
}

INSTANTIATE_TEST_SUITE_P(Disk, FaultOfRestoreTest, ::testing::ValuesIn(kFaultModes), NameOfMode);

}  // namespace
}  // namespace tidemark::test
