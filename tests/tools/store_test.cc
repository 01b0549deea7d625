// ckpt-inspect on what a StateStore writes, after it and beside it.
#include "tests/tools/inspect_fixture.h"

#include <tidemark/store.h>

#include <atomic>
#include <thread>

namespace tidemark::test {
namespace {

class StoreTest : public InspectFixture {
 protected:
  std::unique_ptr<StateStore> Open(uint32_t keep_last) {
    StoreOptions options;
    options.runtime = Runtime::Create({.memory_budget_bytes = 32u << 20}).value();
    options.directory = directory_ / "live";
    options.repository = path_;
    options.keep_last = keep_last;
    options.write_back_bytes = 64 << 10;
    options.inline_segment_bytes_max = 512;  // so that there are segments of both sorts
    return StateStore::Open(options).value();
  }
  // A checkpoint that changes `keys` keys.
  static void Commit(StateStore& store, uint64_t id, uint64_t keys) {
    auto counts = store.Value<std::string, uint64_t>("counts").value();
    for (uint64_t key = 0; key < keys; ++key)
      counts.Put("word " + std::to_string(key * 7919 % 100'000), id).Check();
    CheckpointOptions options;
    options.metadata["offset"] = std::to_string(id);
    store.Checkpoint(id, options).value().Wait().Check();
  }
};

TEST_F(StoreTest, ItsRepositoryIsListedShownAndIntact) {
  {
    const std::unique_ptr<StateStore> store = Open(5);
    for (uint64_t id = 1; id <= 8; ++id) Commit(*store, id, id % 2 == 0 ? 5 : 5000);
    store->Drain().Check();
    EXPECT_CONTAINS(Inspect({"list", path_}).err, "writer alive");
    store->Close().Check();
  }
  const JsonValue list = Inspect({"list", path_, "--json"}).json();
  ASSERT_EQ(list["checkpoints"].size(), 5u);
  EXPECT_EQ(list["checkpoints"][4]["keys_changed"].number(), 5u);
  EXPECT_FALSE(list["checkpoints"][4]["base"].is_null());
  EXPECT_EQ(list["subtasks"][0]["writer"].text(), "closed");

  const JsonValue show = Inspect({"show", path_, "latest", "--json"}).json();
  const JsonValue& checkpoint = show["checkpoints"][0];
  EXPECT_EQ(checkpoint["tables"][0]["name"].text(), "counts");
  EXPECT_EQ(checkpoint["tables"][0]["kind"].text(), "value");
  EXPECT_EQ(checkpoint["metadata"]["offset"].text(), "8");
  EXPECT_GE(checkpoint["base"]["files"].size(), 2u);

  const Outcome verify = Inspect({"verify", path_});
  EXPECT_EQ(verify.exit_code, 0) << verify.out << verify.err;
  EXPECT_CONTAINS(verify.out, "checked  5 of 5 checkpoints; ");
  EXPECT_CONTAINS(verify.out, "verdict  intact");
}

// The writer drops checkpoints and files all the time: no reader may take that for damage.
TEST_F(StoreTest, IsIntactBesideAWriterThatDropsCheckpoints) {
  const std::unique_ptr<StateStore> store = Open(2);
  Commit(*store, 1, 100);
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    for (uint64_t id = 2; !stop; ++id) Commit(*store, id, 100 + id % 3 * 1000);
  });
  for (int i = 0; i < (TIDEMARK_SANITIZED ? 10 : 40); ++i) {
    const Outcome verify = Inspect({"verify", path_});
    EXPECT_TRUE(verify.exit_code == 0 || verify.exit_code == 6) << verify.out << verify.err;
    EXPECT_EQ(Inspect({"list", path_}).exit_code, 0);
    EXPECT_EQ(Inspect({"show", path_, "latest"}).exit_code, 0);
  }
  stop = true;
  writer.join();
  store->Close().Check();
  EXPECT_EQ(Inspect({"verify", path_}).exit_code, 0);
}

}  // namespace
}  // namespace tidemark::test
