// What holds for all commands that read a real job's repository: they change nothing, need no right
// to write, stand a live writer and a reader that goes away.
#include "tests/tools/store_repository.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <thread>

namespace tidemark::test {
namespace {

namespace fs = std::filesystem;

class JobMannersTest : public JobFixture {
 protected:
  using Command = std::vector<std::string>;

  // Every command that reads, in text and in JSON. What they write lies in new places.
  std::vector<Command> Commands() {
    fs::create_directories(out_);
    fs::permissions(out_, fs::perms(0777));
    std::vector<Command> commands{{"list", path_},
                                  {"list", path_, "--tree"},
                                  {"show", path_, "latest"},
                                  {"verify", path_},
                                  {"verify", path_, "--subset", "1/2"},
                                  {"verify", path_, "latest", "--level", "read"},
                                  {"verify", path_, "latest", "--level", "restore"},
                                  {"dump", path_, "latest"},
                                  {"get", path_, "latest", "counts", "word 1"},
                                  {"history", path_, "counts", "word 1"},
                                  {"log", path_},
                                  {"diff", path_, "latest~1", "latest", "--values"},
                                  {"digest", path_, "latest"},
                                  {"stats", path_, "latest", "--groups", "--files"},
                                  {"fsck", path_},
                                  {"prune", path_, "--keep-last", "2", "-n"},
                                  {"compact", path_, "-n"},
                                  {"request", path_, "--list"},
                                  {"identify", path_ + "/FORMAT"},
                                  {"export", path_, "latest", NewPlace()},
                                  {"report", path_, "-o", NewPlace()}};
    for (size_t i = 0, n = commands.size(); i < n; ++i) {
      commands.push_back(commands[i]);
      if (commands.back()[0] == "export" || commands.back()[0] == "report")
        commands.back()[3] = NewPlace();
      commands.back().push_back("--json");
    }
    return commands;
  }
  std::string NewPlace() { return out_ + "/" + std::to_string(++places_); }

  // 1: what was asked for is not so, as of two checkpoints that differ.
  static bool IsAnswer(const Outcome& outcome) {
    return outcome.exit_code == 0 || outcome.exit_code == 1;
  }

  const std::string out_ = directory_ / "out";
  int places_ = 0;
};

TEST_F(JobMannersTest, NothingIsCreatedOrChanged) {
  MakeJob();
  const Tree before = LookAt(path_);
  for (const Command& command : Commands()) {
    const Outcome outcome = Inspect(command);
    EXPECT_TRUE(IsAnswer(outcome)) << command[0] << ": " << outcome.exit_code << outcome.err;
    EXPECT_TRUE(LookAt(path_) == before) << command[0];
  }
}

TEST_F(JobMannersTest, ARepositoryThatMustNotBeWrittenIsEnough) {
  MakeJob();
  const std::vector<Command> commands = Commands();
  const bool is_root = geteuid() == 0;
  fs::permissions(directory_.path(), fs::perms(0755));
  if (is_root && Inspect({"--version"}, {.as_nobody = true}).exit_code != 0)
    GTEST_SKIP() << "user nobody cannot run " << InspectPath();
  std::vector<fs::path> directories{path_};
  for (const auto& entry : fs::recursive_directory_iterator(path_)) {
    if (entry.is_directory()) directories.push_back(entry.path());
    fs::permissions(entry.path(), fs::perms(entry.is_directory() ? 0555 : 0444));
  }
  fs::permissions(path_, fs::perms(0555));
  for (const Command& command : commands) {
    const Outcome outcome = Inspect(command, {.as_nobody = is_root});
    EXPECT_TRUE(IsAnswer(outcome)) << command[0] << ": " << outcome.exit_code << outcome.err;
  }
  for (const fs::path& directory : directories) fs::permissions(directory, fs::perms(0755));
}

TEST_F(JobMannersTest, ABrokenPipeIsSuccess) {
  MakeJob();
  for (const Command& command : Commands()) {
    int ends[2];
    ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
    close(ends[0]);
    const Outcome outcome = Inspect(command, {.stdout_descriptor = ends[1]});
    close(ends[1]);
    EXPECT_TRUE(IsAnswer(outcome)) << command[0] << ": " << outcome.exit_code << outcome.err;
    EXPECT_LACKS(outcome.err, "error") << command[0];
  }
}

// The writer drops checkpoints, merges segments and deletes files while they are read. What is gone
// is looked for in the newest list; nothing is called damaged.
TEST_F(JobMannersTest, NothingIsDamagedBesideALiveWriter) {
  StoreOptions options = JobOptions(path_, "live");
  options.runtime =
      Runtime::Create({.memory_budget_bytes = 32u << 20, .background_threads = 1}).value();
  options.keep_last = 5;
  options.write_back_segments = 3;
  options.log_merge_segments = 4;
  const auto store = StateStore::Open(options).value();
  uint64_t id = 0;
  for (int i = 0; i < 8; ++i) Commit(*store, ++id, 200);
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    for (; !stop; std::this_thread::sleep_for(std::chrono::milliseconds(5))) {
      ++id;
      Commit(*store, id, id % 3 == 0 ? 2 : 200);
    }
  });
  for (int round = 0; round < (TIDEMARK_SANITIZED != 0 ? 1 : 2); ++round) {
    for (const Command& command : Commands()) {
      const Outcome outcome = Inspect(command);
      EXPECT_NE(outcome.exit_code, 4) << command[0] << outcome.out << outcome.err;
      // A writer that is faster than a copy may drop what is being copied, which is said.
      const bool is_too_slow = outcome.err.find("checkpoint-dropped") != std::string::npos ||
                               outcome.err.find("manifest-moving") != std::string::npos ||
                               outcome.err.find("checkpoint-not-found") != std::string::npos;
      EXPECT_TRUE(IsAnswer(outcome) || is_too_slow)
          << command[0] << ": " << outcome.exit_code << outcome.err;
    }
  }
  stop = true;
  writer.join();
  store->Close().Check();
  EXPECT_EQ(Inspect({"verify", path_, "--level", "read"}).exit_code, 0);
}

// `latest` was each subtask's own newest, which are rarely of one id while they write.
TEST_F(JobMannersTest, TheNewestThatAllSubtasksHaveIsExported) {
  MakeJob({0, 2}, 5);
  MakeJob({1, 2}, 4);
  const Outcome outcome = Inspect({"export", path_, "latest", directory_ / "export", "--json"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.json()["checkpoint"].text(), "4");
  const std::string copy = directory_ / "export";
  EXPECT_EQ(Inspect({"digest", copy, "latest"}).out, Inspect({"digest", path_, "4"}).out);
}

// The same of all that opens a checkpoint: `digest latest` was of a state that no job can have.
TEST_F(JobMannersTest, TheNewestThatAllSubtasksHaveIsRead) {
  MakeJob({0, 2}, 5);
  MakeJob({1, 2}, 4);
  const auto digest = [&](const std::string& of) { return Inspect({"digest", path_, of}).out; };
  EXPECT_EQ(digest("latest"), digest("4"));
  EXPECT_EQ(digest("latest~1"), digest("3"));
  EXPECT_EQ(Inspect({"diff", path_, "latest", "4"}).exit_code, 0);
  EXPECT_EQ(Inspect({"digest", path_, "latest~4"}).exit_code, 5);
  EXPECT_EQ(Inspect({"digest", path_, "latest", "--subtask", "0"}).exit_code, 0);
}

// A subtask whose folder was not mounted passed for one that does not exist: verify called the job
// intact, and prune dropped the one checkpoint that all subtasks had.
TEST_F(JobMannersTest, ASubtaskThatIsMissingIsMissed) {
  MakeJob({0, 2}, 9);
  MakeJob({1, 2}, 7);
  fs::rename(path_ + "/subtasks/00001", directory_ / "away");
  for (const bool is_empty : {false, true}) {
    if (is_empty) fs::create_directories(path_ + "/subtasks/00001");
    const Tree before = LookAt(path_);
    for (const Command& command :
         {Command{"prune", path_, "--keep-last", "1", "--yes"},
          Command{"fsck", path_, "--clean", "--yes"}, Command{"compact", path_, "--yes"},
          Command{"verify", path_}, Command{"fsck", path_}, Command{"digest", path_, "latest"},
          Command{"export", path_, "latest", NewPlace()}, Command{"dump", path_, "latest"},
          Command{"pin", path_, "latest", "name"}}) {
      const Outcome outcome = Inspect(command);
      EXPECT_EQ(outcome.exit_code, 5) << command[0] << outcome.err;
      EXPECT_CONTAINS(outcome.err, "subtask-not-found");
    }
    EXPECT_TRUE(LookAt(path_) == before);
    const Outcome list = Inspect({"list", path_});
    EXPECT_EQ(list.exit_code, 0);
    EXPECT_CONTAINS(list.err, "expected 2 subtasks");
    EXPECT_EQ(Inspect({"verify", path_, "--subtask", "0"}).exit_code, 0);
  }
}

// Of a segment whose second table does not begin well it was said that its checksums hold.
TEST_F(JobMannersTest, ADamagedSegmentIsIdentified) {
  MakeJob();
  for (const auto& entry : fs::directory_iterator(path_ + "/subtasks/00000/log")) {
    const std::string content = ReadFile(entry.path());
    EXPECT_EQ(Inspect({"identify", entry.path()}).exit_code, 0);
    for (size_t at = 0; at + 64 < content.size(); at += 97) {
      const std::string copy = directory_ / "copy.sst";
      WriteFile(copy, content);
      FlipByte(copy, at);
      const Outcome outcome = Inspect({"identify", copy});
      // RocksDB's own words on a table's properties nobody checks who only reads its records.
      const bool may_be_none = at >= content.size() / 2 && outcome.exit_code == 0;
      EXPECT_TRUE(outcome.exit_code == 4 || may_be_none) << at << outcome.out << outcome.err;
    }
    return;
  }
}

}  // namespace
}  // namespace tidemark::test
