#include "tests/tools/inspect_fixture.h"

namespace tidemark::test {
namespace {

using ShowTest = InspectFixture;

TEST_F(ShowTest, TellsOfTablesBaseSegmentsMetadataAndLineage) {
  SampleRepository sample = MakeSample();
  const std::string base_sst = sample.PathOf(format::FileKind::kBaseSst, 0);
  sample.Close();
  const Outcome show = Inspect({"show", path_, "13"});
  EXPECT_EQ(show.exit_code, 0) << show.err;
  EXPECT_CONTAINS(show.out, "checkpoint 13 of subtask 0\n");
  EXPECT_CONTAINS(show.out, "2023-11-14T22:13:33Z, ");
  EXPECT_CONTAINS(show.out, "  base        epoch 3, 2 files, 4.9 KiB\n");
  EXPECT_CONTAINS(show.out, "  segments    1, epoch 4, ");
  EXPECT_CONTAINS(show.out, "barrier 900 ns, encoding 12.0 us, durable after 3.4 ms\n");
  EXPECT_CONTAINS(show.out,
                  " 1  counts  value  string   u64        8 B                -              -\n");
  EXPECT_CONTAINS(show.out, base_sst.substr(base_sst.find("base/")) + "   000012.sst");
  EXPECT_CONTAINS(show.out, "  12, 14\n");
  EXPECT_CONTAINS(show.out, "\nmetadata\n  offset = 1234\n");
  EXPECT_CONTAINS(show.out, "\nlineage\n");
}

TEST_F(ShowTest, TellsTheSameInJson) {
  MakeSample().Close();
  const Outcome show = Inspect({"show", path_, "latest", "--json"});
  EXPECT_EQ(show.exit_code, 0);
  EXPECT_EQ(show.err, "");
  const JsonValue document = show.json();
  EXPECT_EQ(document["schema"].text(), "tidemark.show/1");
  ASSERT_EQ(document["checkpoints"].size(), 1u);
  const JsonValue& checkpoint = document["checkpoints"][0];
  EXPECT_EQ(checkpoint["id"].text(), "14");
  EXPECT_TRUE(checkpoint["latest"].boolean());
  EXPECT_EQ(checkpoint["metadata"]["offset"].text(), "2345");
  EXPECT_EQ(checkpoint["durable_ns"].number(), 3'400'000u);
  EXPECT_EQ(checkpoint["tables"][0]["name"].text(), "counts");
  EXPECT_EQ(checkpoint["tables"][0]["schema_bytes"].number(), 8u);
  EXPECT_EQ(checkpoint["base"]["epoch"].text(), "3");
  ASSERT_EQ(checkpoint["base"]["files"].size(), 2u);
  EXPECT_EQ(checkpoint["base"]["files"][0]["live_name"].text(), "000012.sst");
  EXPECT_EQ(checkpoint["base"]["files"][0]["bytes"].number(), 5000u);
  EXPECT_EQ(checkpoint["base"]["files"][0]["xxh3_128"].text(),
            format::Checksum128Of(std::string(5000, 's')).Hex());
  EXPECT_EQ(checkpoint["base"]["files"][0]["other_checkpoints"].Joined(), "12 13");
  ASSERT_EQ(checkpoint["segments"].size(), 2u);
  EXPECT_EQ(checkpoint["segments"][0]["other_checkpoints"].Joined(), "13");
  EXPECT_EQ(checkpoint["segments"][1]["records"].number(), 7u);
  EXPECT_EQ(checkpoint["lineage"][0]["last_epoch"].text(), "5");
}

TEST_F(ShowTest, SaysWhichSegmentsAreInlinedWhere) {
  MakeSample().Close();
  const Outcome show = Inspect({"show", path_, "11"});
  EXPECT_CONTAINS(show.out, "inlined in manifest version 2");
  EXPECT_CONTAINS(show.out, "inlined in manifest version 3");
  EXPECT_CONTAINS(show.out, "none: starts from the empty state");
  const JsonValue document = Inspect({"show", path_, "11", "--json"}).json();
  const JsonValue& checkpoint = document["checkpoints"][0];
  EXPECT_TRUE(checkpoint["base"].is_null());
  EXPECT_EQ(checkpoint["segments"][1]["kind"].text(), "inlined");
  EXPECT_EQ(checkpoint["lineage"][0]["last_epoch"].text(), "2");
}

TEST_F(ShowTest, TakesSelectors) {
  MakeSample().Close();
  const auto id = [&](const std::string& selector) {
    const JsonValue document = Inspect({"show", path_, selector, "--json"}).json();
    return document["checkpoints"][0]["id"].text();
  };
  EXPECT_EQ(id("latest"), "14");
  EXPECT_EQ(id("latest~0"), "14");
  EXPECT_EQ(id("latest~2"), "12");
  EXPECT_EQ(id("latest~4"), "10");
  EXPECT_EQ(id("0013"), "13");
}

TEST_F(ShowTest, SaysWhichCheckpointsThereAre) {
  MakeSample().Close();
  for (const char* selector : {"9", "18446744073709551615", "latest~5"}) {
    const Outcome show = Inspect({"show", path_, selector});
    EXPECT_EQ(show.exit_code, 5) << selector;
    EXPECT_EQ(show.out, "");
    EXPECT_CONTAINS(show.err, std::string("no checkpoint ") + selector);
    EXPECT_CONTAINS(show.err, "it retains 10, 11, 12, 13, 14 (checkpoint-not-found)");
  }
}

TEST_F(ShowTest, IsIncompleteWithoutAllSubtasks) {
  SampleRepository(path_, 0, 2).Commit({.id = 1}).Close();
  SampleRepository(path_, 1, 2).Commit({.id = 1}).Commit({.id = 2}).Close();
  EXPECT_EQ(Inspect({"show", path_, "1"}).exit_code, 0);
  const Outcome show = Inspect({"show", path_, "2", "--json"});
  EXPECT_EQ(show.exit_code, 5);
  const JsonValue document = show.json();
  ASSERT_EQ(document["checkpoints"].size(), 1u);
  EXPECT_EQ(document["checkpoints"][0]["subtask"].number(), 1u);
  ASSERT_EQ(document["errors"].size(), 1u);
  EXPECT_EQ(document["errors"][0]["subtask"].number(), 0u);
  EXPECT_EQ(Inspect({"show", path_, "2", "--subtask", "1"}).exit_code, 0);
}

// Metadata is the host's: any bytes at all.
TEST_F(ShowTest, EscapesWhatATerminalOrAReaderWouldChokeOn) {
  SampleRepository sample(path_);
  sample.Commit({.id = 1,
                 .metadata = {{"bytes", std::string("\x00\xff\x1b[31m\n\"\\", 10)},
                              {"german", "Gr\xc3\xbc\xc3\x9f"},
                              {"large", std::string(5000, 'x')}}});
  sample.Close();
  const Outcome text = Inspect({"show", path_, "1"});
  EXPECT_CONTAINS(text.out, R"(  bytes = \x00\xff\x1b[31m\x0a"\\)");
  EXPECT_CONTAINS(text.out, "  german = Gr\xc3\xbc\xc3\x9f\n");
  EXPECT_CONTAINS(text.out, "xxx... (5000 bytes; --json shows all)\n");
  const JsonValue document = Inspect({"show", path_, "1", "--json"}).json();
  const JsonValue& metadata = document["checkpoints"][0]["metadata"];
  EXPECT_EQ(metadata["bytes"].text(), std::string("\x00\xef\xbf\xbd\x1b[31m\n\"\\", 12));
  EXPECT_EQ(metadata["german"].text(), "Gr\xc3\xbc\xc3\x9f");
  EXPECT_EQ(metadata["large"].text().size(), 5000u);
}

TEST_F(ShowTest, FollowsTheLineageOverAttempts) {
  SampleRepository(path_).Commit({.id = 1}).Close();
  SampleRepository(path_).Commit({.id = 2}).Commit({.id = 3}).Close();
  const auto lineage = [&](const std::string& id) {
    const JsonValue document = Inspect({"show", path_, id, "--json"}).json();
    std::string text;
    const JsonValue& entries = document["checkpoints"][0]["lineage"];
    for (size_t i = 0; i < entries.size(); ++i)
      text += entries[i]["attempt"].text() + ":" + entries[i]["last_epoch"].text() + " ";
    return text;
  };
  EXPECT_EQ(lineage("1"), "1:1 ");
  EXPECT_EQ(lineage("2"), "1:1 2:2 ");
  EXPECT_EQ(lineage("3"), "1:1 2:3 ");
}

}  // namespace
}  // namespace tidemark::test
