#include "tests/tools/inspect_fixture.h"

namespace tidemark::test {
namespace {

using ListTest = InspectFixture;

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t begin = 0, end = 0; (end = text.find('\n', begin)) != std::string::npos;
       begin = end + 1)
    lines.push_back(text.substr(begin, end - begin));
  return lines;
}

TEST_F(ListTest, HasARowForEachCheckpoint) {
  MakeSample().Close();
  const Outcome list = Inspect({"list", path_});
  EXPECT_EQ(list.exit_code, 0) << list.err;
  const std::vector<std::string> lines = Lines(list.out);
  ASSERT_EQ(lines.size(), 6u) << list.out;
  EXPECT_TRUE(lines[0].starts_with("ID  SUBTASK  TIME")) << lines[0];
  EXPECT_TRUE(lines[1].starts_with("10        0  2023-11-14T22:13:30Z")) << lines[1];
  EXPECT_CONTAINS(lines[5], "14        0  2023-11-14T22:13:34Z");
  EXPECT_TRUE(lines[5].ends_with("  latest")) << lines[5];
  EXPECT_LACKS(lines[4], "latest");
  EXPECT_LACKS(list.out, "\x1b");
  EXPECT_EQ(list.err, "file://" + path_ + ": subtask 0 of 1, 5 checkpoints, writer closed\n");
}

TEST_F(ListTest, TellsTheSameInJson) {
  MakeSample().Close();
  const Outcome list = Inspect({"list", path_, "--json"});
  EXPECT_EQ(list.exit_code, 0);
  EXPECT_EQ(list.err, "");
  const JsonValue document = list.json();
  EXPECT_EQ(document["schema"].text(), "tidemark.list/1");
  EXPECT_EQ(document["repository"]["uri"].text(), "file://" + path_);
  EXPECT_EQ(document["repository"]["id"].text().size(), 32u);
  EXPECT_EQ(document["subtasks"][0]["writer"].text(), "closed");
  EXPECT_EQ(document["errors"].size(), 0u);
  const JsonValue& checkpoints = document["checkpoints"];
  ASSERT_EQ(checkpoints.size(), 5u);
  EXPECT_EQ(checkpoints[0]["id"].text(), "10");
  EXPECT_EQ(checkpoints[0]["time"].text(), "2023-11-14T22:13:30.123Z");
  EXPECT_TRUE(checkpoints[0]["base"].is_null());
  EXPECT_EQ(checkpoints[1]["segments"].number(), 2u);
  const JsonValue& newest = checkpoints[4];
  EXPECT_EQ(newest["epoch"].text(), "5");
  EXPECT_EQ(newest["base"]["epoch"].text(), "3");
  EXPECT_EQ(newest["segments"].number(), 2u);
  EXPECT_EQ(newest["keys_changed"].number(), 7u);
  EXPECT_EQ(newest["logical_bytes"].number(), 7u * (2 + 9 + 1));
  EXPECT_GT(newest["added_bytes"].number(), 0u);
  EXPECT_TRUE(newest["latest"].boolean());
  EXPECT_FALSE(checkpoints[3]["latest"].boolean());
}

TEST_F(ListTest, SeesWhetherTheWriterIsAlive) {
  {
    SampleRepository sample = MakeSample();
    const Outcome beside = Inspect({"list", path_});
    EXPECT_EQ(beside.exit_code, 0);
    EXPECT_CONTAINS(beside.err, "writer alive (process " + std::to_string(getpid()) + ")");
    EXPECT_EQ(Inspect({"list", path_, "--json"}).json()["subtasks"][0]["writer"].text(), "alive");
    sample.Commit({.id = 15});
  }
  const Outcome after = Inspect({"list", path_});
  EXPECT_CONTAINS(after.err, "writer gone without closing");
  EXPECT_CONTAINS(after.out, "\n15 ");
  std::filesystem::remove(path_ + "/subtasks/00000/LOCK");
  EXPECT_CONTAINS(Inspect({"list", path_}).err, "writer gone without closing");
}

TEST_F(ListTest, CoversAllSubtasksOrOne) {
  SampleRepository(path_, 0, 3).Commit({.id = 1}).Close();
  SampleRepository(path_, 2, 3).Commit({.id = 1}).Commit({.id = 2}).Close();
  const JsonValue all = Inspect({"list", path_, "--json"}).json();
  ASSERT_EQ(all["checkpoints"].size(), 3u);
  EXPECT_EQ(all["checkpoints"][2]["subtask"].number(), 2u);
  EXPECT_TRUE(all["checkpoints"][0]["latest"].boolean());

  const Outcome one = Inspect({"list", path_, "--subtask", "2"});
  EXPECT_EQ(Lines(one.out).size(), 3u);
  EXPECT_CONTAINS(one.err, "subtask 2 of 3, 2 checkpoints");

  const Outcome none = Inspect({"list", path_, "--subtask", "1"});
  EXPECT_EQ(none.exit_code, 5);
  EXPECT_EQ(none.out, "");
  EXPECT_CONTAINS(none.err, "(subtask-not-found)");
}

TEST_F(ListTest, OfAnEmptyRepositoryIsEmptyAndFine) {
  { SampleRepository sample(path_); }
  const Outcome text = Inspect({"list", path_});
  EXPECT_EQ(text.exit_code, 0);
  EXPECT_EQ(text.out, "");
  EXPECT_CONTAINS(text.err, "0 checkpoints");
  EXPECT_EQ(Inspect({"list", path_, "--json"}).json()["checkpoints"].size(), 0u);

  std::filesystem::remove_all(path_ + "/subtasks");
  const Outcome bare = Inspect({"list", path_});
  EXPECT_EQ(bare.exit_code, 0);
  EXPECT_CONTAINS(bare.err, "no subtask has ever written here");
}

TEST_F(ListTest, ShowsWhatIsReadableOfADamagedList) {
  {
    SampleRepository sample = MakeSample();
    sample.Close();
  }
  // Versions: 1 opens, 2 to 6 are the checkpoints, 7 closes.
  FlipByte(path_ + "/subtasks/00000/manifest/00000000000000000005", 60);
  const Outcome list = Inspect({"list", path_});
  EXPECT_EQ(list.exit_code, 4);
  EXPECT_CONTAINS(list.out, "\n12 ");
  EXPECT_LACKS(list.out, "\n13 ");
  EXPECT_CONTAINS(list.err, "manifest/00000000000000000005");
  EXPECT_CONTAINS(list.err, "the list as of manifest version 4; version 7 is the newest");

  const Outcome json = Inspect({"list", path_, "--json"});
  EXPECT_EQ(json.exit_code, 4);
  EXPECT_GE(json.json()["errors"].size(), 1u);
  EXPECT_EQ(json.json_errors().at(0)["exit_code"].number(), 4u);
}

}  // namespace
}  // namespace tidemark::test
