// Damage anywhere in a repository, of any kind and at any place, and files that cannot be read:
// what is restored is the newest checkpoint that an oracle finds whole, never an older one and
// never with another content; and what cannot be read just now is not taken for damage.
//
// TIDEMARK_DAMAGES sets the number of rounds, TIDEMARK_SEED another course of things.
#include "tests/crash/damage_fixture.h"
#include "tests/crash/damage_oracle.h"
#include "tests/support/campaign.h"
#include "tests/support/environment.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>

namespace tidemark::test {
namespace {

namespace fs = std::filesystem;

constexpr size_t kPageBytes = 4096;
constexpr uint64_t kAppendedMax = 5000;

enum class Blow {
  kBit,
  kCutOff,
  kAppended,
  kZeroedPage,
  kSwapped,  // the content of another file of the folder
  kStale,    // what such a file held before the last attempt
  kReplaced,
  kEmptied,
  kMissing,
};
constexpr const char* kBlowNames[] = {"bit flipped", "cut off", "appended",
                                      "page zeroed", "swapped", "stale",
                                      "replaced",    "emptied", "missing"};

std::string ReadFile(const std::string& path) {
  return storage::ReadWholeFile(*storage::DefaultFileSystem(), path).value();
}

std::string RandomBytes(Random& random, size_t count) {
  std::string bytes;
  while (bytes.size() < count) bytes.push_back(static_cast<char>(random.Next()));
  return bytes;
}

void ZeroPage(Random& random, std::string* bytes) {
  const size_t pages = (bytes->size() + kPageBytes - 1) / kPageBytes;
  const size_t begin = random.Below(pages) * kPageBytes;
  const size_t end = std::min(begin + kPageBytes, bytes->size());
  std::fill(bytes->begin() + static_cast<ptrdiff_t>(begin),
            bytes->begin() + static_cast<ptrdiff_t>(end), '\0');
}

// The content of a file of the folder, but not of the one of this name; what `otherwise` says if
// there is none.
std::string ContentOfAnother(Random& random, const fs::path& folder, const fs::path& name,
                             std::string otherwise) {
  std::set<fs::path> others;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.is_regular_file() && entry.path().filename() != name) others.insert(entry.path());
  if (others.empty()) return otherwise;
  return ReadFile(*std::next(others.begin(), static_cast<ptrdiff_t>(random.Below(others.size()))));
}

class RandomDamageTest : public DamageFixture {
 protected:
  void SetUp() override {
    DamageFixture::SetUp();
    CopyTemplate();
    intact_ = ReadTree(PathOf(""));
    ListPaths();
    oracle_.emplace(*StorageAt(root()));
  }

  // Names have a random part. Files that the list has come in its order, so that a seed means the
  // same in each run.
  void ListPaths() {
    const format::Manifest list = ReadNewest(*StorageAt(root())).value();
    std::set<std::string> listed;
    for (const auto& [id, file] : list.files)
      if (file.kind != format::FileKind::kInlined)
        listed.insert(paths_.emplace_back(format::SubtaskPrefix(0) + file.name));
    for (const auto& [path, checksum] : intact_)
      if (!listed.contains(path)) paths_.push_back(path);
  }
  const std::string& AnyPath(Random& random) const { return paths_[random.Below(paths_.size())]; }

  // What it did, in words.
  std::string Strike(Random& random, const std::string& path) {
    const auto blow = static_cast<Blow>(random.Below(std::size(kBlowNames)));
    const fs::path file = PathOf(path);
    if (!fs::exists(file) || fs::file_size(file) == 0) return "";
    std::string bytes = ReadFile(file);
    fs::remove(file);
    if (blow != Blow::kMissing)
      std::ofstream(file, std::ios::binary) << After(blow, random, path, std::move(bytes));
    return ", " + path + " " + kBlowNames[static_cast<size_t>(blow)];
  }
  std::string After(Blow blow, Random& random, const fs::path& path, std::string bytes) const {
    switch (blow) {
      case Blow::kBit:
        bytes[random.Below(bytes.size())] ^= static_cast<char>(1 << random.Below(8));
        return bytes;
      case Blow::kCutOff:
        bytes.resize(random.Below(bytes.size()));
        return bytes;
      case Blow::kAppended:
        return bytes + RandomBytes(random, 1 + random.Below(kAppendedMax));
      case Blow::kZeroedPage:
        ZeroPage(random, &bytes);
        return bytes;
      case Blow::kSwapped:
        return ContentOfAnother(random, fs::path(PathOf(path)).parent_path(), path.filename(), "");
      case Blow::kStale:
        return ContentOfAnother(random, fs::path(OlderPathOf(path)).parent_path(), path.filename(),
                                "");
      case Blow::kReplaced:
        return RandomBytes(random, bytes.size());
      default:
        return "";
    }
  }

  // By what the files hold now: one that was given its own bytes again is none.
  DamageOracle::Answer Expected() const {
    const Files now = ReadTree(PathOf(""));
    std::set<std::string> damaged;
    std::set<std::string> missing;
    for (const auto& [path, checksum] : intact_) {
      const auto file = now.find(path);
      if (file == now.end()) missing.insert(path);
      if (file == now.end() || file->second != checksum) damaged.insert(path);
    }
    return oracle_->Without(damaged, missing);
  }

  // The store's options, over storage that cannot read `unreadable`, if that is not empty: EIO
  // however often it is tried.
  StoreOptions OptionsWithout(const std::string& unreadable) const {
    const std::shared_ptr<FaultStorage> storage = Storage();
    if (!unreadable.empty())
      storage->plan().Inject({.sticky = true,
                              .contains = unreadable,
                              .operations = {StorageOperation::kRead, StorageOperation::kFetch,
                                             StorageOperation::kSize}});
    StoreOptions options = Options();
    options.repository.clear();
    options.storage = storage;
    return options;
  }

  static void ExpectRefused(const Status& error, const DamageOracle::Answer& expected,
                            bool all_readable) {
    if (error.code() == StatusCode::kUnavailable && !all_readable) return;
    EXPECT_EQ(expected.id, 0U) << error.ToString();
    EXPECT_TRUE(error.code() == StatusCode::kCorruption ||
                error.code() == StatusCode::kIncompatibleFormat)
        << error.ToString();
  }

  // In a child process.
  static void ExpectOutcome(const StoreOptions& options, const DamageOracle::Answer& expected,
                            bool all_readable) {
    auto store = Open(options);
    if (!store.has_value()) return ExpectRefused(store.error(), expected, all_readable);
    EXPECT_NE(expected.id, 0U) << "nothing is whole, and a store was opened";
    EXPECT_EQ(store->restored_id(), expected.id);
    const RestoreReport& report = store->restored();
    if (expected.must_tell) {
      EXPECT_FALSE(report.damaged_manifests.empty() && report.skipped.empty());
    }
    EXPECT_EQ(Difference(TemplateContent(expected.id), store->ReadAll().value()), "");
    if (all_readable) {
      EXPECT_EQ(store->Drain().ToString(), "OK");
    }
  }

  Files intact_;
  std::vector<std::string> paths_;
  std::optional<DamageOracle> oracle_;
};

TEST_F(RandomDamageTest, Invariant09RestoresTheNewestCheckpointThatIsWhole) {
  const uint64_t rounds = FromEnvironment("TIDEMARK_DAMAGES", TIDEMARK_SANITIZED != 0 ? 10 : 100);
  const uint64_t seed = FromEnvironment("TIDEMARK_SEED", 7);
  uint64_t fell_back = 0;
  uint64_t unseen = 0;  // older than the newest, and nobody can know
  uint64_t nothing_left = 0;
  for (uint64_t round = 0; round < rounds && !HasFailure(); ++round) {
    Random random(seed * 1'000'003 + round);
    CopyTemplate();
    std::string told = "TIDEMARK_SEED=" + std::to_string(seed) + ", round " + std::to_string(round);
    for (uint64_t blows = 1 + random.Below(3); blows > 0; --blows)
      told += Strike(random, AnyPath(random));
    const std::string unreadable = random.OneIn(4) ? AnyPath(random) : "";
    if (!unreadable.empty()) told += ", " + unreadable + " cannot be read";
    const DamageOracle::Answer expected = Expected();
    SCOPED_TRACE(told);
    EXPECT_EQ(
        InChild([&] { ExpectOutcome(OptionsWithout(unreadable), expected, unreadable.empty()); }),
        "");
    nothing_left += expected.id == 0 ? 1 : 0;
    fell_back += expected.id != 0 && expected.id != kNewest ? 1 : 0;
    unseen += expected.id != kNewest && !expected.must_tell ? 1 : 0;
    ShowProgress("damage", round + 1, rounds);
  }
  ReportCampaign("damage",
                 {{"damaged_repositories", rounds},
                  {"fell_back", fell_back},
                  {"newest_versions_gone_unseen", unseen},
                  {"nothing_left", nothing_left}},
                 !HasFailure());
}

// What cannot be detected: without the newest versions the list is what it was before them, and
// nobody is told.
TEST_F(RandomDamageTest, Invariant09WithoutTheNewestVersionsTheListIsWhatItWasBeforeThem) {
  const std::string folder = format::SubtaskPrefix(0) + std::string(format::kManifestPrefix);
  const auto newest = std::find_if(paths_.rbegin(), paths_.rend(),
                                   [&](const auto& path) { return path.starts_with(folder); });
  for (const ptrdiff_t count : {1, 2}) {
    SCOPED_TRACE(std::to_string(count) + " gone");
    CopyTemplate();
    std::for_each(newest, newest + count, [&](const auto& path) { fs::remove(PathOf(path)); });
    const DamageOracle::Answer expected = Expected();
    EXPECT_EQ(expected.id, kNewest - static_cast<uint64_t>(count));
    EXPECT_FALSE(expected.must_tell);
    EXPECT_EQ(InChild([&] { ExpectOutcome(OptionsWithout(""), expected, true); }), "");
  }
}

// A disk or a network that fails now may work later: an error that passes must not cost the newest
// checkpoints, which the first commit after a fallback would drop.
TEST_F(RandomDamageTest, Invariant09WhatCannotBeReadIsNotTakenForDamage) {
  uint64_t refused = 0;
  for (const std::string& path : paths_) {
    SCOPED_TRACE(path + " cannot be read");
    CopyTemplate();
    const std::string end = InChild([&] {
      auto store = Open(OptionsWithout(path));
      if (!store.has_value()) {
        EXPECT_EQ(store.error().code(), StatusCode::kUnavailable) << store.error().ToString();
        Die();
      }
      EXPECT_EQ(store->restored_id(), kNewest);
      EXPECT_TRUE(store->restored().damaged_manifests.empty());
      EXPECT_TRUE(store->restored().skipped.empty());
      EXPECT_EQ(Difference(TemplateContent(kNewest), store->ReadAll().value()), "");
    });
    EXPECT_TRUE(end.empty() || end == kDied) << end;
    refused += end == kDied ? 1 : 0;
    const auto storage = StorageAt(root());
    const format::Manifest list = ReadNewest(*storage).value();
    EXPECT_EQ(FindDamage(*storage, list), "");
    EXPECT_EQ(list.checkpoints.size(), kNewest);
    EXPECT_EQ(list.checkpoints.back().id, kNewest);
  }
  EXPECT_GT(refused, 5U) << "most of what is tried here is needed";
}

}  // namespace
}  // namespace tidemark::test
