// ckpt-inspect stats: what it counts is what a store wrote.
#include "tests/tools/store_repository.h"

#include <tidemark/map_state.h>

namespace tidemark::test {
namespace {

class StatsTest : public JobFixture {
 protected:
  static void Save(StateStore& store, uint64_t id) { store.Checkpoint(id).value().Wait().Check(); }
};

TEST_F(StatsTest, CountsWhatIsLive) {
  {
    const auto store = OpenJob();
    auto bytes = store->OpenTable("bytes", {.kind = TableKind::kOrderedBytes}).value();
    for (int i = 0; i < 50; ++i) bytes.Put("b" + std::to_string(100 + i), "value").Check();
    auto maps = store->Map<std::string, std::string, std::string>("maps").value();
    for (const char* entry : {"x", "yy", "zzz"}) maps.Put("partition", entry, "12345678").Check();
    Save(*store, 1);
    store->Drain().Check();
    bytes.DeleteRange({.from = "b110", .to = "b140"}).Check();
    bytes.Put("c1", "longer value").Check();
    maps.Delete("partition", "yy").Check();
    Save(*store, 2);
    store->Close().Check();
  }
  const Tree before = LookAt(path_);
  const Outcome outcome = Inspect({"stats", path_, "--prefix", "1", "--json"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(LookAt(path_) == before);
  const JsonValue json = outcome.json();
  ASSERT_EQ(json["tables"].size(), 2u);
  const JsonValue bytes = json["tables"][0];
  EXPECT_EQ(bytes["name"].text(), "bytes");
  EXPECT_EQ(bytes["live"]["records"].number(), 21u);
  EXPECT_EQ(bytes["live"]["key_bytes"].number(), 20u * 4 + 2);
  EXPECT_EQ(bytes["live"]["value_bytes"].number(), 20u * 5 + 12);
  ASSERT_EQ(bytes["prefixes"].size(), 2u);
  EXPECT_EQ(bytes["prefixes"][0]["prefix"]["utf8"].text(), "b");
  EXPECT_EQ(bytes["prefixes"][0]["records"].number(), 20u);
  EXPECT_EQ(bytes["prefixes"][1]["records"].number(), 1u);
  // The store deletes a few keys one by one.
  EXPECT_EQ(bytes["log"]["records"].number(), 31u);
  // A map's prefixes are those of its partitions, not of the lengths before them.
  const JsonValue maps = json["tables"][1];
  EXPECT_EQ(maps["live"]["records"].number(), 2u);
  ASSERT_EQ(maps["prefixes"].size(), 1u);
  EXPECT_EQ(maps["prefixes"][0]["prefix"]["utf8"].text(), "p");
  EXPECT_EQ(json["figures"]["keys"].number(), 23u);

  const Outcome text = Inspect({"stats", path_, "--prefix", "1", "--files", "--groups"});
  EXPECT_EQ(text.exit_code, 0) << text.err;
  for (const char* part : {"checkpoint 2 of 1 subtask\n", "space_amplification", "bytes    21",
                           "prefixes, largest first", "GROUP", "bytes, maps"})
    EXPECT_CONTAINS(text.out, part);
}

TEST_F(StatsTest, GroupsAndFilesAddUp) {
  MakeJob({0, 2});
  MakeJob({1, 2});
  const Outcome outcome = Inspect({"stats", path_, "--json"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const JsonValue json = outcome.json();
  EXPECT_EQ(json["checkpoints"].size(), 2u);
  uint64_t keys = 0;
  for (size_t i = 0; i < json["tables"].size(); ++i)
    keys += json["tables"][i]["live"]["records"].number();
  uint64_t in_groups = 0;
  for (size_t i = 0; i < json["key_groups"].size(); ++i)
    in_groups += json["key_groups"][i]["records"].number();
  uint64_t bytes = 0;
  for (size_t i = 0; i < json["files"].size(); ++i) bytes += json["files"][i]["bytes"].number();
  EXPECT_GT(keys, 0u);
  EXPECT_EQ(in_groups, keys);
  EXPECT_EQ(json["figures"]["keys"].number(), keys);
  EXPECT_EQ(json["figures"]["checkpoint_bytes"].number(), bytes);
  EXPECT_GE(json["figures"]["repository_bytes"].number(), bytes);
}

TEST_F(StatsTest, FailsWhereAConditionHolds) {
  MakeJob();
  EXPECT_EQ(Inspect({"stats", path_, "--fail-if", "space_amplification>1e6"}).exit_code, 0);
  EXPECT_EQ(Inspect({"stats", path_, "--fail-if", "live_bytes >= 20GiB"}).exit_code, 0);
  const Outcome failed =
      Inspect({"stats", path_, "--fail-if", "keys<1", "--fail-if", "space_amplification > 0.0001"});
  EXPECT_EQ(failed.exit_code, 1);
  EXPECT_CONTAINS(failed.out, "FAILED  space_amplification > 0.0001\n");
  EXPECT_LACKS(failed.out, "FAILED  keys");
  for (const char* wrong : {"keys", "keys>", "keys>many", "speed>1", ">1", "keys==1"}) {
    const Outcome outcome = Inspect({"stats", path_, "--fail-if", wrong, "--json"});
    EXPECT_EQ(outcome.exit_code, 2) << wrong;
    ASSERT_EQ(outcome.json_errors().size(), 1u) << outcome.err;
    EXPECT_EQ(outcome.json_errors()[0]["name"].text(), "fail-if");
  }
}

TEST_F(StatsTest, AnEmptyStateHasNoAmplification) {
  {
    const auto store = OpenJob();
    Save(*store, 1);
    store->Close().Check();
  }
  const Outcome outcome =
      Inspect({"stats", path_, "--fail-if", "space_amplification>1.5", "--json"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_CONTAINS(Inspect({"stats", path_, "--fail-if", "churn>1"}).err, "churn>1 was not judged");
  EXPECT_TRUE(outcome.json()["figures"]["space_amplification"].is_null());
}

}  // namespace
}  // namespace tidemark::test
