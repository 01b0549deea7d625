// pin, unpin and request, and what list says of them.
#include "tests/tools/store_repository.h"

#include <tidemark/pins.h>

#include <filesystem>
#include <set>
#include <thread>

namespace tidemark::test {
namespace {

class PinTest : public JobFixture {};

TEST_F(PinTest, KeepsACheckpointUntilItIsUnpinned) {
  MakeJob();
  const Outcome pin =
      Inspect({"pin", path_, "latest~4", "before-1.4", "--reason", "the upgrade", "--json"});
  EXPECT_EQ(pin.exit_code, 0) << pin.err;
  EXPECT_EQ(pin.json()["schema"].text(), "tidemark.pin/1");
  EXPECT_EQ(pin.json()["pin"]["checkpoint"].text(), "5");
  EXPECT_EQ(Inspect({"pin", path_, "5", "before-1.4"}).exit_code, 8) << "the name is taken";
  EXPECT_EQ(Inspect({"pin", path_, "55", "other"}).exit_code, 5);
  EXPECT_EQ(Inspect({"pin", path_, "5", "no such name"}).exit_code, 2);
  EXPECT_EQ(Inspect({"pin", path_, "before-1.4", "again"}).exit_code, 0);
  EXPECT_EQ(Inspect({"show", path_, "again"}).exit_code, 0);

  const JsonValue list = Inspect({"list", path_, "--json"}).json();
  EXPECT_EQ(list["checkpoints"][4]["pins"].Joined(), "again before-1.4");
  EXPECT_EQ(list["checkpoints"][4]["freed_bytes"].number(), 0u);
  EXPECT_EQ(list["checkpoints"][5]["pins"].size(), 0u);
  EXPECT_EQ(list["pins"][1]["name"].text(), "before-1.4");
  EXPECT_EQ(list["pins"][1]["reason"].text(), "the upgrade");
  EXPECT_TRUE(list["pins"][1]["listed"].boolean());
  EXPECT_EQ(list["pins"][1]["freed_bytes"].number(), 0u);
  EXPECT_CONTAINS(Inspect({"list", path_}).out, "pin again, pin before-1.4\n");

  const Tree before = LookAt(path_);
  const Outcome refused = Inspect({"unpin", path_, "again"});
  EXPECT_EQ(refused.exit_code, 8);
  EXPECT_EQ(refused.out, "");
  EXPECT_EQ(LookAt(path_), before);
  const Outcome unpin = Inspect({"unpin", path_, "again", "--yes", "--json"});
  EXPECT_EQ(unpin.exit_code, 0) << unpin.err;
  EXPECT_EQ(unpin.json()["pin"]["checkpoint"].text(), "5");
  const Outcome gone = Inspect({"unpin", path_, "again", "--yes"});
  EXPECT_EQ(gone.exit_code, 5);
  EXPECT_CONTAINS(gone.err, "before-1.4");
}

// Retention drops a checkpoint that was pinned too late for its list; the pin keeps the files.
TEST_F(PinTest, SaysWhatOnlyAPinKeeps) {
  MakeJob();
  ASSERT_EQ(Inspect({"pin", path_, "2", "kept"}).exit_code, 0);
  ASSERT_EQ(Inspect({"prune", path_, "--keep-last", "1", "--yes"}).exit_code, 0);
  // What came after 2 is abandoned, and then 2 is dropped.
  GoBack(2, {20, 21});
  ASSERT_EQ(Inspect({"pin", path_, "20", "kept-20"}).exit_code, 0);
  GoBack(2, {30});
  const JsonValue list = Inspect({"list", path_, "--json"}).json();
  ASSERT_EQ(list["checkpoints"].size(), 2u);
  EXPECT_EQ(list["checkpoints"][0]["id"].text(), "2");
  EXPECT_EQ(list["checkpoints"][1]["id"].text(), "30");
  EXPECT_FALSE(list["pins"][1]["listed"].boolean());
  EXPECT_GT(list["pins"][1]["freed_bytes"].number(), 0u);
  EXPECT_EQ(list["lineage"].size(), 2u);

  const Outcome tree = Inspect({"list", path_, "--tree"});
  EXPECT_CONTAINS(tree.out, "subtask 0\n├─ attempt 1, epochs 1 to 2\n│  ├─ 2  20");
  EXPECT_CONTAINS(tree.out, ", abandoned: left at epoch 2\n│     └─ 20  ");
  EXPECT_CONTAINS(tree.out, "  pin kept-20 alone\n└─ attempt ");
  EXPECT_CONTAINS(tree.out, "  latest\n");

  const uint64_t bytes = FileBytes();
  ASSERT_EQ(Inspect({"unpin", path_, "kept-20", "--yes"}).exit_code, 0);
  EXPECT_EQ(FileBytes(), bytes) << "the next writer deletes it";
}

TEST_F(PinTest, FreedBytesAreWhatDroppingFrees) {
  MakeJob();
  for (const char* id : {"6", "1", "3", "4", "8"}) {
    const JsonValue list = Inspect({"list", path_, "--json"}).json();
    uint64_t expected = 0;
    for (size_t i = 0; i < list["checkpoints"].size(); ++i)
      if (list["checkpoints"][i]["id"].text() == id)
        expected = list["checkpoints"][i]["freed_bytes"].number();
    const uint64_t before = FileBytes();
    ASSERT_EQ(Inspect({"prune", path_, id, "--yes"}).exit_code, 0);
    EXPECT_EQ(before - FileBytes(), expected) << id;
  }
}

TEST_F(PinTest, ADamagedPinIsSeenAndCanBeRemoved) {
  MakeJob();
  ASSERT_EQ(Inspect({"pin", path_, "2", "kept"}).exit_code, 0);
  FlipByte(path_ + "/pins/kept", 50);
  const Outcome list = Inspect({"list", path_, "--json"});
  EXPECT_EQ(list.exit_code, 4);
  EXPECT_TRUE(list.json()["checkpoints"][0]["freed_bytes"].is_null());
  EXPECT_TRUE(list.json()["errors"][0]["subtask"].is_null());
  const Outcome unpin = Inspect({"unpin", path_, "kept", "--yes"});
  EXPECT_EQ(unpin.exit_code, 0) << unpin.err;
  EXPECT_EQ(Inspect({"list", path_}).exit_code, 0);
}

TEST_F(PinTest, ARunningJobAnswersARequest) {
  const std::unique_ptr<StateStore> store = OpenJob();
  Commit(*store, 1, 50);
  const Outcome asked = Inspect({"request", path_, "--reason", "before the upgrade", "--json"});
  EXPECT_EQ(asked.exit_code, 0) << asked.err;
  const JsonValue document = asked.json();
  EXPECT_EQ(document["schema"].text(), "tidemark.request/1");
  EXPECT_EQ(document["outcome"].text(), "asked");
  EXPECT_EQ(document["open"][0]["reason"].text(), "before the upgrade");
  const Outcome open = Inspect({"request", path_, "--list"});
  EXPECT_CONTAINS(open.out, document["request"].text() + "  subtask 0, asked ");
  EXPECT_CONTAINS(open.err, "1 open request\n");

  store->LookForRequests();
  store->Drain().Check();
  Commit(*store, 2, 50);
  store->Drain().Check();
  EXPECT_EQ(Inspect({"request", path_, "--list", "--json"}).json()["open"].size(), 0u);
}

TEST_F(PinTest, ARequestThatNobodyAnswersCanBeTakenBack) {
  MakeJob();
  const Outcome asked = Inspect({"request", path_, "--wait", "0"});
  EXPECT_EQ(asked.exit_code, 1);
  EXPECT_CONTAINS(asked.err, "no writer is alive; the request waits for the next one");
  const std::string id = asked.out.substr(0, 16);
  EXPECT_EQ(Inspect({"request", path_, "--withdraw", id}).exit_code, 0);
  EXPECT_EQ(Inspect({"request", path_, "--list"}).out, "");
  EXPECT_EQ(Inspect({"request", path_, "--withdraw", "x"}).exit_code, 2);
  EXPECT_EQ(Inspect({"request", path_, "--list", "--wait", "1"}).exit_code, 2);
}

// Pins and ids: of a pin only the number was taken, which another checkpoint may bear by now. That
// one was pinned, or dropped, and what was meant went with the first pin.
TEST_F(PinTest, APinMeansItsOwnCheckpoint) {
  MakeJob();
  ASSERT_EQ(Inspect({"pin", path_, "5", "before"}).exit_code, 0);
  GoBack(4, {5, 6});
  const Outcome again = Inspect({"pin", path_, "before", "again"});
  EXPECT_EQ(again.exit_code, 5) << again.out;
  EXPECT_CONTAINS(again.err, "it is another one");
  EXPECT_EQ(Inspect({"prune", path_, "before", "--yes"}).exit_code, 5);
  EXPECT_EQ(Inspect({"show", path_, "5"}).exit_code, 0);
  EXPECT_EQ(Inspect({"digest", path_, "before"}).exit_code, 0);
  EXPECT_EQ(Inspect({"export", path_, "before", directory_ / "export"}).exit_code, 0);
}

// What a pin alone keeps was never looked at, and the repository called intact.
TEST_F(PinTest, WhatOnlyAPinKeepsIsVerified) {
  MakeJob();
  ASSERT_EQ(Inspect({"pin", path_, "2", "kept"}).exit_code, 0);
  GoBack(1, {20});
  const Outcome intact = Inspect({"verify", path_});
  EXPECT_EQ(intact.exit_code, 0) << intact.err;
  EXPECT_CONTAINS(intact.err, "that only pins keep");
  std::set<std::string> named;
  for (const auto& entry : std::filesystem::directory_iterator(path_ + "/subtasks/00000/log")) {
    const std::string content = ReadFile(entry.path());
    FlipByte(entry.path(), content.size() / 2);
    const Outcome damaged = Inspect({"verify", path_});
    if (Contains(damaged.out, "of what only pins keep 1 file is not as it was")) {
      named.insert(entry.path());
      EXPECT_EQ(damaged.exit_code, 4);
      const Outcome json = Inspect({"verify", path_, "--json"});
      EXPECT_EQ(json.json()["verdict"].text(), "damaged");
      EXPECT_EQ(json.json()["errors"].size(), 1u);
    }
    WriteFile(entry.path(), content);
  }
  EXPECT_EQ(named.size(), 1u);
  ASSERT_EQ(Inspect({"unpin", path_, "kept", "--yes"}).exit_code, 0);
  EXPECT_EQ(Inspect({"verify", path_}).exit_code, 0);
}

// Once: what a killed `pin` had left, a pin that never counted, was called damage.
TEST_F(PinTest, WhatAPinLacksIsNoProofOfDamage) {
  MakeJob();
  ASSERT_EQ(Inspect({"pin", path_, "2", "kept"}).exit_code, 0);
  GoBack(1, {20});
  std::set<std::string> there;
  for (const auto& entry : std::filesystem::directory_iterator(path_ + "/subtasks/00000/log"))
    there.insert(entry.path());
  size_t lacking = 0;
  for (const std::string& file : there) {
    std::filesystem::rename(file, directory_ / "away");
    const Outcome outcome = Inspect({"verify", path_, "--json"});
    if (outcome.exit_code == 5) {
      ++lacking;
      EXPECT_EQ(outcome.json()["verdict"].text(), "not-found");
      EXPECT_EQ(outcome.json()["errors"][0]["name"].text(), "pin-incomplete");
    }
    std::filesystem::rename(directory_ / "away", file);
  }
  EXPECT_EQ(lacking, 1u);
}

}  // namespace
}  // namespace tidemark::test
