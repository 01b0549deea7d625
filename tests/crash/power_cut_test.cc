// The power is cut at file operation k of a store's life: while it is created, makes checkpoints of
// every kind, writes back, spills, merges its log, publishes bases, drops what is old, exports,
// imports, closes; and again while it recovers from that. Whatever k is, and whatever the disk has
// kept of what was not synced, what was acknowledged is there, here and on another machine, and the
// store goes on.
//
// A control takes one kind of sync away: then the same campaign must lose something.
//
// TIDEMARK_POWER_STRIDE=1 tries every operation; the default takes samples. TIDEMARK_SPILL_STRIDE
// is that of the life with epochs that spill. TIDEMARK_PAIR_STRIDE=1 tries every operation of each
// recovery too, which takes an hour or two; the default takes one of each.
// TIDEMARK_POWER_CALL=k tries operation k alone, as a failure names it.
#include "tests/crash/crash_store.h"
#include "tests/crash/in_child.h"
#include "tests/support/campaign.h"
#include "tests/support/environment.h"
#include "tests/support/fault_file_system.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/temp_dir.h"

#include <gtest/gtest.h>

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace tidemark::test {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kRounds = 10;

constexpr Cut kAllKinds[] = {Cut::kNothing, Cut::kAll, Cut::kTorn, Cut::kAnyNames};
constexpr Cut kKindsInRecovery[] = {Cut::kNothing, Cut::kAnyNames};
std::string NameOf(Cut kind) {
  return std::array{"Nothing", "All", "Torn", "AnyNames"}[static_cast<size_t>(kind)];
}

// A recovery has about so many operations before it goes on as any other life.
constexpr uint64_t kRecoveryCalls = 120;

// What a life has done.
struct Done {
  uint64_t acknowledged = 0;  // the last round whose checkpoint was
  bool exported = false;
  bool imported = false;
};

// ... told to the process that made it: so far, and when the power was cut.
struct Notes {
  std::atomic<uint64_t> acknowledged{0};
  std::atomic<bool> exported{false};
  std::atomic<bool> imported{false};
  std::atomic<uint64_t> calls{0};  // operations that count
  struct {
    uint64_t call;
    Done done;
  } cuts[kRecoveryCalls];  // written while all file operations wait
  std::atomic<uint64_t> cut_count{0};

  Done done() const { return {acknowledged, exported, imported}; }
  void Set(const Done& done) {
    acknowledged = done.acknowledged;
    exported = done.exported;
    imported = done.imported;
  }
};

// Where the power may be cut: at file operation `first`, every `stride`th after it, up to `last`.
struct Cuts {
  uint64_t first;
  uint64_t stride;
  uint64_t last;
  std::span<const Cut> kinds;

  static Cuts At(uint64_t call) { return {call, 1, call, kAllKinds}; }
  bool Contain(uint64_t call) const {
    return call >= first && call <= last && (call - first) % stride == 0;
  }
};

// Names, contents, and how many names a file has; and what had been done.
Files RemainsIn(const std::string& directory, const Done& done) {
  Files all = ReadTree(directory);
  all[""] = std::to_string(done.acknowledged) + (done.exported ? " exported" : "") +
            (done.imported ? " imported" : "");
  for (const auto& entry : fs::recursive_directory_iterator(directory))
    all[fs::relative(entry.path(), directory)] +=
        entry.is_directory() ? "directory" : " " + std::to_string(entry.hard_link_count());
  return all;
}

// Shared with children.
class SharedNotes {
 public:
  SharedNotes()
      : notes_(static_cast<Notes*>(mmap(nullptr, sizeof(Notes), PROT_READ | PROT_WRITE,
                                        MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {
    if (notes_ == MAP_FAILED) throw std::runtime_error("mmap");
    new (notes_) Notes;
  }
  ~SharedNotes() { munmap(notes_, sizeof(Notes)); }
  SharedNotes(const SharedNotes&) = delete;
  SharedNotes& operator=(const SharedNotes&) = delete;
  Notes* operator->() const { return notes_; }

 private:
  Notes* const notes_;
};

class PowerCutTest : public ::testing::Test {
 protected:
  using Prepare = std::function<void(MemoryFileSystem&)>;

  PowerCutTest() { history_.Continue(1, 1); }

  static StoreOptions Options(const std::string& root, const std::string& live,
                              const storage::FileSystemPtr& disk) {
    return BusyStore(root, live, StorageAt(root, disk));
  }

  // From whatever there is on `disk` to the last round, or to the cut.
  void Live(const std::string& root, const storage::FileSystemPtr& disk) const {
    auto store = TestStore::Open(Options(root, "live", disk), disk);
    ASSERT_TRUE(store.has_value()) << store.error().ToString();
    ASSERT_GE(store->restored_id(), notes_->acknowledged);
    for (uint64_t round = store->restored_id() + 1; round <= kRounds; ++round) {
      if (spills_) ChangeLarge(*store, round);
      ASSERT_EQ(store->Run(ChangesOfRound(1, round, kSmallRounds)).ToString(), "OK");
      ASSERT_EQ(store->Checkpoint(round).ToString(), "OK");
      notes_->acknowledged = round;
      // Before an export too: what it copies must not be merged and deleted meanwhile.
      if (round % 4 == 0 || round == 6) {
        ASSERT_EQ(store->Drain().ToString(), "OK");
      }
      if (round == 6) Export(root, disk);
      if (round == 8) Import(root, disk);
    }
    ASSERT_EQ(store->Close().ToString(), "OK");
  }

  // More than memory holds comes with one round, and goes with another.
  static constexpr uint64_t kLargeCome = 3;
  static constexpr uint64_t kLargeGo = 5;
  static void ChangeLarge(TestStore& store, uint64_t round) {
    const auto table = store.core().OpenTable("counts", {}).value();
    for (const auto& [key, value] : LargeRows()) {
      if (round == kLargeCome) {
        ASSERT_EQ(table->Put(key, value).ToString(), "OK");
      } else if (round == kLargeGo) {
        ASSERT_EQ(table->Delete(key).ToString(), "OK");
      }
    }
    if (round == kLargeCome) {
      ASSERT_GT(store.core().Metrics().spills, 0u);
    }
  }
  Content After(uint64_t round) const {
    Content content = history_.After(round, kSmallRounds);
    if (spills_ && round >= kLargeCome && round < kLargeGo)
      content["counts"].insert(LargeRows().begin(), LargeRows().end());
    return content;
  }

  static std::string ExportOf(const std::string& root) { return root + "/export"; }
  static std::string ImportOf(const std::string& root) { return root + "/import"; }
  static void Copy(const CheckpointStorage& from, const std::string& to,
                   const storage::FileSystemPtr& disk) {
    if (storage::Exists(*disk, to)) return;
    ASSERT_EQ(ExportNewest(from, to, disk).ToString(), "OK");
  }
  void Export(const std::string& root, const storage::FileSystemPtr& disk) const {
    Copy(*StorageAt(root, disk), ExportOf(root), disk);
    notes_->exported = true;
  }
  void Import(const std::string& root, const storage::FileSystemPtr& disk) const {
    if (!storage::Exists(*disk, ExportOf(root))) return;  // made in an earlier life, and lost
    const auto from = storage::OpenLocalDirectoryOn(ExportOf(root), disk);
    ASSERT_TRUE(from.has_value()) << from.error().ToString();
    Copy(**from, ImportOf(root), disk);
    notes_->imported = true;
  }

  // Runs a life on what `from` holds (nothing if it is empty). What each of `cuts` leaves is then
  // where PathOf(to, ...) says, and in the notes what had been done until then. kDied if it came
  // to the last one, "" if it has ended before.
  std::string LiveAndCut(const Cuts& cuts, const std::string& from, const std::string& to,
                         const Prepare& prepare) const {
    notes_->calls = notes_->cut_count = 0;
    const std::string root = directory_ / "mirror";
    fs::remove_all(root);
    fs::create_directories(root);
    return InChild([&] {
      const auto memory = std::make_shared<MemoryFileSystem>(root);
      if (!from.empty()) memory->Load(from);
      prepare(*memory);
      const auto disk = std::make_shared<FaultFileSystem>(memory);
      // What lies between two of these a torn content stands for.
      const std::set<FileOperation> counted{FileOperation::kCreate,
                                            FileOperation::kSync,
                                            FileOperation::kLink,
                                            FileOperation::kRename,
                                            FileOperation::kDelete,
                                            FileOperation::kCreateDirectory,
                                            FileOperation::kDeleteDirectory,
                                            FileOperation::kSyncDirectory};
      FileFault fault;
      fault.spares = [&](FileOperation operation, std::string_view) {
        if (!counted.contains(operation)) return true;
        const uint64_t call = ++notes_->calls;
        if (!cuts.Contain(call)) return true;
        notes_->cuts[notes_->cut_count++] = {call, notes_->done()};
        for (const Cut kind : cuts.kinds) memory->WriteCut(kind, call, PathOf(to, call, kind));
        if (call + cuts.stride > cuts.last) Die();
        return true;
      };
      disk->plan().Inject(fault);
      Live(root, disk);
    });
  }
  static std::string PathOf(const std::string& to, uint64_t call, Cut kind) {
    return to + "/" + std::to_string(call) + "/" + NameOf(kind);
  }

  // Restores, looks at everything, and goes on for a round; on the operating system's files.
  void ExpectRecovers(const std::string& root, const std::string& live) const {
    SCOPED_TRACE(live);
    const auto disk = DiskWithoutSyncs();
    auto store = TestStore::Open(Options(root, live, disk), disk);
    ASSERT_TRUE(store.has_value()) << store.error().ToString();
    EXPECT_TRUE(store->restored().skipped.empty())
        << store->restored().skipped[0].reason.ToString();
    EXPECT_TRUE(store->restored().damaged_manifests.empty());
    const uint64_t at = store->restored_id();
    ASSERT_GE(at, notes_->acknowledged) << "a checkpoint that was acknowledged is gone";
    const auto content = store->ReadAll();
    ASSERT_TRUE(content.has_value()) << content.error().ToString();
    ASSERT_EQ(Difference(After(at), *content), "");
    if (spills_) ChangeLarge(*store, at + 1);
    ASSERT_EQ(store->Run(ChangesOfRound(1, at + 1, kSmallRounds)).ToString(), "OK");
    ASSERT_EQ(store->Checkpoint(at + 1).ToString(), "OK");
    notes_->acknowledged = at + 1;
    ASSERT_EQ(store->Drain().ToString(), "OK");
    ASSERT_EQ(store->Close().ToString(), "OK");
    const auto list = ReadNewest(*StorageAt(root));
    ASSERT_TRUE(list.has_value()) << list.error().ToString();
    EXPECT_EQ(FindDamage(*StorageAt(root), *list), "");
    EXPECT_EQ(FilesThere(*StorageAt(root)), FilesNamed(*list));
  }

  // "" if all of that holds. `first` is what the child begins with.
  std::string Recover(
      const std::string& root, const std::function<void()>& first = [] {}) const {
    const uint64_t acknowledged = notes_->acknowledged;
    std::string end = InChild([&] {
      first();
      if (notes_->exported) {
        EXPECT_EQ(FindDamageOfExport(ExportOf(root)), "");
      }
      if (notes_->imported) {
        EXPECT_EQ(FindDamageOfExport(ImportOf(root)), "");
      }
      ExpectRecovers(root, "live");
      ExpectRecovers(root, "elsewhere");
    });
    notes_->acknowledged = acknowledged;
    return end;
  }

  // The campaign: cuts at every `stride`th operation, and again in the recoveries.
  void CutEverywhere(uint64_t stride, const char* campaign);
  // `cuts` while it recovers from what is in `from`.
  void CutRecovery(const Cuts& cuts, const std::string& from);

  const TempDir directory_{TempDir::InMemory()};
  const SharedNotes notes_;
  History history_;
  bool spills_ = false;
  uint64_t cuts_ = 0;
  uint64_t cuts_in_recoveries_ = 0;
  uint64_t alike_ = 0;  // of both: left the same as one that was tried
};

void Nothing(MemoryFileSystem&) {}

void PowerCutTest::CutRecovery(const Cuts& cuts, const std::string& from) {
  const Done before = notes_->done();
  const std::string to = directory_ / "second";
  const std::string end = LiveAndCut(cuts, from, to, Nothing);
  EXPECT_TRUE(end.empty() || end == kDied) << end;
  std::set<Files> tried;
  for (uint64_t i = 0; i < notes_->cut_count; ++i) {
    const auto& [call, done] = notes_->cuts[i];
    for (const Cut kind : cuts.kinds) {
      SCOPED_TRACE("again at " + std::to_string(call) + ", " + NameOf(kind));
      const std::string remains = PathOf(to, call, kind);
      notes_->Set(done);
      ++cuts_in_recoveries_;
      if (tried.insert(RemainsIn(remains, done)).second)
        EXPECT_EQ(Recover(remains), "");
      else
        ++alike_;
    }
  }
  fs::remove_all(to);
  notes_->Set(before);
}

void PowerCutTest::CutEverywhere(uint64_t stride, const char* campaign) {
  const uint64_t alone = FromEnvironment("TIDEMARK_POWER_CALL", 0);
  const uint64_t pair_stride = FromEnvironment("TIDEMARK_PAIR_STRIDE", kRecoveryCalls);
  for (uint64_t call = std::max<uint64_t>(alone, 1); !HasFailure(); call += stride) {
    SCOPED_TRACE("TIDEMARK_POWER_CALL=" + std::to_string(call));
    const std::string to = directory_ / "cut";
    notes_->Set({});
    const std::string end = LiveAndCut(Cuts::At(call), "", to, Nothing);
    if (end.empty()) break;
    ASSERT_EQ(end, kDied);
    std::set<Files> tried;
    for (const Cut kind : kAllKinds) {
      SCOPED_TRACE(NameOf(kind));
      const std::string remains = PathOf(to, call, kind);
      ++cuts_;
      if (!tried.insert(RemainsIn(remains, notes_->done())).second) {
        ++alike_;
        continue;
      }
      CutRecovery({1 + (call * 7) % pair_stride, pair_stride, kRecoveryCalls, kKindsInRecovery},
                  remains);
      EXPECT_EQ(Recover(remains), "");
    }
    fs::remove_all(to);
    ShowProgress(campaign, call, 0);
    if (alone != 0) break;
  }
  EXPECT_TRUE(alone != 0 || cuts_ * stride > 400u);
  ReportCampaign(campaign,
                 {{"cuts", cuts_}, {"cuts_in_recoveries", cuts_in_recoveries_}, {"alike", alike_}},
                 !HasFailure());
}

constexpr uint64_t kScale = TIDEMARK_SANITIZED != 0 ? 7 : 1;

TEST_F(PowerCutTest, Invariant01WhateverTheDiskHasKept) {
  CutEverywhere(FromEnvironment("TIDEMARK_POWER_STRIDE", 13 * kScale), "power-cut");
}

// Epochs that are larger than memory have a life of their own on the disk.
TEST_F(PowerCutTest, Invariant01WithEpochsThatSpill) {
  spills_ = true;
  CutEverywhere(FromEnvironment("TIDEMARK_SPILL_STRIDE", 41 * kScale), "power-cut-spills");
}

// ---- Controls: without one kind of sync the campaign must find something ----

struct Control {
  const char* safeguard;
  bool of_directories;
  const char* path;  // a part of it
};
// Not among them: what RocksDB syncs of the live database, which may be lost as a whole.
const Control kControls[] = {
    {"content of FORMAT", false, "/FORMAT"},
    {"name of FORMAT", true, "/repository/"},
    {"content of manifest versions", false, "/manifest/"},
    {"names of manifest versions", true, "/manifest/"},
    {"content of snapshots", false, "/snapshots/"},
    {"names of snapshots", true, "/snapshots/"},
    {"content of segments and bases", false, "/tmp/"},
    {"names of segments", true, "/log/"},
    {"names of bases", true, "/base/"},
    {"content of an export", false, "/export.incomplete"},
    {"names in an export", true, "/export.incomplete"},
};

class PowerCutControl : public PowerCutTest {
 protected:
  // What children say of it is expected, and would only frighten.
  static void BeQuiet() {
    std::fflush(stdout);
    std::fflush(stderr);
    if (std::freopen("/dev/null", "w", stdout) == nullptr) _exit(1);
    if (std::freopen("/dev/null", "w", stderr) == nullptr) _exit(1);
  }

  // The first operation at which something is lost; 0: none.
  uint64_t FindLoss(const Control& control, uint64_t stride) const {
    const auto without = [&](MemoryFileSystem& disk) {
      BeQuiet();
      if (control.of_directories)
        disk.IgnoreDirectorySyncs(control.path);
      else
        disk.IgnoreFileSyncs(control.path);
    };
    const std::string to = directory_ / "cut";
    for (uint64_t call = 1;; call += stride) {
      notes_->Set({});
      fs::remove_all(to);
      const std::string end = LiveAndCut(Cuts::At(call), "", to, without);
      if (end != kDied) return end.empty() ? 0 : call;
      for (const Cut kind : {Cut::kNothing, Cut::kTorn, Cut::kAnyNames}) {
        if (!Recover(PathOf(to, call, kind), BeQuiet).empty()) return call;
      }
    }
  }
};

TEST_F(PowerCutControl, WithoutOneKindOfSyncSomethingIsLost) {
  const uint64_t stride =
      FromEnvironment("TIDEMARK_POWER_STRIDE", TIDEMARK_SANITIZED != 0 ? 41 : 11);
  for (const Control& control : kControls) {
    const uint64_t call = FindLoss(control, stride);
    std::printf("%-32s %s\n", control.safeguard,
                call == 0 ? "NOT FOUND" : ("caught at " + std::to_string(call)).c_str());
    EXPECT_NE(call, 0u) << control.safeguard;
  }
  ReportCampaign("power-cut-controls", {{"safeguards", std::size(kControls)}}, !HasFailure());
}

}  // namespace
}  // namespace tidemark::test
