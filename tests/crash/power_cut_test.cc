// The power is cut at file operation k of a store's life: while it is created, makes checkpoints
// inside the manifest and as files, rolls back, writes back, merges its log, publishes bases, drops
// what is old, exports, imports, closes; and again while it recovers from that. One life has an
// epoch that spills after another one that spilled and was rolled back; one has files that are
// copied into the repository, instead of links. Whatever k is, and whatever the disk has kept of
// what was not synced, every checkpoint that was acknowledged and is not too old to be kept is
// restored exactly; the newest one here and on another machine, where the store goes on. After a
// cut in a recovery the older ones are restored in one of five cases.
//
// A control takes one kind of sync away: then the same campaign must lose something. And lives that
// nobody cuts show that all of this happens in them.
//
// TIDEMARK_POWER_STRIDE=1 tries every operation; the default takes samples, fewer where files are
// copied. TIDEMARK_SPILL_STRIDE is that of the life with epochs that spill. TIDEMARK_PAIR_STRIDE=1
// tries every operation of each recovery too, with all four kinds of remains, which takes hours;
// the default takes one of each, with two kinds in turns. TIDEMARK_SEED gives another course of
// what is left by chance. TIDEMARK_POWER_CALL=k tries operation k alone; a failure names both.
#include "tests/crash/power_cut_fixture.h"
#include "tests/support/campaign.h"
#include "tests/support/environment.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iterator>
#include <set>
#include <span>
#include <string>

namespace tidemark::test {
namespace {

namespace fs = std::filesystem;

class PowerCutTest : public PowerCutFixture {
 protected:
  // The campaign: cuts at every `stride`th operation, and again in the recoveries.
  void CutEverywhere(uint64_t stride, const char* campaign);
  void ExpectALifeHasAll() const;
  // What a cut at `call` has left, and cuts while it recovers from that.
  void TryAllKinds(uint64_t call);
  // `cuts` while it recovers from what is in `from`.
  void CutRecovery(const Cuts& cuts, const std::string& from);

  const uint64_t seed_ = FromEnvironment("TIDEMARK_SEED", 1);
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
        EXPECT_EQ(Recover(remains, (cuts.first + call) % 5 == 0), "");
      else
        ++alike_;
    }
  }
  fs::remove_all(to);
  notes_->Set(before);
}

// Of each recovery one operation with two kinds is a sample, and all four belong to all operations.
Cuts CutsInRecovery(uint64_t call, uint64_t turn, uint64_t seed) {
  constexpr static Cut kTurns[][2] = {{Cut::kNothing, Cut::kAnyNames}, {Cut::kNothing, Cut::kTorn}};
  const uint64_t stride = FromEnvironment("TIDEMARK_PAIR_STRIDE", kRecoveryCalls);
  const std::span<const Cut> kinds =
      stride == 1 ? std::span<const Cut>(kAllKinds) : kTurns[turn % std::size(kTurns)];
  return {1 + (call * 7) % stride, stride, kRecoveryCalls, kinds, Random(seed + call).Next()};
}

void PowerCutTest::TryAllKinds(uint64_t call) {
  std::set<Files> tried;
  for (const Cut kind : kAllKinds) {
    SCOPED_TRACE(NameOf(kind));
    const std::string remains = PathOf(directory_ / "cut", call, kind);
    ++cuts_;
    if (!tried.insert(RemainsIn(remains, notes_->done())).second) {
      ++alike_;
      continue;
    }
    CutRecovery(CutsInRecovery(call, cuts_ / 2, seed_), remains);
    EXPECT_EQ(Recover(remains, true), "");
  }
}

void PowerCutTest::CutEverywhere(uint64_t stride, const char* campaign) {
  const uint64_t alone = FromEnvironment("TIDEMARK_POWER_CALL", 0);
  for (uint64_t call = std::max<uint64_t>(alone, 1); !HasFailure(); call += stride) {
    SCOPED_TRACE("TIDEMARK_SEED=" + std::to_string(seed_) +
                 " TIDEMARK_POWER_CALL=" + std::to_string(call));
    const std::string to = directory_ / "cut";
    notes_->Set({});
    const std::string end = LiveAndCut(Cuts::At(call, seed_), "", to, Nothing);
    if (end.empty()) break;
    ASSERT_EQ(end, kDied);
    TryAllKinds(call);
    fs::remove_all(to);
    ShowProgress(campaign, call, 0);
    if (alone != 0) break;
  }
  EXPECT_TRUE(alone != 0 || cuts_ * stride > 400u);
  ReportCampaign(campaign,
                 {{"cuts", cuts_}, {"cuts_in_recoveries", cuts_in_recoveries_}, {"alike", alike_}},
                 !HasFailure());
}

void PowerCutTest::ExpectALifeHasAll() const {
  EXPECT_EQ(InChild([&] {
              Live(directory_ / "whole", DiskWithoutSyncs(), true);
              EXPECT_TRUE(notes_->exported && notes_->imported);
            }),
            "");
}

constexpr uint64_t kScale = TIDEMARK_SANITIZED != 0 ? 7 : 1;

TEST_F(PowerCutTest, Invariant01WhateverTheDiskHasKept) {
  CutEverywhere(FromEnvironment("TIDEMARK_POWER_STRIDE", 13 * kScale), "power-cut");
}

// Epochs that are larger than memory have a life of their own on the disk.
TEST_F(PowerCutTest, Invariant01WithEpochsThatSpill) {
  spills_ = true;
  CutEverywhere(FromEnvironment("TIDEMARK_SPILL_STRIDE", 61 * kScale), "power-cut-spills");
}

// Where files are copied: merges of a log that no base makes shorter, and bases that are asked for.
TEST_F(PowerCutTest, Invariant01WhereFilesAreCopiedToo) {
  transfer_ = Transfer::kCopy;
  CutEverywhere(FromEnvironment("TIDEMARK_POWER_STRIDE", 173 * kScale), "power-cut-copies");
}

TEST_F(PowerCutTest, ALifeHasAllThatIsCut) { ExpectALifeHasAll(); }
TEST_F(PowerCutTest, ALifeWithEpochsThatSpillHasAllThatIsCut) {
  spills_ = true;
  ExpectALifeHasAll();
}
TEST_F(PowerCutTest, ALifeWhereFilesAreCopiedHasAllThatIsCut) {
  transfer_ = Transfer::kCopy;
  ExpectALifeHasAll();
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

class PowerCutControl : public PowerCutFixture {
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
      const std::string end = LiveAndCut(Cuts::At(call, 1), "", to, without);
      if (end != kDied) return end.empty() ? 0 : call;
      for (const Cut kind : {Cut::kNothing, Cut::kTorn, Cut::kAnyNames}) {
        if (!Recover(PathOf(to, call, kind), false, BeQuiet).empty()) return call;
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
