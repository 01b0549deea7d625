// ckpt-inspect dump, get, log, history, diff and digest: what they say of records is what a store
// wrote, all kinds of tables.
#include "tests/tools/store_repository.h"

#include <tidemark/list_state.h>
#include <tidemark/map_state.h>
#include <tidemark/read_view.h>

#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <sstream>

namespace tidemark::test {
namespace {

class RecordsTest : public JobFixture {
 protected:
  struct Point {
    double x = 0;
    float y = 0;
    int32_t z = 0;
  };

  // Checkpoints 1 to 4. 1 is in a base; 2 changes, 3 deletes, 4 adds to lists.
  void MakeTables() {
    const auto store = OpenJob();
    auto words = store->Value<std::string, uint64_t>("words").value();
    auto points = store->Value<int32_t, Point>("points").value();
    auto maps = store->Map<uint64_t, std::string, int64_t>("maps").value();
    auto lists = store->List<std::string, uint32_t>("lists").value();
    auto bytes = store->OpenTable("bytes", {.kind = TableKind::kOrderedBytes}).value();
    for (const char* word : {"apple", "pear", "plum"}) words.Put(word, 1).Check();
    points.Put(-7, {1.5, 2.5F, -1}).Check();
    for (uint64_t i = 0; i < 20; ++i) maps.Put(i / 10, "entry " + std::to_string(i), -5).Check();
    lists.Append("ones", 1).Check();
    for (int i = 0; i < 50; ++i) bytes.Put("b" + std::to_string(100 + i), "value").Check();
    bytes.Put(std::string("\0\xff", 2), std::string("\xfe", 1)).Check();
    Save(*store, 1);
    store->Drain().Check();
    words.Put("pear", 2).Check();
    words.Put("fig", 2).Check();
    Save(*store, 2);
    words.Delete("plum").Check();
    maps.Clear(1).Check();
    bytes.DeleteRange({.from = "b110", .to = "b140"}).Check();
    Save(*store, 3);
    lists.Append("ones", 4).Check();
    words.Put("pear", 4).Check();
    Save(*store, 4);
    store->Close().Check();
  }
  static void Save(StateStore& store, uint64_t id) { store.Checkpoint(id).value().Wait().Check(); }

  // The objects of a feed; the first and the last are what they have to be.
  static std::vector<JsonValue> Feed(const Outcome& outcome, const std::string& schema) {
    std::vector<JsonValue> lines;
    std::istringstream text(outcome.out);
    for (std::string line; std::getline(text, line);) lines.push_back(JsonValue::Parse(line));
    EXPECT_GE(lines.size(), 2u) << outcome.out << outcome.err;
    EXPECT_EQ(lines.front()["type"].text(), "head");
    EXPECT_EQ(lines.front()["schema"].text(), schema);
    EXPECT_EQ(lines.back()["type"].text(), "summary");
    return lines;
  }
};

TEST_F(RecordsTest, DumpDecodesEveryKindOfTable) {
  MakeTables();
  const Tree before = LookAt(path_);
  const Outcome dump = Inspect({"dump", path_, "latest"});
  EXPECT_EQ(dump.exit_code, 0) << dump.err;
  for (const char* line :
       {"words  \"apple\" = 1\n", "words  \"pear\" = 4\n", "words  \"fig\" = 2\n",
        "points  -7 = hex:000000000000f83f00002040ffffffff\n", "maps  0 / \"entry 3\" = -5\n",
        "lists  \"ones\" = [1, 4]\n", "bytes  \"b105\" = \"value\"\n",
        "bytes  hex:00ff = hex:fe\n"})
    EXPECT_CONTAINS(dump.out, line);
  for (const char* gone : {"\"plum\"", "maps  1 /", "\"b110\"", "\"b139\""})
    EXPECT_LACKS(dump.out, gone);
  EXPECT_CONTAINS(dump.out, "\"b140\"");
  EXPECT_TRUE(LookAt(path_) == before);
  const Outcome older = Inspect({"dump", path_, "1", "--table", "words"});
  EXPECT_EQ(std::count(older.out.begin(), older.out.end(), '\n'), 3);
  EXPECT_CONTAINS(older.out, "\"plum\" = 1");

  const auto feed = Feed(Inspect({"dump", path_, "latest", "--json"}), "tidemark.dump/1");
  EXPECT_EQ(feed.back()["records"].number(), feed.size() - 2);
  EXPECT_EQ(feed.size() - 2,
            static_cast<size_t>(std::count(dump.out.begin(), dump.out.end(), '\n')));
  for (const JsonValue& line : feed) {
    if (line["type"].text() != "record" || line["table"].text() != "maps") continue;
    EXPECT_EQ(line["key"]["partition"].text(), "0");
    EXPECT_EQ(line["value"].text(), "-5");
    EXPECT_FALSE(line["raw_key"]["b64"].text().empty());
  }
}

TEST_F(RecordsTest, DumpTakesAPartInTheFormatAskedFor) {
  MakeTables();
  const auto dump = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"dump", path_, "latest", "--table", "bytes"});
    return Inspect(more).out;
  };
  EXPECT_EQ(dump({"--from", "b107", "--to", "b141"}),
            "bytes  \"b107\" = \"value\"\nbytes  \"b108\" = \"value\"\nbytes  \"b109\" = "
            "\"value\"\nbytes  \"b140\" = \"value\"\n");
  EXPECT_EQ(dump({"--prefix", "b10", "--limit", "1"}), "bytes  \"b100\" = \"value\"\n");
  EXPECT_EQ(dump({"--prefix", "b108", "--format", "csv"}),
            "table,subtask,key,value\nbytes,0,b108,value\n");
  EXPECT_EQ(dump({"--from", "b140", "--to", "b110"}), "");
  EXPECT_EQ(dump({"--prefix", "b14", "--from", "b148"}),
            "bytes  \"b148\" = \"value\"\nbytes  \"b149\" = \"value\"\n");
  EXPECT_EQ(dump({"--prefix", "c"}), "");
  const Outcome map = Inspect({"dump", path_, "latest", "--table", "maps", "--prefix", "0"});
  EXPECT_EQ(std::count(map.out.begin(), map.out.end(), '\n'), 10);
  EXPECT_EQ(Inspect({"dump", path_, "latest", "--table", "maps", "--prefix", "x"}).exit_code, 2);
  const Outcome none = Inspect({"dump", path_, "latest", "--table", "word"});
  EXPECT_EQ(none.exit_code, 5);
  EXPECT_CONTAINS(none.err, "it has bytes, lists, maps, points, words");
}

TEST_F(RecordsTest, GetShowsAValueOrSaysThatThereIsNone) {
  MakeTables();
  const auto get = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"get", path_});
    return Inspect(more);
  };
  EXPECT_EQ(get({"latest", "words", "pear"}).out, "4\n");
  EXPECT_EQ(get({"1", "words", "pear"}).out, "1\n");
  EXPECT_EQ(get({"latest", "maps", "0", "entry 9"}).out, "-5\n");
  EXPECT_EQ(get({"latest", "lists", "ones"}).out, "[1, 4]\n");
  EXPECT_EQ(get({"latest", "points", "hex:7ffffff9"}).out,
            "hex:000000000000f83f00002040ffffffff\n");
  EXPECT_EQ(get({"latest", "bytes", "hex:00ff"}).out, "hex:fe\n");
  for (const std::vector<std::string>& gone : {std::vector<std::string>{"latest", "words", "plum"},
                                               {"latest", "maps", "1", "entry 12"},
                                               {"latest", "bytes", "b120"},
                                               {"1", "words", "fig"}}) {
    EXPECT_EQ(get(gone).exit_code, 1) << ::testing::PrintToString(gone);
    EXPECT_EQ(get(gone).out, "");
  }
  EXPECT_EQ(get({"latest", "points", "1.5"}).exit_code, 2);
  EXPECT_EQ(get({"latest", "maps", "0"}).exit_code, 2) << "a partition is no key";
  EXPECT_EQ(get({"latest", "words", "pear", "plum"}).exit_code, 2);
  const JsonValue json = get({"latest", "words", "pear", "--json"}).json();
  EXPECT_EQ(json["schema"].text(), "tidemark.get/1");
  EXPECT_TRUE(json["found"].boolean());
  EXPECT_EQ(json["value"].text(), "4");
}

TEST_F(RecordsTest, LogAndHistoryTellWhatHappened) {
  MakeTables();
  const Outcome history = Inspect({"history", path_, "words", "pear"});
  EXPECT_EQ(history.exit_code, 0) << history.err;
  EXPECT_CONTAINS(history.out, "epoch 2  checkpoint 2  words  put \"pear\" = 2\n");
  EXPECT_CONTAINS(history.out, "epoch 4  checkpoint 4  words  put \"pear\" = 4\n");
  EXPECT_EQ(Inspect({"history", path_, "words", "kiwi"}).exit_code, 1);
  EXPECT_EQ(Inspect({"history", path_, "words", ""}).exit_code, 1) << "once it was the whole log";
  const Outcome log = Inspect({"log", path_, "3..3"});
  EXPECT_CONTAINS(log.out, "epoch 3  checkpoint 3  words  delete \"plum\"\n");
  EXPECT_LACKS(log.out, "epoch 2 ");
  EXPECT_EQ(Inspect({"log", path_, "4..3"}).exit_code, 2);
  EXPECT_EQ(Inspect({"log", path_, "x"}).exit_code, 2);
  const auto feed = Feed(Inspect({"log", path_, "4..", "--json"}), "tidemark.log/1");
  ASSERT_EQ(feed.size(), 4u);
  EXPECT_EQ(feed[1]["epoch"].text(), "4");
}

TEST_F(RecordsTest, DiffTellsWhatChanged) {
  MakeTables();
  const Outcome same = Inspect({"diff", path_, "2", "2"});
  EXPECT_EQ(same.exit_code, 0) << same.out << same.err;
  const Outcome diff = Inspect({"diff", path_, "2", "latest", "--values"});
  EXPECT_EQ(diff.exit_code, 1) << diff.err;
  EXPECT_CONTAINS(diff.out, "- words  \"plum\" = 1 -> none\n");
  EXPECT_CONTAINS(diff.out, "~ words  \"pear\" = 2 -> 4\n");
  EXPECT_CONTAINS(diff.out, "~ lists  \"ones\" = [1] -> [1, 4]\n");
  EXPECT_CONTAINS(diff.out, "- bytes  \"b110\" = \"value\" -> none\n");
  const auto feed =
      Feed(Inspect({"diff", path_, "1", "latest", "--json", "--stat"}), "tidemark.diff/1");
  EXPECT_EQ(feed.back()["added"].number(), 1u);
  EXPECT_EQ(feed.back()["changed"].number(), 2u);
  EXPECT_EQ(feed.back()["removed"].number(), 1u + 10u + 30u);
}

TEST_F(RecordsTest, TheDigestIsThatOfTheStoreAndOutlivesCompaction) {
  MakeTables();
  const Digests expected = ReadDigests();
  ASSERT_EQ(expected.size(), 4u);
  for (const auto& [id, digest] : expected)
    EXPECT_EQ(Inspect({"digest", path_, std::to_string(id)}).out, digest + "\n") << id;
  ASSERT_EQ(Inspect({"compact", path_, "--yes"}).exit_code, 0);
  EXPECT_EQ(Inspect({"digest", path_, "latest", "--json"}).json()["digest"].text(), expected.at(4));
}

TEST_F(RecordsTest, DamageIsNoAnswer) {
  MakeTables();
  for (const auto& entry : std::filesystem::directory_iterator(path_ + "/subtasks/00000/base"))
    if (entry.path().extension() == ".sst") FlipByte(entry.path(), 60);
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"digest", path_, "latest"}, {"dump", path_, "latest"}}) {
    const Outcome outcome = Inspect(command);
    EXPECT_EQ(outcome.exit_code, 4) << command[0] << outcome.err;
  }
}

// Once: keys and values reached the terminal as they are, which takes some of them for commands.
TEST_F(RecordsTest, WhatATerminalWouldObeyIsEscaped) {
  {
    const auto store = OpenJob();
    auto words = store->Value<std::string, std::string>("words").value();
    words
        .Put("\x1b]0;title\x07",
             "csi \xc2\x9b"
             "2J, hidden \xe2\x80\xae")
        .Check();
    Save(*store, 1);
    store->Close().Check();
  }
  const std::vector<std::string> csv{"dump", path_, "1", "--format", "csv"};
  EXPECT_CONTAINS(Inspect(csv).out, "\x1b]0;title\x07") << "a file has them as they are";
  EXPECT_CONTAINS(Inspect({"dump", path_, "1", "--json"}).out, R"("csi \u009b2J, hidden \u202e")");
  if (!CanMakeTerminal())
    GTEST_SKIP() << "script(1) of util-linux is not installed: nothing to make a terminal with";
  const std::string transcript = directory_ / "transcript";
  const std::string command = "script -qec \"'" + InspectPath() + "' dump " + path_ +
                              " 1 --format csv\" /dev/null </dev/null >'" + transcript + "' 2>&1";
  EXPECT_EQ(WEXITSTATUS(std::system(command.c_str())), 0);
  const std::string shown = ReadFile(transcript);
  EXPECT_CONTAINS(shown, R"(words,0,\x1b]0;title\x07,)");
  EXPECT_LACKS(shown, "\x1b");
  EXPECT_LACKS(shown, "\xc2\x9b");
}

}  // namespace
}  // namespace tidemark::test
