// PowerCutFixture: lives of a store in a file system in memory, what a cut of the power leaves of
// them, as real files, and what must come of that.
#pragma once

#include "tests/crash/busy_life.h"
#include "tests/crash/in_child.h"
#include "tests/support/environment.h"
#include "tests/support/fault_file_system.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/temp_dir.h"

#include <gtest/gtest.h>

#include <sys/mman.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <new>
#include <set>
#include <span>
#include <stdexcept>
#include <string>

namespace tidemark::test {

inline constexpr Cut kAllKinds[] = {Cut::kNothing, Cut::kAll, Cut::kTorn, Cut::kAnyNames};
inline std::string NameOf(Cut kind) {
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
  uint64_t seed;  // of what is left where that is a matter of chance

  static Cuts At(uint64_t call, uint64_t seed) { return {call, 1, call, kAllKinds, seed}; }
  uint64_t SeedOf(uint64_t call) const { return Random(seed + call).Next(); }
  bool Contain(uint64_t call) const {
    return call >= first && call <= last && (call - first) % stride == 0;
  }
};

// Names, contents, and how many names a file has; and what had been done.
inline Files RemainsIn(const std::string& directory, const Done& done) {
  namespace fs = std::filesystem;
  Files all = ReadTree(directory);
  all[""] = std::to_string(done.acknowledged) + (done.exported ? " exported" : "") +
            (done.imported ? " imported" : "");
  for (const auto& entry : fs::recursive_directory_iterator(directory))
    all[entry.path().lexically_relative(directory)] +=
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

class PowerCutFixture : public ::testing::Test {
 protected:
  using Prepare = std::function<void(MemoryFileSystem&)>;
  static constexpr uint64_t kRounds = 10;

  PowerCutFixture() { history_.Continue(1, 1); }

  StoreOptions Options(const std::string& root, const std::string& live,
                       const storage::FileSystemPtr& disk) const {
    return BusyStore(root, live, StorageAt(root, disk, transfer_));
  }

  // From whatever there is on `disk` to the last round, or to the cut. `expects_all`: of a life
  // that begins with nothing and that nobody cuts.
  void Live(const std::string& root, const storage::FileSystemPtr& disk,
            bool expects_all = false) const {
    auto store = TestStore::Open(Options(root, "live", disk), disk);
    ASSERT_TRUE(store.has_value()) << store.error().ToString();
    ASSERT_GE(store->restored_id(), notes_->acknowledged);
    for (uint64_t round = store->restored_id() + 1; round <= kRounds; ++round) {
      if (spills_) ChangeLarge(*store, round);
      ASSERT_EQ(RunRound(*store, round).ToString(), "OK");
      ASSERT_EQ(store->Checkpoint(round).ToString(), "OK");
      notes_->acknowledged = round;
      ASSERT_EQ(Settle(*store, round, transfer_).ToString(), "OK");
      if (round == 6) {
        // What an export copies must not be merged and deleted meanwhile.
        ASSERT_EQ(store->Drain().ToString(), "OK");
        Export(root, disk);
      }
      if (round == 8) Import(root, disk);
    }
    if (expects_all) {
      EXPECT_EQ(FindUnreached(*store), "");
    }
    ASSERT_EQ(store->Close().ToString(), "OK");
  }

  // More than memory holds comes with one round, after as much that is rolled back; and goes with
  // another.
  static constexpr uint64_t kLargeCome = 4;
  static constexpr uint64_t kLargeGo = 6;
  static void ChangeLarge(TestStore& store, uint64_t round) {
    if (round == kLargeGo) {
      ASSERT_EQ(store.Run(ChangesOfLargeRows(ChangeKind::kDelete)).ToString(), "OK");
    }
    if (round != kLargeCome) return;
    ASSERT_EQ(store.Run(LargeChangesRolledBack()).ToString(), "OK");
    const uint64_t rolled_back = store.core().Metrics().spills;
    ASSERT_GT(rolled_back, 0u);
    ASSERT_EQ(store.Run(ChangesOfLargeRows(ChangeKind::kPut)).ToString(), "OK");
    ASSERT_GT(store.core().Metrics().spills, rolled_back);
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
    std::filesystem::remove_all(root);
    std::filesystem::create_directories(root);
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
        for (const Cut kind : cuts.kinds)
          memory->WriteCut(kind, cuts.SeedOf(call), PathOf(to, call, kind));
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
    ASSERT_EQ(RunRound(*store, at + 1).ToString(), "OK");
    ASSERT_EQ(store->Checkpoint(at + 1).ToString(), "OK");
    notes_->acknowledged = at + 1;
    ASSERT_EQ(store->Drain().ToString(), "OK");
    ASSERT_EQ(store->Close().ToString(), "OK");
    const auto list = ReadNewest(*StorageAt(root));
    ASSERT_TRUE(list.has_value()) << list.error().ToString();
    EXPECT_EQ(FindDamage(*StorageAt(root), *list), "");
    EXPECT_EQ(FilesThere(*StorageAt(root)), FilesNamed(*list));
  }

  // "" if all of that holds; with `restores_all` also what was there before it, each checkpoint
  // that is retained. `first` is what the child begins with.
  std::string Recover(
      const std::string& root, bool restores_all,
      const std::function<void()>& first = [] {}) const {
    const uint64_t acknowledged = notes_->acknowledged;
    std::string end = InChild([&] {
      first();
      if (notes_->exported) {
        EXPECT_EQ(FindDamageOfExport(ExportOf(root)), "");
      }
      if (notes_->imported) {
        EXPECT_EQ(FindDamageOfExport(ImportOf(root)), "");
      }
      if (restores_all) {
        const auto after = [this](uint64_t round) { return After(round); };
        EXPECT_EQ(FindLost(root, kKeepLast, IdsUpTo(acknowledged), after), "");
      }
      ExpectRecovers(root, "live");
      ExpectRecovers(root, "elsewhere");
    });
    notes_->acknowledged = acknowledged;
    return end;
  }

  const TempDir directory_{TempDir::InMemory()};
  const SharedNotes notes_;
  History history_;
  bool spills_ = false;
  Transfer transfer_ = Transfer::kLink;
};

}  // namespace tidemark::test
