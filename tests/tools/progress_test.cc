// That long commands of ckpt-inspect are seen to be alive, and what is left when they are
// interrupted.
#include "tests/tools/store_repository.h"

#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <thread>

namespace tidemark::test {
namespace {

class ProgressTest : public JobFixture {
 protected:
  void MakeLargeJob() {
    const auto store = OpenJob();
    auto table = store->OpenTable("bytes", {}).value();
    for (int i = 0; i < 5000; ++i) table.Put(std::to_string(i), std::string(50, 'v')).Check();
    store->Checkpoint(1).value().Wait().Check();
    store->Drain().Check();
    for (int i = 0; i < 2000; ++i) table.Put(std::to_string(i), std::string(50, 'w')).Check();
    store->Checkpoint(2).value().Wait().Check();
    store->Close().Check();
  }
  std::vector<std::vector<std::string>> Commands() const {
    return {{"verify", path_},      {"verify", path_, "--level", "read"},
            {"digest", path_, "1"}, {"stats", path_, "1"},
            {"dump", path_, "1"},   {"export", path_, "1", directory_ / "export"},
            {"log", path_}};
  }
};

TEST_F(ProgressTest, IsALineNowAndThenOnStandardError) {
  MakeLargeJob();
  for (const auto& command : Commands()) {
    const Outcome quick = Inspect(command);
    EXPECT_EQ(quick.exit_code, 0) << command[0] << quick.err;
    EXPECT_LACKS(quick.err, ": 0 ") << command[0] << " is too quick for progress";
    std::filesystem::remove_all(directory_ / "export");
    const Outcome often = Inspect(command, {.environment = {"CKPT_INSPECT_PROGRESS_SECONDS=0"}});
    EXPECT_EQ(often.exit_code, 0) << often.err;
    EXPECT_EQ(often.out, quick.out);
    EXPECT_CONTAINS(often.err,
                    command[0] == "verify" ? std::string("verify subtask 0: ") : command[0] + ": ");
    EXPECT_LACKS(often.err, "\r");
    std::filesystem::remove_all(directory_ / "export");
  }
}

TEST_F(ProgressTest, IsNoneInJson) {
  MakeLargeJob();
  for (auto command : Commands()) {
    command.push_back("--json");
    const Outcome outcome = Inspect(command, {.environment = {"CKPT_INSPECT_PROGRESS_SECONDS=0"}});
    EXPECT_EQ(outcome.exit_code, 0);
    EXPECT_EQ(outcome.err, "") << command[0];
  }
}

TEST_F(ProgressTest, IsABarOnATerminalThatIsGoneAtTheEnd) {
  if (!CanMakeTerminal())
    GTEST_SKIP() << "script(1) of util-linux is not installed: nothing to make a terminal with";
  MakeLargeJob();
  const std::string transcript = directory_ / "transcript";
  const auto run = [&](const std::string& arguments) {
    const std::string command =
        "env TERM=xterm CKPT_INSPECT_PROGRESS_SECONDS=0 script -qec \"stty cols 60; '" +
        InspectPath() + "' " + arguments + "\" /dev/null </dev/null >'" + transcript + "' 2>&1";
    EXPECT_EQ(std::system(command.c_str()), 0);
    return ReadFile(transcript);
  };
  const std::string digest = run("digest " + path_ + " 1");
  EXPECT_CONTAINS(digest, "\r\x1b[K[");
  EXPECT_CONTAINS(digest, " digest: ");
  // The last one is deleted before the answer.
  EXPECT_EQ(digest.substr(digest.rfind("\x1b[K") + 3).size(), 64 + std::string("\r\n").size());
  // What is written to the terminal as it comes is not drawn over.
  EXPECT_LACKS(run("dump " + path_ + " 1"), "\r\x1b[K");
}

// A directory in TMPDIR was left by every command that somebody interrupted.
TEST_F(ProgressTest, AnInterruptedCommandLeavesNothing) {
  MakeLargeJob();
  const std::string temporary = directory_ / "tmp";
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    std::filesystem::create_directories(temporary);
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    // It blocks when the pipe is full, as nobody reads.
    const pid_t child = fork();
    if (child == 0) {
      setenv("TMPDIR", temporary.c_str(), 1);
      dup2(ends[1], STDOUT_FILENO);
      close(ends[0]);
      std::signal(signal, SIG_DFL);
      execl(InspectPath().c_str(), "ckpt-inspect", "dump", path_.c_str(), "1", nullptr);
      _exit(126);
    }
    ASSERT_GT(child, 0);
    close(ends[1]);
    char first = 0;
    ASSERT_EQ(read(ends[0], &first, 1), 1);
    EXPECT_FALSE(std::filesystem::is_empty(temporary));
    ASSERT_EQ(kill(child, signal), 0);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    close(ends[0]);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == signal) << status;
    EXPECT_TRUE(std::filesystem::is_empty(temporary)) << "after signal " << signal;
  }
}

}  // namespace
}  // namespace tidemark::test
