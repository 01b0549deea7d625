// ckpt-inspect log and history, where segments were merged, dropped, or are many.
#include "tests/tools/store_repository.h"

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <set>
#include <sstream>
#include <thread>

namespace tidemark::test {
namespace {

class ChangeLogTest : public JobFixture {
 protected:
  static std::vector<JsonValue> Lines(const Outcome& outcome) {
    std::vector<JsonValue> lines;
    std::istringstream text(outcome.out);
    for (std::string line; std::getline(text, line);) lines.push_back(JsonValue::Parse(line));
    return lines;
  }
  // Segments of several epochs.
  int CountMerged() const {
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(path_ + "/subtasks/00000/log")) {
      unsigned long attempt = 0, first = 0, last = 0;
      const std::string name = entry.path().filename();
      count +=
          std::sscanf(name.c_str(), "%lu-%lu-%lu-", &attempt, &first, &last) == 3 && first < last;
    }
    return count;
  }
  static void Commit(StateStore& store, uint64_t id, size_t bytes = 10) {
    auto table = store.OpenTable("table", {.key_codec = "string", .value_codec = "string"}).value();
    table.Put("hot", std::to_string(id)).Check();
    table.Put("key " + std::to_string(id), std::string(bytes, 'x')).Check();
    store.Checkpoint(id).value().Wait().Check();
  }
};

// A list that retains old checkpoints has both their segments and those that these were merged
// into: `log` once read 2-2, then 2-11, 2-101, ..., and told most changes 60 times, others never.
TEST_F(ChangeLogTest, EachChangeIsToldOnceWhereSegmentsWereMerged) {
  StoreOptions options = JobOptions(path_, "live");
  options.runtime =
      Runtime::Create({.memory_budget_bytes = 32u << 20, .background_threads = 2}).value();
  options.keep_last = 1000;
  options.log_merge_segments = 4;
  const auto store = StateStore::Open(options).value();
  auto large = store->OpenTable("large", {}).value();
  for (int i = 0; i < 2000; ++i)
    large.Put(std::to_string(i), std::string(4000, static_cast<char>('a' + i % 26))).Check();
  Commit(*store, 1);
  store->Drain().Check();
  // Merges happen in the background, when they get to it.
  uint64_t last = 1;
  while (CountMerged() < 3 && last < 900) Commit(*store, ++last, 3000);
  store->Close().Check();
  ASSERT_GE(CountMerged(), 3) << "this tests nothing";

  std::set<std::string> changes;
  std::string hot;
  uint64_t epoch_before = 0;
  for (const JsonValue& line :
       Lines(Inspect({"log", path_, "2..", "--table", "table", "--json"}))) {
    if (line["type"].text() != "change") continue;
    EXPECT_TRUE(changes.insert(line["epoch"].text() + " " + line["key"].text()).second)
        << line["epoch"].text() << " " << line["key"].text();
    EXPECT_LE(epoch_before, std::stoull(line["epoch"].text()));
    epoch_before = std::stoull(line["epoch"].text());
  }
  // All, but for early epochs that bases alone may have by then.
  EXPECT_LE(changes.size(), 2 * (last - 1));
  EXPECT_GT(changes.size(), last);
  const std::string history = Inspect({"history", path_, "table", "hot"}).out;
  EXPECT_CONTAINS(history, "put \"hot\" = \"" + std::to_string(last) + "\"\n");
}

// What bases alone have was nothing to `log`: no word of it in JSON, and none at all where no
// segment is left.
TEST_F(ChangeLogTest, EpochsThatAreInBasesOnlyAreGaps) {
  {
    const auto store = OpenJob();
    Commit(*store, 1);
    Commit(*store, 2);
    store->Drain().Check();
    store->Close().Check();
  }
  ASSERT_EQ(Inspect({"prune", path_, "--keep-last", "1", "--yes"}).exit_code, 0);
  const auto lines = Lines(Inspect({"log", path_, "--json"}));
  ASSERT_GE(lines.size(), 3u);
  EXPECT_EQ(lines[1]["type"].text(), "gap");
  EXPECT_EQ(lines[1]["first_epoch"].text(), "1");
  EXPECT_CONTAINS(Inspect({"log", path_}).err, "in bases only");
  const Outcome history = Inspect({"history", path_, "table", "key 1"});
  EXPECT_EQ(history.exit_code, 0) << "the base has a value of it";
  EXPECT_CONTAINS(history.err, "in bases only");
  EXPECT_CONTAINS(history.out, "  base  table  has \"key 1\" = ");
  const auto told = Lines(Inspect({"history", path_, "table", "key 1", "--json"}));
  EXPECT_TRUE(std::any_of(told.begin(), told.end(), [](const JsonValue& line) {
    return line["type"].text() == "base" && !line["value"].text().empty();
  }));
  EXPECT_EQ(Inspect({"history", path_, "table", "never"}).exit_code, 1);
}

// All segments used to be open at once: 1,024 checkpoints were more than a shell allows.
TEST_F(ChangeLogTest, ALongLogNeedsFewOpenFiles) {
  StoreOptions options = JobOptions(path_, "live");
  options.inline_segment_bytes_max = 0;
  options.keep_last = 1000;
  options.log_merge_segments = 64;
  const auto store = StateStore::Open(options).value();
  for (uint64_t id = 1; id <= 150; ++id) Commit(*store, id);
  store->Close().Check();
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit few = before;
  few.rlim_cur = 64;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  const Outcome log = Inspect({"log", path_});
  const Outcome exported = Inspect({"export", path_, "latest", directory_ / "savepoint"});
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(log.exit_code, 0) << log.err;
  EXPECT_EQ(exported.exit_code, 0) << exported.err;
  EXPECT_EQ(std::count(log.out.begin(), log.out.end(), '\n'), 300);
}

// A writer drops segments while they are read: `log` called that damage.
TEST_F(ChangeLogTest, IsNoDamageBesideAWriterThatDropsCheckpoints) {
  StoreOptions options = JobOptions(path_, "live");
  options.keep_last = 2;
  options.inline_segment_bytes_max = 0;
  const auto store = StateStore::Open(options).value();
  Commit(*store, 1);
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    for (uint64_t id = 2; !stop; ++id) {
      Commit(*store, id);
      if (id % 8 == 0) store->Drain().Check();
    }
  });
  for (int i = 0; i < (TIDEMARK_SANITIZED ? 10 : 60); ++i) {
    for (const auto& command :
         std::vector<std::vector<std::string>>{{"log", path_},
                                               {"history", path_, "table", "hot"},
                                               {"dump", path_, "latest"},
                                               {"get", path_, "latest", "table", "hot"}}) {
      const Outcome outcome = Inspect(command);
      const bool may_be_no = command[0] == "history" && outcome.exit_code == 1;  // all in a base
      EXPECT_TRUE(outcome.exit_code == 0 || outcome.exit_code == 6 || may_be_no)
          << command[0] << outcome.err;
    }
  }
  stop = true;
  writer.join();
  store->Close().Check();
}

TEST_F(ChangeLogTest, ReadingRecordsChangesNothingAndNeedsNoRightToWrite) {
  MakeJob();
  const std::vector<std::vector<std::string>> commands{{"dump", path_, "latest"},
                                                       {"dump", path_, "latest", "--json"},
                                                       {"dump", path_, "1", "--format", "csv"},
                                                       {"get", path_, "latest", "counts", "word 9"},
                                                       {"log", path_},
                                                       {"log", path_, "--json"},
                                                       {"history", path_, "counts", "word 9"}};
  const Tree before = LookAt(directory_.path());
  for (const auto& command : commands) {
    const Outcome outcome = Inspect(command);
    EXPECT_EQ(outcome.exit_code, 0) << command[0] << outcome.err;
  }
  EXPECT_TRUE(LookAt(directory_.path()) == before);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path_))
    std::filesystem::permissions(entry.path(),
                                 std::filesystem::perms(entry.is_directory() ? 0555 : 0444));
  std::filesystem::permissions(path_, std::filesystem::perms(0555));
  std::filesystem::permissions(directory_.path(), std::filesystem::perms(0755));
  const bool is_root = geteuid() == 0;
  for (const auto& command : commands) {
    const Outcome outcome = Inspect(command, {.as_nobody = is_root});
    EXPECT_EQ(outcome.exit_code, 0) << command[0] << outcome.err;
  }
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path_))
    if (entry.is_directory())
      std::filesystem::permissions(entry.path(), std::filesystem::perms(0755));
  std::filesystem::permissions(path_, std::filesystem::perms(0755));
}

}  // namespace
}  // namespace tidemark::test
