// ckpt-inspect export and import: what is carried away is the checkpoint, whole, or not there.
#include "storage/export.h"
#include "storage/repository.h"
#include "tests/support/fault_file_system.h"
#include "tests/tools/inspect_fixture.h"

#include <tidemark/list_state.h>
#include <tidemark/map_state.h>
#include <tidemark/read_view.h>
#include <tidemark/store.h>

#include <filesystem>

namespace tidemark::test {
namespace {

namespace fs = std::filesystem;

class ExportTest : public InspectFixture {
 protected:
  std::unique_ptr<StateStore> Open(const std::string& repository, const std::string& live,
                                   uint32_t subtask = 0) {
    StoreOptions options;
    options.runtime = Runtime::Create({.memory_budget_bytes = 32u << 20}).value();
    options.directory = directory_ / live;
    options.repository = repository;
    options.subtask = subtask;
    options.parallelism = 2;
    options.write_back_bytes = 64 << 10;
    options.inline_segment_bytes_max = 512;
    return StateStore::Open(options).value();
  }
  // Values, maps and lists, in a base, a segment and an inlined one.
  static void Commit(StateStore& store, uint64_t id) {
    auto values = store.Value<uint64_t, std::string>("values").value();
    auto maps = store.Map<uint64_t, uint64_t, uint64_t>("maps").value();
    auto lists = store.List<uint64_t, uint64_t>("lists").value();
    const uint64_t changes = id == 1 ? 3'000 : id == 2 ? 200 : 3;
    for (uint64_t i = 0; i < changes; ++i) {
      values.Put(i, std::string(30, static_cast<char>('a' + id))).Check();
      maps.Put(i / 10, i, id).Check();
      lists.Append(i % 50, id).Check();
    }
    store.Checkpoint(id).value().Wait().Check();
    if (id == 1) store.Drain().Check();
  }
  void WriteJob() {
    for (uint32_t subtask = 0; subtask < 2; ++subtask) {
      const auto store = Open(path_, "live" + std::to_string(subtask), subtask);
      for (uint64_t id = 1; id <= 3; ++id) Commit(*store, id);
      store->Close().Check();
    }
  }
  // Of the newest checkpoint, a list for each subtask.
  static std::vector<format::Manifest> NewestLists(const CheckpointStorage& from) {
    const auto info = storage::ReadRepositoryInfo(from).value();
    std::vector<format::Manifest> lists;
    for (uint32_t subtask = 0; subtask < 2; ++subtask) {
      const auto reading = storage::ReadManifest(from, info.id, subtask).value();
      lists.push_back(format::ListOf(reading.manifest, reading.manifest.checkpoints.back()));
    }
    return lists;
  }
  static std::string DigestOf(StateStore& store, uint64_t id) {
    return store.OpenView({.checkpoint = id}).value().Digest().value();
  }
  std::string NewestDigest(const std::string& repository, uint32_t subtask, uint64_t id) {
    static int opened = 0;
    const auto store = Open(repository, "again" + std::to_string(++opened), subtask);
    EXPECT_EQ(store->restored().checkpoint->id, id);
    std::string digest = DigestOf(*store, id);
    store->Close().Check();
    return digest;
  }
  // What lies beside the destination.
  std::vector<std::string> Leftovers() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(fs::path(path_).parent_path()))
      if (Contains(entry.path().string(), ".incomplete-")) names.push_back(entry.path().string());
    return names;
  }
};

TEST_F(ExportTest, ACheckpointIsCarriedAwayAndAJobGoesOnFromIt) {
  WriteJob();
  const std::string savepoint = directory_ / "savepoint";
  const std::string moved = directory_ / "moved";
  const std::string job = directory_ / "job2";
  const Tree before = LookAt(path_);
  const Outcome exported = Inspect({"export", path_, "latest", savepoint});
  ASSERT_EQ(exported.exit_code, 0) << exported.err;
  EXPECT_CONTAINS(exported.out, "checkpoint 3: ");
  EXPECT_TRUE(LookAt(path_) == before) << "it only reads";
  EXPECT_EQ(Leftovers(), std::vector<std::string>());
  fs::rename(savepoint, moved);
  EXPECT_EQ(Inspect({"verify", moved}).exit_code, 0);
  const JsonValue list = Inspect({"list", moved, "--json"}).json();
  ASSERT_EQ(list["checkpoints"].size(), 2u) << "one of each subtask";
  const Outcome imported = Inspect({"import", moved, job, "--json"});
  ASSERT_EQ(imported.exit_code, 0) << imported.err;
  EXPECT_EQ(imported.json()["schema"].text(), "tidemark.import/1");
  EXPECT_EQ(imported.json()["checkpoint"].text(), "3");
  fs::remove_all(moved);
  for (uint32_t subtask = 0; subtask < 2; ++subtask) {
    const std::string expected = NewestDigest(path_, subtask, 3);
    EXPECT_EQ(NewestDigest(job, subtask, 3), expected);
    const auto store = Open(job, "job2live", subtask);
    Commit(*store, 4);
    store->Close().Check();
    EXPECT_EQ(Inspect({"verify", job}).exit_code, 0);
    fs::remove_all(directory_ / "job2live");
  }
}

TEST_F(ExportTest, AnOlderOneAndThatOfAPinAreWhatTheyWere) {
  WriteJob();
  ASSERT_EQ(Inspect({"pin", path_, "2", "two"}).exit_code, 0);
  ASSERT_EQ(Inspect({"export", path_, "two", directory_ / "a", "--link"}).exit_code, 0);
  ASSERT_EQ(Inspect({"export", path_, "latest~1", directory_ / "b"}).exit_code, 0);
  const std::string a = NewestDigest(directory_ / "a", 1, 2);
  EXPECT_EQ(NewestDigest(directory_ / "b", 1, 2), a);
  const auto store = Open(path_, "live1", 1);
  EXPECT_EQ(DigestOf(*store, 2), a);
}

TEST_F(ExportTest, RefusesWhatItWouldOverwriteAndSaysWhatIsMissing) {
  WriteJob();
  fs::create_directories(directory_ / "full");
  WriteFile(directory_ / "full/note", "mine");
  const Outcome full = Inspect({"export", path_, "latest", directory_ / "full"});
  EXPECT_EQ(full.exit_code, 8);
  EXPECT_CONTAINS(full.err, "export-destination");
  EXPECT_EQ(ReadFile(directory_ / "full/note"), "mine");
  EXPECT_EQ(Inspect({"export", path_, "77", directory_ / "new"}).exit_code, 5);
  EXPECT_FALSE(fs::exists(directory_ / "new"));
  fs::create_directories(directory_ / "empty");
  EXPECT_EQ(Inspect({"export", path_, "3", directory_ / "empty"}).exit_code, 0);
  EXPECT_EQ(Inspect({"import", directory_ / "nowhere", directory_ / "x"}).exit_code, 5);
}

// The destination was taken for a path, and ./file:/... became the repository that nobody found.
TEST_F(ExportTest, TheDestinationMayBeAUri) {
  WriteJob();
  const std::string copy = directory_ / "a %41";
  ASSERT_EQ(Inspect({"export", path_, "3", "file://" + (directory_ / "a %2541")}).exit_code, 0);
  EXPECT_EQ(Inspect({"verify", copy}).exit_code, 0);
  const Outcome imported = Inspect({"import", copy, "s3://bucket/job"});
  EXPECT_EQ(imported.exit_code, 2);
  EXPECT_CONTAINS(imported.err, "uri-scheme");
}

TEST_F(ExportTest, ADamagedFileIsNoSavepoint) {
  WriteJob();
  for (const auto& entry : fs::directory_iterator(path_ + "/subtasks/00001/base")) {
    if (entry.path().extension() != ".sst") continue;
    FlipByte(entry.path(), 100);
    break;
  }
  const Outcome exported = Inspect({"export", path_, "latest", directory_ / "savepoint", "--json"});
  ASSERT_EQ(exported.exit_code, 4) << exported.out;
  EXPECT_EQ(exported.json_errors()[0]["name"].text(), "file-checksum");
  EXPECT_FALSE(fs::exists(directory_ / "savepoint"));
  EXPECT_EQ(Leftovers(), std::vector<std::string>());
}

// A job that merges its log every second deletes segments faster than a large base is copied: the
// export of `latest` failed at each of its tries, and called the repository damaged at last.
TEST_F(ExportTest, WhatTheWriterDeletesMeanwhileIsCopiedAllTheSame) {
  WriteJob();
  const auto from = OpenLocalDirectory(path_).value();
  const std::vector<format::Manifest> lists = NewestLists(*from);
  const std::string target = directory_ / "savepoint";
  storage::ExportOptions options;
  int files = 0;
  options.progress = [&](uint64_t) {
    // The first two are what was inlined.
    if (++files == 3) fs::remove_all(path_ + "/subtasks");
  };
  EXPECT_TRUE(storage::ExportCheckpoint(*from, lists, target, options).has_value());
  EXPECT_EQ(Inspect({"verify", target, "--level", "read"}).exit_code, 0);

  const auto missing = storage::ExportCheckpoint(*from, lists, directory_ / "another", options);
  EXPECT_EQ(missing.error().name(), "file-missing");
}

// At whatever call the disk fails: there is no savepoint, or a whole one; and trying again works.
TEST_F(ExportTest, WhateverFailsItIsWholeOrNotThere) {
  WriteJob();
  const auto from = OpenLocalDirectory(path_).value();
  const std::vector<format::Manifest> lists = NewestLists(*from);
  const auto fault_fs = std::make_shared<FaultFileSystem>();
  fault_fs->SkipSyncs(true);  // nobody pulls the plug
  storage::ExportOptions options;
  options.fs = fault_fs;
  const std::string target = directory_ / "savepoint";
  bool struck = true;
  int calls = 0;
  for (uint64_t call = 1; struck; ++call) {
    for (const bool sticky : {false, true}) {
      fault_fs->plan().Inject({.call = call, .sticky = sticky});
      const auto exported = storage::ExportCheckpoint(*from, lists, target, options);
      struck = fault_fs->plan().fired() > 0;
      fault_fs->plan().Clear();
      EXPECT_TRUE(exported.has_value() == !struck || fs::exists(target)) << call;
      if (fs::exists(target)) {
        EXPECT_EQ(Inspect({"verify", target}).exit_code, 0) << call;
      }
      fs::remove_all(target);
      for (const std::string& left : Leftovers()) fs::remove_all(left);
      ++calls;
    }
  }
  EXPECT_GT(calls, 100);
  EXPECT_TRUE(storage::ExportCheckpoint(*from, lists, target, options).has_value());
  EXPECT_EQ(Inspect({"verify", target}).exit_code, 0);
}

}  // namespace
}  // namespace tidemark::test
