// The k-th sync of a store's life fails, of a file or of a directory, and the power is cut some
// operations later. What was not durable when it failed is lost, though later syncs of the same
// file or directory succeed, as on Linux: so nothing may be built on a second try. Whatever k is,
// what was acknowledged is there after the cut, here and on another machine.
//
// A control repeats the sync that failed and hides the failure: then something must be lost.
//
// TIDEMARK_FAULT_STRIDE=1 tries every sync; the default takes samples.
#include "storage/file_system.h"
#include "tests/crash/busy_life.h"
#include "tests/crash/crash_store.h"
#include "tests/crash/fault_modes.h"
#include "tests/support/campaign.h"
#include "tests/support/fault_file_system.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/temp_dir.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace tidemark::test {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kRounds = 10;
// So many operations after the sync that failed the power is cut, and at the end.
const std::set<uint64_t> kCutsAfter = {3, 11, 40, 150};
constexpr Cut kKinds[] = {Cut::kNothing, Cut::kTorn, Cut::kAnyNames};

bool IsSync(FileOperation operation) {
  return operation == FileOperation::kSync || operation == FileOperation::kSyncDirectory;
}

class SyncFaultTest : public ::testing::Test {
 protected:
  // What a cut has left, and what had been acknowledged.
  struct Remains {
    std::string path;
    uint64_t acknowledged;
    bool exported;
  };

  SyncFaultTest() { history_.Continue(1, 1); }
  ~SyncFaultTest() override { alarm(0); }

  static StoreOptions Options(const std::string& root, const std::string& live,
                              const storage::FileSystemPtr& disk) {
    return BusyStore(root, live, StorageAt(root, disk));
  }

  // A life in which sync `call` fails. `repeated`: it is tried again, and nobody is told.
  void Live(uint64_t call, bool repeated) {
    const std::string root = directory_ / "mirror";
    for (const std::string& path : {root, directory_ / "cut"}) fs::remove_all(path);
    fs::create_directories(root);
    memory_ = std::make_shared<MemoryFileSystem>(root);
    const auto disk = std::make_shared<FaultFileSystem>(memory_);
    acknowledged_ = attempted_ = 0;
    exported_ = false;
    remains_.clear();
    struck_.clear();
    uint64_t syncs = 0;
    uint64_t since = 0;
    bool names_format = false;
    FileFault fault{.repeated = repeated};
    fault.spares = [&](FileOperation operation, std::string_view name) {
      if (!struck_.empty()) {
        if (kCutsAfter.contains(++since)) CutNow();
        return true;
      }
      // Not the name of FORMAT: an open that finds one builds on it, and can only sync its folder
      // once more.
      const bool spared = names_format && operation == FileOperation::kSyncDirectory;
      if (spared || operation == FileOperation::kLink)
        names_format = !spared && name.ends_with("/FORMAT");
      if (spared || !IsSync(operation) || ++syncs != call) return true;
      struck_ = name;
      return false;
    };
    disk->plan().Inject(fault);
    Work(root, disk);
    disk->plan().Clear();
    CutNow();
  }
  void Work(const std::string& root, const storage::FileSystemPtr& disk) {
    auto store = TestStore::Open(Options(root, "live", disk), disk);
    if (!store.has_value()) {
      ExpectMediumError(store.error());
      store = TestStore::Open(Options(root, "live", disk), disk);
    }
    ASSERT_TRUE(store.has_value()) << store.error().ToString();
    for (uint64_t round = 1; round <= kRounds; ++round) {
      ASSERT_EQ(store->Run(ChangesOfRound(1, round, kSmallRounds)).ToString(), "OK");
      attempted_ = round;
      const Status status = store->Checkpoint(round);
      if (status.ok())
        acknowledged_ = round;
      else
        ExpectMediumError(status);
      if (round % 4 == 0 || round == 6) (void)store->Drain();
      if (round == 6) Export(root, disk);
    }
    (void)store->Close();
  }
  void Export(const std::string& root, const storage::FileSystemPtr& disk) {
    const Status status = ExportNewest(*StorageAt(root, disk), root + "/export", disk);
    if (status.ok())
      exported_ = true;
    else
      ExpectMediumError(status);
  }
  void CutNow() {
    for (const Cut kind : kKinds) {
      const uint64_t number = remains_.size();
      const Remains left{directory_ / "cut" + "/" + std::to_string(number), acknowledged_,
                         exported_};
      memory_->WriteCut(kind, number, left.path);
      remains_.push_back(left);
    }
  }

  // What is missing, in words; empty if nothing is.
  std::string Lost(const Remains& left) const {
    if (left.exported)
      if (const std::string damage = FindDamageOfExport(left.path + "/export"); !damage.empty())
        return "export: " + damage;
    for (const char* const live : {"live", "elsewhere"})
      if (const std::string lost = LostTo(left, live); !lost.empty())
        return std::string(live) + ": " + lost;
    return {};
  }
  std::string LostTo(const Remains& left, const std::string& live) const {
    const auto disk = DiskWithoutSyncs();
    auto store = TestStore::Open(Options(left.path, live, disk), disk);
    if (!store.has_value()) return store.error().ToString();
    if (!store->restored().skipped.empty()) return store->restored().skipped[0].reason.ToString();
    if (!store->restored().damaged_manifests.empty()) return "a manifest is damaged";
    const uint64_t at = store->restored_id();
    if (at < left.acknowledged || at > attempted_)
      return "restored " + std::to_string(at) + ", acknowledged " +
             std::to_string(left.acknowledged);
    const auto content = store->ReadAll();
    if (!content.has_value()) return content.error().ToString();
    if (const Status closed = store->Close(); !closed.ok()) return closed.ToString();
    const auto storage = StorageAt(left.path, disk);
    const auto list = ReadNewest(*storage);
    if (!list.has_value()) return list.error().ToString();
    return Difference(history_.After(at, kSmallRounds), *content) + FindDamage(*storage, *list);
  }

  const TempDir directory_{TempDir::InMemory()};
  History history_;
  std::shared_ptr<MemoryFileSystem> memory_;
  std::atomic<uint64_t> acknowledged_{0};
  std::atomic<uint64_t> attempted_{0};
  std::atomic<bool> exported_{false};
  std::string struck_;  // what the sync that failed was of
  std::vector<Remains> remains_;
};

TEST_F(SyncFaultTest, Invariant11WhatAFailedSyncHasLostNobodyReliesOn) {
  uint64_t lives = 0;
  uint64_t cuts = 0;
  for (uint64_t call = 1; !HasFailure(); call += FaultStride(), ++lives) {
    alarm(kHangSeconds);
    SCOPED_TRACE("sync " + std::to_string(call));
    Live(call, false);
    if (struck_.empty()) break;
    for (const Remains& left : remains_) EXPECT_EQ(Lost(left), "") << left.path << ", " << struck_;
    cuts += remains_.size();
  }
  ReportCampaign("failed-syncs", {{"lives", lives}, {"cuts", cuts}}, !HasFailure());
}

TEST_F(SyncFaultTest, ControlASyncThatIsRepeatedLosesSomething) {
  const uint64_t stride = TIDEMARK_SANITIZED != 0 ? 11 : 3;
  for (uint64_t call = 1;; call += stride) {
    alarm(kHangSeconds);
    Live(call, true);
    ASSERT_FALSE(struck_.empty()) << "nothing was lost";
    for (const Remains& left : remains_)
      if (const std::string lost = Lost(left); !lost.empty()) {
        std::printf("sync %s of %s: %s\n", std::to_string(call).c_str(), struck_.c_str(),
                    lost.c_str());
        return;
      }
  }
}

}  // namespace
}  // namespace tidemark::test
