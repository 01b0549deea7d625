#include "tests/crash/in_child.h"

#include <gtest/gtest.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>
#include <iterator>

namespace tidemark::test {
namespace {

ptrdiff_t CountThreads() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return std::distance(begin(tasks), end(tasks));
}

// One, and those of a sanitizer.
const ptrdiff_t kThreadsAtStart = CountThreads();

// Of the test so far. A child begins with those of its parent, which are no findings of its own.
int CountFailures() {
  const ::testing::UnitTest& unit = *::testing::UnitTest::GetInstance();
  const ::testing::TestInfo* const test = unit.current_test_info();
  const ::testing::TestResult& result =  // outside of a test what sets a suite up counts
      test != nullptr ? *test->result() : unit.current_test_suite()->ad_hoc_test_result();
  int failures = 0;
  for (int i = 0; i < result.total_part_count(); ++i)
    failures += result.GetTestPartResult(i).failed() ? 1 : 0;
  return failures;
}

}  // namespace

const char* const kDied = "killed by signal 9 (Killed)";

void Die() {
  kill(getpid(), SIGKILL);
  while (true) pause();
}

std::string InChild(const std::function<void()>& part, unsigned seconds_max) {
  if (CountThreads() > kThreadsAtStart)
    return "not run: the test's own process has started threads, which the child would lack";
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child < 0) return "cannot fork";
  if (child == 0) {
    const int failures_before = CountFailures();
    alarm(seconds_max);
    try {
      part();
    } catch (const std::exception& thrown) {
      ADD_FAILURE() << "thrown: " << thrown.what();
    }
    std::fflush(nullptr);
    _exit(CountFailures() > failures_before ? 1 : 0);
  }
  int status = 0;
  if (waitpid(child, &status, 0) != child) return "cannot wait";
  if (WIFSIGNALED(status))
    return "killed by signal " + std::to_string(WTERMSIG(status)) + " (" +
           strsignal(WTERMSIG(status)) + ")";
  if (WEXITSTATUS(status) == 0) return "";
  return WEXITSTATUS(status) == 1 ? "expectations failed"
                                  : "exit code " + std::to_string(WEXITSTATUS(status));
}

}  // namespace tidemark::test
