// What holds for all commands of ckpt-inspect: exit codes, what goes where, and that nothing is
// touched.
#include "tests/tools/inspect_fixture.h"

#include "format/checksum.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <sstream>

namespace tidemark::test {
namespace {

namespace fs = std::filesystem;

class MannersTest : public InspectFixture {
 protected:
  // Every command, in text and in JSON.
  std::vector<std::vector<std::string>> Commands() const {
    std::vector<std::vector<std::string>> commands{{"list", path_},
                                                   {"show", path_, "latest"},
                                                   {"verify", path_},
                                                   {"verify", path_, "--level", "files"},
                                                   {"verify", path_, "--level", "manifest"},
                                                   {"list", path_, "--tree"},
                                                   {"prune", path_, "--keep-last", "2", "-n"},
                                                   {"request", path_, "--list"},
                                                   {"compact", path_, "-n"},
                                                   {"fsck", path_}};
    for (size_t i = 0, n = commands.size(); i < n; ++i) {
      commands.push_back(commands[i]);
      commands.back().push_back("--json");
    }
    return commands;
  }
  void ExpectEach(int exit_code, const std::string& in_err) {
    for (const auto& command : Commands()) {
      const Outcome outcome = Inspect(command);
      EXPECT_EQ(outcome.exit_code, exit_code) << command[0] << ": " << outcome.err;
      EXPECT_CONTAINS(outcome.err, in_err);
      EXPECT_EQ(outcome.out, "") << command[0];
      if (command.back() == "--json") {
        ASSERT_GE(outcome.json_errors().size(), 1u);
        EXPECT_EQ(outcome.json_errors()[0]["schema"].text(), "tidemark.error/1");
      }
    }
  }
};

TEST_F(MannersTest, WrongCommandLinesAreUsageErrors) {
  MakeSample().Close();
  const std::vector<std::vector<std::string>> wrong{
      {},
      {"lost", path_},
      {"list"},
      {"list", path_, "7"},
      {"list", path_, "--subtask", "x"},
      {"list", path_, "--subtask", "-1"},
      {"list", path_, "--level", "files"},
      {"list", "s3://bucket/job"},
      {"list", ""},
      {"show", path_},
      {"show", path_, ".newest"},
      {"show", path_, "latest~"},
      {"show", path_, "latest~-1"},
      {"show", path_, "latest~1x"},
      {"show", path_, ""},
      {"show", path_, "18446744073709551616"},
      {"verify", path_, "--level", "all"},
      {"verify", path_, "12", "yester day"},
  };
  for (std::vector<std::string> command : wrong) {
    const Outcome text = Inspect(command);
    EXPECT_EQ(text.exit_code, 2) << ::testing::PrintToString(command) << text.err;
    EXPECT_EQ(text.out, "");
    EXPECT_TRUE(text.err.starts_with("ckpt-inspect: error: ")) << text.err;
    command.push_back("--json");
    const Outcome json = Inspect(command);
    EXPECT_EQ(json.exit_code, 2);
    ASSERT_EQ(json.json_errors().size(), 1u) << json.err;
    EXPECT_EQ(json.json_errors()[0]["exit_code"].number(), 2u);
  }
}

TEST_F(MannersTest, HelpAndVersionAreData) {
  const Outcome version = Inspect({"--version"});
  EXPECT_EQ(version.exit_code, 0);
  EXPECT_TRUE(version.out.starts_with("ckpt-inspect 0.")) << version.out;
  for (const std::vector<std::string>& command :
       std::vector<std::vector<std::string>>{{"--help"},
                                             {"list", "--help"},
                                             {"show", "--help"},
                                             {"verify", "--help"},
                                             {"prune", "--help"},
                                             {"pin", "--help"},
                                             {"unpin", "--help"},
                                             {"request", "--help"},
                                             {"compact", "--help"},
                                             {"fsck", "--help"}}) {
    const Outcome help = Inspect(command);
    EXPECT_EQ(help.exit_code, 0);
    EXPECT_EQ(help.err, "");
    EXPECT_CONTAINS(help.out, "Examples:\n  ckpt-inspect ");
    EXPECT_CONTAINS(help.out, "Exit codes:\n");
    EXPECT_CONTAINS(help.out, "\n  70  ");
  }
}

TEST_F(MannersTest, WhatIsNotThereIsNotFound) {
  ExpectEach(5, "repository-not-found");
  fs::create_directories(path_);
  ExpectEach(5, "repository-not-found");
  WriteFile(path_ + "/notes.txt", "not a repository");
  ExpectEach(5, "not-a-repository");
  WriteFile(path_ + "/FORMAT", "not of a repository");
  ExpectEach(5, "not-a-repository");
  fs::remove_all(path_);
  WriteFile(path_, "a file");
  ExpectEach(5, "not-a-directory");
  EXPECT_EQ(ReadFile(path_), "a file");
}

TEST_F(MannersTest, TheSystemsRootIsToldApartAtOnce) {
  EXPECT_EQ(Inspect({"list", "/"}).exit_code, 5);
}

TEST_F(MannersTest, ANewerFormatIsRefused) {
  MakeSample().Close();
  // Offset 8: the major version; offset 12: the check over the twelve bytes before it.
  std::string file = ReadFile(path_ + "/FORMAT");
  file[8] = 2;
  const auto check =
      static_cast<uint32_t>(format::Checksum64(std::string_view(file).substr(0, 12)));
  std::memcpy(file.data() + 12, &check, sizeof(check));
  WriteFile(path_ + "/FORMAT", file);
  ExpectEach(7, "format-newer");
}

TEST_F(MannersTest, UrisWorkAsPathsDo) {
  MakeSample().Close();
  EXPECT_EQ(Inspect({"verify", "file://" + path_}).exit_code, 0);
  EXPECT_EQ(Inspect({"verify", path_ + "/"}).exit_code, 0);
}

TEST_F(MannersTest, NothingIsCreatedOrChanged) {
  SampleRepository sample = MakeSample();
  const auto run_all = [&] {
    const Tree before = LookAt(directory_.path());
    for (const auto& command : Commands()) static_cast<void>(Inspect(command));
    EXPECT_EQ(LookAt(directory_.path()), before);
  };
  run_all();  // beside a live writer
  sample.Close();
  run_all();
  fs::remove(path_ + "/subtasks/00000/LOCK");
  run_all();
  fs::remove(sample.PathOf(format::FileKind::kSegment, 0));
  run_all();
  fs::remove_all(path_ + "/subtasks/00000/manifest");
  run_all();
  fs::remove(path_ + "/FORMAT");
  run_all();
  fs::remove_all(path_);
  run_all();
}

// A user without any right to write.
TEST_F(MannersTest, ADirectoryThatMustNotBeWrittenIsEnough) {
  MakeSample().Close();
  const bool is_root = geteuid() == 0;
  fs::permissions(directory_.path(), fs::perms(0755));
  if (is_root && Inspect({"--version"}, {.as_nobody = true}).exit_code != 0)
    GTEST_SKIP() << "user nobody cannot run " << InspectPath();
  for (const auto& entry : fs::recursive_directory_iterator(path_))
    fs::permissions(entry.path(), fs::perms(entry.is_directory() ? 0555 : 0444));
  fs::permissions(path_, fs::perms(0555));
  for (const auto& command : Commands()) {
    const Outcome outcome = Inspect(command, {.as_nobody = is_root});
    EXPECT_EQ(outcome.exit_code, 0) << command[0] << outcome.err;
  }
  for (const auto& entry : fs::recursive_directory_iterator(path_))
    if (entry.is_directory()) fs::permissions(entry.path(), fs::perms(0755));
  fs::permissions(path_, fs::perms(0755));
}

TEST_F(MannersTest, WhatMayNotBeReadIsIncomplete) {
  MakeSample().Close();
  const bool is_root = geteuid() == 0;
  fs::permissions(directory_.path(), fs::perms(0755));
  if (is_root && Inspect({"--version"}, {.as_nobody = true}).exit_code != 0)
    GTEST_SKIP() << "user nobody cannot run " << InspectPath();
  for (const char* part : {"/subtasks/00000/manifest", "/subtasks/00000/log", "/FORMAT", ""}) {
    fs::permissions(path_ + part, fs::perms(0));
    const Outcome outcome = Inspect({"verify", path_}, {.as_nobody = is_root});
    EXPECT_EQ(outcome.exit_code, 3) << part << ": " << outcome.out << outcome.err;
    fs::permissions(path_ + part, fs::perms(0755));
  }
}

TEST_F(MannersTest, ABrokenPipeIsSuccess) {
  MakeSample().Close();
  for (const auto& command : Commands()) {
    int ends[2];
    ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
    close(ends[0]);
    const Outcome outcome = Inspect(command, {.stdout_descriptor = ends[1]});
    close(ends[1]);
    EXPECT_EQ(outcome.exit_code, 0) << command[0] << outcome.err;
    EXPECT_LACKS(outcome.err, "error");
  }
}

TEST_F(MannersTest, PipesIntoHeadAsScriptsDoIt) {
  MakeSample().Close();
  const std::string command = "{ '" + InspectPath() + "' list '" + path_ +
                              "' 2>&1; echo \"exit $?\" >&2; } 2>&1 >/dev/null | head -0; '" +
                              InspectPath() + "' list '" + path_ + "' 2>/dev/null | head -1";
  std::FILE* const pipe = popen(command.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  char line[256] = {};
  ASSERT_NE(std::fgets(line, sizeof(line), pipe), nullptr);
  EXPECT_TRUE(std::string(line).starts_with("ID  ")) << line;
  EXPECT_EQ(pclose(pipe), 0);
}

TEST_F(MannersTest, OutputThatCannotBeWrittenIsNoSuccess) {
  MakeSample().Close();
  if (access("/dev/full", W_OK) != 0) GTEST_SKIP() << "no /dev/full here";
  const Outcome outcome = Inspect({"list", path_}, {.stdout_path = "/dev/full"});
  EXPECT_EQ(outcome.exit_code, 3);
  EXPECT_CONTAINS(outcome.err, "cannot write to standard output");
}

class TerminalTest : public MannersTest {
 protected:
  void SetUp() override {
    if (!CanMakeTerminal())
      GTEST_SKIP() << "script(1) of util-linux is not installed: nothing to make a terminal with";
    MakeSample().Close();
  }
  // What a terminal shows of the command.
  std::string InTerminal(const std::string& arguments, const std::string& environment) {
    const std::string transcript = directory_ / "transcript";
    const std::string command = environment + " script -qec \"'" + InspectPath() + "' " +
                                arguments + "\" /dev/null </dev/null >'" + transcript + "' 2>&1";
    exit_code_ = WEXITSTATUS(std::system(command.c_str()));
    return ReadFile(transcript);
  }
  int exit_code_ = -1;
};

TEST_F(TerminalTest, ShowsColours) {
  const std::string list = InTerminal("list " + path_, "env -u NO_COLOR TERM=xterm");
  EXPECT_CONTAINS(list, "\x1b[1mID");
  EXPECT_EQ(exit_code_, 0);
  EXPECT_CONTAINS(InTerminal("verify " + path_, "env -u NO_COLOR TERM=xterm"),
                  "\x1b[32mverdict\x1b[0m  intact");
}

// What does not fit is left out and named; a wide terminal shows everything.
TEST_F(TerminalTest, FitsItsWidth) {
  const auto lines_of = [&](const std::string& command, size_t width) {
    const std::string transcript = directory_ / "transcript";
    const std::string in_terminal = "env NO_COLOR=1 TERM=xterm script -qec \"stty cols " +
                                    std::to_string(width) + "; '" + InspectPath() + "' " + command +
                                    " 2>/dev/null\" /dev/null </dev/null >'" + transcript + "'";
    EXPECT_EQ(std::system(in_terminal.c_str()), 0);
    std::vector<std::string> lines;
    std::istringstream text(ReadFile(transcript));
    for (std::string line; std::getline(text, line);) {
      while (line.ends_with('\r')) line.pop_back();
      lines.push_back(line);
    }
    return lines;
  };
  const auto has = [](const std::vector<std::string>& lines, const std::string& heading) {
    return std::any_of(lines.begin(), lines.end(),
                       [&](const std::string& line) { return Contains(line, heading); });
  };
  for (const char* command : {"list ", "show "}) {
    const std::string arguments = command + path_ + (command[0] == 's' ? " latest" : "");
    const std::string rank = command[0] == 's' ? "XXH3-128" : "SUBTASK";
    const auto narrow = lines_of(arguments, 80);
    const auto wide = lines_of(arguments, 200);
    EXPECT_FALSE(has(narrow, rank)) << command;
    EXPECT_TRUE(has(wide, rank)) << command;
    // Facts about one thing are sentences, which may be longer.
    for (const std::string& line : narrow) {
      EXPECT_TRUE(line.size() <= 80 || line.starts_with("  ")) << line;
    }
    for (const std::string& line : wide) EXPECT_LE(line.size(), 200u) << line;
    EXPECT_EQ(narrow.size(), wide.size());
  }
  // Elsewhere nothing is left out.
  EXPECT_CONTAINS(Inspect({"show", path_, "latest"}).out, "XXH3-128");
}

TEST_F(TerminalTest, ShowsNoneWhenToldSo) {
  EXPECT_LACKS(InTerminal("list " + path_, "env NO_COLOR=1 TERM=xterm"), "\x1b");
  EXPECT_LACKS(InTerminal("list " + path_, "env -u NO_COLOR TERM=dumb"), "\x1b");
  EXPECT_LACKS(InTerminal("show " + path_ + " latest --json", "env -u NO_COLOR TERM=xterm"),
               "\x1b");
  // An empty NO_COLOR says nothing.
  EXPECT_CONTAINS(InTerminal("list " + path_, "env NO_COLOR= TERM=xterm"), "\x1b[1m");
}

}  // namespace
}  // namespace tidemark::test
