#include "format/names.h"
#include "tests/tools/store_repository.h"

#include <sys/wait.h>

#include <cstdlib>
#include <thread>
#include <utility>

namespace tidemark::test {
namespace {

namespace fs = std::filesystem;

class PruneTest : public JobFixture {
 protected:
  std::string Ids(const std::string& action, const JsonValue& document) const {
    std::string ids;
    const JsonValue& checkpoints = document["checkpoints"];
    for (size_t i = 0; i < checkpoints.size(); ++i)
      if (checkpoints[i]["action"].text() == action)
        ids.append(ids.empty() ? "" : " ").append(checkpoints[i]["id"].text());
    return ids;
  }
  std::string Listed() const {
    const JsonValue list = Inspect({"list", path_, "--json"}).json();
    std::string ids;
    for (size_t i = 0; i < list["checkpoints"].size(); ++i)
      ids.append(ids.empty() ? "" : " ").append(list["checkpoints"][i]["id"].text());
    return ids;
  }
};

TEST_F(PruneTest, DropsWhatNoRuleKeepsAndTheRestRestoresAsBefore) {
  MakeJob();
  Digests before = ReadDigests();
  ASSERT_EQ(before.size(), 9u);
  const Tree tree = LookAt(directory_.path());
  const JsonValue dry = Inspect({"prune", path_, "--keep-last", "2", "-n", "--json"}).json();
  EXPECT_EQ(LookAt(directory_.path()), tree) << "a dry run only looks";
  EXPECT_EQ(dry["schema"].text(), "tidemark.prune/1");
  EXPECT_EQ(dry["outcome"].text(), "planned");
  EXPECT_EQ(Ids("drop", dry), "1 2 3 4 5 6 7");
  EXPECT_EQ(dry["checkpoints"][8]["kept_by"][0]["rule"].text(), "newest");
  EXPECT_EQ(dry["checkpoints"][7]["kept_by"][0]["rule"].text(), "last");

  const uint64_t bytes = FileBytes();
  const Outcome run = Inspect({"prune", path_, "--keep-last", "2", "--yes", "--json"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  const JsonValue done = run.json();
  EXPECT_EQ(done["outcome"].text(), "pruned");
  EXPECT_EQ(done["dropped"].number(), 7u);
  EXPECT_EQ(done["freed_bytes"].number(), dry["freed_bytes"].number());
  EXPECT_EQ(bytes - FileBytes(), done["freed_bytes"].number()) << "to the byte";
  EXPECT_GT(done["freed_bytes"].number(), 0u);
  for (size_t i = 0; i < done["files"].size(); ++i)
    EXPECT_FALSE(fs::exists(path_ + "/" + done["files"][i]["name"].text()));

  EXPECT_EQ(Listed(), "8 9");
  EXPECT_EQ(Inspect({"verify", path_}).exit_code, 0);
  EXPECT_EQ(Inspect({"list", path_, "--json"}).json()["subtasks"][0]["writer"].text(), "closed");
  std::erase_if(before, [](const auto& entry) { return entry.first < 8; });
  EXPECT_EQ(ReadDigests(), before);

  const Outcome again = Inspect({"prune", path_, "--keep-last", "2", "--json"});
  EXPECT_EQ(again.exit_code, 0) << "nothing to ask: " << again.err;
  EXPECT_EQ(again.json()["outcome"].text(), "nothing-to-drop");
}

TEST_F(PruneTest, SaysWhyInWords) {
  MakeSample().Close();
  ASSERT_EQ(Inspect({"pin", path_, "11", "before-1.4"}).exit_code, 0);
  const Outcome dry =
      Inspect({"prune", path_, "--keep-last", "2", "--keep-within", "1s", "--dry-run"});
  EXPECT_EQ(dry.exit_code, 0) << dry.err;
  EXPECT_TRUE(dry.out.starts_with("ID  TIME ")) << dry.out;
  EXPECT_CONTAINS(dry.out, "10  2023-11-14T22:13:30Z");
  EXPECT_CONTAINS(dry.out, "keep  pin before-1.4\n");
  EXPECT_CONTAINS(dry.out, "  drop\n11 ");
  EXPECT_CONTAINS(dry.out, "keep  newest, last 2, within 1s\n");
  EXPECT_CONTAINS(dry.out, "\n2 checkpoints of 5 to drop, which frees 0 files, 0 B\n");
}

TEST_F(PruneTest, DropsJustTheOnesThatAreNamed) {
  MakeJob();
  const Outcome run = Inspect({"prune", path_, "2", "latest~4", "--yes"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_CONTAINS(run.err, "dropped 2 checkpoints, freed ");
  EXPECT_EQ(Listed(), "1 3 4 6 7 8 9");
  const Outcome newest = Inspect({"prune", path_, "9", "--yes"});
  EXPECT_EQ(newest.exit_code, 8);
  EXPECT_CONTAINS(newest.err, "checkpoint 9 is the newest, which is never dropped");
  EXPECT_EQ(Inspect({"prune", path_, "77", "--yes"}).exit_code, 5);
  EXPECT_EQ(Listed(), "1 3 4 6 7 8 9");
}

TEST_F(PruneTest, FreesSoMuchWithAsFewAsPossible) {
  MakeJob();
  const JsonValue list = Inspect({"list", path_, "--json"}).json();
  uint64_t most = 0;
  for (size_t i = 0; i + 1 < list["checkpoints"].size(); ++i)
    most = std::max(most, list["checkpoints"][i]["freed_bytes"].number());
  ASSERT_GT(most, 0u);
  const JsonValue one =
      Inspect({"prune", path_, "--free", std::to_string(most), "-n", "--json"}).json();
  EXPECT_EQ(one["dropped"].number(), 1u);
  EXPECT_EQ(one["freed_bytes"].number(), most) << "list and prune agree";
  const JsonValue more =
      Inspect({"prune", path_, "--free", std::to_string(most + 1), "-n", "--json"}).json();
  EXPECT_GE(more["dropped"].number(), 2u);
  EXPECT_GT(more["freed_bytes"].number(), most);
  EXPECT_TRUE(more["smallest"].boolean());

  const Outcome too_much = Inspect({"prune", path_, "--free", "1GiB", "--yes"});
  EXPECT_EQ(too_much.exit_code, 1);
  EXPECT_CONTAINS(too_much.err, "there is not so much to free");
  EXPECT_EQ(Listed(), "1 2 3 4 5 6 7 8 9");
}

// `--free 0`, which a script had computed, passed for no --free at all: everything went that
// --keep-last did not keep.
TEST_F(PruneTest, FreesNothingIfNothingIsNeeded) {
  MakeJob();
  const Outcome run = Inspect({"prune", path_, "--keep-last", "1", "--free", "0", "--yes"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(Listed(), "1 2 3 4 5 6 7 8 9");
}

TEST_F(PruneTest, GoesThroughAllSubtasksAndKeepsWhatAJobWouldRestore) {
  MakeJob({0, 2});
  MakeJob({1, 2}, 7);
  const Outcome run = Inspect({"prune", path_, "--keep-last", "1", "--yes", "--json"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(Ids("keep", run.json()), "7 9");
  EXPECT_EQ(Listed(), "7 9 7");
  EXPECT_EQ(Inspect({"verify", path_}).exit_code, 0);
}

TEST_F(PruneTest, RefusesWithoutConsent) {
  MakeJob();
  const Tree before = LookAt(path_);
  for (const char* json : {"", "--json"}) {
    std::vector<std::string> command{"prune", path_, "--keep-last", "1"};
    if (*json != '\0') command.push_back(json);
    const Outcome run = Inspect(command);
    EXPECT_EQ(run.exit_code, 8);
    EXPECT_EQ(run.out, "");
    EXPECT_CONTAINS(run.err, "Drop 8 checkpoints? Nobody can be asked here");
  }
  EXPECT_EQ(LookAt(path_), before);
}

TEST_F(PruneTest, TheJobGoesOnWhereItWas) {
  MakeJob();
  ASSERT_EQ(Inspect({"prune", path_, "--keep-last", "2", "--yes"}).exit_code, 0);
  {
    const std::unique_ptr<StateStore> store = OpenJob();
    EXPECT_EQ(store->restored().checkpoint->id, 9u);
    EXPECT_TRUE(store->restored().reused_live_database);
    Commit(*store, 10, 50);
    store->Close().Check();
  }
  EXPECT_EQ(Listed(), "8 9 10");
  EXPECT_EQ(Inspect({"verify", path_}).exit_code, 0);
  EXPECT_EQ(Inspect({"fsck", path_}).exit_code, 0);
}

// What goes is shown, and then asked for.
TEST_F(PruneTest, AsksOnATerminal) {
  if (!CanMakeTerminal())
    GTEST_SKIP() << "script(1) of util-linux is not installed: nothing to make a terminal with";
  MakeJob();
  const std::string transcript = directory_ / "transcript";
  const auto prune = [&](const std::string& answer) {
    const std::string command = "(sleep 0.3; echo " + answer + ") | script -qec \"'" +
                                InspectPath() + "' prune " + path_ +
                                " --keep-last 2\" /dev/null >'" + transcript + "' 2>&1";
    const int status = std::system(command.c_str());
    return std::pair(WEXITSTATUS(status), ReadFile(transcript));
  };
  const auto [no, shown] = prune("n");
  EXPECT_EQ(no, 1) << shown;
  EXPECT_CONTAINS(shown, "keep  newest, last 2");
  EXPECT_CONTAINS(shown, "Drop 7 checkpoints? [y/N]");
  EXPECT_CONTAINS(shown, "nothing was done");
  EXPECT_EQ(Listed(), "1 2 3 4 5 6 7 8 9");
  const auto [yes, done] = prune("y");
  EXPECT_EQ(yes, 0) << done;
  EXPECT_CONTAINS(done, "dropped 7 checkpoints, freed ");
  EXPECT_EQ(Listed(), "8 9");
}

// Once: while the question waited for an answer a job had gone back in one of the subtasks, and
// what was dropped then was all that both of them had.
TEST_F(PruneTest, PlansAgainAfterItHasAsked) {
  if (!CanMakeTerminal())
    GTEST_SKIP() << "script(1) of util-linux is not installed: nothing to make a terminal with";
  MakeJob({0, 2}, 5);
  MakeJob({1, 2}, 5);
  const std::string transcript = directory_ / "transcript";
  const std::string asked = "until grep -q 'y/N' '" + transcript + "'; do sleep 0.05; done; ";
  const std::string answer =
      "until test -e '" + (directory_ / "answer") + "'; do sleep 0.05; done; ";
  const std::string command = "(" + answer + "echo y) | script -qefc \"'" + InspectPath() +
                              "' prune " + path_ + " --keep-last 1\" /dev/null >'" + transcript +
                              "' 2>&1; echo $? >'" + (directory_ / "exit") + "'";
  std::thread pruning([&] { (void)!std::system(command.c_str()); });
  (void)!std::system(("timeout 20 sh -c \"" + asked + "\"").c_str());
  GoBack(4, {6}, {0, 2});
  WriteFile(directory_ / "answer", "");
  pruning.join();
  EXPECT_EQ(ReadFile(directory_ / "exit"), "6\n");
  EXPECT_CONTAINS(ReadFile(transcript), "repository-changed");
  EXPECT_EQ(Listed(), "1 2 3 4 6 1 2 3 4 5");
}

TEST_F(PruneTest, RefusesBesideALiveWriterUnlessItTakesOver) {
  const std::unique_ptr<StateStore> store = OpenJob();
  for (uint64_t id = 1; id <= 4; ++id) Commit(*store, id, 50);
  const Outcome refused = Inspect({"prune", path_, "--keep-last", "1", "--yes"});
  EXPECT_EQ(refused.exit_code, 8);
  EXPECT_CONTAINS(refused.err, "writer alive (process " + std::to_string(getpid()) + ")");
  EXPECT_EQ(Inspect({"prune", path_, "--keep-last", "1", "--dry-run"}).exit_code, 0);
  EXPECT_EQ(Listed(), "1 2 3 4");

  const Outcome run = Inspect({"prune", path_, "--keep-last", "1", "--yes", "--take-over"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(Listed(), "4");
  auto counts = store->Value<std::string, uint64_t>("counts").value();
  counts.Put("more", 1).Check();
  EXPECT_EQ(store->Checkpoint(5).value().Wait().code(), StatusCode::kFenced);
}

TEST_F(PruneTest, TouchesNothingWhileAListOrAPinIsDamaged) {
  MakeJob();
  ASSERT_EQ(Inspect({"pin", path_, "3", "kept"}).exit_code, 0);
  const std::string pin = ReadFile(path_ + "/pins/kept");
  FlipByte(path_ + "/pins/kept", 50);
  const Tree before = LookAt(path_);
  EXPECT_EQ(Inspect({"prune", path_, "--keep-last", "1", "--yes"}).exit_code, 4);
  EXPECT_EQ(LookAt(path_), before);
  WriteFile(path_ + "/pins/kept", pin);

  std::string newest;
  for (const auto& entry : fs::directory_iterator(path_ + "/subtasks/00000/manifest"))
    newest = std::max(newest, entry.path().string());
  FlipByte(newest, 40);
  const Tree damaged = LookAt(path_);
  EXPECT_EQ(Inspect({"prune", path_, "--keep-last", "1", "--yes"}).exit_code, 4);
  EXPECT_EQ(LookAt(path_), damaged);
}

TEST_F(PruneTest, WrongCommandLinesAreUsageErrors) {
  MakeSample().Close();
  const std::vector<std::vector<std::string>> wrong{
      {"prune", path_},
      {"prune", path_, "10", "--keep-last", "2"},
      {"prune", path_, "--keep-last", "-1"},
      {"prune", path_, "--keep-last", "0"},
      {"prune", path_, "--keep-within", "soon"},
      {"prune", path_, "--free", "20 parsecs"},
      {"prune", path_, "--free", "-1"},
      {"prune", path_, "--keep-last", "2", "--free", ""},
      {"prune", path_, "--keep-last", "2", "--keep-within", ""},
      {"prune", path_, "--keep-last", "2", "--keep-daily", ""},
  };
  for (const std::vector<std::string>& command : wrong) {
    const Outcome run = Inspect(command);
    EXPECT_EQ(run.exit_code, 2) << ::testing::PrintToString(command) << run.err;
    EXPECT_EQ(run.out, "");
  }
}

}  // namespace
}  // namespace tidemark::test
