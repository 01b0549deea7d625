// Every kind of repository file, damaged in every way: restore falls back to the newest checkpoint
// that is whole and says what it passed over, or, asked for a certain one, says what is wrong with
// it. It never gives a wrong value, and never aborts.
#include "tests/crash/damage_fixture.h"

#include <algorithm>
#include <functional>
#include <thread>

namespace tidemark::test {
namespace {

constexpr Part kParts[] = {Part::kFormat,       Part::kSnapshot,       Part::kNewestManifest,
                           Part::kTailManifest, Part::kInlinedSegment, Part::kSegment,
                           Part::kBaseSst,      Part::kBaseMeta};
constexpr Harm kHarms[] = {Harm::kMissing,    Harm::kEmpty,        Harm::kTruncated,
                           Harm::kBitFlipped, Harm::kByteAppended, Harm::kReplaced};

// What is restored without the part; 0: nothing can be.
uint64_t NewestWithout(Part part) {
  switch (part) {
    case Part::kFormat:
    case Part::kSnapshot:
      return 0;
    case Part::kNewestManifest:
      return 9;
    case Part::kTailManifest:
      return 8;
    case Part::kInlinedSegment:
      return 6;
    case Part::kSegment:
      return 5;
    case Part::kBaseSst:
    case Part::kBaseMeta:
      return 4;
  }
  return 0;
}

class DamageTest : public DamageFixture, public ::testing::WithParamInterface<Part> {
 protected:
  Part part() const { return GetParam(); }
  void ForEveryHarm(const std::function<void(Harm, const std::string& path)>& check) {
    const std::string path = PathOf(part());
    for (const Harm harm : kHarms) {
      SCOPED_TRACE(NameOf(harm) + ": " + path);
      CopyTemplate();
      Damage(path, harm);
      check(harm, path);
    }
  }
  // Versions are consecutive, so one that is gone is missed because of those after it. Without the
  // newest the list is what it was before the last commit.
  bool LeavesNoTrace(Harm harm) const {
    return part() == Part::kNewestManifest && harm == Harm::kMissing;
  }
  void ExpectFallback(const StoreOptions& options, Harm harm, const std::string& path) {
    const uint64_t id = NewestWithout(part());
    if (id == 0) {
      ExpectError(options, ErrorWithoutFormat(harm), {path, "expected", "got"});
    } else {
      ExpectRestores(options, id, LeavesNoTrace(harm) ? "" : path);
    }
  }
  // Without its first bytes nobody can tell that FORMAT was ours.
  StatusCode ErrorWithoutFormat(Harm harm) const {
    const bool unknown = harm == Harm::kMissing || harm == Harm::kReplaced;
    return part() == Part::kFormat && unknown ? StatusCode::kIncompatibleFormat
                                              : StatusCode::kCorruption;
  }
};

TEST_P(DamageTest, Invariant09FallsBackToTheNewestWholeCheckpoint) {
  ForEveryHarm([&](Harm harm, const std::string& path) { ExpectFallback(Options(), harm, path); });
}

TEST_P(DamageTest, Invariant09ExplicitCheckpointNeverFallsBack) {
  ForEveryHarm([&](Harm harm, const std::string& path) {
    StoreOptions options = Options();
    options.restore_checkpoint = kNewest;
    if (LeavesNoTrace(harm)) {
      ExpectError(options, StatusCode::kNotFound, {"checkpoint 10", "1, 2, 3, 4, 5, 6, 7, 8, 9"});
    } else {
      ExpectError(options, ErrorWithoutFormat(harm), {path, "expected", "got"});
    }
  });
}

// Base files of the right size are not hashed before RocksDB opens them; see FastTest.
TEST_P(DamageTest, FastFallsBackToo) {
  if (part() == Part::kBaseSst) return;
  ForEveryHarm([&](Harm harm, const std::string& path) {
    StoreOptions options = Options();
    options.verification = Verification::kFast;
    ExpectFallback(options, harm, path);
  });
}

// What does not need the part is restored as if nothing had happened.
TEST_P(DamageTest, OlderCheckpointsAreNotAffected) {
  const uint64_t id = NewestWithout(part());
  if (id == 0) return;
  CopyTemplate();
  Damage(PathOf(part()), Harm::kBitFlipped);
  for (const uint64_t older : {id, uint64_t{3}, uint64_t{1}}) {
    StoreOptions options = Options();
    options.restore_checkpoint = older;
    const std::string end = InChild([&] {
      auto store = Open(options).value();
      EXPECT_EQ(store.restored_id(), older);
      EXPECT_EQ(Difference(TemplateContent(older), store.ReadAll().value()), "");
    });
    EXPECT_EQ(end, "");
  }
}

INSTANTIATE_TEST_SUITE_P(Of, DamageTest, ::testing::ValuesIn(kParts),
                         [](const auto& part) { return NameOf(part.param); });

// ---- kFast: bases are hashed in the background ----

class FastTest : public DamageFixture {
 protected:
  StoreOptions FastOptions(const std::shared_ptr<FaultStorage>& storage) const {
    StoreOptions options = Options();
    options.verification = Verification::kFast;
    options.keep_last = 1;
    options.repository.clear();
    options.storage = storage;
    return options;
  }
};

TEST_F(FastTest, BackgroundHashFindsDamageBeforeAnythingIsPublishedOrDropped) {
  CopyTemplate();
  const std::string path = PathOf(Part::kBaseSst);
  Damage(path, Harm::kBitFlipped);
  const std::vector<std::string> files = FilesThere(*StorageAt(root()));
  const std::string end = InChild([&] {
    const auto storage = Storage();
    const auto pause = storage->PauseBefore(StorageOperation::kRead, path);
    auto store = Open(FastOptions(storage)).value();
    ASSERT_EQ(store.restored_id(), kNewest);
    pause->WaitUntilReached();
    EXPECT_EQ(store.Put("counts", "key", "value").ToString(), "OK");
    EXPECT_EQ(store.Checkpoint(kNewest + 1).ToString(), "OK");
    EXPECT_EQ(store.Ids().size(), kNewest + 1) << "keep_last is 1, but nothing may go yet";
    pause->Release();
    const Status failed = store.Drain();
    EXPECT_EQ(failed.code(), StatusCode::kCorruption) << failed.ToString();
    for (const std::string& text : {path, std::string("expected"), std::string("got")})
      EXPECT_NE(failed.message().find(text), std::string_view::npos) << failed.ToString();
    EXPECT_EQ(store.Begin(kNewest + 2).error().code(), StatusCode::kCorruption);
    EXPECT_EQ(store.Close().code(), StatusCode::kCorruption);
  });
  EXPECT_EQ(end, "");
  const auto list = ReadNewest(*StorageAt(root())).value();
  EXPECT_EQ(list.checkpoints.size(), kNewest + 1);
  EXPECT_EQ(list.bases.size(), 2U) << "no base was published";
  const std::vector<std::string> now = FilesThere(*StorageAt(root()));
  EXPECT_TRUE(std::includes(now.begin(), now.end(), files.begin(), files.end()));
  ExpectRestores(Options(), 4, path);
}

// Once: what had not been hashed when the process ended nobody ever hashed, as the next one used
// the live directory again; so it deleted old checkpoints, although the newest was damaged.
TEST_F(FastTest, Invariant09WhatHasNotBeenHashedIsNotUsedAgain) {
  for (const bool closes : {false, true}) {
    CopyTemplate();
    const std::string path = PathOf(Part::kBaseSst);
    Damage(path, Harm::kBitFlipped);
    const std::string end = InChild([&] {
      const auto storage = Storage();
      storage->plan().Inject(
          {.sticky = true, .contains = path, .operations = {StorageOperation::kRead}});
      auto store = Open(FastOptions(storage)).value();
      EXPECT_EQ(store.restored_id(), kNewest);
      while (storage->plan().fired() == 0) std::this_thread::yield();
      if (!closes) Die();
      EXPECT_EQ(store.Close().ToString(), "OK");
    });
    EXPECT_EQ(end, closes ? "" : kDied);
    ExpectRestores(Options(), 4, path);
  }
}

// The first commit on an older checkpoint drops those after it: it has to be known before that it
// can be restored.
TEST_F(FastTest, CheckpointThatIsNotTheNewestIsHashedAtOnce) {
  CopyTemplate();
  const std::string path = PathOf(Part::kBaseSst);
  Damage(path, Harm::kBitFlipped);
  StoreOptions options = Options();
  options.verification = Verification::kFast;
  options.restore_checkpoint = kNewest - 1;
  ExpectError(options, StatusCode::kCorruption, {path, "expected", "got"});
}

TEST_F(FastTest, OnceAllIsHashedOldCheckpointsGo) {
  CopyTemplate();
  const std::string end = InChild([&] {
    auto store = Open(FastOptions(Storage())).value();
    EXPECT_EQ(store.Drain().ToString(), "OK");
    EXPECT_EQ(store.Checkpoint(kNewest + 1).ToString(), "OK");
    EXPECT_EQ(store.Ids(), (std::vector<uint64_t>{kNewest + 1}));
    EXPECT_EQ(store.Drain().ToString(), "OK");
    EXPECT_EQ(Difference(TemplateContent(kNewest), store.ReadAll().value()), "");
  });
  EXPECT_EQ(end, "");
  const auto list = ReadNewest(*StorageAt(root())).value();
  EXPECT_EQ(FilesThere(*StorageAt(root())), FilesNamed(list));
}

// Whatever harm was done to a base: fallback, or the store fails; the rows that it shows until then
// are right.
TEST_F(FastTest, Invariant09DamagedBaseNeverShowsAWrongValue) {
  const std::string path = PathOf(Part::kBaseSst);
  for (const Harm harm : kHarms) {
    SCOPED_TRACE(NameOf(harm) + ": " + path);
    CopyTemplate();
    Damage(path, harm);
    const std::string end = InChild([&] {
      auto opened = Open(FastOptions(Storage()));
      ASSERT_TRUE(opened.has_value()) << opened.error().ToString();
      const auto content = opened->ReadAll();
      EXPECT_EQ(content ? Difference(TemplateContent(opened->restored_id()), *content) : "", "");
      if (opened->restored_id() == 4U) return;
      EXPECT_EQ(opened->restored_id(), kNewest);
      EXPECT_EQ(opened->Drain().code(), StatusCode::kCorruption);
    });
    EXPECT_EQ(end, "");
  }
}

}  // namespace
}  // namespace tidemark::test
