// An offline compaction is killed at file operation k. Whatever k is, every retained checkpoint
// restores to what it was, and the next compaction, in the same directory, ends what this one
// began.
//
// TIDEMARK_FAULT_STRIDE=1 tries every operation; the default takes samples.
#include "store/offline_compaction.h"
#include "tests/crash/crash_store.h"
#include "tests/crash/in_child.h"
#include "tests/support/campaign.h"
#include "tests/support/environment.h"
#include "tests/support/fault_file_system.h"
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

// How files get from the local directory to the repository and back.
enum class Transfer { kLink, kCopy };
void PrintTo(Transfer transfer, std::ostream* out) {
  *out << (transfer == Transfer::kLink ? "Link" : "Copy");
}

struct Mode {
  const char* name;
  bool dies;  // or it goes on with this fault
  FileFault fault;
  uint64_t stride;
};
const Mode kModes[] = {
    {"Killed", true, {}, 17},
    {"ErrorOnce", false, {}, 59},
    {"DiskFullFromThenOn", false, {.sticky = true, .error = FaultError::kFull}, 59},
};
void PrintTo(const Mode& mode, std::ostream* out) { *out << mode.name; }

class CompactCrashTest : public ::testing::TestWithParam<std::tuple<Transfer, Mode>> {
 protected:
  static constexpr uint64_t kRounds = 9;
  static constexpr RoundShape kShape{.keys = 100, .changes = 20, .value_bytes_max = 150};

  CompactCrashTest() { history_.Continue(1, 1); }

  std::shared_ptr<CheckpointStorage> Storage(const std::string& root,
                                             const storage::FileSystemPtr& disk) const {
    auto storage = std::make_shared<FaultStorage>(StorageAt(root, disk));
    storage->DenyLinks(std::get<Transfer>(GetParam()) == Transfer::kCopy);
    return storage;
  }
  StoreOptions Job(const std::string& root) const {
    StoreOptions options = SmallStore(root);
    options.repository.clear();
    options.storage = Storage(root, DiskWithoutSyncs());
    options.keep_last = 5;
    options.write_back_segments = 1000;  // when a test says so
    options.write_back_bytes = 16 << 20;
    options.inline_segment_bytes_max = 1000;  // rounds are below and above
    return options;
  }

  // With a base in the middle, and a log behind it.
  void MakeRepository(const std::string& root) const {
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
  static void Copy(const std::string& from, const std::string& to) {
    CopyRepository(from, to);
    fs::copy(from + "/live", to + "/live",
             fs::copy_options::recursive | fs::copy_options::create_hard_links);
    fs::remove(to + "/live/LOCK");
  }

  Status Compact(const std::string& root, const storage::FileSystemPtr& disk) const {
    CompactOptions options;
    options.storage = Storage(root, disk);
    options.directory = root + "/scratch";
    options.memory_budget_bytes = 16 << 20;
    return store::CompactOffline(options, {disk}).error();
  }
  // Whether there was a k-th operation.
  bool CompactAndFailAt(const std::string& root, uint64_t call) const {
    const Mode& mode = std::get<Mode>(GetParam());
    const std::string end = InChild([&] {
      auto disk = std::make_shared<FaultFileSystem>();
      disk->SkipSyncs(true);
      FileFault fault = mode.fault;
      fault.call = call;
      uint64_t calls = 0;
      if (mode.dies) {
        fault.spares = [&](FileOperation, std::string_view) {
          if (++calls == call) Die();
          return true;
        };
      }
      disk->plan().Inject(fault);
      const Status status = Compact(root, disk);
      EXPECT_TRUE(status.ok() || status.code() == StatusCode::kUnavailable ||
                  status.code() == StatusCode::kResourceExhausted)
          << status.ToString();
      // All is closed: this only tells that it was met.
      if (!mode.dies && disk->plan().fired() > 0 && !HasFailure()) Die();
    });
    EXPECT_TRUE(end.empty() || end == kDied) << end;
    return end == kDied;
  }

  // Before, on and after the first base, on another machine; the newest also where the job has
  // always been.
  void ExpectRestores(const std::string& root) const {
    const auto storage = StorageAt(root);
    const auto list = ReadNewest(*storage);
    ASSERT_TRUE(list.has_value()) << list.error().ToString();
    EXPECT_EQ(FindDamage(*storage, *list), "");
    EXPECT_EQ(IdsOf(*list), (std::vector<uint64_t>{5, 6, 7, 8, 9}));
    const std::string end = InChild([&] {
      for (const uint64_t id : {5, 6, 9}) ExpectRestores(root, id, "elsewhere");
      ExpectRestores(root, kRounds, "live");
    });
    EXPECT_EQ(end, "");
  }
  void ExpectRestores(const std::string& root, uint64_t id, const std::string& live) const {
    SCOPED_TRACE("checkpoint " + std::to_string(id) + ", " + live);
    StoreOptions options = Job(root);
    options.directory = root + "/" + live;
    options.restore_checkpoint = id;
    auto store = TestStore::Open(options, DiskWithoutSyncs());
    ASSERT_TRUE(store.has_value()) << store.error().ToString();
    EXPECT_EQ(store->restored_id(), id);
    const auto content = store->ReadAll();
    ASSERT_TRUE(content.has_value()) << content.error().ToString();
    EXPECT_EQ(Difference(history_.After(id, kShape), *content), "");
    EXPECT_EQ(store->Close().ToString(), "OK");
    fs::remove_all(root + "/elsewhere");
  }

  void ExpectCompacts(const std::string& root) const {
    EXPECT_EQ(InChild([&] { EXPECT_EQ(Compact(root, DiskWithoutSyncs()).ToString(), "OK"); }), "");
    const auto storage = StorageAt(root);
    const auto list = ReadNewest(*storage);
    ASSERT_TRUE(list.has_value()) << list.error().ToString();
    EXPECT_TRUE(list->checkpoints.back().segments.empty());
    EXPECT_EQ(FilesThere(*storage), FilesNamed(*list));
    EXPECT_TRUE(fs::is_empty(root + "/scratch"));
  }

  TempDir directory_;
  History history_;
};

TEST_P(CompactCrashTest, Invariant03EveryCheckpointStaysWhatItWas) {
  const std::string job = directory_ / "job";
  ASSERT_NO_FATAL_FAILURE(MakeRepository(job));
  const uint64_t scale = TIDEMARK_SANITIZED != 0 ? 5 : 1;
  const uint64_t stride =
      FromEnvironment("TIDEMARK_FAULT_STRIDE", scale * std::get<Mode>(GetParam()).stride);
  uint64_t cases = 0;
  bool failed = true;
  for (uint64_t call = 1; failed && !HasFailure(); call += stride, ++cases) {
    SCOPED_TRACE("operation " + std::to_string(call));
    const std::string root = directory_ / std::to_string(call);
    Copy(job, root);
    failed = CompactAndFailAt(root, call);
    ExpectRestores(root);
    ExpectCompacts(root);
    ExpectRestores(root);
    fs::remove_all(root);
  }
  EXPECT_GT(cases, 2u);
  ReportCampaign("compaction-killed", {{"operations", cases}}, !HasFailure());
}

INSTANTIATE_TEST_SUITE_P(Modes, CompactCrashTest,
                         ::testing::Combine(::testing::Values(Transfer::kLink, Transfer::kCopy),
                                            ::testing::ValuesIn(kModes)),
                         [](const auto& test) {
                           const bool links = std::get<Transfer>(test.param) == Transfer::kLink;
                           return std::string(links ? "Link" : "Copy") +
                                  std::get<Mode>(test.param).name;
                         });

}  // namespace
}  // namespace tidemark::test
