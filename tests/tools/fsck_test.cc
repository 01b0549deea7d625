// fsck and compact.
#include "format/names.h"
#include "tests/tools/store_repository.h"

namespace tidemark::test {
namespace {

namespace fs = std::filesystem;

class FsckTest : public JobFixture {
 protected:
  std::string InSubtask(const std::string& name) const { return path_ + "/subtasks/00000/" + name; }
  // What a writer that died leaves: a segment and a base file of the first attempt that no list
  // names, a snapshot that none builds on, and a file that was being written.
  void LeaveThings() const {
    WriteFile(InSubtask(format::SegmentName(1, 100, 100, 7)), std::string(1000, 's'));
    WriteFile(InSubtask(format::BaseSstName(1, 8)), std::string(2000, 'b'));
    WriteFile(InSubtask(format::SnapshotName(1, 9)), "snapshot");
    WriteFile(InSubtask("log/.tmp-0123456789abcdef-1-2-2-0123456789abcdef.sst"), "unfinished");
  }
  static std::string Kinds(const JsonValue& document) {
    std::string kinds;
    for (size_t i = 0; i < document["strays"].size(); ++i)
      kinds.append(kinds.empty() ? "" : " ").append(document["strays"][i]["kind"].text());
    return kinds;
  }
};

TEST_F(FsckTest, WhatAJobLeavesWhenItClosesIsClean) {
  MakeJob();
  ASSERT_EQ(Inspect({"pin", path_, "5", "kept"}).exit_code, 0);
  ASSERT_EQ(Inspect({"request", path_}).exit_code, 0);
  const Outcome fsck = Inspect({"fsck", path_});
  EXPECT_EQ(fsck.exit_code, 0) << fsck.err;
  EXPECT_CONTAINS(fsck.out, " objects looked at: clean\n");
  const JsonValue document = Inspect({"fsck", path_, "--json"}).json();
  EXPECT_EQ(document["schema"].text(), "tidemark.fsck/1");
  EXPECT_EQ(document["verdict"].text(), "clean");
  EXPECT_EQ(document["strays"].size(), 0u);
}

TEST_F(FsckTest, NamesAndRemovesWhatWritersLeft) {
  MakeJob();
  LeaveThings();
  const Tree before = LookAt(path_);
  const Outcome fsck = Inspect({"fsck", path_, "--json"});
  EXPECT_EQ(fsck.exit_code, 0) << fsck.err;
  EXPECT_EQ(fsck.json()["verdict"].text(), "leftovers");
  EXPECT_EQ(Kinds(fsck.json()), "leftover unfinished leftover leftover");
  EXPECT_EQ(fsck.json()["leftover_bytes"].number(), 1000u + 2000u + 8u + 10u);
  const Outcome refused = Inspect({"fsck", path_, "--clean"});
  EXPECT_EQ(refused.exit_code, 8);
  EXPECT_CONTAINS(refused.err, "Delete 4 files, 2.9 KiB? Nobody can be asked here");
  EXPECT_EQ(LookAt(path_), before);

  const Digests digests = ReadDigests();
  const Outcome clean = Inspect({"fsck", path_, "--clean", "--yes", "--json"});
  EXPECT_EQ(clean.exit_code, 0) << clean.err;
  EXPECT_TRUE(clean.json()["cleaned"].boolean());
  EXPECT_EQ(clean.json()["verdict"].text(), "clean");
  for (size_t i = 0; i < clean.json()["strays"].size(); ++i)
    EXPECT_TRUE(clean.json()["strays"][i]["removed"].boolean());
  EXPECT_EQ(Inspect({"fsck", path_, "--json"}).json()["strays"].size(), 0u);
  EXPECT_EQ(Inspect({"verify", path_}).exit_code, 0);
  EXPECT_EQ(ReadDigests(), digests);
}

// A link that leads elsewhere was followed, and what bore the mark of a temporary file there went.
TEST_F(FsckTest, DeletesNothingThroughALink) {
  MakeJob();
  LeaveThings();
  fs::create_directories(directory_ / "elsewhere");
  WriteFile(directory_ / "elsewhere/letter.tmp-1", "mine");
  fs::create_directory_symlink(directory_ / "elsewhere", InSubtask("x"));
  (void)Inspect({"fsck", path_, "--clean", "--yes"});
  EXPECT_FALSE(fs::exists(InSubtask("log/.tmp-0123456789abcdef-1-2-2-0123456789abcdef.sst")));
  EXPECT_EQ(ReadFile(directory_ / "elsewhere/letter.tmp-1"), "mine");
}

TEST_F(FsckTest, WhatIsNotOfARepositoryIsNamedAndLeftAlone) {
  MakeJob();
  const std::vector<std::string> strange{"notes.txt",
                                         "a file (1).txt",
                                         "pins/.tmp-unfinished",
                                         "subtasks/00000/log/README",
                                         "subtasks/7/log/1-1-1-x.sst",
                                         "subtasks/00000/manifest/1"};
  fs::create_directories(path_ + "/subtasks/7/log");
  fs::create_directories(path_ + "/pins");
  for (const std::string& name : strange) WriteFile(path_ + "/" + name, "?");
  const Outcome fsck = Inspect({"fsck", path_});
  EXPECT_EQ(fsck.exit_code, 1);
  for (const std::string& name : strange) EXPECT_CONTAINS(fsck.out, name + "\n");
  EXPECT_CONTAINS(fsck.out, "5 files, 5 B: not of a repository");
  EXPECT_EQ(Inspect({"verify", path_}).exit_code, 0) << "no error elsewhere";

  const Outcome clean = Inspect({"fsck", path_, "--clean", "--yes"});
  EXPECT_EQ(clean.exit_code, 1);
  for (const std::string& name : strange)
    EXPECT_EQ(fs::exists(path_ + "/" + name), !Contains(name, ".tmp-")) << name;
}

TEST_F(FsckTest, ANameWithoutItsFileIsDamageAndStopsTheCleaning) {
  MakeJob();
  LeaveThings();
  ASSERT_EQ(Inspect({"pin", path_, "7", "kept"}).exit_code, 0);
  const JsonValue show = Inspect({"show", path_, "7", "--json"}).json();
  const std::string name = show["checkpoints"][0]["segments"][0]["name"].text();
  fs::remove(InSubtask(name));
  const Tree before = LookAt(path_);
  const Outcome fsck = Inspect({"fsck", path_, "--clean", "--yes", "--json"});
  EXPECT_EQ(fsck.exit_code, 4);
  EXPECT_EQ(fsck.json()["verdict"].text(), "damaged");
  const JsonValue document = fsck.json();
  const JsonValue& dangling = document["dangling"][0];
  EXPECT_EQ(dangling["name"].text(), "subtasks/00000/" + name);
  EXPECT_EQ(dangling["error"]["name"].text(), "file-missing");
  EXPECT_EQ(dangling["pins"].Joined(), "kept");
  EXPECT_EQ(LookAt(path_), before);
  EXPECT_CONTAINS(Inspect({"fsck", path_}).out, "needed by pin kept\n");
}

// What a live writer has put and not yet named is no leftover.
TEST_F(FsckTest, BesideALiveWriterNothingIsTakenForALeftover) {
  const std::unique_ptr<StateStore> store = OpenJob();
  Commit(*store, 1, 50);
  WriteFile(InSubtask(format::SegmentName(1, 100, 100, 7)), "under way");
  const Outcome fsck = Inspect({"fsck", path_, "--json"});
  EXPECT_EQ(fsck.exit_code, 0) << fsck.err;
  EXPECT_EQ(Kinds(fsck.json()), "in-flight");
  WriteFile(InSubtask("log/.tmp-0123456789abcdef-x"), "unfinished");
  EXPECT_EQ(Inspect({"fsck", path_, "--clean", "--yes"}).exit_code, 8);
  EXPECT_TRUE(fs::exists(InSubtask("log/.tmp-0123456789abcdef-x")));
}

class CompactTest : public FsckTest {};

TEST_F(CompactTest, SaysWhatToExpectAndThenDoesIt) {
  MakeJob();
  const Digests digests = ReadDigests();
  const Tree before = LookAt(path_);
  const Outcome estimate = Inspect({"compact", path_, "--dry-run", "--json"});
  EXPECT_EQ(estimate.exit_code, 0) << estimate.err;
  EXPECT_EQ(estimate.json()["outcome"].text(), "planned");
  const JsonValue planned = estimate.json()["compacted"][0];
  EXPECT_EQ(planned["checkpoint"].text(), "9");
  EXPECT_EQ(planned["before"]["segments"].number(), 1u);
  EXPECT_EQ(planned["estimate"]["replayed_records"].number(), 4u);
  EXPECT_TRUE(planned["after"].is_null());
  EXPECT_EQ(Inspect({"compact", path_}).exit_code, 8);
  EXPECT_EQ(LookAt(path_), before);

  const std::string scratch = directory_ / "scratch";
  fs::create_directories(scratch);
  const Outcome run =
      Inspect({"compact", path_, "--yes", "--json"}, {.environment = {"TMPDIR=" + scratch}});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_TRUE(fs::is_empty(scratch));
  const JsonValue done = run.json()["compacted"][0];
  EXPECT_EQ(done["after"]["segments"].number(), 0u);
  EXPECT_GT(done["written_bytes"].number(), 0u);
  EXPECT_EQ(ReadDigests(), digests);
  EXPECT_EQ(Inspect({"verify", path_}).exit_code, 0);
  EXPECT_EQ(Inspect({"fsck", path_}).exit_code, 0);

  const Outcome again = Inspect({"compact", path_, "--yes"});
  EXPECT_EQ(again.exit_code, 0);
  EXPECT_CONTAINS(again.out, "0 -> 0");
}

TEST_F(CompactTest, RefusesALiveWriterAndWhatIsNotThere) {
  const std::unique_ptr<StateStore> store = OpenJob();
  Commit(*store, 1, 50);
  EXPECT_EQ(Inspect({"compact", path_, "--yes"}).exit_code, 8);
  EXPECT_EQ(Inspect({"compact", path_, "-n"}).exit_code, 0);
  EXPECT_EQ(Inspect({"compact", path_, "--subtask", "5", "--yes"}).exit_code, 5);
}

TEST_F(CompactTest, ADamagedNewestCheckpointIsNotCompacted) {
  MakeJob();
  for (const auto& entry : fs::directory_iterator(InSubtask("base"))) FlipByte(entry.path(), 100);
  const Outcome run = Inspect({"compact", path_, "--yes", "--json"});
  EXPECT_EQ(run.exit_code, 4) << run.err;
  EXPECT_EQ(run.json()["outcome"].text(), "incomplete");
  EXPECT_EQ(run.json()["errors"].size(), 1u);
}

}  // namespace
}  // namespace tidemark::test
