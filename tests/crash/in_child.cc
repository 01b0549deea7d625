#include "tests/crash/in_child.h"

#include <gtest/gtest.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <exception>

namespace tidemark::test {

const char* const kDied = "killed by signal 9 (Killed)";

void Die() {
  kill(getpid(), SIGKILL);
  while (true) pause();
}

std::string InChild(const std::function<void()>& part, unsigned seconds_max) {
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child < 0) return "cannot fork";
  if (child == 0) {
    alarm(seconds_max);
    try {
      part();
    } catch (const std::exception& thrown) {
      ADD_FAILURE() << "thrown: " << thrown.what();
    }
    std::fflush(nullptr);
    _exit(::testing::Test::HasFailure() ? 1 : 0);
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
